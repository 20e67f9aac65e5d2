-- Prices of a piece at the clock and in other trade: one row for each account, month, trade instrument and currency.
--
-- Only orders with status COMMITTED count, without deleted ones. The month is that of the latest delivery in Amsterdam;
-- orders without that time are in rows without a month, unless from_date or to_date is given.
--
-- Prices are those of the piece alone, without packing, services and delivery, which the clock does not charge.
--
-- parameters:
--   from_date   first day of delivery, in Amsterdam
--   to_date     last day of delivery, in Amsterdam
--   currency    only this currency, as ISO 4217
--   customer    only this buyer, by the organization's id
--   trade_item  only this trade item, by its id
--
-- columns:
--   account           name of the account in the settings
--   month             month of the latest delivery, as its first day
--   trade_instrument  way of trading
--   is_clock          whether that is the clock or its presales; NULL if the trade instrument is NULL
--   currency          currency of the prices, as ISO 4217
--   orders            sales orders
--   pieces            pieces, after all corrections
--   average_price     average price of a piece in the currency, weighted by pieces; NULL if there are none
--
-- tables:
--   orders.sales_orders

WITH days AS (
    -- Converting to Amsterdam's time zone is slow, and there are far fewer distinct times than orders.
    SELECT m.moment, CAST(timezone('Europe/Amsterdam', m.moment) AS DATE) AS day
    FROM (SELECT DISTINCT o.delivery_latest_delivery_date_time AS moment FROM orders.sales_orders o) m
),
instruments AS (
    SELECT
        o.account,
        CAST(date_trunc('month', d.day) AS DATE) AS month,
        o.trade_instrument,
        o.price_per_piece_currency AS money,
        count(*) AS orders,
        CAST(sum(o.number_of_pieces) AS BIGINT) AS pieces,
        sum(CAST(o.price_per_piece_value AS DECIMAL(38, 6)) * o.number_of_pieces) AS paid,
        sum(o.number_of_pieces) FILTER (o.price_per_piece_value IS NOT NULL) AS priced_pieces
    FROM orders.sales_orders o
    LEFT JOIN days d ON d.moment = o.delivery_latest_delivery_date_time
    WHERE o.status = 'COMMITTED'
        AND NOT o.is_deleted
        AND (from_date IS NULL OR d.day >= CAST(from_date AS DATE))
        AND (to_date IS NULL OR d.day <= CAST(to_date AS DATE))
        AND (currency IS NULL OR o.price_per_piece_currency = upper(currency))
        AND (customer IS NULL OR o.customer_organization_id = CAST(customer AS UUID))
        AND (trade_item IS NULL OR o.trade_item_id = CAST(trade_item AS UUID))
    GROUP BY ALL
)
SELECT
    i.account,
    i.month,
    i.trade_instrument,
    starts_with(i.trade_instrument, 'CLOCK_') AS is_clock,
    i.money AS currency,
    i.orders,
    i.pieces,
    CAST(i.paid / nullif(i.priced_pieces, 0) AS DECIMAL(38, 6)) AS average_price
FROM instruments i
ORDER BY i.account, i.month DESC NULLS LAST, i.money, is_clock DESC NULLS LAST, i.trade_instrument
