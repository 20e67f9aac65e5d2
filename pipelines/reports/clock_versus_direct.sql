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
instruments AS (
    SELECT
        o.account,
        CAST(date_trunc('month', o.day) AS DATE) AS month,
        o.trade_instrument,
        o.price_money AS money,
        count(*) AS orders,
        CAST(sum(o.pieces) AS BIGINT) AS pieces,
        sum(o.paid) AS paid,
        sum(o.priced_pieces) AS priced_pieces
    FROM detail o
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
