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
customer_growth AS (
    SELECT
        o.account,
        o.customer_organization_id,
        o.money,
        count(*) FILTER (NOT y.is_last_year) AS orders_this_year,
        count(*) FILTER (y.is_last_year) AS orders_last_year,
        CASE WHEN orders_this_year > 0 THEN sum(o.revenue) FILTER (NOT y.is_last_year) ELSE 0 END AS revenue_this_year,
        CASE WHEN orders_last_year > 0 THEN sum(o.revenue) FILTER (y.is_last_year) ELSE 0 END AS revenue_last_year,
        CAST(revenue_this_year / nullif(revenue_last_year, 0) - 1 AS DECIMAL(38, 6)) AS growth
    FROM matching o
    JOIN years y ON y.account = o.account AND y.monday = o.monday
    GROUP BY ALL
)
