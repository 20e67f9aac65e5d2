-- Which part of the sales no payment provider guarantees, by age: one row for each account, credit claim status,
-- payment provider and currency.
--
-- Only orders with status COMMITTED count, without deleted ones. With FAILED, NOT_CHECKED, PLANNED and EXPIRED, no
-- payment provider guarantees the payment (yet). Most orders do not contain whether they are paid; only orders that do
-- can count as unpaid.
--
-- The amount that is not marked as paid is also split by age: the days from the latest delivery to today, in Amsterdam.
-- Sums leave out orders whose amount is unknown, and are NULL if it is of all of them.
-- Floriday records only for orders with RFH Afterpay whether the buyer has paid. So an old amount is not necessarily
-- open: compare it with your own ledger. The trade counts from the due date of the invoice, which Floriday does not
-- know.
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
--   open_amount          value of the orders that are not marked as paid, the sum of the following columns
--   before_delivery      of this, orders whose latest delivery is tomorrow or later, or unknown
--   to_30_days           of this, orders with their latest delivery today, even if later today, or at most 30 days ago
--   to_60_days           of this, 31 to 60 days ago
--   to_90_days           of this, 61 to 90 days ago
--   over_90_days         of this, longer ago
--
-- tables:
--   orders.sales_orders

WITH
{days},
detail AS (
    -- One row for each order that counts.
    SELECT
        o.account,
        d.day,
        o.sales_order_id,
        o.customer_organization_id,
        coalesce(o.seller_organization_id, o.supplier_organization_id) AS seller_organization_id,
        o.supplier_organization_id,
        o.trade_item_id,
        o.credit_claim_status,
        o.payment_provider,
        o.is_paid,
        o.calculated_fields_order_amount_currency AS money,
        o.calculated_fields_order_amount_value AS amount,
        CASE WHEN coalesce(o.is_paid, false) THEN 0 ELSE o.calculated_fields_order_amount_value END AS open_amount,
        CASE
            WHEN NOT coalesce(o.is_paid, false)
                THEN coalesce(CAST(timezone('Europe/Amsterdam', now()) AS DATE) - d.day, -1)
        END AS age  -- of those that are not marked as paid
    FROM orders.sales_orders o
    LEFT JOIN days d ON d.moment = o.delivery_latest_delivery_date_time
    WHERE o.status = 'COMMITTED'
        AND NOT o.is_deleted
        AND (currency IS NULL OR o.calculated_fields_order_amount_currency = upper(currency))
        AND (customer IS NULL OR o.customer_organization_id = CAST(customer AS UUID))
        AND (from_date IS NULL OR d.day >= CAST(from_date AS DATE))
        AND (to_date IS NULL OR d.day <= CAST(to_date AS DATE))
),
claims AS (
    SELECT
        d.account,
        d.credit_claim_status,
        d.payment_provider,
        d.money,
        count(*) AS orders,
        sum(d.amount) AS amount,
        count(*) FILTER (NOT d.is_paid) AS unpaid_orders,
        -- 0 without such orders, and NULL if the amounts of all of them are unknown.
        CASE WHEN unpaid_orders > 0 THEN sum(d.amount) FILTER (NOT d.is_paid) ELSE 0 END AS unpaid_amount,
        CASE WHEN count(d.age) > 0 THEN sum(d.open_amount) FILTER (d.age IS NOT NULL) ELSE 0 END AS open_amount,
        CASE WHEN bool_or(d.age < 0) THEN sum(d.open_amount) FILTER (d.age < 0) ELSE 0 END AS before_delivery,
        CASE
            WHEN bool_or(d.age BETWEEN 0 AND 30) THEN sum(d.open_amount) FILTER (d.age BETWEEN 0 AND 30) ELSE 0
        END AS to_30_days,
        CASE
            WHEN bool_or(d.age BETWEEN 31 AND 60) THEN sum(d.open_amount) FILTER (d.age BETWEEN 31 AND 60) ELSE 0
        END AS to_60_days,
        CASE
            WHEN bool_or(d.age BETWEEN 61 AND 90) THEN sum(d.open_amount) FILTER (d.age BETWEEN 61 AND 90) ELSE 0
        END AS to_90_days,
        CASE WHEN bool_or(d.age > 90) THEN sum(d.open_amount) FILTER (d.age > 90) ELSE 0 END AS over_90_days
    FROM detail d
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
    c.unpaid_amount,
    c.open_amount,
    c.before_delivery,
    c.to_30_days,
    c.to_60_days,
    c.to_90_days,
    c.over_90_days
FROM claims c
ORDER BY c.account, c.money, c.amount DESC NULLS LAST, c.credit_claim_status, c.payment_provider
