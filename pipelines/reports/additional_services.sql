-- Additional services that were sold with the goods: one row for each account, month, service and currency.
--
-- Only orders with status COMMITTED count, without deleted ones. The month is that of the latest delivery in Amsterdam;
-- orders without that time are in rows without a month, unless from_date or to_date is given.
--
-- The attach rate is the fraction of the orders that could have had the service: those of the same month, grower and
-- currency, without orders of the clock, from a warehouse that offers the service, and for a customer that it is meant
-- for, if it is customer-specific. Orders that have the service count in any case. Warehouses and customers are the
-- present ones of the service; an order without a despatch warehouse, and one of a service that is not in the
-- warehouse, could have had it. The trade may divide by all orders instead, which gives lower rates.
--
-- The revenue is the price of the service times its units after all corrections: pieces, packages, layers or load
-- carriers of the order, rounded up, or the number of labels of the order. An order without packing data counts without
-- revenue.
--
-- parameters:
--   from_date  first day of delivery, in Amsterdam
--   to_date    last day of delivery, in Amsterdam
--   currency   only this currency, as ISO 4217
--   customer   only this buyer, by the organization's id
--
-- columns:
--   account                  name of the account in the settings
--   month                    month of the latest delivery, as its first day
--   additional_service_id    the service (catalog.additional_services)
--   additional_service_name  its name; NULL if it is not in the warehouse
--   currency                 currency of the service's price, as ISO 4217
--   orders                   sales orders with the service
--   attach_rate              fraction of the orders that could have had the service, 1 for all
--   revenue                  revenue of the service, in the currency; NULL if it is unknown of all orders
--   possible_orders          orders that could have had the service
--
-- tables:
--   catalog.additional_services
--   orders.sales_order_additional_services
--   orders.sales_orders

