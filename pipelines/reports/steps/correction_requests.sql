{days},
changes AS (
    SELECT
        m.account,
        m.sales_order_correction_request_id,
        m.old_values_number_of_pieces AS old_pieces,
        CAST(m.old_values_total_price_per_piece AS DECIMAL(38, 6)) * old_pieces AS old_value,
        CASE WHEN m.correction_type = 'CANCELLATION' THEN 0 ELSE m.new_values_number_of_pieces END AS new_pieces,
        CAST(m.new_values_total_price_per_piece AS DECIMAL(38, 6)) * new_pieces AS new_value
    FROM orders.sales_order_mutations m
    WHERE m.sales_order_correction_request_id IS NOT NULL
),
effects AS (
    -- Old and new value are each rounded to cents, as the amount of an order is. Rounding 38 digits takes 25 times as long
    -- as rounding 18 digits.
    SELECT
        c.account,
        c.sales_order_correction_request_id,
        sum(CAST(c.new_pieces AS BIGINT) - c.old_pieces) AS pieces_delta,
        sum(
            CASE
                WHEN c.new_pieces = 0 THEN 0
                ELSE coalesce(round(TRY_CAST(c.new_value AS DECIMAL(18, 6)), 2), round(c.new_value, 2))
            END
                - coalesce(round(TRY_CAST(c.old_value AS DECIMAL(18, 6)), 2), round(c.old_value, 2))
        ) AS value_delta
    FROM changes c
    GROUP BY ALL
),
correction_requests AS (
    -- The requests that count, one row each, with the day of their order's latest delivery and what they changed.
    SELECT
        r.account,
        y.day,
        y.month,
        r.sales_order_correction_request_id,
        r.sales_order_id,
        o.sales_channel_order_id,
        r.customer_organization_id,
        coalesce(o.seller_organization_id, o.supplier_organization_id) AS seller_organization_id,
        o.supplier_organization_id,
        o.trade_item_id,
        r.initiated_by,
        r.status,
        r.creation_date_time AS requested_at,
        r.expires_at_date_time AS expires_at,
        r.is_cancel_request,
        r.reason,
        r.reclamation_action_decision,
        o.calculated_fields_order_amount_currency AS money,
        o.calculated_fields_order_amount_value AS order_amount,
        r.status IN ('PENDING', 'PENDING_CLAIM') AND coalesce(r.expires_at_date_time < now(), false) AS is_overdue,
        -- Requested by the grower, it is no complaint; who counts complaints leaves those out.
        CASE
            WHEN r.creation_date_time > o.delivery_latest_delivery_date_time OR r.reclamation_action_decision IS NOT NULL
                THEN 'COMPLAINT'
            ELSE 'CORRECTION'
        END AS kind,
        CASE
            WHEN r.status IN ('ACCEPTED', 'DECLINED')
                THEN (epoch_us(r.last_modified_date_time) - epoch_us(r.creation_date_time)) / 3600000000
        END AS answer_hours,
        -- A request without changes took nothing off; what a change took off may be unknown.
        CAST(CASE WHEN e.account IS NULL THEN 0 ELSE e.pieces_delta END AS BIGINT) AS pieces_delta,
        CASE WHEN e.account IS NULL THEN 0 ELSE e.value_delta END AS value_delta
    FROM orders.sales_order_correction_requests r
    LEFT JOIN orders.sales_orders o ON o.account = r.account AND o.sales_order_id = r.sales_order_id
    LEFT JOIN days y ON y.moment = o.delivery_latest_delivery_date_time
    LEFT JOIN effects e
        ON e.account = r.account AND e.sales_order_correction_request_id = r.sales_order_correction_request_id
    WHERE NOT r.is_deleted
)
