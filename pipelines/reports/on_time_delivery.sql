-- Punctuality of carriers, the load carriers that arrived in time among all whose time has passed: one row for each
-- account, month and carrier.
--
-- In time means received at or before the latest delivery of the shipment; the month is that of the latest delivery in
-- Amsterdam. Each load carrier counts once, whatever its load. Shipments that are drafts, cancelled or failed do not
-- count, nor do shipments whose latest delivery is still to come.
--
-- A load carrier that was never received stays in the denominator, as not received. Not every hub reports receipts: the
-- trade may leave those load carriers out, and divide by received ones only (on_time + late). Load carriers that were
-- received at an unknown time are left out.
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
--   load_carriers            load carriers whose latest delivery has passed: on_time + late + not_received
--   on_time                  of these, received at the latest delivery or before
--   late                     of these, received later
--   not_received             of these, not received until now
--   share                    fraction of the load carriers that was in time, 1 for all
--   average_minutes_late     average minutes from the latest delivery to the receipt, of late load carriers
--
-- tables:
--   fulfillment.fulfillment_order_load_carriers
--   fulfillment.fulfillment_orders
--   organizations.organizations

WITH days AS (
    -- Converting to Amsterdam's time zone is slow, and there are fewer distinct times than load carriers.
    SELECT m.moment, CAST(timezone('Europe/Amsterdam', m.moment) AS DATE) AS day
    FROM (SELECT f.latest_delivery_date_time AS moment FROM fulfillment.fulfillment_orders f GROUP BY moment) m
),
detail AS (
    -- One row for each load carrier that counts.
    SELECT
        f.account,
        y.day,
        l.fulfillment_order_id,
        l.position,
        f.carrier_organization_id,
        f.supplier_organization_id,
        f.destination_organization_id,
        f.despatch_warehouse_id,
        coalesce(l.receipt_date_time <= f.latest_delivery_date_time, false) AS on_time,
        coalesce(l.receipt_date_time > f.latest_delivery_date_time, false) AS late,
        l.receipt_date_time IS NULL AS not_received,
        (epoch_us(l.receipt_date_time) - epoch_us(f.latest_delivery_date_time)) / 60000000 AS minutes_late
    FROM fulfillment.fulfillment_order_load_carriers l
    JOIN fulfillment.fulfillment_orders f
        ON f.account = l.account AND f.fulfillment_order_id = l.fulfillment_order_id
    JOIN days y ON y.moment = f.latest_delivery_date_time
    WHERE f.latest_delivery_date_time <= now()
        AND coalesce(f.status, '') NOT IN ('DRAFT', 'CANCELLED', 'FAILED')
        AND (l.receipt_date_time IS NOT NULL OR NOT coalesce(l.is_received, false))
        AND (from_date IS NULL OR y.day >= CAST(from_date AS DATE))
        AND (to_date IS NULL OR y.day <= CAST(to_date AS DATE))
),
months AS (
    SELECT
        d.account,
        CAST(date_trunc('month', d.day) AS DATE) AS month,
        d.carrier_organization_id,
        count(*) AS load_carriers,
        count(*) FILTER (d.on_time) AS on_time,
        count(*) FILTER (d.late) AS late,
        count(*) FILTER (d.not_received) AS not_received,
        avg(d.minutes_late) FILTER (d.late) AS minutes
    FROM detail d
    GROUP BY ALL
)
SELECT
    m.account,
    m.month,
    m.carrier_organization_id,
    o.name AS carrier_name,
    m.load_carriers,
    m.on_time,
    m.late,
    m.not_received,
    CAST(m.on_time / m.load_carriers AS DECIMAL(18, 6)) AS share,
    CAST(m.minutes AS DECIMAL(18, 6)) AS average_minutes_late
FROM months m
LEFT JOIN organizations.organizations o
    ON o.account = m.account AND o.organization_id = m.carrier_organization_id
ORDER BY m.account, m.month DESC, m.load_carriers DESC, m.carrier_organization_id
