-- Revenue by week of delivery: one row for each account, ISO week, trade item and currency.
--
-- Only orders with status COMMITTED count, without deleted ones. The week is that of the latest delivery in Amsterdam;
-- orders without that time are in a row without a week, unless from_date or to_date is given. Currencies are never
-- added together.
--
-- The revenue of last year is that of the whole ISO week with the same number a year earlier, whatever from_date and
-- to_date are. It is NULL if nothing was delivered then, and for a week 53 if the year before had none. What was sold
-- last year and not this year has a row too, with 0 orders: in the weeks from from_date to to_date, or from the first to
-- the last week in which the account has orders.
--
-- parameters:
--   from_date   first day of delivery, in Amsterdam
--   to_date     last day of delivery, in Amsterdam
--   currency    only this currency, as ISO 4217
--   customer    only this buyer, by the organization's id
--   trade_item  only this trade item, by its id
--
-- columns:
--   account            name of the account in the settings
--   iso_year           year that the ISO week belongs to
--   iso_week           ISO week of the latest delivery, 1 to 53
--   trade_item_id      ordered trade item (catalog.trade_items)
--   trade_item_name    its name; NULL if the trade item is not in the warehouse
--   currency           currency of the revenue, as ISO 4217
--   orders             sales orders
--   pieces             pieces, after all corrections
--   revenue            value of the orders, in the currency
--   revenue_last_year  revenue in the same ISO week a year earlier, in the currency
--
-- tables:
--   catalog.trade_items
--   orders.sales_orders

WITH days AS (
    -- Converting to Amsterdam's time zone is slow, and there are far fewer distinct times than orders.
    SELECT
        m.moment,
        CAST(timezone('Europe/Amsterdam', m.moment) AS DATE) AS day,
        CAST(isoyear(day) AS INTEGER) AS iso_year,
        CAST(weekofyear(day) AS INTEGER) AS iso_week,
        (from_date IS NULL OR day >= CAST(from_date AS DATE))
            AND (to_date IS NULL OR day <= CAST(to_date AS DATE)) AS is_asked
    FROM (SELECT DISTINCT o.delivery_latest_delivery_date_time AS moment FROM orders.sales_orders o) m
),
weeks AS (
    SELECT
        o.account,
        d.iso_year,
        d.iso_week,
        o.trade_item_id,
        o.calculated_fields_order_amount_currency AS money,
        count(*) FILTER (d.is_asked) AS orders,
        CAST(sum(o.number_of_pieces) FILTER (d.is_asked) AS BIGINT) AS pieces,
        sum(o.calculated_fields_order_amount_value) FILTER (d.is_asked) AS revenue,
        sum(o.calculated_fields_order_amount_value) AS revenue_of_all_days
    FROM orders.sales_orders o
    JOIN days d ON d.moment IS NOT DISTINCT FROM o.delivery_latest_delivery_date_time
    WHERE o.status = 'COMMITTED'
        AND NOT o.is_deleted
        AND (currency IS NULL OR o.calculated_fields_order_amount_currency = upper(currency))
        AND (customer IS NULL OR o.customer_organization_id = CAST(customer AS UUID))
        AND (trade_item IS NULL OR o.trade_item_id = CAST(trade_item AS UUID))
    GROUP BY ALL
),
bounds AS (
    SELECT
        o.account,
        coalesce(CAST(from_date AS DATE), min(d.day)) AS first_day,
        coalesce(CAST(to_date AS DATE), max(d.day)) AS last_day,
        CAST(isoyear(first_day) * 100 + weekofyear(first_day) AS INTEGER) AS first_week,
        CAST(isoyear(last_day) * 100 + weekofyear(last_day) AS INTEGER) AS last_week
    FROM orders.sales_orders o
    JOIN days d ON d.moment = o.delivery_latest_delivery_date_time
    WHERE o.status = 'COMMITTED' AND NOT o.is_deleted
    GROUP BY o.account
),
last_year AS (
    SELECT w.* REPLACE (w.iso_year + 1 AS iso_year)
    FROM weeks w
    JOIN bounds b ON b.account = w.account
    WHERE (w.iso_year + 1) * 100 + w.iso_week BETWEEN b.first_week AND b.last_week
        AND w.iso_week <= weekofyear(make_date(w.iso_year + 1, 12, 28))  -- not each year has a week 53
),
sold AS (
    SELECT * FROM weeks w WHERE w.orders > 0
),
both_years AS (
    SELECT
        coalesce(w.account, e.account) AS account,
        coalesce(w.iso_year, e.iso_year) AS iso_year,
        coalesce(w.iso_week, e.iso_week) AS iso_week,
        coalesce(w.trade_item_id, e.trade_item_id) AS trade_item_id,
        coalesce(w.money, e.money) AS money,
        coalesce(w.orders, 0) AS orders,
        if(w.orders IS NULL, 0, w.pieces) AS pieces,
        if(w.orders IS NULL, 0, w.revenue) AS revenue,
        e.revenue_of_all_days AS revenue_last_year
    FROM sold w
    FULL JOIN last_year e
        ON e.account = w.account
        AND e.iso_year = w.iso_year
        AND e.iso_week = w.iso_week
        AND e.trade_item_id IS NOT DISTINCT FROM w.trade_item_id
        AND e.money IS NOT DISTINCT FROM w.money
),
items AS (
    SELECT i.account, i.trade_item_id, COLUMNS('^(trade_item_name_nl|name)$') AS trade_item_name
    FROM catalog.trade_items i
)
SELECT
    w.account,
    w.iso_year,
    w.iso_week,
    w.trade_item_id,
    i.trade_item_name,
    w.money AS currency,
    w.orders,
    w.pieces,
    w.revenue,
    w.revenue_last_year
FROM both_years w
LEFT JOIN items i
    ON i.account = w.account AND i.trade_item_id = w.trade_item_id
ORDER BY w.account, w.iso_year DESC NULLS LAST, w.iso_week DESC NULLS LAST, w.money, w.revenue DESC NULLS LAST,
    w.trade_item_id
