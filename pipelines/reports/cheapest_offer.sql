-- The cheapest offer of comparable trade items: one row for each account, comparable group and currency.
--
-- Trade items are comparable if they have the same VBN product code and the same pot size (S01), height (S02), stem length
-- (S20), stems in a bunch (L11) and quality class (S98), whoever grows them. A trade item without a product code is
-- comparable only with itself. Buyers who order by brand or grower see it otherwise: the column offers shows how many
-- offers were compared.
--
-- Offers are supply lines that can be ordered now, or in the period, with pieces left; also those for this buyer alone. The price
-- is that of a piece in the cheapest packing, with auction levies and the rent of the package. Floriday calculates both
-- only for orders: levies are the share that they had in the committed direct orders from the same grower, else from all
-- growers, and the rent is that of a piece in the same package. Without such orders they are 0. Delivery, services and
-- lower prices for whole layers are left out.
--
-- parameters:
--   from_date   first day on which the offers can be ordered, in Amsterdam; now if it is not given
--   to_date     last day on which they can be ordered, in Amsterdam; now if neither day is given
--   currency    only this currency, as ISO 4217
--   grower      only offers of this grower, by the organization's id
--   trade_item  only offers that are comparable with this trade item, by its id
--
-- columns:
--   account                 name of the account in the settings
--   comparable_group        product code and characteristics of the trade items, or the id of a single one
--   vbn_product_code        their VBN product code
--   product_name            name of that code, if the code list is loaded (lookup.vbn_products)
--   trade_item_id           offered trade item (catalog.trade_items)
--   trade_item_name         its name; NULL if the trade item is not in the warehouse
--   supply_line_id          the cheapest offer (supply.supply_lines)
--   grower_organization_id  grower that offers it (organizations.organizations)
--   grower                  its name; NULL if the organization is not in the warehouse
--   price                   price of a piece with packing, levies and rent, in the currency; NULL if it is too large for the column
--   price_per_piece         of this, the price of a piece
--   packing_price           of this, the surcharge of the cheapest packing
--   levies                  of this, the expected auction levies
--   package_rental          of this, the expected rent of the package
--   currency                currency of the prices, as ISO 4217
--   next_price              price of the next offer, in the same way; NULL if there is no other
--   pieces                  pieces that are left of the cheapest offer
--   orderable_until         end of its order period
--   offers                  compared offers
--   growers                 growers of the compared offers
--
-- tables:
--   catalog.trade_item_characteristics
--   catalog.trade_items  name
--   lookup.vbn_products
--   orders.sales_orders  calculated_fields_total_auction_levies_value
--   organizations.organizations
--   supply.supply_line_packing_configurations  load_carrier_type
--   supply.supply_lines  supplier_organization_id

