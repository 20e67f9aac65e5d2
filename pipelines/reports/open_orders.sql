-- Open orders: one row for each sales order of which something must still be committed, picked, despatched or delivered.
--
-- An order is open until all its packages are on a shipment, and until these shipments are delivered. Orders with status
-- COMMITTED count, and orders with status ACCEPTED: the buyer can cancel them until their deadline, after which they are
-- committed. One that is still ACCEPTED after its deadline only waits for that. Deleted orders are left out. An order of the clock counts only if a delivery was requested for it: the other ones leave with the lot to the auction.
--
-- Claimed packages are those that shipments claimed of the order's fulfillment requests, without shipments that are
-- cancelled or failed. A request that moved to another delivery order counts once, at its present one. An order without
-- a request is open as a whole. A shipment is delivered if its status says so, or if all its load carriers are received.
--
-- Not every hub reports receipts, and a shortage is not always corrected: without from_date, orders whose latest delivery
-- is more than 14 days ago are left out. Others count an order as done when it leaves; such orders have the next step
-- DELIVER here.
--
-- parameters:
--   from_date   first day of departure, in Amsterdam; 14 days ago if it is not given
--   to_date     last day of departure, in Amsterdam
--   customer    only this buyer, by the organization's id
--   trade_item  only this trade item, by its id
--
-- columns:
--   account                   name of the account in the settings
--   departure                 latest delivery of the order
--   departure_date            its day, in Amsterdam
--   sales_order_id            the order (orders.sales_orders)
--   sales_channel_order_id    its number at the sales channel
--   status                    the order's status
--   next_step                 COMMIT if it is not committed, else PICK, DESPATCH (on a shipment) or DELIVER (left)
--   customer_organization_id  buyer (organizations.organizations)
--   customer                  its name; NULL if it is not in the warehouse
--   despatch_warehouse_id     warehouse from which it leaves (organizations.warehouses)
--   warehouse                 its name; NULL if it is not in the warehouse
--   destination               name or address of the destination, and its town
--   carrier_organization_id   carrier (organizations.organizations); NULL if none is known
--   carrier                   its name; NULL if it is not in the warehouse
--   trade_item_id             ordered trade item (catalog.trade_items)
--   trade_item                its name; NULL if the trade item is not in the warehouse
--   ordered_pieces            pieces, after all corrections
--   claimed_pieces            of these, pieces on a shipment; without packages of unknown content
--   open_pieces               pieces that are on no shipment yet
--   ordered_packages          packages of the fulfillment requests; without a request, of the order
--   claimed_packages          of these, packages on a shipment
--   open_packages             packages that are on no shipment yet
--   delivered_packages        packages on a shipment that was delivered
--   cancellable_until         until when the buyer can cancel it; NULL if it is committed
--   currency                  currency of the order, as ISO 4217
--   package_code              VBN code of the package of the order; NULL for a package of one's own
--
-- tables:
--   catalog.trade_items
--   fulfillment.delivery_orders
--   fulfillment.fulfillment_order_load_carriers
--   fulfillment.fulfillment_orders
--   fulfillment.fulfillment_request_claims
--   fulfillment.fulfillment_requests
--   orders.sales_orders
--   organizations.delivery_locations
--   organizations.organizations
--   organizations.warehouses

