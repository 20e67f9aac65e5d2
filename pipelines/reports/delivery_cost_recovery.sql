-- Costs and revenue of delivery: one row for each account, month, incoterm and currency.
--
-- Only orders with status COMMITTED count, without deleted ones. The month is that of the latest delivery in Amsterdam;
-- orders without that time are in a row without a month, unless from_date or to_date is given. The cost is what the
-- order states for its delivery, the revenue is its delivery price of a piece times its pieces after all corrections,
-- in whole cents.
--
-- Cost and revenue each count in their own currency, an order in that of its amount. Currencies are never added
-- together, so an amount in another currency than its order's is in a row that does not count the order.
--
-- parameters:
--   from_date  first day of delivery, in Amsterdam
--   to_date    last day of delivery, in Amsterdam
--   currency   only this currency, as ISO 4217
--   customer   only this buyer, by the organization's id
--
-- columns:
--   account           name of the account in the settings
--   month             month of the latest delivery, as its first day
--   incoterm          Incoterm of the delivery; NULL if none was agreed, as at the clock
--   currency          currency of the amounts, as ISO 4217
--   orders            sales orders, including those without delivery cost
--   delivery_cost     cost of delivery, in the currency
--   delivery_revenue  what buyers pay for delivery, in the currency
--   recovery          fraction of the cost that the revenue covers, 1 for all; NULL if the cost is 0
--
-- tables:
--   orders.sales_orders

WITH days AS (
    -- Converting to Amsterdam's time zone is slow, and there are far fewer distinct times than orders.
    SELECT m.moment, CAST(timezone('Europe/Amsterdam', m.moment) AS DATE) AS day
    FROM (SELECT DISTINCT o.delivery_latest_delivery_date_time AS moment FROM orders.sales_orders o) m
),
months AS (
    SELECT
        o.account,
        CAST(date_trunc('month', d.day) AS DATE) AS month,
        o.delivery_incoterm AS incoterm,
        o.calculated_fields_order_amount_currency AS order_currency,
        o.delivery_delivery_cost_currency AS cost_currency,
        o.delivery_price_per_piece_currency AS price_currency,
        count(*) AS orders,
        sum(o.delivery_delivery_cost_value) AS cost,
        sum(round(CAST(o.delivery_price_per_piece_value AS DECIMAL(38, 6)) * o.number_of_pieces, 2)) AS revenue
    FROM orders.sales_orders o
    LEFT JOIN days d ON d.moment = o.delivery_latest_delivery_date_time
    WHERE o.status = 'COMMITTED'
        AND NOT o.is_deleted
        AND (from_date IS NULL OR d.day >= CAST(from_date AS DATE))
        AND (to_date IS NULL OR d.day <= CAST(to_date AS DATE))
        AND (customer IS NULL OR o.customer_organization_id = CAST(customer AS UUID))
    GROUP BY ALL
),
amounts AS (
    SELECT m.account, m.month, m.incoterm, m.order_currency AS money, m.orders, 0 AS cost, 0 AS revenue FROM months m
    UNION ALL
    SELECT m.account, m.month, m.incoterm, m.cost_currency, 0, m.cost, 0 FROM months m WHERE m.cost IS NOT NULL
    UNION ALL
    SELECT m.account, m.month, m.incoterm, m.price_currency, 0, 0, m.revenue FROM months m WHERE m.revenue IS NOT NULL
),
sums AS (
    SELECT
        a.account,
        a.month,
        a.incoterm,
        a.money,
        CAST(sum(a.orders) AS BIGINT) AS orders,
        sum(a.cost) AS cost,
        sum(a.revenue) AS revenue
    FROM amounts a
    WHERE currency IS NULL OR a.money = upper(currency)
    GROUP BY ALL
)
SELECT
    s.account,
    s.month,
    s.incoterm,
    s.money AS currency,
    s.orders,
    s.cost AS delivery_cost,
    s.revenue AS delivery_revenue,
    CAST(s.revenue / nullif(s.cost, 0) AS DECIMAL(38, 6)) AS recovery
FROM sums s
ORDER BY s.account, s.month DESC NULLS LAST, s.incoterm, s.money
