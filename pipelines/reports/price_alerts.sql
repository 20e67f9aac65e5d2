-- Prices to look at, below the clock's minimum, below the contract, or lower at the clock than elsewhere: one row for
-- each account, ISO week, trade item, currency and kind of alert.
--
-- Only orders with status COMMITTED count, without deleted ones and those without a price or pieces. The week is that of
-- the latest delivery in Amsterdam; orders without that time are in rows without a week, unless from_date or to_date is
-- given. Prices are those of the piece alone, without packing, services and delivery, and only prices in one currency
-- are compared.
--
-- BELOW_MINIMUM: orders of a clock supply line for less than its minimum price, as the line has it now. BELOW_CONTRACT:
-- orders of a blanket order for less than the contract's price in that period, also where a margin allows it.
-- CLOCK_BELOW_DIRECT: the average price of the item at the clock, presales included, in a week in which it was also sold
-- otherwise for more on average. Quality, packing and the costs of each way of trading differ: that a price is low is no
-- proof that something is wrong. The alerts that cost most are first in each week.
--
-- parameters:
--   from_date   first day of delivery, in Amsterdam
--   to_date     last day of delivery, in Amsterdam
--   currency    only this currency, as ISO 4217
--   trade_item  only this trade item, by its id
--
-- columns:
--   account          name of the account in the settings
--   iso_year         year that the ISO week belongs to
--   iso_week         ISO week of the latest delivery, 1 to 53
--   trade_item_id    sold trade item (catalog.trade_items)
--   trade_item_name  its name; NULL if the trade item is not in the warehouse
--   currency         currency of the prices, as ISO 4217
--   kind             BELOW_MINIMUM, BELOW_CONTRACT or CLOCK_BELOW_DIRECT
--   orders           sales orders below the reference; all of the clock for CLOCK_BELOW_DIRECT
--   pieces           their pieces, after all corrections
--   price            their average price of a piece, weighted by pieces
--   reference_price  minimum, contract or direct price, weighted by the same pieces
--   deviation        price divided by the reference price, minus 1; -0.1 for 10 % less
--   shortfall        how much less was paid than at the reference price, in the currency
--
-- tables:
--   catalog.trade_items
--   orders.blanket_order_lines
--   orders.blanket_orders
--   orders.contract_line_periods
--   orders.contracts
--   orders.sales_orders
--   supply.clock_supply_lines