WITH agreed AS (
    -- Without o.*: all steps that follow would have two hundred columns, which takes longer to plan.
    SELECT
        o.account,
        o.sales_order_id,
        o.sales_channel_order_id,
        o.status,
        o.delivery_latest_delivery_date_time,
        o.customer_organization_id,
        o.trade_item_id,
        o.trade_instrument,
        o.despatch_warehouse_id,
        o.delivery_location_gln,
        o.delivery_location_address_address_line,
        o.delivery_location_address_city,
        o.number_of_pieces,
        o.packing_configuration_pieces_per_package,
        o.packing_configuration_package_vbn_package_code,
        o.cancellation_deadline,
        o.calculated_fields_order_amount_currency
    FROM orders.sales_orders o
    WHERE o.status IN ('ACCEPTED', 'COMMITTED')
        AND NOT o.is_deleted
        -- A day more than necessary: the exact limit follows, when the days are known.
        AND (from_date IS NOT NULL OR coalesce(o.delivery_latest_delivery_date_time >= now() - INTERVAL 16 DAY, true))
        AND (customer IS NULL OR o.customer_organization_id = CAST(customer AS UUID))
        AND (trade_item IS NULL OR o.trade_item_id = CAST(trade_item AS UUID))
),
days AS (
    -- Converting to Amsterdam's time zone is slow, and there are far fewer distinct times than orders.
    SELECT m.moment, CAST(timezone('Europe/Amsterdam', m.moment) AS DATE) AS day
    FROM (SELECT o.delivery_latest_delivery_date_time AS moment FROM agreed o GROUP BY moment) m
),
recent AS (
    SELECT o.*, d.day
    FROM agreed o
    LEFT JOIN days d ON d.moment = o.delivery_latest_delivery_date_time
    WHERE CASE
            WHEN from_date IS NULL
                THEN d.day IS NULL OR d.day >= CAST(timezone('Europe/Amsterdam', now()) AS DATE) - 14
            ELSE d.day >= CAST(from_date AS DATE)
        END
        AND (to_date IS NULL OR d.day <= CAST(to_date AS DATE))
),
requests AS (
    SELECT
        r.account,
        r.delivery_order_id,
        r.position,
        r.sales_order_id,
        r.number_of_packages,
        coalesce(r.pieces_per_package, o.packing_configuration_pieces_per_package) AS pieces_per_package,
        d.sequence_number
    FROM fulfillment.fulfillment_requests r
    JOIN recent o ON o.account = r.account AND o.sales_order_id = r.sales_order_id
    JOIN fulfillment.delivery_orders d ON d.account = r.account AND d.delivery_order_id = r.delivery_order_id
    WHERE NOT d.is_deleted
    QUALIFY row_number() OVER (
        PARTITION BY r.account, r.fulfillment_request_id ORDER BY d.sequence_number DESC, r.position DESC
    ) = 1
),
received AS (
    SELECT l.account, l.fulfillment_order_id
    FROM fulfillment.fulfillment_order_load_carriers l
    GROUP BY ALL
    HAVING bool_and(coalesce(l.is_received, false) OR l.receipt_date_time IS NOT NULL)
),
claims AS (
    SELECT
        c.account,
        c.delivery_order_id,
        c.fulfillment_request_position AS position,
        sum(c.claimed_number_of_packages) AS packages,
        sum(c.claimed_number_of_packages) FILTER (f.status = 'DELIVERED' OR a.account IS NOT NULL) AS delivered,
        sum(c.claimed_number_of_packages) FILTER (f.status IN ('ACCEPTED', 'DELIVERED') OR a.account IS NOT NULL) AS despatched
    FROM fulfillment.fulfillment_request_claims c
    SEMI JOIN requests r ON r.account = c.account AND r.delivery_order_id = c.delivery_order_id
    LEFT JOIN fulfillment.fulfillment_orders f
        ON f.account = c.account AND f.fulfillment_order_id = c.fulfillment_order_id
    LEFT JOIN received a ON a.account = c.account AND a.fulfillment_order_id = c.fulfillment_order_id
    WHERE coalesce(f.status, '') NOT IN ('CANCELLED', 'FAILED')
    GROUP BY ALL
),
claimed AS (
    SELECT
        r.account,
        r.sales_order_id,
        arg_max(r.delivery_order_id, r.sequence_number) AS delivery_order_id,
        sum(coalesce(r.number_of_packages, 0)) AS ordered,
        sum(coalesce(c.packages, 0)) AS packages,
        sum(coalesce(c.delivered, 0)) AS delivered,
        sum(coalesce(c.despatched, 0)) AS despatched,
        sum(greatest(coalesce(r.number_of_packages, 0) - coalesce(c.packages, 0), 0)) AS open_packages,
        sum(c.packages * r.pieces_per_package) AS pieces
    FROM requests r
    LEFT JOIN claims c
        ON c.account = r.account AND c.delivery_order_id = r.delivery_order_id AND c.position = r.position
    GROUP BY ALL
),
compared AS (
    SELECT
        o.*,
        c.delivery_order_id,
        coalesce(c.ordered, ceil(o.number_of_pieces / nullif(o.packing_configuration_pieces_per_package, 0)))
            AS ordered_packages,
        coalesce(c.packages, 0) AS claimed_packages,
        coalesce(c.open_packages, ordered_packages) AS open_packages,
        coalesce(c.delivered, 0) AS delivered_packages,
        coalesce(c.despatched, 0) AS despatched_packages,
        coalesce(c.pieces, 0) AS claimed_pieces,
        CASE WHEN c.open_packages = 0 THEN 0 ELSE greatest(o.number_of_pieces - coalesce(c.pieces, 0), 0) END AS open_pieces
    FROM recent o
    LEFT JOIN claimed c ON c.account = o.account AND c.sales_order_id = o.sales_order_id
    WHERE c.account IS NOT NULL OR coalesce(o.trade_instrument, '') NOT LIKE 'CLOCK%'
),
places AS (
    SELECT l.account, l.gln, min(l.name) AS name
    FROM organizations.delivery_locations l
    GROUP BY ALL
)
SELECT
    o.account,
    o.delivery_latest_delivery_date_time AS departure,
    o.day AS departure_date,
    o.sales_order_id,
    o.sales_channel_order_id,
    o.status,
    CASE
        WHEN o.status = 'ACCEPTED' THEN 'COMMIT'
        WHEN o.open_pieces > 0 OR o.open_packages > 0 THEN 'PICK'
        WHEN o.claimed_packages > o.despatched_packages THEN 'DESPATCH'
        ELSE 'DELIVER'
    END AS next_step,
    o.customer_organization_id,
    b.name AS customer,
    coalesce(d.despatch_warehouse_id, o.despatch_warehouse_id) AS despatch_warehouse_id,
    w.name AS warehouse,
    nullif(concat_ws(', ',
        coalesce(
            p.name,
            CASE WHEN d.account IS NULL THEN o.delivery_location_address_address_line
                ELSE d.destination_location_address_address_line END,
            CASE WHEN d.account IS NULL THEN o.delivery_location_gln ELSE d.destination_location_gln END
        ),
        CASE WHEN d.account IS NULL THEN o.delivery_location_address_city ELSE d.destination_location_address_city END
    ), '') AS destination,
    d.carrier_organization_id,
    v.name AS carrier,
    o.trade_item_id,
    i.trade_item_name_nl AS trade_item,
    CAST(o.number_of_pieces AS BIGINT) AS ordered_pieces,
    CAST(o.claimed_pieces AS BIGINT) AS claimed_pieces,
    CAST(o.open_pieces AS BIGINT) AS open_pieces,
    CAST(o.ordered_packages AS BIGINT) AS ordered_packages,
    CAST(o.claimed_packages AS BIGINT) AS claimed_packages,
    CAST(o.open_packages AS BIGINT) AS open_packages,
    CAST(o.delivered_packages AS BIGINT) AS delivered_packages,
    CASE WHEN o.status = 'ACCEPTED' THEN o.cancellation_deadline END AS cancellable_until,
    o.calculated_fields_order_amount_currency AS currency,
    o.packing_configuration_package_vbn_package_code AS package_code
FROM compared o
LEFT JOIN fulfillment.delivery_orders d ON d.account = o.account AND d.delivery_order_id = o.delivery_order_id
LEFT JOIN organizations.organizations b
    ON b.account = o.account AND b.organization_id = o.customer_organization_id
LEFT JOIN organizations.organizations v
    ON v.account = o.account AND v.organization_id = d.carrier_organization_id
LEFT JOIN organizations.warehouses w
    ON w.account = o.account
    AND w.warehouse_id = coalesce(d.despatch_warehouse_id, o.despatch_warehouse_id)
LEFT JOIN places p
    ON p.account = o.account
    AND p.gln = CASE WHEN d.account IS NULL THEN o.delivery_location_gln ELSE d.destination_location_gln END
LEFT JOIN catalog.trade_items i ON i.account = o.account AND i.trade_item_id = o.trade_item_id
WHERE o.open_pieces > 0 OR o.open_packages > 0 OR o.claimed_packages > o.delivered_packages
ORDER BY o.account, o.delivery_latest_delivery_date_time NULLS LAST, o.sales_order_id
