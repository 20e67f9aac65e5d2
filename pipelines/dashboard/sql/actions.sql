-- Reasons for which purchase orders need action: reports.purchase_order_exceptions, an order once for each reason.

WITH reasons AS (
    SELECT
        e.account,
        week_of(e.delivery_date) AS week,
        e.supplier_organization_id AS partner,
        e.trade_item_id AS item,
        unnest(e.reasons) AS reason
    FROM reports.purchase_order_exceptions e
)
SELECT r.*, count(*) AS orders FROM reasons r GROUP BY ALL
