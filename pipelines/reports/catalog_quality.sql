-- Trade items with problems: one row for each account and trade item that has at least one problem.
--
-- The problems are, in this order: INVALID_FLORICODE_DATA (a code of the sector has expired), NO_PRIMARY_PHOTO,
-- NO_PACKING_CONFIGURATION, NO_COUNTRY_OF_ORIGIN (characteristic S62), NO_QUALITY_CLASS (characteristic S98),
-- HIDDEN_IN_CATALOG, and NOT_SOLD_FOR_90_DAYS.
--
-- Hidden trade items are mostly made only for the auction, where that is no problem. Not sold means that no order with
-- status COMMITTED has a delivery in the last 90 days or later, in days of Amsterdam; only the account's own trade
-- items that are older than that can have this problem. Deleted trade items are left out.
--
-- parameters:
--
-- columns:
--   account                 name of the account in the settings
--   trade_item_id           the trade item (catalog.trade_items)
--   trade_item_name         its name; the Dutch one of a grower's own trade items
--   article_code            the grower's own article code
--   seller_organization_id  grower that sells it (organizations.organizations)
--   problems                its problems, as named above
--   last_delivery           delivery time of its last order, past or future; NULL for no order
--
-- tables:
--   catalog.trade_item_characteristics
--   catalog.trade_item_packing_configurations
--   catalog.trade_item_photos
--   catalog.trade_items
--   orders.sales_orders
--   sync.accounts

WITH items AS (
    SELECT
        account,
        trade_item_id,
        COLUMNS('^(trade_item_name_nl|name)$') AS trade_item_name,
        COLUMNS('^(supplier_article_code|code)$') AS article_code,
        seller_organization_id,
        has_invalid_floricode_data,
        is_hidden_in_catalog,
        CAST(timezone('Europe/Amsterdam', creation_date_time) AS DATE) AS created_on
    FROM catalog.trade_items
    WHERE NOT is_deleted
),
photos AS (
    SELECT account, trade_item_id, bool_or("primary") AS has_primary
    FROM catalog.trade_item_photos
    GROUP BY ALL
),
packings AS (
    SELECT DISTINCT account, trade_item_id FROM catalog.trade_item_packing_configurations
),
characteristics AS (
    SELECT account, trade_item_id, list(vbn_code) FILTER (vbn_value_code IS NOT NULL) AS codes
    FROM catalog.trade_item_characteristics
    GROUP BY ALL
),
sold AS (
    SELECT account, trade_item_id, max(delivery_latest_delivery_date_time) AS last_delivery
    FROM orders.sales_orders
    WHERE status = 'COMMITTED' AND NOT is_deleted
    GROUP BY ALL
),
judged AS (
    SELECT
        i.account,
        i.trade_item_id,
        i.trade_item_name,
        i.article_code,
        i.seller_organization_id,
        CAST(timezone('Europe/Amsterdam', now()) AS DATE) - 90 AS since,
        list_filter([
            CASE WHEN i.has_invalid_floricode_data THEN 'INVALID_FLORICODE_DATA' END,
            CASE WHEN NOT coalesce(p.has_primary, false) THEN 'NO_PRIMARY_PHOTO' END,
            CASE WHEN c.account IS NULL THEN 'NO_PACKING_CONFIGURATION' END,
            CASE WHEN NOT coalesce(list_contains(h.codes, 'S62'), false) THEN 'NO_COUNTRY_OF_ORIGIN' END,
            CASE WHEN NOT coalesce(list_contains(h.codes, 'S98'), false) THEN 'NO_QUALITY_CLASS' END,
            CASE WHEN i.is_hidden_in_catalog THEN 'HIDDEN_IN_CATALOG' END,
            CASE WHEN coalesce(i.seller_organization_id = a.organization_id, true)
                AND coalesce(CAST(timezone('Europe/Amsterdam', s.last_delivery) AS DATE) < since, true)
                AND coalesce(i.created_on < since, true)
                THEN 'NOT_SOLD_FOR_90_DAYS' END
        ], lambda problem: problem IS NOT NULL) AS problems,
        s.last_delivery
    FROM items i
    LEFT JOIN photos p ON p.account = i.account AND p.trade_item_id = i.trade_item_id
    LEFT JOIN packings c ON c.account = i.account AND c.trade_item_id = i.trade_item_id
    LEFT JOIN characteristics h ON h.account = i.account AND h.trade_item_id = i.trade_item_id
    LEFT JOIN sold s ON s.account = i.account AND s.trade_item_id = i.trade_item_id
    LEFT JOIN sync.accounts a ON a.account = i.account
)
SELECT
    j.account,
    j.trade_item_id,
    j.trade_item_name,
    j.article_code,
    j.seller_organization_id,
    j.problems,
    j.last_delivery
FROM judged j
WHERE len(j.problems) > 0
ORDER BY j.account, len(j.problems) DESC, j.trade_item_name, j.trade_item_id
