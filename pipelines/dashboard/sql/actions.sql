-- Purchase orders that need action: reports.purchase_order_exceptions, by reason. An order counts in the row of its first
-- reason, so that the orders add up, and is mentioned in the row of each.

WITH reasons AS (
    SELECT
        e.account,
        week_of(e.delivery_date) AS week,
        e.supplier_organization_id AS partner,
        e.trade_item_id AS item,
        unnest(e.reasons) AS reason,
        unnest(range(len(e.reasons))) = 0 AS is_first
    FROM reports.purchase_order_exceptions e
)
SELECT r.* EXCLUDE (is_first), count(*) FILTER (r.is_first) AS orders, count(*) AS mentions FROM reasons r GROUP BY ALL
