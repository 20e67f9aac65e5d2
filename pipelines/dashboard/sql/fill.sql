-- What was delivered of what was first ordered, as reports.fill_rate counts it.

{delivered_of_orders}
{days}
SELECT
    o.account,
    y.week,
    {partner} AS partner,
    o.trade_item_id AS item,
    count(*) AS orders,
    sum(coalesce(m.pieces, o.number_of_pieces)) AS ordered,
    coalesce(sum(d.pieces), 0) AS delivered
FROM orders.sales_orders o
LEFT JOIN days y ON y.moment = o.delivery_latest_delivery_date_time
LEFT JOIN original m ON m.account = o.account AND m.sales_order_id = o.sales_order_id
LEFT JOIN delivered d ON d.account = o.account AND d.sales_order_id = o.sales_order_id
WHERE o.status = 'COMMITTED'
    AND NOT o.is_deleted
    AND coalesce(o.delivery_latest_delivery_date_time <= now(), true)
    AND (coalesce(o.trade_instrument, '') NOT LIKE 'CLOCK%' OR d.sales_order_id IS NOT NULL)
GROUP BY ALL
