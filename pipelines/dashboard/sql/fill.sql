-- What was delivered of what was first ordered: the orders of reports.fill_rate.

SELECT
    o.account,
    week_of(o.day) AS week,
    {partner} AS partner,
    o.trade_item_id AS item,
    count(*) AS orders,
    sum(o.ordered_pieces) AS ordered,
    sum(o.delivered_pieces) AS delivered
FROM fill_rate_detail() o
GROUP BY ALL
