-- Complaints, other corrections that somebody else than the grower requested, and failed orders: those of reports.complaints.
-- Reasons are free text: all but the most frequent ones are added up as others.

WITH {reasons}
SELECT
    d.account,
    week_of(d.day) AS week,
    {partner} AS partner,
    d.trade_item_id AS item,
    d.money AS currency,
    d.kind,
    CASE WHEN r.reason IS NULL AND d.reason IS NOT NULL THEN '*' ELSE r.reason END AS reason,
    d.reclamation_action_decision AS decision,
    count(*) AS complaints,
    count(*) FILTER (d.status = 'ACCEPTED') AS accepted,
    count(*) FILTER (d.status = 'DECLINED') AS declined,
    count(d.answer_hours) AS answers,
    coalesce(round(sum(d.answer_hours), 2), 0) AS hours,
    sum(d.pieces) AS pieces,
    sum(d.value) AS value
FROM complaints_detail() d
LEFT JOIN reasons r ON r.account = d.account AND r.reason = d.reason
GROUP BY ALL
