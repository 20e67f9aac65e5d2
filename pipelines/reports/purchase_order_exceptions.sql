-- Purchase orders that require action: one row for each account and purchase order with a reason from Floriday.
--
-- The reasons are Floriday's: why it is no sales order yet, or differs from the sales order. Days are those of the
-- latest requested delivery, in Amsterdam; the latest come first. Deleted purchase orders are left out.
--
-- parameters:
--   from_date  first day of delivery, in Amsterdam
--   to_date    last day of delivery, in Amsterdam
--   grower     only this grower, by the organization's id
--
-- columns:
--   account                   name of the account in the settings
--   purchase_order_id         the purchase order (orders.purchase_orders)
--   customer_order_reference  the buyer's own reference
--   reasons                   why it requires action, in Floriday's words
--   delivery_date             day of the latest delivery, in Amsterdam
--   order_date_time           when it was placed
--   supplier_organization_id  requested grower (organizations.organizations); NULL if none is matched
--   supplier_name             its name; NULL if it is not in the warehouse
--   trade_item_id             requested trade item (catalog.trade_items); NULL if none is matched
--   trade_item_name           its name; NULL if it is not in the warehouse
--   trade_item_code           the grower's article code, as the buyer gave it
--   quantity                  requested number of units
--   quantity_unit             kind of unit
--   price_per_piece           price of a piece that the buyer expects
--   currency                  its currency, as ISO 4217
--   sales_order_id            resulting sales order (orders.sales_orders); NULL if there is none yet
--
-- tables:
--   catalog.trade_items
--   orders.purchase_orders
--   organizations.organizations

WITH purchase_orders AS (
    SELECT
        *,
        list_filter(p.actions_required, lambda reason: reason IS NOT NULL) AS reasons,
        CAST(timezone('Europe/Amsterdam', p.delivery_latest_delivery_date_time) AS DATE) AS day
    FROM orders.purchase_orders p
    WHERE NOT p.is_deleted
),
detail AS (
    SELECT
        p.account,
        p.purchase_order_id,
        p.day,
        p.customer_order_reference,
        p.reasons,
        p.order_date_time,
        p.supplier_organization_id,
        p.trade_item_id,
        p.trade_item_code,
        p.quantity_amount AS quantity,
        p.quantity_unit,
        p.price_per_piece_value AS price,
        p.price_per_piece_currency AS money,
        p.sales_order_id
    FROM purchase_orders p
    WHERE len(p.reasons) > 0
        AND (from_date IS NULL OR p.day >= CAST(from_date AS DATE))
        AND (to_date IS NULL OR p.day <= CAST(to_date AS DATE))
        AND (grower IS NULL OR p.supplier_organization_id = CAST(grower AS UUID))
)
SELECT
    p.account,
    p.purchase_order_id,
    p.customer_order_reference,
    p.reasons,
    p.day AS delivery_date,
    p.order_date_time,
    p.supplier_organization_id,
    s.name AS supplier_name,
    p.trade_item_id,
    i.name AS trade_item_name,
    p.trade_item_code,
    p.quantity,
    p.quantity_unit,
    p.price AS price_per_piece,
    p.money AS currency,
    p.sales_order_id
FROM detail p
LEFT JOIN organizations.organizations s
    ON s.account = p.account AND s.organization_id = p.supplier_organization_id
LEFT JOIN catalog.trade_items i ON i.account = p.account AND i.trade_item_id = p.trade_item_id
ORDER BY p.account, p.day DESC NULLS LAST, p.purchase_order_id
