-- Customers by revenue: one row for each account, customer and currency.
--
-- Only orders with status COMMITTED count, without deleted ones. Shares and ranks are within the account and currency,
-- and within the given days and trade item. Customers with equal revenue have the same rank, and are listed by their id.
--
-- The growth compares only weeks that both years have: ended ISO weeks in which the account sold something, as in the
-- week of the same number a year earlier; the running week and weeks that the period cuts are never among them. Without
-- from_date, the last 52 weeks are compared. There is no growth if no weeks can be compared, or if the customer bought
-- nothing in them a year earlier. A first week that begins later than its counterpart is not compared. Others
-- compare with the weeks before, or count weeks without sales: in trade by season, that compares different weeks.
--
-- parameters:
--   from_date   first day of delivery, in Amsterdam
--   to_date     last day of delivery, in Amsterdam
--   currency    only this currency, as ISO 4217
--   trade_item  only this trade item, by its id
--
-- columns:
--   account                   name of the account in the settings
--   customer_organization_id  buyer (organizations.organizations)
--   customer_name             its registered name; NULL if the organization is not in the warehouse
--   currency                  currency of the revenue, as ISO 4217
--   orders                    sales orders
--   pieces                    pieces, after all corrections
--   revenue                   value of the orders, in the currency
--   share                     fraction of all revenue in the currency, 1 for all; NULL if that is 0
--   cumulative_share          share of this customer and all listed before it in the currency, also of the same rank
--   rank                      rank by revenue in the currency, from 1
--   comparable_growth         growth of the revenue against the same weeks a year earlier, 0.1 for 10 % more, or NULL
--   weeks_compared            weeks that are compared, those of the account
--
-- tables:
--   orders.sales_orders
--   organizations.organizations

WITH
{committed_orders},
matching AS (
    SELECT o.*
    FROM committed_orders o
    WHERE (currency IS NULL OR o.money = upper(currency))
        AND (trade_item IS NULL OR o.trade_item_id = CAST(trade_item AS UUID))
),
detail AS (
    SELECT o.*
    FROM matching o
    WHERE (from_date IS NULL OR o.day >= CAST(from_date AS DATE))
        AND (to_date IS NULL OR o.day <= CAST(to_date AS DATE))
),
period AS (
    SELECT
        CAST(timezone('Europe/Amsterdam', now()) AS DATE) AS today,
        CAST(date_trunc('week', least(CAST(to_date AS DATE) + 1, today)) AS DATE) - 52 * 7 AS default_first_day
),
{customer_growth},
customers AS (
    SELECT
        o.account,
        o.customer_organization_id,
        o.money,
        count(*) AS orders,
        CAST(sum(o.pieces) AS BIGINT) AS pieces,
        sum(o.revenue) AS revenue
    FROM detail o
    GROUP BY ALL
),
ranked AS (
    SELECT
        c.*,
        nullif(sum(c.revenue) OVER (PARTITION BY c.account, c.money), 0) AS revenue_of_all,
        sum(c.revenue) OVER falling AS revenue_so_far,
        rank() OVER (PARTITION BY c.account, c.money ORDER BY c.revenue DESC NULLS LAST) AS rank
    FROM customers c
    WINDOW falling AS (
        PARTITION BY c.account, c.money
        ORDER BY c.revenue DESC NULLS LAST, c.customer_organization_id
        ROWS UNBOUNDED PRECEDING
    )
)
SELECT
    r.account,
    r.customer_organization_id,
    n.name AS customer_name,
    r.money AS currency,
    r.orders,
    r.pieces,
    r.revenue,
    CAST(r.revenue / r.revenue_of_all AS DECIMAL(38, 6)) AS share,
    CAST(r.revenue_so_far / r.revenue_of_all AS DECIMAL(38, 6)) AS cumulative_share,
    r.rank,
    g.growth AS comparable_growth,
    coalesce(k.weeks_compared, 0) AS weeks_compared
FROM ranked r
LEFT JOIN customer_growth g
    ON g.account = r.account
    AND g.customer_organization_id IS NOT DISTINCT FROM r.customer_organization_id
    AND g.money IS NOT DISTINCT FROM r.money
LEFT JOIN number_of_weeks k ON k.account = r.account
LEFT JOIN organizations.organizations n
    ON n.account = r.account AND n.organization_id = r.customer_organization_id
ORDER BY r.account, r.money, r.rank, r.customer_organization_id
