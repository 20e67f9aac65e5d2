{days},
committed_orders AS (
    -- The orders that count as revenue, one row each, with the day, week and month of their latest delivery.
    SELECT
        o.account,
        o.sales_order_id,
        o.order_date_time,
        d.day,
        d.monday,
        d.month,
        o.delivery_latest_delivery_date_time AS latest_delivery,
        o.customer_organization_id,
        coalesce(o.seller_organization_id, o.supplier_organization_id) AS seller_organization_id,
        o.supplier_organization_id,
        o.trade_item_id,
        o.supply_line_id,
        o.blanket_order_line_id,
        o.sales_channel,
        o.sales_channel_interface,
        o.trade_instrument,
        o.calculated_fields_order_amount_currency AS money,
        o.number_of_pieces AS pieces,
        o.calculated_fields_order_amount_value AS revenue,
        o.price_per_piece_currency AS price_money,
        o.price_per_piece_value AS price,
        CAST(o.price_per_piece_value AS DECIMAL(38, 6)) * o.number_of_pieces AS paid,
        CASE WHEN o.price_per_piece_value IS NOT NULL THEN o.number_of_pieces END AS priced_pieces
    FROM orders.sales_orders o
    LEFT JOIN days d ON d.moment = o.delivery_latest_delivery_date_time
    WHERE o.status = 'COMMITTED' AND NOT o.is_deleted
)
