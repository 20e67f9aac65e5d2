-- Revenue by sales channel: one row for each account, month, sales channel, trade instrument, interface and currency.
--
-- Only orders with status COMMITTED count, without deleted ones. The month is that of the latest delivery in Amsterdam;
-- orders without that time are in rows without a month, unless from_date or to_date is given.
--
-- The share is the fraction of all revenue of the account in the month and currency, within the given parameters. Others
-- count presales of the clock as direct trade; here they are a trade instrument of their own.
--
-- parameters:
--   from_date   first day of delivery, in Amsterdam
--   to_date     last day of delivery, in Amsterdam
--   currency    only this currency, as ISO 4217
--   customer    only this buyer, by the organization's id
--   trade_item  only this trade item, by its id
--
-- columns:
--   account                  name of the account in the settings
--   month                    month of the latest delivery, as its first day
--   sales_channel            platform of the sale
--   trade_instrument         trade instrument: clock, direct, contract
--   sales_channel_interface  how the orders came in: by screen or by software
--   currency                 currency of the revenue, as ISO 4217
--   orders                   sales orders
--   pieces                   pieces, after all corrections
--   revenue                  value of the orders, in the currency
--   share                    fraction of the month's revenue in the currency, 1 for all; NULL if that is 0
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
        AND (currency IS NULL OR o.money = upper(currency))
        AND (customer IS NULL OR o.customer_organization_id = CAST(customer AS UUID))
        AND (trade_item IS NULL OR o.trade_item_id = CAST(trade_item AS UUID))
),
mix AS (
    SELECT
        o.account,
        o.month,
        o.sales_channel,
        o.trade_instrument,
        o.sales_channel_interface,
        o.money,
        count(*) AS orders,
        CAST(sum(o.pieces) AS BIGINT) AS pieces,
        sum(o.revenue) AS revenue
    FROM detail o
    GROUP BY ALL
)
SELECT
    m.account,
    m.month,
    m.sales_channel,
    m.trade_instrument,
    m.sales_channel_interface,
    m.money AS currency,
    m.orders,
    m.pieces,
    m.revenue,
    CAST(
        m.revenue / nullif(sum(m.revenue) OVER (PARTITION BY m.account, m.month, m.money), 0) AS DECIMAL(38, 6)
    ) AS share
FROM mix m
ORDER BY m.account, m.month DESC NULLS LAST, m.money, m.revenue DESC NULLS LAST, m.sales_channel, m.trade_instrument,
    m.sales_channel_interface
