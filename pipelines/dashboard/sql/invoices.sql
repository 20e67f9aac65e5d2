-- What is invoiced differently than ordered, or not at all: the orders of reports.invoice_reconciliation, by cause and by the
-- days since their latest delivery. They have no week: an old order is as open as a new one. Nothing is open of those whose
-- invoices cannot be known, which have the reason for that. What is open is split by what reports.fill_rate says was delivered:
-- for pieces that were not, and for orders of which that is not known.

WITH open_orders AS (
    SELECT o.account, o.sales_order_id, o.open_amount, o.order_amount
    FROM invoice_reconciliation_detail() o
    WHERE o.open_amount > 0
),
deliveries AS (
    SELECT
        o.account,
        o.sales_order_id,
        least(
            o.open_amount, o.order_amount * (1 - least(f.delivered_pieces / nullif(f.agreed_pieces, 0), 1))
        ) AS undelivered
    FROM open_orders o
    JOIN {delivered} f ON f.account = o.account AND f.sales_order_id = o.sales_order_id
)
SELECT
    d.account,
    CAST(NULL AS INTEGER) AS week,
    {partner} AS partner,
    d.trade_item_id AS item,
    d.money AS currency,
    d.cause,
    d.unknown_because AS outside,
    CASE
        WHEN d.days_open <= 30 THEN '30'
        WHEN d.days_open <= 60 THEN '60'
        WHEN d.days_open <= 90 THEN '90'
        WHEN d.days_open <= 180 THEN '180'
        WHEN d.days_open <= 365 THEN '365'
        WHEN d.days_open > 365 THEN 'more'
    END AS age,
    count(*) AS orders,
    sum(d.order_amount) AS ordered,
    sum(d.invoiced_amount) AS invoiced,
    coalesce(sum(d.open_amount), 0) AS open,
    coalesce(sum(d.excess_amount), 0) AS excess,
    coalesce(sum(CAST(v.undelivered AS DECIMAL(38, 6))), 0) AS undelivered,
    coalesce(sum(d.open_amount) FILTER (v.undelivered IS NULL), 0) AS unreported
FROM invoice_reconciliation_detail() d
LEFT JOIN deliveries v ON v.account = d.account AND v.sales_order_id = d.sales_order_id
GROUP BY ALL
