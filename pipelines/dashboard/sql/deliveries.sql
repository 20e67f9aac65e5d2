-- Load carriers that were received in time, as reports.on_time_delivery counts them.

SELECT
    f.account,
    week_of(timezone('Europe/Amsterdam', f.latest_delivery_date_time)) AS week,
    f.carrier_organization_id AS carrier,
    count(*) AS load_carriers,
    count(*) FILTER (l.receipt_date_time <= f.latest_delivery_date_time) AS on_time
FROM fulfillment.fulfillment_order_load_carriers l
JOIN fulfillment.fulfillment_orders f ON f.account = l.account AND f.fulfillment_order_id = l.fulfillment_order_id
WHERE l.receipt_date_time IS NOT NULL
    AND f.latest_delivery_date_time IS NOT NULL
    AND coalesce(f.status, '') NOT IN ('DRAFT', 'CANCELLED', 'FAILED')
GROUP BY ALL