WITH
{days},
services AS (
    SELECT
        a.account,
        a.additional_service_id,
        a.warehouse_ids,
        -- The table of one API lacks that column.
        CASE WHEN a.is_customer_specific THEN CAST(to_json(a) -> '$.customer_organization_ids' AS UUID[]) END AS customer_ids
    FROM catalog.additional_services a
),
offering_warehouses AS (
    SELECT DISTINCT s.account, unnest(s.warehouse_ids) AS warehouse_id FROM services s
),
intended_customers AS (
    SELECT DISTINCT s.account, unnest(s.customer_ids) AS customer_id FROM services s
),
ordered AS (
    SELECT
        o.account,
        d.day,
        d.month,
        o.sales_order_id,
        o.customer_organization_id,
        coalesce(o.seller_organization_id, o.supplier_organization_id) AS seller_organization_id,
        o.supplier_organization_id,
        o.trade_item_id,
        o.calculated_fields_order_amount_currency AS order_money,
        coalesce(o.trade_instrument, '') LIKE 'CLOCK%' AS is_of_clock,
        o.despatch_warehouse_id IS NOT NULL AS has_warehouse,
        w.warehouse_id,
        c.customer_id,
        CAST(o.number_of_pieces AS BIGINT) AS pieces,
        nullif(o.packing_configuration_pieces_per_package, 0) AS per_package,
        nullif(o.packing_configuration_packages_per_layer, 0) AS per_layer,
        nullif(o.packing_configuration_layers_per_load_carrier, 0) AS per_load_carrier
    FROM orders.sales_orders o
    LEFT JOIN days d ON d.moment = o.delivery_latest_delivery_date_time
    LEFT JOIN offering_warehouses w ON w.account = o.account AND w.warehouse_id = o.despatch_warehouse_id
    LEFT JOIN intended_customers c ON c.account = o.account AND c.customer_id = o.customer_organization_id
    WHERE o.status = 'COMMITTED'
        AND NOT o.is_deleted
        AND (from_date IS NULL OR d.day >= CAST(from_date AS DATE))
        AND (to_date IS NULL OR d.day <= CAST(to_date AS DATE))
        AND (customer IS NULL OR o.customer_organization_id = CAST(customer AS UUID))
),
detail AS (
    -- One row for each service of an order that counts.
    SELECT
        o.*,
        s.additional_service_id,
        s.price_currency AS money,
        (o.pieces + o.per_package - 1) // o.per_package AS packages,
        (packages + o.per_layer - 1) // o.per_layer AS layers,
        (layers + o.per_load_carrier - 1) // o.per_load_carrier AS load_carriers,
        CAST(s.price_value AS DECIMAL(38, 6)) * CASE s.unit
            WHEN 'PIECE' THEN o.pieces
            WHEN 'PACKAGE' THEN packages
            WHEN 'LAYER' THEN layers
            WHEN 'LOADCARRIER' THEN load_carriers
            ELSE s.number_of_units
        END AS revenue
    FROM orders.sales_order_additional_services s
    JOIN ordered o ON o.sales_order_id = s.sales_order_id
    -- Joined by the id alone, which is faster than by the account's text too.
    WHERE CASE s.account WHEN o.account THEN true ELSE false END
        AND s.additional_service_id IS NOT NULL
        AND (currency IS NULL OR s.price_currency = upper(currency))
),
service_orders AS (
    -- An order may have the same service several times.
    SELECT
        d.additional_service_id,
        d.money,
        d.account,
        d.month,
        d.seller_organization_id,
        d.order_money,
        d.is_of_clock,
        d.has_warehouse,
        d.warehouse_id,
        d.customer_id,
        d.sales_order_id,
        sum(d.revenue) AS revenue
    FROM detail d
    GROUP BY ALL
),
sold AS (
    SELECT
        d.account,
        d.month,
        d.additional_service_id,
        d.money,
        count(*) AS orders,
        sum(d.revenue) AS revenue,
        -- Orders that had the service although it was not offered for them, as far as we know.
        count(*) FILTER (
            d.is_of_clock
            OR d.order_money IS DISTINCT FROM d.money
            OR (
                d.has_warehouse
                AND len(s.warehouse_ids) > 0
                AND NOT coalesce(list_contains(s.warehouse_ids, d.warehouse_id), false)
            )
            OR (s.customer_ids IS NOT NULL AND NOT coalesce(list_contains(s.customer_ids, d.customer_id), false))
        ) AS unexpected_orders
    FROM service_orders d
    LEFT JOIN services s ON s.account = d.account AND s.additional_service_id = d.additional_service_id
    GROUP BY ALL
),
kinds AS (
    -- Orders that may have had a service, by what else decides that.
    SELECT
        o.account,
        o.month,
        o.seller_organization_id,
        o.order_money,
        o.is_of_clock,
        o.has_warehouse,
        o.warehouse_id,
        o.customer_id,
        count(*) AS orders
    FROM ordered o
    WHERE NOT o.is_of_clock
    GROUP BY ALL
),
candidates AS (
    SELECT d.additional_service_id, d.money, k.*
    FROM (SELECT DISTINCT account, month, seller_organization_id, additional_service_id, money FROM service_orders) d
    JOIN kinds k
        ON k.account = d.account
        AND k.month IS NOT DISTINCT FROM d.month
        AND k.seller_organization_id IS NOT DISTINCT FROM d.seller_organization_id
        AND k.order_money IS NOT DISTINCT FROM d.money
),
possible AS (
    SELECT c.account, c.month, c.additional_service_id, c.money, sum(c.orders) AS orders
    FROM candidates c
    LEFT JOIN services s ON s.account = c.account AND s.additional_service_id = c.additional_service_id
    WHERE (
            NOT c.has_warehouse
            OR coalesce(len(s.warehouse_ids), 0) = 0
            OR coalesce(list_contains(s.warehouse_ids, c.warehouse_id), false)
        )
        AND (s.customer_ids IS NULL OR coalesce(list_contains(s.customer_ids, c.customer_id), false))
    GROUP BY ALL
)
SELECT
    s.account,
    s.month,
    s.additional_service_id,
    a.name AS additional_service_name,
    s.money AS currency,
    s.orders,
    CAST(s.orders / (coalesce(p.orders, 0) + s.unexpected_orders) AS DECIMAL(18, 6)) AS attach_rate,
    s.revenue,
    CAST(coalesce(p.orders, 0) + s.unexpected_orders AS BIGINT) AS possible_orders
FROM sold s
LEFT JOIN possible p
    ON p.account = s.account
    AND p.month IS NOT DISTINCT FROM s.month
    AND p.additional_service_id = s.additional_service_id
    AND p.money IS NOT DISTINCT FROM s.money
LEFT JOIN catalog.additional_services a
    ON a.account = s.account AND a.additional_service_id = s.additional_service_id
ORDER BY s.account, s.month DESC NULLS LAST, s.money, s.orders DESC, s.additional_service_id
