-- Revenue by week of delivery: one row for each account, ISO week, trade item and currency.
--
-- Only orders with status COMMITTED count, without deleted ones. The week is that of the latest delivery in Amsterdam;
-- orders without that time are in a row without a week, unless from_date or to_date is given. Currencies are never
-- added together.
--
-- The revenue of last year is that of the whole ISO week with the same number a year earlier, whatever from_date and
-- to_date are. It is NULL if nothing was delivered then, and for a week 53 if the year before had none. What was sold
-- last year and not this year has a row too, with 0 orders: in the weeks from from_date to to_date, or from the first to
-- the last week in which the account has orders. The running week has the revenue until now beside the whole week of
-- last year: compare only weeks that have ended, and that both years have, as customer_ranking does.
--
-- Others count revenue on the day of the order or of the invoice; invoice_reconciliation shows what differs.
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

WITH
{committed_orders},
matching AS (
    SELECT o.*
    FROM committed_orders o
    WHERE (currency IS NULL OR o.money = upper(currency))
        AND (customer IS NULL OR o.customer_organization_id = CAST(customer AS UUID))
        AND (trade_item IS NULL OR o.trade_item_id = CAST(trade_item AS UUID))
),
detail AS (
    SELECT o.*
    FROM matching o
    WHERE (from_date IS NULL OR o.day >= CAST(from_date AS DATE))
        AND (to_date IS NULL OR o.day <= CAST(to_date AS DATE))
),
sold AS (
    SELECT
        o.account,
        CAST(isoyear(o.monday) AS INTEGER) AS iso_year,
        CAST(weekofyear(o.monday) AS INTEGER) AS iso_week,
        o.trade_item_id,
        o.money,
        count(*) AS orders,
        CAST(sum(o.pieces) AS BIGINT) AS pieces,
        sum(o.revenue) AS revenue
    FROM detail o
    GROUP BY ALL
),
bounds AS (
    SELECT
        o.account,
        coalesce(CAST(from_date AS DATE), min(o.day)) AS first_day,
        coalesce(CAST(to_date AS DATE), max(o.day)) AS last_day,
        CAST(isoyear(first_day) * 100 + weekofyear(first_day) AS INTEGER) AS first_week,
        CAST(isoyear(last_day) * 100 + weekofyear(last_day) AS INTEGER) AS last_week
    FROM committed_orders o
    WHERE o.day IS NOT NULL
    GROUP BY o.account
),
weeks AS (
    -- Without those that are certainly less or more than a year earlier, which is 52 or 53 weeks.
    SELECT o.account, o.monday, o.trade_item_id, o.money, sum(o.revenue) AS revenue
    FROM matching o
    JOIN bounds b ON b.account = o.account
    WHERE o.monday + 52 * 7 <= b.last_day AND o.monday + 54 * 7 > b.first_day
    GROUP BY ALL
),
last_year AS (
    SELECT
        w.account,
        CAST(isoyear(w.monday) + 1 AS INTEGER) AS iso_year,
        CAST(weekofyear(w.monday) AS INTEGER) AS iso_week,
        w.trade_item_id,
        w.money,
        w.revenue
    FROM weeks w
    JOIN bounds b ON b.account = w.account
    WHERE (isoyear(w.monday) + 1) * 100 + weekofyear(w.monday) BETWEEN b.first_week AND b.last_week
        AND weekofyear(w.monday) <= weekofyear(make_date(isoyear(w.monday) + 1, 12, 28))  -- not each has a week 53
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
        e.revenue AS revenue_last_year
    FROM sold w
    FULL JOIN last_year e
        ON e.account = w.account
        AND e.iso_year = w.iso_year
        AND e.iso_week = w.iso_week
        AND e.trade_item_id IS NOT DISTINCT FROM w.trade_item_id
        AND e.money IS NOT DISTINCT FROM w.money
),
{items}
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
