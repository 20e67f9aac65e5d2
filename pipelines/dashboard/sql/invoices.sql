-- What is invoiced differently than ordered, or not at all: the orders of reports.invoice_reconciliation, by cause and by the
-- days since their latest delivery. They have no week: an old order is as open as a new one. Nothing is open of those whose
-- invoices cannot be known, which have the reason for that.

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
    coalesce(sum(d.excess_amount), 0) AS excess
FROM invoice_reconciliation_detail() d
GROUP BY ALL
