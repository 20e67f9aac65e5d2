-- What was delivered of what was first ordered: the orders of reports.fill_rate.

SELECT
    d.account,
    week_of(d.day) AS week,
    {partner} AS partner,
    d.trade_item_id AS item,
    count(*) AS orders,
    sum(d.ordered_pieces) AS ordered,
    sum(d.delivered_pieces) AS delivered,
    sum(d.short_by_grower) AS short_by_grower,
    sum(d.short_by_customer) AS short_by_customer,
    sum(d.over_delivered) AS over
FROM fill_rate_detail() d
GROUP BY ALL
