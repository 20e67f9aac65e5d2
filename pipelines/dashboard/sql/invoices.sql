-- What is invoiced differently than ordered, or not at all: the orders of reports.invoice_reconciliation. Nothing is open of
-- those whose invoices cannot be known.

SELECT
    d.account,
    week_of(d.day) AS week,
    {partner} AS partner,
    d.trade_item_id AS item,
    d.money AS currency,
    d.state AS reason,
    count(*) AS orders,
    sum(d.order_amount) AS ordered,
    sum(d.invoiced_amount) AS invoiced,
    coalesce(sum(d.open_amount), 0) AS open,
    coalesce(sum(d.excess_amount), 0) AS excess
FROM invoice_reconciliation_detail() d
GROUP BY ALL