WITH
{committed_orders},
priced_orders AS (
    -- Without o.*, with which DuckDB would read and keep all columns of committed_orders.
    SELECT
        o.account,
        o.sales_order_id,
        o.day,
        o.monday,
        o.customer_organization_id,
        o.seller_organization_id,
        o.trade_item_id,
        o.supply_line_id,
        o.blanket_order_line_id,
        o.trade_instrument,
        o.price_money,
        o.price,
        o.pieces,
        o.paid,
        o.priced_pieces
    FROM committed_orders o
    WHERE o.priced_pieces > 0
        AND (from_date IS NULL OR o.day >= CAST(from_date AS DATE))
        AND (to_date IS NULL OR o.day <= CAST(to_date AS DATE))
        AND (currency IS NULL OR o.price_money = upper(currency))
        AND (trade_item IS NULL OR o.trade_item_id = CAST(trade_item AS UUID))
),
agreed_prices AS (
    -- Numbered, so that DuckDB joins them before the orders: it would join the lines to all orders first, although few have
    -- a contract's price.
    SELECT
        l.account,
        l.blanket_order_line_id,
        c.currency AS money,
        p.price_per_piece AS price,
        row_number() OVER () AS number
    FROM orders.blanket_order_lines l
    JOIN orders.blanket_orders b ON b.account = l.account AND b.blanket_order_id = l.blanket_order_id
    JOIN orders.contracts c ON c.account = b.account AND c.contract_id = b.contract_id
    JOIN orders.contract_line_periods p
        ON p.account = b.account
        AND p.contract_id = b.contract_id
        AND p.contract_line_period_id = l.contract_line_period_id
),
compared AS (
    -- Joined by the id alone, and the rest compared for what is found: most orders have neither a minimum nor a contract.
    SELECT 'BELOW_MINIMUM' AS kind, o.*, m.minimum_price_per_piece_value AS reference
    FROM priced_orders o
    JOIN supply.clock_supply_lines m ON m.supply_line_id = o.supply_line_id
    WHERE CASE m.account WHEN o.account THEN o.price_money = m.minimum_price_per_piece_currency ELSE false END
    UNION ALL
    SELECT 'BELOW_CONTRACT' AS kind, o.*, a.price AS reference
    FROM priced_orders o
    JOIN agreed_prices a ON a.blanket_order_line_id = o.blanket_order_line_id
    WHERE CASE a.account WHEN o.account THEN o.price_money = a.money AND a.number > 0 ELSE false END
),
detail AS (
    -- One row for each order below the minimum or the contract.
    SELECT c.*
    FROM compared c
    WHERE c.price < c.reference
),
item_weeks AS (
    SELECT
        o.account,
        o.monday,
        o.trade_item_id,
        o.price_money AS money,
        count(*) FILTER (starts_with(o.trade_instrument, 'CLOCK_')) AS clock_orders,
        sum(o.priced_pieces) FILTER (starts_with(o.trade_instrument, 'CLOCK_')) AS clock_pieces,
        sum(o.paid) FILTER (starts_with(o.trade_instrument, 'CLOCK_')) AS clock_paid,
        sum(o.priced_pieces) FILTER (NOT starts_with(o.trade_instrument, 'CLOCK_')) AS direct_pieces,
        sum(o.paid) FILTER (NOT starts_with(o.trade_instrument, 'CLOCK_')) AS direct_paid
    FROM priced_orders o
    WHERE o.monday IS NOT NULL
        AND o.trade_item_id IS NOT NULL
        AND o.price_money IS NOT NULL
        AND o.trade_instrument IS NOT NULL
    GROUP BY ALL
),
alerts AS (
    SELECT
        o.kind,
        o.account,
        o.monday,
        o.trade_item_id,
        o.price_money AS money,
        count(*) AS orders,
        sum(o.pieces) AS pieces,
        sum(o.paid) AS paid,
        CAST(sum(CAST(o.reference AS DECIMAL(38, 6)) * o.pieces) AS DOUBLE) AS due
    FROM detail o
    GROUP BY ALL
    UNION ALL
    SELECT
        'CLOCK_BELOW_DIRECT' AS kind,
        w.account,
        w.monday,
        w.trade_item_id,
        w.money,
        w.clock_orders,
        w.clock_pieces,
        w.clock_paid,
        CAST(w.direct_paid AS DOUBLE) * w.clock_pieces / w.direct_pieces AS due
    FROM item_weeks w
    -- Exact, so that equal prices are no alert; prices too large for that are none either.
    WHERE TRY(w.clock_paid * w.direct_pieces < w.direct_paid * w.clock_pieces)
),
{items}
SELECT
    a.account,
    CAST(isoyear(a.monday) AS INTEGER) AS iso_year,
    CAST(weekofyear(a.monday) AS INTEGER) AS iso_week,
    a.trade_item_id,
    i.trade_item_name,
    a.money AS currency,
    a.kind,
    a.orders,
    CAST(a.pieces AS BIGINT) AS pieces,
    CAST(a.paid / a.pieces AS DECIMAL(38, 6)) AS price,
    CAST(a.due / a.pieces AS DECIMAL(38, 6)) AS reference_price,
    CAST(a.paid / nullif(a.due, 0) - 1 AS DECIMAL(38, 6)) AS deviation,
    CAST(a.due - CAST(a.paid AS DOUBLE) AS DECIMAL(38, 6)) AS shortfall
FROM alerts a
LEFT JOIN items i ON i.account = a.account AND i.trade_item_id = a.trade_item_id
ORDER BY a.account, a.monday DESC NULLS LAST, a.money, shortfall DESC, a.trade_item_id, a.kind
