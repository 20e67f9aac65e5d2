-- Prices at the auction clock: one row for each account, auction day, location, trade item and currency.
--
-- Only what was bought at the clock counts: orders with status COMMITTED of the instruments CLOCK_SALES and
-- CLOCK_SALES_FROM_NURSERY (the clock with delivery from the nursery), without deleted ones. Pre-sales have a fixed price
-- and are left out, although they pass through the clock's channel. The price is that of a piece, without levies and
-- services, after all corrections.
--
-- Day and location are those of the auctioned lot, the clock supply line of the order. An order without a known lot
-- counts on the day on which it was placed, in Amsterdam, without a location; for Plantion and VRM the channel shows the
-- location. The average is weighted by pieces: half of a lot at twice the price counts more than one tray. The published
-- average of an auction also has the lots of other growers.
--
-- parameters:
--   from_date   first day of the auction
--   to_date     last day of the auction
--   currency    only this currency, as ISO 4217
--   trade_item  only this trade item, by its id
--
-- columns:
--   account          name of the account in the settings
--   day              day of the auction
--   clock_location   location of the clock; NULL if it is not known
--   trade_item_id    auctioned trade item (catalog.trade_items)
--   trade_item_name  its name; NULL if the trade item is not in the warehouse
--   product_name     name of its VBN product code, if the code list is loaded (lookup.vbn_products)
--   currency         currency of the prices, as ISO 4217
--   lots             auctioned lots; of orders without a known lot, each counts as one
--   transactions     sales orders: a lot may have several buyers
--   pieces           pieces sold
--   lowest_price     lowest price of a piece, in the currency
--   average_price    average price of a piece, weighted by pieces; NULL without pieces
--   highest_price    highest price of a piece
--
-- tables:
--   catalog.trade_items
--   lookup.vbn_products
--   orders.sales_orders
--   supply.clock_supply_lines

WITH sold AS (
    -- Without o.*: all steps that follow would have two hundred columns, which takes longer to plan.
    SELECT
        o.account,
        o.order_date_time,
        o.sales_channel,
        o.supply_line_id,
        o.trade_item_id,
        o.price_per_piece_currency AS money,
        o.price_per_piece_value AS price,
        o.number_of_pieces AS pieces
    FROM orders.sales_orders o
    WHERE o.trade_instrument IN ('CLOCK_SALES', 'CLOCK_SALES_FROM_NURSERY')
        AND o.status = 'COMMITTED'
        AND NOT o.is_deleted
        AND (currency IS NULL OR o.price_per_piece_currency = upper(currency))
        AND (trade_item IS NULL OR o.trade_item_id = CAST(trade_item AS UUID))
),
days AS (
    -- Converting to Amsterdam's time zone is slow, and there are far fewer distinct times than orders.
    SELECT m.moment, CAST(timezone('Europe/Amsterdam', m.moment) AS DATE) AS day
    FROM (SELECT o.order_date_time AS moment FROM sold o GROUP BY moment) m
),
locations AS (
    -- Numbered in their order: numbers are faster to group and to sort than texts.
    SELECT p.name, CAST(row_number() OVER (ORDER BY p.name) AS INTEGER) AS number
    FROM (
        SELECT l.auction_location AS name FROM supply.clock_supply_lines l
        UNION
        SELECT unnest(['PLANTION', 'RHEINMAAS'])
    ) p
    WHERE p.name IS NOT NULL
),
auctioned AS (
    SELECT
        o.account,
        coalesce(l.auction_date, d.day) AS day,
        p.number AS location_number,
        o.trade_item_id,
        o.money,
        l.supply_line_id AS lot,
        o.pieces,
        o.price
    FROM sold o
    LEFT JOIN days d ON d.moment = o.order_date_time
    LEFT JOIN supply.clock_supply_lines l ON l.account = o.account AND l.supply_line_id = o.supply_line_id
    LEFT JOIN locations p
        ON p.name = coalesce(
            l.auction_location,
            CASE o.sales_channel WHEN 'PLANTION_CLOCK' THEN 'PLANTION' WHEN 'VRM_CLOCK' THEN 'RHEINMAAS' END
        )
),
detail AS (
    SELECT a.*
    FROM auctioned a
    WHERE (from_date IS NULL OR a.day >= CAST(from_date AS DATE))
        AND (to_date IS NULL OR a.day <= CAST(to_date AS DATE))
),
known_lots AS (
    -- Counted apart from the sums: with count(DISTINCT lot), DuckDB groups three times and joins the results.
    SELECT l.account, l.day, l.location_number, l.trade_item_id, l.money, count(*) AS lots
    FROM (
        SELECT a.account, a.day, a.location_number, a.trade_item_id, a.money, a.lot
        FROM detail a
        WHERE a.lot IS NOT NULL
        GROUP BY ALL
    ) l
    GROUP BY ALL
),
sums AS (
    SELECT
        a.account,
        a.day,
        a.location_number,
        a.trade_item_id,
        a.money,
        count(*) AS transactions,
        count(*) FILTER (a.lot IS NULL) AS unknown_lots,
        CAST(sum(a.pieces) AS BIGINT) AS pieces,
        min(a.price) AS lowest_price,
        max(a.price) AS highest_price,
        sum(CAST(a.price AS DECIMAL(38, 6)) * a.pieces) AS paid,
        -- Nearly all pieces have a price: this takes much less time than to add up those.
        coalesce(sum(a.pieces) FILTER (a.price IS NULL), 0) AS unpriced_pieces
    FROM detail a
    GROUP BY ALL
),
prices AS (
    SELECT
        s.account,
        s.day,
        s.location_number,
        s.trade_item_id,
        s.money,
        s.unknown_lots + coalesce(k.lots, 0) AS lots,
        s.transactions,
        s.pieces,
        s.lowest_price,
        CAST(s.paid / nullif(s.pieces - s.unpriced_pieces, 0) AS DECIMAL(38, 6)) AS average_price,
        s.highest_price
    FROM sums s
    LEFT JOIN known_lots k
        ON k.account = s.account
        AND k.day IS NOT DISTINCT FROM s.day
        AND k.location_number IS NOT DISTINCT FROM s.location_number
        AND k.trade_item_id IS NOT DISTINCT FROM s.trade_item_id
        AND k.money IS NOT DISTINCT FROM s.money
)
SELECT
    p.account,
    p.day,
    o.name AS clock_location,
    p.trade_item_id,
    i.trade_item_name_nl AS trade_item_name,
    v.name AS product_name,
    p.money AS currency,
    p.lots,
    p.transactions,
    p.pieces,
    p.lowest_price,
    p.average_price,
    p.highest_price
FROM prices p
LEFT JOIN locations o ON o.number = p.location_number
LEFT JOIN catalog.trade_items i ON i.account = p.account AND i.trade_item_id = p.trade_item_id
LEFT JOIN lookup.vbn_products v ON v.vbn_product_code = i.vbn_product_code
ORDER BY p.account, p.day DESC NULLS LAST, p.location_number NULLS LAST, p.pieces DESC NULLS LAST, p.trade_item_id, p.money
