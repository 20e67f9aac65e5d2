-- Correction requests and what they changed: the requests of reports.corrections.

SELECT
    d.account,
    week_of(d.day) AS week,
    {partner} AS partner,
    d.trade_item_id AS item,
    d.money AS currency,
    d.initiated_by AS initiator,
    count(*) AS requests,
    count(*) FILTER (d.status = 'ACCEPTED') AS accepted,
    count(*) FILTER (d.status = 'DECLINED') AS declined,
    count(*) FILTER (d.status IN ('PENDING', 'PENDING_CLAIM') AND NOT d.is_overdue) AS pending,
    count(*) FILTER (d.is_overdue) AS overdue,
    count(*) FILTER (d.status = 'EXPIRED') AS expired,
    sum(d.pieces_delta) AS pieces,
    sum(d.value_delta) AS value
FROM corrections_detail() d
GROUP BY ALL
