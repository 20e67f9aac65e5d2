days AS (
    -- There are far fewer moments than orders, and the step to Amsterdam's clock is what costs time.
    SELECT m.moment, week_of(timezone('Europe/Amsterdam', m.moment)) AS week
    FROM (SELECT DISTINCT o.delivery_latest_delivery_date_time AS moment FROM orders.sales_orders o) m
)
