items AS (
    SELECT i.account, i.trade_item_id, COLUMNS('^(trade_item_name_nl|name)$') AS trade_item_name
    FROM catalog.trade_items i
)
