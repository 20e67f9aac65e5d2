-- What was delivered of what was first ordered: the orders of reports.fill_rate. What the report counts as short by the grower is
-- split by whether the order can still leave, and what it counts as short by the customer by whether the order was cancelled.

WITH overdue AS (
    -- Nothing of these has left yet, and the report of open orders still expects that it will.
    SELECT o.account, o.sales_order_id
    FROM {open_orders} o
    WHERE o.status = 'COMMITTED' AND o.next_step = 'PICK' AND o.claimed_packages = 0
)
SELECT
    d.account,
    week_of(d.day) AS week,
    {partner} AS partner,
    d.trade_item_id AS item,
    count(*) AS orders,
    count(*) FILTER (d.status = 'CANCELLED') AS cancelled_orders,
    count(*) FILTER (d.status = 'UNFULFILLABLE') AS unfulfillable_orders,
    count(*) FILTER (o.account IS NOT NULL) AS pending_orders,
    sum(d.ordered_pieces) AS ordered,
    sum(d.delivered_pieces) AS delivered,
    coalesce(sum(d.short_by_grower) FILTER (o.account IS NULL), 0) AS short_by_grower,
    coalesce(sum(d.short_by_grower) FILTER (o.account IS NOT NULL), 0) AS pending,
    coalesce(sum(d.short_by_customer) FILTER (d.status <> 'CANCELLED'), 0) AS reduced,
    coalesce(sum(d.short_by_customer) FILTER (d.status = 'CANCELLED'), 0) AS cancelled,
    sum(d.over_delivered) AS over
FROM fill_rate_detail() d
LEFT JOIN overdue o ON o.account = d.account AND o.sales_order_id = d.sales_order_id
GROUP BY ALL
