-- Customers by revenue: one row for each account, customer and currency.
--
-- Only orders with status COMMITTED count, without deleted ones. Shares and ranks are within the account and currency,
-- and within the given days and trade item. Customers with equal revenue have the same rank.
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
--   cumulative_share          share of this customer and all customers of higher rank
--   rank                      rank by revenue in the currency, from 1
--
-- tables:
--   orders.sales_orders
--   organizations.organizations

WITH
{committed_orders},
detail AS (
    SELECT o.*
    FROM committed_orders o
    WHERE (from_date IS NULL OR o.day >= CAST(from_date AS DATE))
        AND (to_date IS NULL OR o.day <= CAST(to_date AS DATE))
        AND (currency IS NULL OR o.money = upper(currency))
        AND (trade_item IS NULL OR o.trade_item_id = CAST(trade_item AS UUID))
),
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
    r.rank
FROM ranked r
LEFT JOIN organizations.organizations n
    ON n.account = r.account AND n.organization_id = r.customer_organization_id
ORDER BY r.account, r.money, r.rank, r.customer_organization_id
