-- What delivery costs by the grower's delivery conditions, and what buyers pay for it: one row for each account, month,
-- incoterm and currency.
--
-- Orders of one customer with the same delivery condition, delivery location, latest delivery time and currency are one
-- delivery. Its cost is what the condition states in that currency: the shipping costs of each unit (piece, package,
-- layer, load carrier or shipment; the last started one counts as a whole), and the surcharge if the value of the
-- delivery or its number of load carriers, rounded up, is below its threshold. A condition without delivery cost costs 0.
-- If the condition, its currency or the packing of an order is unknown, so is the cost: orders_without_cost has those
-- orders, as all of the clock, and the cost is that of the others. The conditions are the present ones, also for older
-- orders.
--
-- The revenue is the delivery price of a piece times the pieces after all corrections, in whole cents; without such a
-- price, the delivery cost that the order states, which is what the buyer is charged. The conditions are what the
-- grower asks for delivery; the trade may compare with the bills of its carriers instead.
--
-- Only orders with status COMMITTED count, without deleted ones. The month is that of the latest delivery in Amsterdam;
-- orders without that time are in a row without a month, unless from_date or to_date is given. The cost has the
-- currency of the order's amount. Currencies are never added together, so revenue in another currency than its order's
-- is in a row that does not count the order.
--
-- parameters:
--   from_date  first day of delivery, in Amsterdam
--   to_date    last day of delivery, in Amsterdam
--   currency   only this currency, as ISO 4217
--   customer   only this buyer, by the organization's id
--
-- columns:
--   account              name of the account in the settings
--   month                month of the latest delivery, as its first day
--   incoterm             Incoterm of the delivery; NULL if none was agreed, as at the clock
--   currency             currency of the amounts, as ISO 4217
--   orders               sales orders, including those without delivery cost
--   delivery_cost        cost of delivery by the delivery conditions, in the currency; NULL if it is unknown of all orders
--   delivery_revenue     what buyers pay for delivery, in the currency
--   recovery             fraction of the cost that the revenue covers, 1 for all; NULL if the cost is 0 or unknown
--   orders_without_cost  of the orders, those whose cost is unknown
--
-- tables:
--   orders.sales_orders
--   organizations.delivery_condition_costs
--   organizations.delivery_condition_sets
--   organizations.delivery_conditions

