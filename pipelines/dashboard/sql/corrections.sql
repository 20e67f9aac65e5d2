-- Correction requests and what they changed, as reports.corrections counts them.

WITH effects AS (
    SELECT
        m.account,
        m.sales_order_correction_request_id,
        sum(
            CASE WHEN m.correction_type = 'CANCELLATION' THEN 0 ELSE CAST(m.new_values_number_of_pieces AS BIGINT) END
                - m.old_values_number_of_pieces
        ) AS pieces,
        sum(
            CASE
                WHEN m.correction_type = 'CANCELLATION' OR m.new_values_number_of_pieces = 0 THEN 0
                ELSE CAST(m.new_values_total_price_per_piece AS DECIMAL(38, 6)) * m.new_values_number_of_pieces
            END
                - CAST(m.old_values_total_price_per_piece AS DECIMAL(38, 6)) * m.old_values_number_of_pieces
        ) AS value
    FROM orders.sales_order_mutations m
    WHERE m.sales_order_correction_request_id IS NOT NULL
    GROUP BY ALL
)
SELECT
    r.account,
    week_of(timezone('Europe/Amsterdam', o.delivery_latest_delivery_date_time)) AS week,
    {requester} AS partner,
    o.trade_item_id AS item,
    o.calculated_fields_order_amount_currency AS currency,
    r.initiated_by AS initiator,
    count(*) AS requests,
    count(*) FILTER (r.status = 'ACCEPTED') AS accepted,
    coalesce(sum(e.pieces), 0) AS pieces,
    coalesce(sum(e.value), 0) AS value
FROM orders.sales_order_correction_requests r
LEFT JOIN orders.sales_orders o ON o.account = r.account AND o.sales_order_id = r.sales_order_id
LEFT JOIN effects e
    ON e.account = r.account AND e.sales_order_correction_request_id = r.sales_order_correction_request_id
WHERE NOT r.is_deleted
GROUP BY ALL
