days AS (
    -- Converting to Amsterdam's time zone is slow, and there are far fewer distinct times than orders. With DISTINCT
    -- instead of GROUP BY, DuckDB expects as many times as orders, and hashes all orders to join them: that takes 0.2
    -- seconds more for a million.
    SELECT
        o.delivery_latest_delivery_date_time AS moment,
        CAST(timezone('Europe/Amsterdam', moment) AS DATE) AS day,
        CAST(date_trunc('week', day) AS DATE) AS monday
    FROM orders.sales_orders o
    GROUP BY moment
)