WITH
{days},
conditions AS (
    -- Orders are grouped by the number, which is shorter than the account and the id.
    SELECT
        d.account,
        d.delivery_condition_id,
        d.delivery_condition_set_id,
        d.position,
        coalesce(d.has_delivery_cost, true) AS has_cost,
        d.additional_costs_shipping_costs_unit AS unit,
        d.additional_costs_delivery_surcharge_load_carriers_threshold AS least_load_carriers,
        row_number() OVER (ORDER BY d.account, d.delivery_condition_id) AS number
    FROM organizations.delivery_conditions d
    JOIN organizations.delivery_condition_sets s
        ON s.account = d.account AND s.delivery_condition_set_id = d.delivery_condition_set_id
    WHERE d.delivery_condition_id IS NOT NULL
    QUALIFY row_number() OVER (
        PARTITION BY d.account, d.delivery_condition_id ORDER BY s.is_deleted, s.sequence_number DESC, d.position
    ) = 1
),
detail AS (
    -- One row for each order that counts.
    SELECT
        o.account,
        d.day,
        d.month,
        o.sales_order_id,
        o.customer_organization_id,
        coalesce(o.seller_organization_id, o.supplier_organization_id) AS seller_organization_id,
        o.supplier_organization_id,
        o.trade_item_id,
        o.delivery_incoterm AS incoterm,
        o.calculated_fields_order_amount_currency AS money,
        o.delivery_delivery_condition_id AS delivery_condition_id,
        CASE
            WHEN o.delivery_price_per_piece_value IS NULL
            THEN o.delivery_delivery_cost_currency
            ELSE o.delivery_price_per_piece_currency
        END AS revenue_money,
        CAST(o.delivery_price_per_piece_value AS DECIMAL(38, 6)) * o.number_of_pieces AS charged,
        -- Rounding 38 digits takes 0.6 seconds for a million orders, rounding 18 digits next to nothing.
        coalesce(
            round(TRY_CAST(charged AS DECIMAL(18, 6)), 2),
            round(charged, 2),
            round(o.delivery_delivery_cost_value, 2)
        ) AS revenue
    FROM orders.sales_orders o
    LEFT JOIN days d ON d.moment = o.delivery_latest_delivery_date_time
    WHERE o.status = 'COMMITTED'
        AND NOT o.is_deleted
        AND (from_date IS NULL OR d.day >= CAST(from_date AS DATE))
        AND (to_date IS NULL OR d.day <= CAST(to_date AS DATE))
        AND (customer IS NULL OR o.customer_organization_id = CAST(customer AS UUID))
),
costly_orders AS (
    -- Those whose delivery costs something. Not read from the step detail, which DuckDB would store with all columns.
    SELECT
        c.number,
        d.month,
        o.delivery_incoterm AS incoterm,
        o.calculated_fields_order_amount_currency AS money,
        o.customer_organization_id,
        o.delivery_location_gln AS location_gln,
        o.delivery_latest_delivery_date_time AS moment,
        o.calculated_fields_order_amount_value AS amount,
        o.number_of_pieces AS pieces,
        ceil(pieces / nullif(o.packing_configuration_pieces_per_package, 0)) AS packages,
        packages / nullif(o.packing_configuration_packages_per_layer, 0) AS layers,
        layers / nullif(o.packing_configuration_layers_per_load_carrier, 0) AS load_carriers
    FROM orders.sales_orders o
    JOIN conditions c ON c.account = o.account AND c.delivery_condition_id = o.delivery_delivery_condition_id
    LEFT JOIN days d ON d.moment = o.delivery_latest_delivery_date_time
    WHERE o.status = 'COMMITTED'
        AND NOT o.is_deleted
        AND c.has_cost
        AND (from_date IS NULL OR d.day >= CAST(from_date AS DATE))
        AND (to_date IS NULL OR d.day <= CAST(to_date AS DATE))
        AND (customer IS NULL OR o.customer_organization_id = CAST(customer AS UUID))
),
deliveries AS (
    SELECT
        o.number,
        o.month,
        o.incoterm,
        o.money,
        count(*) AS orders,
        sum(o.amount) AS amount,
        sum(o.pieces) AS pieces,
        CASE WHEN count(o.packages) = count(*) THEN sum(o.packages) END AS packages,
        CASE WHEN count(o.layers) = count(*) THEN ceil(round(sum(o.layers), 6)) END AS layers,
        CASE WHEN count(o.load_carriers) = count(*) THEN ceil(round(sum(o.load_carriers), 6)) END AS load_carriers
    FROM costly_orders o
    GROUP BY o.number, o.month, o.incoterm, o.money, o.customer_organization_id, o.location_gln, o.moment
),
costs AS (
    SELECT
        c.account,
        v.month,
        v.incoterm,
        v.money,
        v.orders,
        CAST(k.shipping_costs_per_unit AS DECIMAL(38, 6)) * CAST(
            CASE c.unit
                WHEN 'PIECE' THEN v.pieces
                WHEN 'PACKAGE' THEN v.packages
                WHEN 'LAYER' THEN v.layers
                WHEN 'LOADCARRIER' THEN v.load_carriers
                WHEN 'LOAD_CARRIER' THEN v.load_carriers
                WHEN 'SHIPMENT' THEN 1
            END AS BIGINT
        ) + CASE
            WHEN coalesce(v.amount < k.delivery_surcharge_threshold, false)
                OR coalesce(v.load_carriers < c.least_load_carriers, false)
            THEN coalesce(k.delivery_surcharge, 0)
            ELSE 0
        END AS cost
    FROM deliveries v
    JOIN conditions c ON c.number = v.number
    LEFT JOIN organizations.delivery_condition_costs k
        ON k.account = c.account
        AND k.delivery_condition_set_id = c.delivery_condition_set_id
        AND k.delivery_condition_position = c.position
        AND k.currency = v.money
),
months AS (
    SELECT
        o.account,
        o.month,
        o.incoterm,
        o.money,
        o.revenue_money,
        count(*) AS orders,
        count(*) FILTER (c.has_cost IS DISTINCT FROM false) AS orders_with_unknown_cost,
        sum(o.revenue) AS revenue
    FROM detail o
    LEFT JOIN conditions c ON c.account = o.account AND c.delivery_condition_id = o.delivery_condition_id
    GROUP BY ALL
),
amounts AS (
    SELECT
        m.account,
        m.month,
        m.incoterm,
        m.money,
        m.orders,
        m.orders_with_unknown_cost AS orders_without_cost,
        CASE WHEN m.orders > m.orders_with_unknown_cost THEN 0 END AS cost,
        0 AS revenue
    FROM months m
    UNION ALL
    SELECT c.account, c.month, c.incoterm, c.money, 0, -sum(c.orders), sum(c.cost), 0
    FROM costs c
    WHERE c.cost IS NOT NULL
    GROUP BY ALL
    UNION ALL
    SELECT m.account, m.month, m.incoterm, m.revenue_money, 0, 0, NULL, m.revenue FROM months m WHERE m.revenue IS NOT NULL
),
sums AS (
    SELECT
        a.account,
        a.month,
        a.incoterm,
        a.money,
        CAST(sum(a.orders) AS BIGINT) AS orders,
        CAST(sum(a.orders_without_cost) AS BIGINT) AS orders_without_cost,
        CASE WHEN sum(a.orders) > 0 THEN sum(a.cost) ELSE 0 END AS cost,
        sum(a.revenue) AS revenue
    FROM amounts a
    WHERE currency IS NULL OR a.money = upper(currency)
    GROUP BY ALL
)
SELECT
    s.account,
    s.month,
    s.incoterm,
    s.money AS currency,
    s.orders,
    s.cost AS delivery_cost,
    s.revenue AS delivery_revenue,
    CAST(s.revenue / nullif(s.cost, 0) AS DECIMAL(38, 6)) AS recovery,
    s.orders_without_cost
FROM sums s
ORDER BY s.account, s.month DESC NULLS LAST, s.incoterm, s.money
