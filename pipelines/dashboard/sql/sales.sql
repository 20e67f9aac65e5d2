-- Orders, pieces and value as reports.revenue_by_week, customer_ranking and channel_mix count them, what was paid
-- for bare pieces as reports.clock_versus_direct does.

WITH {days}
SELECT
    o.account,
    d.week,
    {partner} AS partner,
    o.trade_item_id AS item,
    o.sales_channel AS channel,
    o.trade_instrument AS instrument,
    o.calculated_fields_order_amount_currency AS currency,
    o.price_per_piece_currency AS price_currency,
    count(*) AS orders,
    sum(o.number_of_pieces) AS pieces,
    sum(o.calculated_fields_order_amount_value) AS revenue,
    sum(CAST(o.price_per_piece_value AS DECIMAL(38, 6)) * o.number_of_pieces) AS paid,
    sum(o.number_of_pieces) FILTER (o.price_per_piece_value IS NOT NULL) AS priced_pieces
FROM orders.sales_orders o
LEFT JOIN days d ON d.moment = o.delivery_latest_delivery_date_time
WHERE o.status = 'COMMITTED' AND NOT o.is_deleted
GROUP BY ALL
