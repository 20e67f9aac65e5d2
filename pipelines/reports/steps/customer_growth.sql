{comparable_weeks},
compared_weeks AS (
    -- Whole weeks of the period; the report's step period has its first day if there is no from_date.
    SELECT w.account, w.monday, w.monday_last_year
    FROM comparable_weeks w, period p
    WHERE w.monday >= coalesce(CAST(from_date AS DATE), p.default_first_day)
        AND (to_date IS NULL OR w.monday + 6 <= CAST(to_date AS DATE))
),
number_of_weeks AS (
    SELECT w.account, count(*) AS weeks_compared
    FROM compared_weeks w
    GROUP BY w.account
),
years AS (
    SELECT w.account, w.monday, false AS is_last_year FROM compared_weeks w
    UNION ALL
    SELECT w.account, w.monday_last_year, true FROM compared_weeks w
),
customer_weeks AS (
    SELECT o.account, o.customer_organization_id, o.money, o.monday, count(*) AS orders, sum(o.revenue) AS revenue
    FROM matching o
    GROUP BY ALL
),
customer_growth AS (
    SELECT
        w.account,
        w.customer_organization_id,
        w.money,
        coalesce(sum(w.orders) FILTER (NOT y.is_last_year), 0) AS orders_this_year,
        coalesce(sum(w.orders) FILTER (y.is_last_year), 0) AS orders_last_year,
        coalesce(sum(w.revenue) FILTER (NOT y.is_last_year), 0) AS revenue_this_year,
        coalesce(sum(w.revenue) FILTER (y.is_last_year), 0) AS revenue_last_year,
        CAST(revenue_this_year / nullif(revenue_last_year, 0) - 1 AS DECIMAL(38, 6)) AS growth
    FROM customer_weeks w
    JOIN years y ON y.account = w.account AND y.monday = w.monday
    GROUP BY ALL
)
