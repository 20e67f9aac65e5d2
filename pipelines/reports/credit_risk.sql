-- Whether buyers' credit was claimed: one row for each account, credit claim status, payment provider and currency.
--
-- Only orders with status COMMITTED count, without deleted ones. With FAILED, NOT_CHECKED, PLANNED and EXPIRED, no
-- payment provider guarantees the payment (yet). Most orders do not contain whether they are paid; only orders that do
-- can count as unpaid.
--
-- parameters:
--   from_date  first day of delivery, in Amsterdam
--   to_date    last day of delivery, in Amsterdam
--   currency   only this currency, as ISO 4217
--   customer   only this buyer, by the organization's id
--
-- columns:
--   account              name of the account in the settings
--   credit_claim_status  whether the buyer's credit was claimed
--   payment_provider     organization that settles the payment
--   currency             currency of the amounts, as ISO 4217
--   orders               sales orders
--   amount               value of the orders, in the currency
--   unpaid_orders        of these, orders that are marked as not paid
--   unpaid_amount        value of those, in the currency
--
-- tables:
--   orders.sales_orders

WITH claims AS (
    SELECT
        o.account,
        o.credit_claim_status,
        o.payment_provider,
        o.calculated_fields_order_amount_currency AS money,
        count(*) AS orders,
        sum(o.calculated_fields_order_amount_value) AS amount,
        count(*) FILTER (NOT o.is_paid) AS unpaid_orders,
        coalesce(sum(o.calculated_fields_order_amount_value) FILTER (NOT o.is_paid), 0) AS unpaid_amount
    FROM orders.sales_orders o
    WHERE o.status = 'COMMITTED'
        AND NOT o.is_deleted
        AND (currency IS NULL OR o.calculated_fields_order_amount_currency = upper(currency))
        AND (customer IS NULL OR o.customer_organization_id = CAST(customer AS UUID))
        AND (
            from_date IS NULL
            OR o.delivery_latest_delivery_date_time
                >= timezone('Europe/Amsterdam', CAST(CAST(from_date AS DATE) AS TIMESTAMP))
        )
        AND (
            to_date IS NULL
            OR o.delivery_latest_delivery_date_time
                < timezone('Europe/Amsterdam', CAST(CAST(to_date AS DATE) + 1 AS TIMESTAMP))
        )
    GROUP BY ALL
)
SELECT
    c.account,
    c.credit_claim_status,
    c.payment_provider,
    c.money AS currency,
    c.orders,
    c.amount,
    c.unpaid_orders,
    c.unpaid_amount
FROM claims c
ORDER BY c.account, c.money, c.amount DESC NULLS LAST, c.credit_claim_status, c.payment_provider
