-- Offers and the orders from them: one row for each account, month and supply type.
--
-- An offer is a supply line of direct sales. It counts in the month in Amsterdam in which its order period begins;
-- offers without one are in rows without a month, unless from_date or to_date is given. Offers that were deleted later
-- count too.
--
-- Offered is the highest number of pieces that was ever received for the line: Floriday returns the remaining pieces,
-- so the number is too low for lines that sold before the first sync of them. Sold are the pieces of its orders with
-- status COMMITTED.
--
-- parameters:
--   from_date   first day on which the order period may begin, in Amsterdam
--   to_date     last day on which the order period may begin, in Amsterdam
--   trade_item  only this trade item, by its id
--
-- columns:
--   account         name of the account in the settings
--   supply_type     kind of offer
--   month           month in which the order period begins, as its first day
--   supply_lines    offers
--   with_orders     of these, offers with at least one order
--   conversion      fraction of the offers that have an order, 1 for all
--   pieces_offered  pieces on the offers
--   pieces_sold     pieces ordered from them, after all corrections
--
-- tables:
--   orders.sales_orders
--   supply.supply_lines
--   versions.supply_lines

WITH days AS (
    -- Converting to Amsterdam's time zone is slow, and there are far fewer distinct times than offers.
    SELECT m.moment, CAST(timezone('Europe/Amsterdam', m.moment) AS DATE) AS day
    FROM (SELECT l.order_period_start_date_time AS moment FROM supply.supply_lines l GROUP BY moment) m
),
offered AS (
    -- The history view would first compute until when each version was valid.
    SELECT v.account, v.supply_line_id, max(greatest(v.number_of_pieces, 0)) AS pieces
    FROM versions.supply_lines v
    GROUP BY ALL
),
sold AS (
    SELECT o.account, o.supply_line_id, sum(o.number_of_pieces) AS pieces
    FROM orders.sales_orders o
    WHERE o.status = 'COMMITTED' AND NOT o.is_deleted AND o.supply_line_id IS NOT NULL
    GROUP BY ALL
),
lines AS (
    SELECT
        l.account,
        l.supply_line_id,
        l.trade_item_id,
        COLUMNS('^(supply_type|type)$') AS supply_type,
        l.order_period_start_date_time AS moment
    FROM supply.supply_lines l
)
SELECT
    l.account,
    l.supply_type,
    CAST(date_trunc('month', d.day) AS DATE) AS month,
    count(*) AS supply_lines,
    count(s.supply_line_id) AS with_orders,
    CAST(count(s.supply_line_id) / count(*) AS DECIMAL(38, 6)) AS conversion,
    CAST(coalesce(sum(f.pieces), 0) AS BIGINT) AS pieces_offered,
    CAST(coalesce(sum(s.pieces), 0) AS BIGINT) AS pieces_sold
FROM lines l
LEFT JOIN days d ON d.moment = l.moment
LEFT JOIN offered f ON f.account = l.account AND f.supply_line_id = l.supply_line_id
LEFT JOIN sold s ON s.account = l.account AND s.supply_line_id = l.supply_line_id
WHERE (from_date IS NULL OR d.day >= CAST(from_date AS DATE))
    AND (to_date IS NULL OR d.day <= CAST(to_date AS DATE))
    AND (trade_item IS NULL OR l.trade_item_id = CAST(trade_item AS UUID))
GROUP BY ALL
ORDER BY l.account, month DESC NULLS LAST, l.supply_type
