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
    SELECT o.*
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
auctioned AS (
    SELECT
        o.account,
        coalesce(l.auction_date, d.day) AS day,
        coalesce(
            l.auction_location,
            CASE o.sales_channel WHEN 'PLANTION_CLOCK' THEN 'PLANTION' WHEN 'VRM_CLOCK' THEN 'RHEINMAAS' END
        ) AS clock_location,
        o.trade_item_id,
        o.price_per_piece_currency AS money,
        coalesce(l.supply_line_id, o.sales_order_id) AS lot,
        o.number_of_pieces AS pieces,
        o.price_per_piece_value AS price
    FROM sold o
    LEFT JOIN days d ON d.moment = o.order_date_time
    LEFT JOIN supply.clock_supply_lines l ON l.account = o.account AND l.supply_line_id = o.supply_line_id
),
lots AS (
    -- By lot first: with count(DISTINCT lot), DuckDB groups three times and joins the results.
    SELECT
        a.account,
        a.day,
        a.clock_location,
        a.trade_item_id,
        a.money,
        a.lot,
        count(*) AS transactions,
        sum(a.pieces) AS pieces,
        min(a.price) AS lowest_price,
        max(a.price) AS highest_price,
        sum(CAST(a.price AS DECIMAL(38, 6)) * a.pieces) AS paid,
        sum(a.pieces) FILTER (a.price IS NOT NULL) AS priced_pieces
    FROM auctioned a
    WHERE (from_date IS NULL OR a.day >= CAST(from_date AS DATE))
        AND (to_date IS NULL OR a.day <= CAST(to_date AS DATE))
    GROUP BY ALL
),
prices AS (
    SELECT
        l.account,
        l.day,
        l.clock_location,
        l.trade_item_id,
        l.money,
        count(*) AS lots,
        CAST(sum(l.transactions) AS BIGINT) AS transactions,
        CAST(sum(l.pieces) AS BIGINT) AS pieces,
        min(l.lowest_price) AS lowest_price,
        CAST(sum(l.paid) / nullif(sum(l.priced_pieces), 0) AS DECIMAL(38, 6)) AS average_price,
        max(l.highest_price) AS highest_price
    FROM lots l
    GROUP BY ALL
)
SELECT
    p.account,
    p.day,
    p.clock_location,
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
LEFT JOIN catalog.trade_items i ON i.account = p.account AND i.trade_item_id = p.trade_item_id
LEFT JOIN lookup.vbn_products v ON v.vbn_product_code = i.vbn_product_code
ORDER BY p.account, p.day DESC NULLS LAST, p.clock_location NULLS LAST, p.pieces DESC NULLS LAST, p.trade_item_id, p.money
