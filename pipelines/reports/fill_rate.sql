-- Fill rate, the part of the first ordered pieces that the grower did not leave short: one row for each account, ISO week
-- and trade item.
--
-- Each order counts by itself, so that too many pieces for one customer do not make up for missing ones of another. Of
-- the pieces that were first ordered, delivered are at most the ordered ones, and the missing rest is split by who
-- caused it: ordered = delivered + short_by_grower + short_by_customer. The fill rate is 1 - short_by_grower / ordered.
--
-- Ordered is the quantity before all corrections: the old quantity of the order's oldest mutation, below 0 as 0.
-- Delivered are the pieces that shipments claimed of the order's fulfillment requests (packages times pieces), even if
-- nobody corrected the order for missing pieces. A request without pieces per package has those of its order. A request
-- that moved to another delivery order counts once, at its present one. Deleted delivery orders, and shipments that are
-- drafts, cancelled or failed, deliver nothing.
--
-- Short by the customer is what the customer took off its order until the latest delivery: it withdrew the order, or
-- requested the correction that reduced it. A reduction after that time is a complaint, and does not change what the
-- grower owed. Everything else that is missing is short by the grower, also if an agent, a carrier or the auction
-- requested the correction.
--
-- Orders with status COMMITTED, UNFULFILLABLE and CANCELLED count, without deleted ones, and only after their latest
-- delivery. An unfulfillable order is a pre-sale of the clock that the grower did not deliver: its missing pieces are
-- short by the grower. Rejected and expired orders were never agreed and are left out.
--
-- A cancelled order without a cancellation among its changes, and without an accepted request of someone else than the
-- customer to cancel it, is short by the customer: until the end of its cancellation time, an order can be cancelled, and
-- nothing is owed. Any other cancelled order follows the rule above: what the customer took off until the latest delivery
-- is short by the customer, and the rest by the grower. So an order that the customer withdraws after its latest delivery
-- is short by the grower. The trade may see that otherwise, and leave all cancelled orders out.
--
-- The week is that of the latest delivery in Amsterdam; orders without that time are in a row without a week, unless
-- from_date or to_date is given. A committed order of the clock counts if a delivery was requested for it: other
-- deliveries to the auction are not reported by order.
--
-- parameters:
--   from_date   first day of delivery, in Amsterdam
--   to_date     last day of delivery, in Amsterdam
--   customer    only this buyer, by the organization's id
--   trade_item  only this trade item, by its id
--
-- columns:
--   account            name of the account in the settings
--   iso_year           year that the ISO week belongs to
--   iso_week           ISO week of the latest delivery, 1 to 53
--   trade_item_id      ordered trade item (catalog.trade_items)
--   trade_item_name    its name; NULL if the trade item is not in the warehouse
--   orders             sales orders, with unfulfillable and cancelled ones
--   ordered_pieces     pieces, before all corrections
--   agreed_pieces      pieces, after all corrections; 0 of cancelled orders
--   delivered_pieces   pieces that left with a shipment, of each order at most the ordered ones
--   short_by_grower    ordered pieces that the grower did not deliver
--   short_by_customer  ordered pieces that the customer took off in time, and orders that nobody is known to have cancelled
--   over_delivered     pieces that left with a shipment beyond the ordered ones
--   fill_rate          1 - short_by_grower / ordered_pieces; 1 for no shortage by the grower
--
-- tables:
--   catalog.trade_items
--   fulfillment.delivery_orders
--   fulfillment.fulfillment_orders
--   fulfillment.fulfillment_request_claims
--   fulfillment.fulfillment_requests
--   orders.sales_order_correction_requests
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
    SELECT r.*
    FROM fulfillment.fulfillment_requests r
    ANTI JOIN (SELECT * FROM fulfillment.delivery_orders WHERE is_deleted) d
        ON d.account = r.account AND d.delivery_order_id = r.delivery_order_id
    WHERE r.sales_order_id IS NOT NULL
),
repeated AS (
    -- All that may have moved, and some more: these few are looked at closely below. To group all by less is faster, and by
    -- a hash of eight bytes twice as fast as by the id.
    SELECT hash(r.fulfillment_request_id) AS hashed_id
    FROM fulfillment.fulfillment_requests r
    WHERE r.fulfillment_request_id IS NOT NULL
    GROUP BY ALL
    HAVING count(*) > 1
),
outdated AS (
    -- The requests in the delivery orders that they moved away from.
    -- Not read from the step requests, which DuckDB would store, and with a LEFT JOIN, because with JOIN it would join all
    -- requests to their delivery orders first.
    SELECT r.account, r.delivery_order_id, r.position
    FROM fulfillment.fulfillment_requests r
    JOIN repeated m ON m.hashed_id = hash(r.fulfillment_request_id)
    LEFT JOIN fulfillment.delivery_orders d ON d.account = r.account AND d.delivery_order_id = r.delivery_order_id
    WHERE r.fulfillment_request_id IS NOT NULL AND r.sales_order_id IS NOT NULL AND NOT coalesce(d.is_deleted, false)
    QUALIFY d.delivery_order_id IS NOT NULL AND d.sequence_number IS DISTINCT FROM max(d.sequence_number) OVER (
        PARTITION BY r.account, r.fulfillment_request_id
    )
),
delivered AS (
    SELECT
        r.account,
        r.sales_order_id,
        sum(CAST(c.claimed_number_of_packages AS BIGINT) * r.pieces_per_package) AS pieces,
        sum(c.claimed_number_of_packages) FILTER (r.pieces_per_package IS NULL) AS packages_of_order
    FROM requests r
    ANTI JOIN outdated m
        ON m.account = r.account AND m.delivery_order_id = r.delivery_order_id AND m.position = r.position
    LEFT JOIN claims c
        ON c.account = r.account
        AND c.delivery_order_id = r.delivery_order_id
        AND c.fulfillment_request_position = r.position
    GROUP BY ALL
),
changes AS (
    SELECT
        m.account,
        m.sales_order_id,
        min_by(m.old_values_number_of_pieces, (m.created_date_time, m.based_on_sales_order_version)) AS pieces,
        CAST(
            sum(
                m.old_values_number_of_pieces
                    - CASE
                        WHEN m.correction_type = 'CANCELLATION' THEN 0
                        ELSE CAST(m.new_values_number_of_pieces AS BIGINT)
                    END
            ) FILTER (
                (m.mutation_type = 'WITHDRAWN_BY_CUSTOMER' OR r.initiated_by = 'CUSTOMER')
                AND coalesce(m.created_date_time <= o.delivery_latest_delivery_date_time, true)
            ) AS BIGINT
        ) AS by_customer,
        coalesce(bool_or(m.correction_type = 'CANCELLATION'), false) AS with_cancellation
    FROM orders.sales_order_mutations m
    JOIN orders.sales_orders o ON o.account = m.account AND o.sales_order_id = m.sales_order_id
    LEFT JOIN orders.sales_order_correction_requests r
        ON r.account = m.account AND r.sales_order_correction_request_id = m.sales_order_correction_request_id
    GROUP BY ALL
),
cancelled_by_others AS (
    SELECT DISTINCT r.account, r.sales_order_id
    FROM orders.sales_order_correction_requests r
    WHERE r.is_cancel_request AND r.status = 'ACCEPTED' AND coalesce(r.initiated_by, '') <> 'CUSTOMER'
),
{days},
owed AS (
    SELECT
        o.account,
        y.day,
        y.monday,
        o.sales_order_id,
        o.customer_organization_id,
        coalesce(o.seller_organization_id, o.supplier_organization_id) AS seller_organization_id,
        o.supplier_organization_id,
        o.trade_item_id,
        o.status,
        CAST(greatest(coalesce(m.pieces, o.number_of_pieces, 0), 0) AS BIGINT) AS ordered_pieces,
        CAST(CASE WHEN o.status = 'CANCELLED' THEN 0 ELSE coalesce(o.number_of_pieces, 0) END AS BIGINT) AS agreed_pieces,
        -- Within a million million pieces: a wrong number of packages shall not end the report.
        CAST(
            least(
                greatest(
                    coalesce(d.pieces, 0)
                        + coalesce(d.packages_of_order * o.packing_configuration_pieces_per_package, 0),
                    -1000000000000
                ),
                1000000000000
            ) AS BIGINT
        ) AS shipped_pieces,
        CASE
            WHEN o.status = 'CANCELLED' AND NOT coalesce(m.with_cancellation, false) AND k.sales_order_id IS NULL
                THEN ordered_pieces
            ELSE greatest(coalesce(m.by_customer, 0), 0)
        END AS by_customer
    FROM orders.sales_orders o
    LEFT JOIN days y ON y.moment = o.delivery_latest_delivery_date_time
    LEFT JOIN changes m ON m.account = o.account AND m.sales_order_id = o.sales_order_id
    LEFT JOIN delivered d ON d.account = o.account AND d.sales_order_id = o.sales_order_id
    LEFT JOIN cancelled_by_others k ON k.account = o.account AND k.sales_order_id = o.sales_order_id
    WHERE NOT o.is_deleted
        AND coalesce(o.delivery_latest_delivery_date_time <= now(), true)
        -- One condition, and not one for the status and another for the clock: DuckDB expects that each is true of one row
        -- in five, and with both it would expect so few orders that it hashes them all instead of the days and changes.
        AND CASE o.status
            WHEN 'COMMITTED' THEN coalesce(o.trade_instrument, '') NOT LIKE 'CLOCK%' OR d.sales_order_id IS NOT NULL
            ELSE o.status IN ('UNFULFILLABLE', 'CANCELLED')
        END
        AND (from_date IS NULL OR y.day >= CAST(from_date AS DATE))
        AND (to_date IS NULL OR y.day <= CAST(to_date AS DATE))
        AND (customer IS NULL OR o.customer_organization_id = CAST(customer AS UUID))
        AND (trade_item IS NULL OR o.trade_item_id = CAST(trade_item AS UUID))
),
detail AS (
    -- One row for each order that counts.
    SELECT
        o.account,
        o.day,
        o.monday,
        o.sales_order_id,
        o.customer_organization_id,
        o.seller_organization_id,
        o.supplier_organization_id,
        o.trade_item_id,
        o.status,
        o.ordered_pieces,
        o.agreed_pieces,
        least(o.shipped_pieces, o.ordered_pieces) AS delivered_pieces,
        CAST(least(o.by_customer, o.ordered_pieces - delivered_pieces) AS BIGINT) AS short_by_customer,
        o.ordered_pieces - delivered_pieces - short_by_customer AS short_by_grower,
        o.shipped_pieces - delivered_pieces AS over_delivered
    FROM owed o
),
sums AS (
    -- Most orders are delivered as they were first ordered: to add up the exceptions takes much less time than all values.
    SELECT
        d.account,
        d.monday,
        d.trade_item_id,
        count(*) AS orders,
        CAST(sum(d.ordered_pieces) AS BIGINT) AS ordered_pieces,
        coalesce(sum(d.agreed_pieces - d.ordered_pieces) FILTER (d.agreed_pieces <> d.ordered_pieces), 0) AS agreed_later,
        CAST(sum(d.delivered_pieces) AS BIGINT) AS delivered_pieces,
        CAST(coalesce(sum(d.short_by_customer) FILTER (d.short_by_customer <> 0), 0) AS BIGINT) AS short_by_customer,
        CAST(coalesce(sum(d.over_delivered) FILTER (d.over_delivered <> 0), 0) AS BIGINT) AS over_delivered
    FROM detail d
    GROUP BY ALL
),
weeks AS (
    SELECT
        s.*,
        CAST(s.ordered_pieces + s.agreed_later AS BIGINT) AS agreed_pieces,
        s.ordered_pieces - s.delivered_pieces - s.short_by_customer AS short_by_grower
    FROM sums s
)
SELECT
    w.account,
    CAST(isoyear(w.monday) AS INTEGER) AS iso_year,
    CAST(weekofyear(w.monday) AS INTEGER) AS iso_week,
    w.trade_item_id,
    i.trade_item_name_nl AS trade_item_name,
    w.orders,
    w.ordered_pieces,
    w.agreed_pieces,
    w.delivered_pieces,
    w.short_by_grower,
    w.short_by_customer,
    w.over_delivered,
    CAST(1 - w.short_by_grower / nullif(w.ordered_pieces, 0) AS DECIMAL(38, 6)) AS fill_rate
FROM weeks w
LEFT JOIN catalog.trade_items i ON i.account = w.account AND i.trade_item_id = w.trade_item_id
ORDER BY w.account, w.monday DESC NULLS LAST, w.short_by_grower DESC, w.trade_item_id
