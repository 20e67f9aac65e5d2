-- Shipped and invoiced load carriers: one row for each account, month and load carrier type.
--
-- The month is that of the shipment's latest delivery in Amsterdam, for its invoice lines too, so that both count the
-- same shipments. Lines of shipments that are not in the warehouse (Floriday stops serving these first) count in the
-- month of their invoice. Shipments without that time are in a row without a month, unless from_date or to_date is
-- given.
--
-- Shipments that are drafts, cancelled or failed have no load carriers, but their invoice lines count. A line counts
-- only with an invoice, not while it is only settled. Packages are no load carriers. Load carriers that Floriday
-- invoices as DANISH_TROLLEY may have been shipped as one of its special kinds, which have separate rows.
--
-- parameters:
--   from_date  first day, in Amsterdam
--   to_date    last day, in Amsterdam
--
-- columns:
--   account            name of the account in the settings
--   month              month, as its first day
--   load_carrier_type  kind of load carrier; NULL if unknown
--   carriers           shipped load carriers
--   additional_layers  shelves on them, besides the first
--   invoiced           load carriers that were invoiced
--   invoiced_layers    shelves that were invoiced
--
-- tables:
--   fulfillment.fulfillment_order_load_carriers
--   fulfillment.fulfillment_orders
--   fulfillment.logistic_means_invoice_lines

WITH means AS (
    SELECT
        f.account,
        f.latest_delivery_date_time AS moment,
        l.load_carrier_type,
        count(*) AS carriers,
        sum(l.number_of_additional_layers) AS additional_layers,
        0 AS invoiced,
        0 AS invoiced_layers
    FROM fulfillment.fulfillment_order_load_carriers l
    JOIN fulfillment.fulfillment_orders f
        ON f.account = l.account AND f.fulfillment_order_id = l.fulfillment_order_id
    WHERE coalesce(f.status, '') NOT IN ('DRAFT', 'CANCELLED', 'FAILED')
    GROUP BY ALL
    UNION ALL
    SELECT
        l.account,
        CASE WHEN f.account IS NULL THEN l.invoice_date ELSE f.latest_delivery_date_time END AS moment,
        regexp_replace(l.logistic_means_type, '_LAYER$', '') AS load_carrier_type,
        0 AS carriers,
        0 AS additional_layers,
        sum(l.number_of_items) FILTER (coalesce(NOT suffix(l.logistic_means_type, '_LAYER'), true)) AS invoiced,
        sum(l.number_of_items) FILTER (suffix(l.logistic_means_type, '_LAYER')) AS invoiced_layers
    FROM fulfillment.logistic_means_invoice_lines l
    LEFT JOIN fulfillment.fulfillment_orders f
        ON f.account = l.account AND f.fulfillment_order_id = l.fulfillment_order_id
    WHERE l.logistic_means_type IS DISTINCT FROM 'PACKAGE'
        AND (l.invoice_id IS NOT NULL OR l.invoice_date IS NOT NULL)
        AND NOT l.is_deleted
    GROUP BY ALL
),
detail AS (
    SELECT *, CAST(timezone('Europe/Amsterdam', moment) AS DATE) AS day FROM means
)
SELECT
    d.account,
    CAST(date_trunc('month', d.day) AS DATE) AS month,
    d.load_carrier_type,
    CAST(sum(d.carriers) AS BIGINT) AS carriers,
    CAST(coalesce(sum(d.additional_layers), 0) AS BIGINT) AS additional_layers,
    CAST(coalesce(sum(d.invoiced), 0) AS BIGINT) AS invoiced,
    CAST(coalesce(sum(d.invoiced_layers), 0) AS BIGINT) AS invoiced_layers
FROM detail d
WHERE (from_date IS NULL OR d.day >= CAST(from_date AS DATE))
    AND (to_date IS NULL OR d.day <= CAST(to_date AS DATE))
GROUP BY d.account, date_trunc('month', d.day), d.load_carrier_type
ORDER BY d.account, date_trunc('month', d.day) DESC NULLS LAST, 4 DESC, d.load_carrier_type
