-- Fill rate by week, delivered pieces compared with first ordered ones: one row for each account, ISO week and trade
-- item.
--
-- Only orders with status COMMITTED count, without deleted ones, and only after their latest delivery. The week is that
-- of the latest delivery in Amsterdam; orders without that time are in a row without a week, unless from_date or
-- to_date is given. An order of the clock counts if a delivery was requested for it: other deliveries to the auction
-- are not reported by order.
--
-- Ordered is the quantity before all corrections: the old quantity of the order's oldest mutation. Delivered are the
-- pieces that shipments claimed of the order's fulfillment requests (packages times pieces), even if nobody corrected
-- the order for missing pieces. A request that moved to another delivery order counts once, at its present one. Deleted
-- delivery orders, and shipments that are drafts, cancelled or failed, deliver nothing.
--
-- parameters:
--   from_date   first day of delivery, in Amsterdam
--   to_date     last day of delivery, in Amsterdam
--   customer    only this buyer, by the organization's id
--   trade_item  only this trade item, by its id
--
-- columns:
--   account           name of the account in the settings
--   iso_year          year that the ISO week belongs to
--   iso_week          ISO week of the latest delivery, 1 to 53
--   trade_item_id     ordered trade item (catalog.trade_items)
--   trade_item_name   its name; NULL if the trade item is not in the warehouse
--   orders            sales orders
--   ordered_pieces    pieces, before all corrections
--   agreed_pieces     pieces, after all corrections
--   delivered_pieces  pieces that left with a shipment
--   fill_rate         delivered pieces divided by ordered ones
--
-- tables:
--   catalog.trade_items
--   fulfillment.delivery_orders
--   fulfillment.fulfillment_orders
--   fulfillment.fulfillment_request_claims
--   fulfillment.fulfillment_requests
--   orders.sales_order_mutations
--   orders.sales_orders

WITH claims AS (
    SELECT c.*
    FROM fulfillment.fulfillment_request_claims c
    ANTI JOIN (
        SELECT * FROM fulfillment.fulfillment_orders WHERE status IN ('DRAFT', 'CANCELLED', 'FAILED')
    ) f ON f.account = c.account AND f.fulfillment_order_id = c.fulfillment_order_id
),
requests AS (
    SELECT r.*, d.sequence_number
    FROM fulfillment.fulfillment_requests r
    JOIN fulfillment.delivery_orders d ON d.account = r.account AND d.delivery_order_id = r.delivery_order_id
    WHERE NOT d.is_deleted AND r.sales_order_id IS NOT NULL
),
moved AS (
    SELECT r.account, r.fulfillment_request_id, max(r.sequence_number) AS newest
    FROM requests r
    GROUP BY ALL
    HAVING count(*) > 1
),
delivered AS (
    SELECT r.account, r.sales_order_id, sum(CAST(c.claimed_number_of_packages AS BIGINT) * r.pieces_per_package) AS pieces
    FROM requests r
    LEFT JOIN moved m ON m.account = r.account AND m.fulfillment_request_id = r.fulfillment_request_id
    LEFT JOIN claims c
        ON c.account = r.account
        AND c.delivery_order_id = r.delivery_order_id
        AND c.fulfillment_request_position = r.position
    WHERE m.newest IS NULL OR m.newest = r.sequence_number
    GROUP BY ALL
),
original AS (
    SELECT
        m.account,
        m.sales_order_id,
        min_by(m.old_values_number_of_pieces, (m.created_date_time, m.based_on_sales_order_version)) AS pieces
    FROM orders.sales_order_mutations m
    GROUP BY ALL
),
days AS (
    -- Converting to Amsterdam's time zone is slow, and there are far fewer distinct times than orders.
    SELECT m.moment, CAST(timezone('Europe/Amsterdam', m.moment) AS DATE) AS day
    FROM (SELECT DISTINCT o.delivery_latest_delivery_date_time AS moment FROM orders.sales_orders o) m
),
weeks AS (
    SELECT
        o.account,
        CAST(isoyear(y.day) AS INTEGER) AS iso_year,
        CAST(weekofyear(y.day) AS INTEGER) AS iso_week,
        o.trade_item_id,
        count(*) AS orders,
        CAST(sum(coalesce(m.pieces, o.number_of_pieces)) AS BIGINT) AS ordered_pieces,
        CAST(sum(o.number_of_pieces) AS BIGINT) AS agreed_pieces,
        CAST(coalesce(sum(d.pieces), 0) AS BIGINT) AS delivered_pieces
    FROM orders.sales_orders o
    LEFT JOIN days y ON y.moment = o.delivery_latest_delivery_date_time
    LEFT JOIN original m ON m.account = o.account AND m.sales_order_id = o.sales_order_id
    LEFT JOIN delivered d ON d.account = o.account AND d.sales_order_id = o.sales_order_id
    WHERE o.status = 'COMMITTED'
        AND NOT o.is_deleted
        AND coalesce(o.delivery_latest_delivery_date_time <= now(), true)
        AND (coalesce(o.trade_instrument, '') NOT LIKE 'CLOCK%' OR d.sales_order_id IS NOT NULL)
        AND (from_date IS NULL OR y.day >= CAST(from_date AS DATE))
        AND (to_date IS NULL OR y.day <= CAST(to_date AS DATE))
        AND (customer IS NULL OR o.customer_organization_id = CAST(customer AS UUID))
        AND (trade_item IS NULL OR o.trade_item_id = CAST(trade_item AS UUID))
    GROUP BY ALL
)
SELECT
    w.account,
    w.iso_year,
    w.iso_week,
    w.trade_item_id,
    i.trade_item_name_nl AS trade_item_name,
    w.orders,
    w.ordered_pieces,
    w.agreed_pieces,
    w.delivered_pieces,
    CAST(w.delivered_pieces / nullif(w.ordered_pieces, 0) AS DECIMAL(38, 6)) AS fill_rate
FROM weeks w
LEFT JOIN catalog.trade_items i ON i.account = w.account AND i.trade_item_id = w.trade_item_id
ORDER BY w.account, w.iso_year DESC NULLS LAST, w.iso_week DESC NULLS LAST,
    w.ordered_pieces - w.delivered_pieces DESC NULLS LAST, w.trade_item_id
