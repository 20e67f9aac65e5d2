-- Revenue by week of delivery: one row for each account, ISO week, trade item and currency.
--
-- Only orders with status COMMITTED count, without deleted ones. The week is that of the latest delivery in Amsterdam;
-- orders without that time are in a row without a week, unless from_date or to_date is given. Currencies are never
-- added together.
--
-- The revenue of last year is that of the whole ISO week with the same number a year earlier, whatever from_date and
-- to_date are. It is NULL for the running and later weeks, which are not to be compared before they are over, if nothing
-- was delivered then, and for a week 53 if the year before had none. What was sold last year and not this year has a row
-- too, with 0 orders: in the weeks that are over from from_date to to_date, or from the first to the last week in which
-- the account has orders. Growth is to be computed only from weeks that both years have, as customer_ranking does.
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
--   revenue_last_year  revenue in the same ISO week a year earlier, in the currency; NULL if the week is not over
--
-- tables:
--   catalog.trade_items
--   orders.sales_orders

WITH
{committed_orders},
matching AS (
    SELECT
        o.*,
        coalesce(
            (from_date IS NULL OR o.day >= CAST(from_date AS DATE)) AND (to_date IS NULL OR o.day <= CAST(to_date AS DATE)),
            false
        ) AS is_in_period
    FROM committed_orders o
    WHERE (currency IS NULL OR o.money = upper(currency))
        AND (customer IS NULL OR o.customer_organization_id = CAST(customer AS UUID))
        AND (trade_item IS NULL OR o.trade_item_id = CAST(trade_item AS UUID))
),
detail AS (
    SELECT o.*
    FROM matching o
    WHERE o.is_in_period
),
sums AS (
    -- Of all weeks, because those outside of the period may be last year's of its weeks.
    SELECT
        o.account,
        o.monday,
        o.trade_item_id,
        o.money,
        o.is_in_period,
        count(*) AS orders,
        CAST(sum(o.pieces) AS BIGINT) AS pieces,
        sum(o.revenue) AS revenue
    FROM matching o
    GROUP BY ALL
),
sold AS (
    SELECT s.*
    FROM sums s
    WHERE s.is_in_period
),
weeks AS (
    SELECT o.account, o.monday
    FROM committed_orders o
    WHERE o.monday IS NOT NULL
    GROUP BY ALL
),
bounds AS (
    -- The weeks that may stand beside last year's: those that are over.
    SELECT
        w.account,
        coalesce(CAST(date_trunc('week', CAST(from_date AS DATE)) AS DATE), min(w.monday)) AS first_monday,
        least(
            coalesce(CAST(to_date AS DATE), max(w.monday)),
            CAST(date_trunc('week', timezone('Europe/Amsterdam', now())) AS DATE) - 1
        ) AS last_day
    FROM weeks w
    GROUP BY w.account
),
later_weeks AS (
    -- The ISO week of the same number a year later. January 4 is always in week 1, and not each year has a week 53.
    SELECT
        w.account,
        w.monday,
        CAST(date_trunc('week', make_date(isoyear(w.monday) + 1, 1, 4)) AS DATE)
            + 7 * CAST(weekofyear(w.monday) - 1 AS INTEGER) AS later_monday
    FROM weeks w
    JOIN bounds b ON b.account = w.account
    WHERE later_monday BETWEEN b.first_monday AND b.last_day AND weekofyear(later_monday) = weekofyear(w.monday)
),
last_year AS (
    SELECT s.account, l.later_monday AS monday, s.trade_item_id, s.money, sum(s.revenue) AS revenue
    FROM sums s
    JOIN later_weeks l ON l.account = s.account AND l.monday = s.monday
    GROUP BY ALL
),
both_years AS (
    SELECT
        coalesce(w.account, e.account) AS account,
        coalesce(w.monday, e.monday) AS monday,
        coalesce(w.trade_item_id, e.trade_item_id) AS trade_item_id,
        coalesce(w.money, e.money) AS money,
        coalesce(w.orders, 0) AS orders,
        CASE WHEN w.orders IS NULL THEN 0 ELSE w.pieces END AS pieces,
        CASE WHEN w.orders IS NULL THEN 0 ELSE w.revenue END AS revenue,
        e.revenue AS revenue_last_year
    FROM sold w
    FULL JOIN last_year e
        ON e.account = w.account
        AND e.monday = w.monday
        AND e.trade_item_id IS NOT DISTINCT FROM w.trade_item_id
        AND e.money IS NOT DISTINCT FROM w.money
),
kinds AS (
    -- Accounts and currencies by number, in their order: sorting many rows by their texts takes nearly twice as long.
    SELECT
        k.account,
        k.money,
        CAST(dense_rank() OVER (ORDER BY k.account) AS INTEGER) AS account_number,
        CAST(dense_rank() OVER (ORDER BY k.money) AS INTEGER) AS money_number
    FROM (SELECT s.account, s.money FROM sums s GROUP BY ALL) k
),
{items}
SELECT
    w.account,
    CAST(isoyear(w.monday) AS INTEGER) AS iso_year,
    CAST(weekofyear(w.monday) AS INTEGER) AS iso_week,
    w.trade_item_id,
    i.trade_item_name,
    w.money AS currency,
    w.orders,
    w.pieces,
    w.revenue,
    w.revenue_last_year
FROM both_years w
JOIN kinds k ON k.account = w.account AND k.money IS NOT DISTINCT FROM w.money
LEFT JOIN items i ON i.account = w.account AND i.trade_item_id = w.trade_item_id
ORDER BY k.account_number, w.monday DESC NULLS LAST, k.money_number, w.revenue DESC NULLS LAST, w.trade_item_id
