-- Additional services that were sold with the goods: one row for each account, month, service and currency.
--
-- Only orders with status COMMITTED count, without deleted ones. The month is that of the latest delivery in Amsterdam;
-- orders without that time are in rows without a month, unless from_date or to_date is given. The attach rate is the
-- fraction of all orders of the month in that currency, including those of the clock, that have the service.
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
--   attach_rate              fraction of the month's orders in this currency that have the service, 1 for all
--   revenue                  revenue of the service, in the currency
--
-- tables:
--   catalog.additional_services
--   orders.sales_order_additional_services
--   orders.sales_orders

WITH days AS (
    -- Converting to Amsterdam's time zone is slow, and there are far fewer distinct times than orders.
    SELECT m.moment, CAST(timezone('Europe/Amsterdam', m.moment) AS DATE) AS day
    FROM (SELECT DISTINCT o.delivery_latest_delivery_date_time AS moment FROM orders.sales_orders o) m
),
ordered AS (
    SELECT
        o.account,
        o.sales_order_id,
        CAST(date_trunc('month', d.day) AS DATE) AS month,
        o.calculated_fields_order_amount_currency AS money,
        CAST(o.number_of_pieces AS BIGINT) AS pieces,
        nullif(o.packing_configuration_pieces_per_package, 0) AS per_package,
        nullif(o.packing_configuration_packages_per_layer, 0) AS per_layer,
        nullif(o.packing_configuration_layers_per_load_carrier, 0) AS per_load_carrier
    FROM orders.sales_orders o
    LEFT JOIN days d ON d.moment = o.delivery_latest_delivery_date_time
    WHERE o.status = 'COMMITTED'
        AND NOT o.is_deleted
        AND (from_date IS NULL OR d.day >= CAST(from_date AS DATE))
        AND (to_date IS NULL OR d.day <= CAST(to_date AS DATE))
        AND (customer IS NULL OR o.customer_organization_id = CAST(customer AS UUID))
),
months AS (
    SELECT o.account, o.month, o.money, count(*) AS orders FROM ordered o GROUP BY ALL
),
sold AS (
    SELECT
        o.account,
        o.month,
        s.additional_service_id,
        s.price_currency AS money,
        o.sales_order_id,
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
    JOIN ordered o ON o.account = s.account AND o.sales_order_id = s.sales_order_id
    WHERE s.additional_service_id IS NOT NULL AND (currency IS NULL OR s.price_currency = upper(currency))
),
services AS (
    SELECT
        s.account,
        s.month,
        s.additional_service_id,
        s.money,
        count(DISTINCT s.sales_order_id) AS orders,
        coalesce(sum(s.revenue), 0) AS revenue
    FROM sold s
    GROUP BY ALL
)
SELECT
    s.account,
    s.month,
    s.additional_service_id,
    a.name AS additional_service_name,
    s.money AS currency,
    s.orders,
    CAST(s.orders / m.orders AS DECIMAL(18, 6)) AS attach_rate,
    s.revenue
FROM services s
LEFT JOIN months m
    ON m.account = s.account AND m.month IS NOT DISTINCT FROM s.month AND m.money IS NOT DISTINCT FROM s.money
LEFT JOIN catalog.additional_services a
    ON a.account = s.account AND a.additional_service_id = s.additional_service_id
ORDER BY s.account, s.month DESC NULLS LAST, s.money, s.orders DESC, s.additional_service_id
