-- Punctuality of carriers: load carriers received in time, with one row for each account, month and carrier.
--
-- Only load carriers whose time of receipt was reported count: not every hub reports it. In time means at or before the
-- latest delivery of the shipment; the month is that of the latest delivery in Amsterdam. Each load carrier counts
-- once, whatever its load. Shipments that are drafts, cancelled or failed do not count.
--
-- parameters:
--   from_date  first day of the latest delivery, in Amsterdam
--   to_date    last day of the latest delivery, in Amsterdam
--
-- columns:
--   account                  name of the account in the settings
--   month                    month of the latest delivery, as its first day
--   carrier_organization_id  carrier (organizations.organizations); NULL if the shipment has none
--   carrier_name             its name; NULL if it is not in the warehouse
--   load_carriers            load carriers that were received
--   on_time                  of these, received at the latest delivery or before
--   share                    fraction of the load carriers that was in time, 1 for all
--   average_minutes_late     average minutes from the latest delivery to the receipt, of late load carriers
--
-- tables:
--   fulfillment.fulfillment_order_load_carriers
--   fulfillment.fulfillment_orders
--   organizations.organizations

WITH received AS (
    SELECT
        f.account,
        CAST(timezone('Europe/Amsterdam', f.latest_delivery_date_time) AS DATE) AS day,
        f.carrier_organization_id,
        l.receipt_date_time <= f.latest_delivery_date_time AS in_time,
        epoch_us(l.receipt_date_time) - epoch_us(f.latest_delivery_date_time) AS microseconds_late
    FROM fulfillment.fulfillment_order_load_carriers l
    JOIN fulfillment.fulfillment_orders f
        ON f.account = l.account AND f.fulfillment_order_id = l.fulfillment_order_id
    WHERE l.receipt_date_time IS NOT NULL
        AND f.latest_delivery_date_time IS NOT NULL
        AND coalesce(f.status, '') NOT IN ('DRAFT', 'CANCELLED', 'FAILED')
),
months AS (
    SELECT
        r.account,
        CAST(date_trunc('month', r.day) AS DATE) AS month,
        r.carrier_organization_id,
        count(*) AS load_carriers,
        count(*) FILTER (r.in_time) AS on_time,
        avg(r.microseconds_late / 60000000) FILTER (NOT r.in_time) AS minutes
    FROM received r
    WHERE (from_date IS NULL OR r.day >= CAST(from_date AS DATE))
        AND (to_date IS NULL OR r.day <= CAST(to_date AS DATE))
    GROUP BY ALL
)
SELECT
    m.account,
    m.month,
    m.carrier_organization_id,
    o.name AS carrier_name,
    m.load_carriers,
    m.on_time,
    CAST(m.on_time / m.load_carriers AS DECIMAL(18, 6)) AS share,
    CAST(m.minutes AS DECIMAL(18, 6)) AS average_minutes_late
FROM months m
LEFT JOIN organizations.organizations o
    ON o.account = m.account AND o.organization_id = m.carrier_organization_id
ORDER BY m.account, m.month DESC, m.load_carriers DESC, m.carrier_organization_id
