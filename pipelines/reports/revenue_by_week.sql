-- Revenue by week of delivery: one row for each account, ISO week, trade item and currency.
--
-- Only orders of status COMMITTED count. The week is that of the latest delivery in Amsterdam; orders without that
-- moment stand in a row without a week, unless days are asked for. Currencies are never added together.
--
-- The revenue of last year is that of the whole ISO week of the same number a year earlier, whatever days are asked
-- for. It is NULL where nothing was delivered then, and for a week 53 where the year before had none.
--
-- parameters:
--   from_date  first day of delivery, in Amsterdam
--   to_date    last day of delivery, in Amsterdam
--   currency   only this currency, as ISO 4217
--
-- columns:
--   account            name of the account in the settings
--   iso_year           year that the ISO week belongs to
--   iso_week           ISO week of the latest delivery, 1 to 53
--   trade_item_id      what was ordered (catalog.trade_items)
--   trade_item_name    its Dutch name; NULL while the trade item is not known
--   currency           currency of the revenue, as ISO 4217
--   orders             sales orders
--   pieces             pieces, after all corrections
--   revenue            value of the orders, in the currency
--   revenue_last_year  revenue in the same ISO week a year earlier, in the currency
--
-- tables:
--   catalog.trade_items
--   orders.sales_orders

WITH delivered AS (
    SELECT
        o.account,
        o.trade_item_id,
        o.calculated_fields_order_amount_currency AS money,
        CAST(timezone('Europe/Amsterdam', o.delivery_latest_delivery_date_time) AS DATE) AS day,
        o.number_of_pieces,
        o.calculated_fields_order_amount_value AS amount
    FROM orders.sales_orders o
    WHERE o.status = 'COMMITTED' AND NOT o.is_deleted
),
weeks AS (
    SELECT
        d.account,
        CAST(isoyear(d.day) AS INTEGER) AS iso_year,
        CAST(weekofyear(d.day) AS INTEGER) AS iso_week,
        d.trade_item_id,
        d.money,
        count(*) AS orders,
        CAST(sum(d.number_of_pieces) AS BIGINT) AS pieces,
        sum(d.amount) AS revenue
    FROM delivered d
    WHERE (from_date IS NULL OR d.day >= CAST(from_date AS DATE))
        AND (to_date IS NULL OR d.day <= CAST(to_date AS DATE))
        AND (currency IS NULL OR d.money = currency)
    GROUP BY ALL
),
a_year_earlier AS (
    SELECT
        d.account,
        isoyear(d.day) + 1 AS iso_year,
        weekofyear(d.day) AS iso_week,
        d.trade_item_id,
        d.money,
        sum(d.amount) AS revenue
    FROM delivered d
    GROUP BY ALL
)
SELECT
    w.account,
    w.iso_year,
    w.iso_week,
    w.trade_item_id,
    i.trade_item_name_nl AS trade_item_name,
    w.money AS currency,
    w.orders,
    w.pieces,
    w.revenue,
    e.revenue AS revenue_last_year
FROM weeks w
LEFT JOIN a_year_earlier e
    ON e.account = w.account
    AND e.iso_year = w.iso_year
    AND e.iso_week = w.iso_week
    AND e.trade_item_id IS NOT DISTINCT FROM w.trade_item_id
    AND e.money IS NOT DISTINCT FROM w.money
LEFT JOIN catalog.trade_items i
    ON i.account = w.account AND i.trade_item_id = w.trade_item_id
ORDER BY w.account, w.iso_year DESC NULLS LAST, w.iso_week DESC NULLS LAST, w.money, w.revenue DESC NULLS LAST,
    w.trade_item_id
