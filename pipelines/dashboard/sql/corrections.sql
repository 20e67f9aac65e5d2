-- Correction requests and what they changed: the requests of reports.corrections.

SELECT
    o.account,
    week_of(o.day) AS week,
    {partner} AS partner,
    o.trade_item_id AS item,
    o.money AS currency,
    o.initiated_by AS initiator,
    count(*) AS requests,
    count(*) FILTER (o.status = 'ACCEPTED') AS accepted,
    sum(o.pieces_delta) AS pieces,
    sum(o.value_delta) AS value
FROM corrections_detail() o
GROUP BY ALL
