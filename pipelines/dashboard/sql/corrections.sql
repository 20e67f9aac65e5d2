-- Correction requests, what they changed, and how long those without an answer have waited: the requests of reports.corrections.
-- Reasons are free text: all but the most frequent ones are added up as others.

WITH {reasons},
requests AS (
    SELECT
        d.*,
        d.status IN ('PENDING', 'PENDING_CLAIM') AND NOT d.is_overdue AS is_open,
        (epoch_us(now()) - epoch_us(d.requested_at)) / 3600000000 AS hours
    FROM corrections_detail() d
)
SELECT
    d.account,
    week_of(d.day) AS week,
    {partner} AS partner,
    d.trade_item_id AS item,
    d.money AS currency,
    d.initiated_by AS initiator,
    d.kind,
    CASE WHEN r.reason IS NULL AND d.reason IS NOT NULL THEN '*' ELSE r.reason END AS reason,
    count(*) AS requests,
    count(*) FILTER (d.status = 'ACCEPTED') AS accepted,
    count(*) FILTER (d.status = 'DECLINED') AS declined,
    count(*) FILTER (d.is_open) AS pending,
    count(*) FILTER (d.is_overdue) AS overdue,
    count(*) FILTER (d.status = 'EXPIRED') AS expired,
    sum(d.pieces_delta) AS pieces,
    sum(d.value_delta) AS value,
    coalesce(round(sum(d.hours) FILTER (d.is_open), 2), 0) AS waited,
    coalesce(round(sum(d.hours) FILTER (d.is_overdue), 2), 0) AS waited_overdue,
    coalesce(sum(d.order_amount) FILTER (d.is_open), 0) AS open_worth
FROM requests d
LEFT JOIN reasons r ON r.account = d.account AND r.reason = d.reason
GROUP BY ALL
