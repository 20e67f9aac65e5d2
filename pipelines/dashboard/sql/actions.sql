-- Purchase orders that need action: reports.purchase_order_exceptions, by reason. An order counts in the row of its first
-- reason, so that the orders add up, and is mentioned in the row of each.

WITH reasons AS (
    SELECT
        d.account,
        week_of(d.day) AS week,
        d.supplier_organization_id AS partner,
        d.trade_item_id AS item,
        unnest(d.reasons) AS reason,
        unnest(range(len(d.reasons))) = 0 AS is_first
    FROM purchase_order_exceptions_detail() d
)
SELECT r.* EXCLUDE (is_first), count(*) FILTER (r.is_first) AS orders, count(*) AS mentions FROM reasons r GROUP BY ALL