WITH bought AS (
    SELECT
        o.account,
        o.calculated_fields_order_amount_currency AS money,
        coalesce(o.seller_organization_id, o.supplier_organization_id) AS grower_id,
        o.packing_configuration_package_vbn_package_code AS package,
        o.number_of_pieces AS pieces,
        o.calculated_fields_order_amount_value AS amount,
        CASE WHEN o.calculated_fields_total_auction_levies_currency = o.calculated_fields_order_amount_currency
            THEN o.calculated_fields_total_auction_levies_value END AS levies,
        CASE WHEN o.calculated_fields_total_package_rental_costs_currency = o.calculated_fields_order_amount_currency
            THEN o.calculated_fields_total_package_rental_costs_value END AS rental
    FROM orders.sales_orders o
    WHERE o.status = 'COMMITTED' AND NOT o.is_deleted AND coalesce(o.trade_instrument, '') NOT LIKE 'CLOCK%'
),
levies AS (
    -- With the grower NULL for all growers.
    SELECT
        b.account,
        b.money,
        b.grower_id,
        grouping(b.grower_id) = 1 AS is_overall,
        TRY_CAST(coalesce(sum(b.levies), 0) / nullif(sum(b.amount), 0) AS DECIMAL(18, 6)) AS rate
    FROM bought b
    GROUP BY GROUPING SETS ((b.account, b.money, b.grower_id), (b.account, b.money))
),
rents AS (
    SELECT
        b.account,
        b.money,
        b.package,
        TRY_CAST(coalesce(sum(b.rental), 0) / nullif(sum(b.pieces), 0) AS DECIMAL(18, 6)) AS rent
    FROM bought b
    GROUP BY ALL
),
traits AS (
    SELECT
        c.account,
        c.trade_item_id,
        string_agg(c.vbn_code || '=' || c.vbn_value_code, ' ' ORDER BY c.vbn_code, c.vbn_value_code) AS text
    FROM catalog.trade_item_characteristics c
    WHERE c.vbn_code IN ('S01', 'S02', 'S20', 'L11', 'S98')
    GROUP BY ALL
),
items AS (
    SELECT
        i.account,
        i.trade_item_id,
        i.name,
        i.vbn_product_code,
        CASE WHEN i.vbn_product_code IS NULL THEN CAST(i.trade_item_id AS VARCHAR)
            ELSE concat_ws(' ', i.vbn_product_code, t.text) END AS comparable_group
    FROM catalog.trade_items i
    LEFT JOIN traits t ON t.account = i.account AND t.trade_item_id = i.trade_item_id
),
period AS (
    SELECT
        coalesce(timezone('Europe/Amsterdam', CAST(from_date AS TIMESTAMP)), now()) AS earliest,
        CASE
            WHEN to_date IS NOT NULL
                THEN timezone('Europe/Amsterdam', CAST(to_date AS TIMESTAMP) + INTERVAL 1 DAY) - INTERVAL 1 MICROSECOND
            WHEN from_date IS NULL THEN now()
        END AS latest
),
orderable AS (
    SELECT l.*, l.price_per_piece_currency AS money
    FROM supply.supply_lines l, period p
    WHERE l.status = 'AVAILABLE'
        AND NOT l.is_deleted
        AND l.number_of_pieces > 0
        AND l.trade_item_id IS NOT NULL
        AND l.price_per_piece_value IS NOT NULL
        AND coalesce(l.order_period_start_date_time <= p.latest, true)
        AND coalesce(l.order_period_end_date_time > p.earliest, true)
        AND (currency IS NULL OR l.price_per_piece_currency = upper(currency))
        AND (grower IS NULL OR l.supplier_organization_id = CAST(grower AS UUID))
),
packings AS (
    SELECT
        p.account,
        p.supply_line_id,
        arg_min(
            {
                'surcharge': coalesce(p.additional_price_per_piece_value, 0),
                'package': p.package_vbn_package_code
            },
            (coalesce(p.additional_price_per_piece_value, 0), p.position)
        ) AS cheapest
    FROM supply.supply_line_packing_configurations p
    JOIN orderable l ON l.account = p.account AND l.supply_line_id = p.supply_line_id
    WHERE p.additional_price_per_piece_value IS NULL OR p.additional_price_per_piece_currency = l.money
    GROUP BY ALL
),
offers AS (
    SELECT
        l.*,
        coalesce(i.comparable_group, CAST(l.trade_item_id AS VARCHAR)) AS comparable_group,
        i.vbn_product_code,
        i.name,
        CAST(coalesce(p.cheapest.surcharge, 0) AS DECIMAL(18, 6)) AS packing_price,
        TRY_CAST(
            (l.price_per_piece_value + packing_price) * coalesce(g.rate, a.rate, 0) AS DECIMAL(18, 6)
        ) AS levies,
        coalesce(r.rent, 0) AS package_rental,
        TRY_CAST(l.price_per_piece_value + packing_price + levies + package_rental AS DECIMAL(18, 6)) AS price
    FROM orderable l
    LEFT JOIN items i ON i.account = l.account AND i.trade_item_id = l.trade_item_id
    LEFT JOIN packings p ON p.account = l.account AND p.supply_line_id = l.supply_line_id
    LEFT JOIN levies g
        ON g.account = l.account AND g.money = l.money AND NOT g.is_overall AND g.grower_id = l.supplier_organization_id
    LEFT JOIN levies a ON a.account = l.account AND a.money = l.money AND a.is_overall
    LEFT JOIN rents r ON r.account = l.account AND r.money = l.money AND r.package = p.cheapest.package
),
ranked AS (
    SELECT
        o.*,
        row_number() OVER (cheapest_first) AS place,
        lead(o.price) OVER (cheapest_first) AS next_price,
        count(*) OVER (compared) AS offers,
        count(DISTINCT o.supplier_organization_id) OVER (compared) AS growers
    FROM offers o
    WHERE trade_item IS NULL
        OR o.trade_item_id = CAST(trade_item AS UUID)
        OR (o.account, o.comparable_group) IN (
            SELECT (i.account, i.comparable_group) FROM items i WHERE i.trade_item_id = CAST(trade_item AS UUID)
        )
    WINDOW
        compared AS (PARTITION BY o.account, o.comparable_group, o.money),
        cheapest_first AS (PARTITION BY o.account, o.comparable_group, o.money ORDER BY o.price, o.supply_line_id)
)
SELECT
    c.account,
    c.comparable_group,
    c.vbn_product_code,
    v.name AS product_name,
    c.trade_item_id,
    c.name AS trade_item_name,
    c.supply_line_id,
    c.supplier_organization_id AS grower_organization_id,
    n.name AS grower,
    c.price,
    c.price_per_piece_value AS price_per_piece,
    c.packing_price,
    c.levies,
    c.package_rental,
    c.money AS currency,
    c.next_price,
    CAST(c.number_of_pieces AS BIGINT) AS pieces,
    c.order_period_end_date_time AS orderable_until,
    c.offers,
    c.growers
FROM ranked c
LEFT JOIN organizations.organizations n
    ON n.account = c.account AND n.organization_id = c.supplier_organization_id
LEFT JOIN lookup.vbn_products v ON v.vbn_product_code = TRY_CAST(c.vbn_product_code AS INTEGER)
WHERE c.place = 1
ORDER BY c.account, c.comparable_group, c.money
