-- Connected customers and their orders: one row for each account, connected customer and currency of its orders.
--
-- Customers without any order have one row without a currency. Only orders with status COMMITTED count, without deleted
-- ones; orders and revenue are those within from_date and to_date, the last order is that of all days. Ended
-- connections are included and marked as deleted.
--
-- The start of a connection is known if this warehouse received it, or if nothing has changed since: Floriday only
-- returns the last change.
--
-- parameters:
--   from_date  first day of delivery, in Amsterdam
--   to_date    last day of delivery, in Amsterdam
--   currency   only orders in this currency, as ISO 4217
--   customer   only this buyer, by the organization's id
--
-- columns:
--   account                   name of the account in the settings
--   customer_organization_id  connected buyer (organizations.organizations)
--   customer_name             its registered name; NULL if the organization is not in the warehouse
--   connected_since           when it was last connected; NULL if only the end was received
--   is_deleted                whether the connection has been ended
--   last_order                when it placed its last order in the currency
--   currency                  currency of the revenue, as ISO 4217; NULL without an order
--   orders                    sales orders
--   revenue                   value of the orders, in the currency; 0 without orders, NULL if unknown
--
-- tables:
--   history.connections        customer_organization_id
--   orders.sales_orders
--   organizations.connections  customer_organization_id
--   organizations.organizations

WITH beginnings AS (
    SELECT
        h.account,
        h.customer_organization_id,
        h.last_modified_date_time,
        NOT h.is_deleted AND lag(h.is_deleted, 1, true) OVER (
            PARTITION BY h.account, h.customer_organization_id ORDER BY h.version
        ) AS is_beginning
    FROM history.connections h
),
connected AS (
    SELECT
        b.account,
        b.customer_organization_id,
        max(b.last_modified_date_time) AS connected_since
    FROM beginnings b
    WHERE b.is_beginning
    GROUP BY ALL
),
asked AS (
    SELECT
        o.account,
        o.customer_organization_id,
        o.calculated_fields_order_amount_currency AS money,
        o.calculated_fields_order_amount_value AS amount,
        o.order_date_time,
        (
            from_date IS NULL
            OR o.delivery_latest_delivery_date_time
                >= timezone('Europe/Amsterdam', CAST(CAST(from_date AS DATE) AS TIMESTAMP))
        ) AND (
            to_date IS NULL
            OR o.delivery_latest_delivery_date_time
                < timezone('Europe/Amsterdam', CAST(CAST(to_date AS DATE) + 1 AS TIMESTAMP))
        ) AS is_asked
    FROM orders.sales_orders o
    WHERE o.status = 'COMMITTED'
        AND NOT o.is_deleted
        AND (currency IS NULL OR o.calculated_fields_order_amount_currency = upper(currency))
),
bought AS (
    SELECT
        a.account,
        a.customer_organization_id,
        a.money,
        max(a.order_date_time) AS last_order,
        count(*) FILTER (a.is_asked) AS orders,
        sum(a.amount) FILTER (a.is_asked) AS revenue
    FROM asked a
    GROUP BY ALL
)
SELECT
    c.account,
    c.customer_organization_id,
    n.name AS customer_name,
    s.connected_since,
    c.is_deleted,
    b.last_order,
    b.money AS currency,
    coalesce(b.orders, 0) AS orders,
    CASE WHEN b.orders > 0 THEN b.revenue ELSE 0 END AS revenue
FROM organizations.connections c
LEFT JOIN connected s ON s.account = c.account AND s.customer_organization_id = c.customer_organization_id
LEFT JOIN bought b ON b.account = c.account AND b.customer_organization_id = c.customer_organization_id
LEFT JOIN organizations.organizations n
    ON n.account = c.account AND n.organization_id = c.customer_organization_id
WHERE customer IS NULL OR c.customer_organization_id = CAST(customer AS UUID)
ORDER BY c.account, c.is_deleted, b.money, revenue DESC NULLS LAST, c.customer_organization_id
