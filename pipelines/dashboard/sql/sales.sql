-- Orders that count as revenue, with what was paid for their bare pieces: reports.revenue_by_week, customer_ranking,
-- channel_mix and clock_versus_direct group the same ones.

SELECT
    d.account,
    week_of(d.monday) AS week,
    {partner} AS partner,
    d.trade_item_id AS item,
    d.sales_channel AS channel,
    d.trade_instrument AS instrument,
    d.money AS currency,
    d.price_money AS price_currency,
    count(*) AS orders,
    sum(d.pieces) AS pieces,
    sum(d.revenue) AS revenue,
    sum(d.paid) AS paid,
    sum(d.priced_pieces) AS priced_pieces
FROM revenue_by_week_detail() d
GROUP BY ALL
