-- Prices of a piece at the clock and in other trade: one row for each account, month, trade instrument and currency.
--
-- Only orders with status COMMITTED count, without deleted ones. The month is that of the latest delivery in Amsterdam;
-- orders without that time are in rows without a month, unless from_date or to_date is given.
--
-- Prices are those of the piece alone, without packing, services and delivery, which the clock does not charge.
--
-- Average prices depend on what was sold where: expensive items at the clock and cheap ones directly make the clock look
-- better than it was. The like-for-like price compares the same: only items that were sold both at the clock and
-- otherwise in one ISO week, each with its average price, weighted by the pieces that the clock sold of it in that week.
-- A week that two months share counts in each with its own days. Orders without a price, a trade item or pieces are
-- left out there. Quality, packing and the costs of each way of trading differ, and are not compared.
--
-- parameters:
--   from_date   first day of delivery, in Amsterdam
--   to_date     last day of delivery, in Amsterdam
--   currency    only this currency, as ISO 4217
--   customer    only this buyer, by the organization's id
--   trade_item  only this trade item, by its id
--
-- columns:
--   account               name of the account in the settings
--   month                 month of the latest delivery, as its first day
--   trade_instrument      way of trading
--   is_clock              whether that is the clock or its presales; NULL if the trade instrument is NULL
--   currency              currency of the prices, as ISO 4217
--   orders                sales orders
--   pieces                pieces, after all corrections
--   average_price         average price of a piece in the currency, weighted by pieces; NULL if there are none
--   like_for_like_price   average price of items sold in weeks of both, weighted by clock pieces; NULL if there are none
--   like_for_like_pieces  clock pieces of these items and weeks
--   clock_price           average price at the clock of these items and weeks, weighted by the same pieces
--   above_clock           fraction by which the like-for-like price is above that at the clock, below 0 if it is lower
--
-- tables:
--   orders.sales_orders

WITH
{committed_orders},
detail AS (
    SELECT o.*
    FROM committed_orders o
    WHERE (from_date IS NULL OR o.day >= CAST(from_date AS DATE))
        AND (to_date IS NULL OR o.day <= CAST(to_date AS DATE))
        AND (currency IS NULL OR o.price_money = upper(currency))
        AND (customer IS NULL OR o.customer_organization_id = CAST(customer AS UUID))
        AND (trade_item IS NULL OR o.trade_item_id = CAST(trade_item AS UUID))
),
kinds AS (
    -- Trade instruments by number, which is faster to group by than their long names.
    SELECT
        o.trade_instrument,
        starts_with(o.trade_instrument, 'CLOCK_') AS is_clock,
        CAST(row_number() OVER (ORDER BY o.trade_instrument) AS INTEGER) AS number
    FROM orders.sales_orders o
    GROUP BY o.trade_instrument
),
numbered AS (
    SELECT
        o.account,
        o.month,
        o.monday,
        o.trade_item_id,
        k.number AS kind_number,
        k.is_clock,
        o.price_money AS money,
        o.pieces,
        o.paid,
        o.priced_pieces
    FROM detail o
    LEFT JOIN kinds k ON k.trade_instrument = o.trade_instrument
),
instruments AS (
    SELECT
        o.account,
        o.month,
        o.kind_number,
        o.money,
        count(*) AS orders,
        CAST(sum(o.pieces) AS BIGINT) AS pieces,
        sum(o.paid) AS paid,
        sum(o.priced_pieces) AS priced_pieces
    FROM numbered o
    GROUP BY ALL
),
item_weeks AS (
    -- A week that two months share is two parts: the second one begins with the month.
    SELECT
        o.account,
        greatest(o.monday, o.month) AS week_part,
        o.trade_item_id,
        o.kind_number,
        o.is_clock,
        o.money,
        sum(o.paid) AS paid,
        sum(o.priced_pieces) AS pieces
    FROM numbered o
    WHERE o.priced_pieces > 0
        AND o.monday IS NOT NULL
        AND o.trade_item_id IS NOT NULL
        AND o.kind_number IS NOT NULL
        AND o.money IS NOT NULL
    GROUP BY ALL
),
clock_weeks AS (
    SELECT w.account, w.week_part, w.trade_item_id, w.money, sum(w.paid) AS paid, sum(w.pieces) AS pieces
    FROM item_weeks w
    WHERE w.is_clock
    GROUP BY ALL
),
sold_both_ways AS (
    SELECT c.*
    FROM clock_weeks c
    SEMI JOIN (SELECT * FROM item_weeks WHERE NOT is_clock) w
        ON w.account = c.account
        AND w.week_part = c.week_part
        AND w.trade_item_id = c.trade_item_id
        AND w.money = c.money
),
like_for_like AS (
    SELECT
        w.account,
        CAST(date_trunc('month', w.week_part) AS DATE) AS month,
        w.kind_number,
        w.money,
        sum(CAST(w.paid AS DOUBLE) * c.pieces / w.pieces) / sum(c.pieces) AS price,
        sum(c.pieces) AS pieces,
        sum(c.paid) / sum(c.pieces) AS clock_price
    FROM item_weeks w
    JOIN sold_both_ways c
        ON c.account = w.account
        AND c.week_part = w.week_part
        AND c.trade_item_id = w.trade_item_id
        AND c.money = w.money
    GROUP BY ALL
)
SELECT
    i.account,
    i.month,
    k.trade_instrument,
    k.is_clock,
    i.money AS currency,
    i.orders,
    i.pieces,
    CAST(i.paid / nullif(i.priced_pieces, 0) AS DECIMAL(38, 6)) AS average_price,
    CAST(l.price AS DECIMAL(38, 6)) AS like_for_like_price,
    CAST(coalesce(l.pieces, 0) AS BIGINT) AS like_for_like_pieces,
    CAST(l.clock_price AS DECIMAL(38, 6)) AS clock_price,
    CAST(l.price / nullif(l.clock_price, 0) - 1 AS DECIMAL(38, 6)) AS above_clock
FROM instruments i
LEFT JOIN kinds k ON k.number = i.kind_number
LEFT JOIN like_for_like l
    ON l.account = i.account
    AND l.month = i.month
    AND l.kind_number = i.kind_number
    AND l.money = i.money
ORDER BY i.account, i.month DESC NULLS LAST, i.money, k.is_clock DESC NULLS LAST, i.kind_number
