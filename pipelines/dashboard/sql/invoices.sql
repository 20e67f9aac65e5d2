-- What is invoiced differently than ordered, or not at all: reports.invoice_reconciliation, added up.

SELECT
    r.account,
    week_of(r.delivery_date) AS week,
    {invoiced} AS partner,
    o.trade_item_id AS item,
    r.currency,
    r.state AS reason,
    count(*) AS orders,
    sum(r.order_amount) AS ordered,
    sum(r.invoiced_amount) AS invoiced,
    coalesce(sum(r.open_amount), 0) AS open,
    coalesce(sum(r.excess_amount), 0) AS excess
FROM reports.invoice_reconciliation r
JOIN orders.sales_orders o ON o.account = r.account AND o.sales_order_id = r.sales_order_id
WHERE r.state <> 'CANNOT_BE_KNOWN'
GROUP BY ALL
