days AS (
    -- Calendars and Amsterdam's time zone are slow, and there are far fewer distinct times than orders. With DISTINCT
    -- instead of GROUP BY, DuckDB expects as many times as orders, and hashes all orders to join them: that takes 0.2
    -- seconds more for a million.
    SELECT
        o.delivery_latest_delivery_date_time AS moment,
        CAST(timezone('Europe/Amsterdam', moment) AS DATE) AS day,
        CAST(date_trunc('week', day) AS DATE) AS monday,
        CAST(date_trunc('month', day) AS DATE) AS month
    FROM orders.sales_orders o
    GROUP BY moment
)
