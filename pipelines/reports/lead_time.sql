-- Time between order and delivery: one row for each account and month of delivery.
--
-- Only orders with status COMMITTED count, without deleted ones, and only those with both times: that of the order and
-- that of the latest delivery. The month is that of the latest delivery in Amsterdam.
--
-- A percentile is interpolated between the two nearest orders.
--
-- parameters:
--   from_date   first day of delivery, in Amsterdam
--   to_date     last day of delivery, in Amsterdam
--   customer    only this buyer, by the organization's id
--   trade_item  only this trade item, by its id
--
-- columns:
--   account  name of the account in the settings
--   month    month of the latest delivery, as its first day
--   orders   sales orders
--   p50      hours from order to latest delivery: half of the orders take no longer
--   p90      hours from order to latest delivery: nine in ten orders take no longer
--
-- tables:
--   orders.sales_orders

WITH
{days},
months AS (
    SELECT
        o.account,
        d.month,
        count(*) AS orders,
        quantile_cont(
            (epoch_us(o.delivery_latest_delivery_date_time) - epoch_us(o.order_date_time)) / 3.6e9, [0.5, 0.9]
        ) AS hours
    FROM orders.sales_orders o
    JOIN days d ON d.moment = o.delivery_latest_delivery_date_time
    WHERE o.status = 'COMMITTED'
        AND NOT o.is_deleted
        AND o.order_date_time IS NOT NULL
        AND (from_date IS NULL OR d.day >= CAST(from_date AS DATE))
        AND (to_date IS NULL OR d.day <= CAST(to_date AS DATE))
        AND (customer IS NULL OR o.customer_organization_id = CAST(customer AS UUID))
        AND (trade_item IS NULL OR o.trade_item_id = CAST(trade_item AS UUID))
    GROUP BY ALL
)
SELECT
    m.account,
    m.month,
    m.orders,
    CAST(m.hours[1] AS DECIMAL(18, 2)) AS p50,
    CAST(m.hours[2] AS DECIMAL(18, 2)) AS p90
FROM months m
ORDER BY m.account, m.month DESC
