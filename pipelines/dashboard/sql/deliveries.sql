-- Load carriers that were received in time: those of reports.on_time_delivery.

SELECT
    d.account,
    week_of(d.day) AS week,
    d.carrier_organization_id AS carrier,
    count(*) AS load_carriers,
    count(*) FILTER (d.on_time) AS on_time,
    count(*) FILTER (d.late) AS late,
    count(*) FILTER (d.not_received) AS not_received
FROM on_time_delivery_detail() d
GROUP BY ALL
