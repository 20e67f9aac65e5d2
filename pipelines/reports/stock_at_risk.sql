-- Stock that gets old unsold, and what failed at the clock: one row for each account, trade item, warehouse and age
-- class, the oldest stock first.
--
-- Pieces left are those of batches that are not deleted. The age of a batch are the days from its day of harvest or
-- production to today, in Amsterdam. Offered are the pieces of these batches that can be bought now: available direct
-- supply lines in their order period, available pre-sale lines of the clock in their trade period, and lines that wait
-- for their auction. The same pieces may be in several offers, so of each batch at most the pieces left count. Offers
-- by week, without a batch, are left out.
--
-- At the clock, the lines of the last 30 days count, by the day of their auction, or those of the given period: pieces
-- of pre-sale lines that became unavailable before they were sold, of lines that were not auctioned, and of destroyed
-- ones. The trade may see such a pre-sale as no loss, because its pieces pass to the clock. Lines whose batch is not in
-- the warehouse are in rows without a warehouse and age class.
--
-- parameters:
--   from_date   first day of auction; without it, 30 days ago
--   to_date     last day of auction
--   trade_item  only this trade item, by its id
--
-- columns:
--   account                 name of the account in the settings
--   trade_item_id           trade item of the batches (catalog.trade_items)
--   trade_item_name         its name; NULL if the trade item is not in the warehouse
--   warehouse_id            warehouse where the batches are (organizations.warehouses)
--   warehouse_name          its name; NULL if it is not in the warehouse
--   age_class               0 to 3, 4 to 7, 8 to 14, 15 to 30 or over 30 days; NULL if the age is unknown
--   batches                 batches with pieces left
--   pieces_left             pieces that these have left
--   oldest_batch_days       age in days of the oldest batch with pieces left; NULL without one
--   offered_pieces          pieces of these batches that can be bought now, of each batch at most the pieces left
--   on_presale_unavailable  pieces of pre-sale lines that became unavailable
--   not_auctioned           pieces of clock lines that were not auctioned
--   destroyed               pieces of clock lines that were destroyed
--
-- tables:
--   catalog.trade_items
--   organizations.warehouses
--   supply.batches
--   supply.clock_presales_supply_lines
--   supply.clock_supply_lines
--   supply.supply_lines

WITH today AS (
    SELECT CAST(timezone('Europe/Amsterdam', now()) AS DATE) AS day
),
days AS (
    -- Converting to Amsterdam's time zone is slow, and there are far fewer distinct times than batches.
    SELECT m.moment, CAST(timezone('Europe/Amsterdam', m.moment) AS DATE) AS day
    FROM (SELECT b.batch_date AS moment FROM supply.batches b GROUP BY moment) m
),
batches AS (
    SELECT
        b.account,
        b.batch_id,
        y.day,
        CAST(t.day - y.day AS INTEGER) AS age_days,
        b.trade_item_id,
        b.warehouse_id,
        b.supplier_organization_id,
        CASE WHEN b.is_deleted THEN 0 ELSE greatest(b.number_of_pieces, 0) END AS pieces_left
    FROM supply.batches b
    LEFT JOIN days y ON y.moment = b.batch_date
    CROSS JOIN today t
),
offers AS (
    SELECT l.account, l.batch_id, l.number_of_pieces AS pieces
    FROM supply.supply_lines l
    WHERE l.status = 'AVAILABLE'
        AND NOT l.is_deleted
        AND now() BETWEEN l.order_period_start_date_time AND l.order_period_end_date_time
    UNION ALL
    SELECT l.account, l.batch_id, l.number_of_pieces
    FROM supply.clock_presales_supply_lines l
    WHERE l.status = 'AVAILABLE'
        AND NOT l.is_deleted
        AND now() BETWEEN l.trade_period_start_date_time AND l.trade_period_end_date_time
    UNION ALL
    SELECT l.account, l.batch_id, l.number_of_pieces
    FROM supply.clock_supply_lines l
    CROSS JOIN today t
    WHERE l.auction_status IN ('NOT_QUEUED_FOR_AUCTION', 'QUEUED_FOR_AUCTION', 'IN_AUCTION')
        AND NOT l.is_deleted
        AND l.auction_date >= t.day
),
offered AS (
    SELECT o.account, o.batch_id, sum(o.pieces) AS pieces
    FROM offers o
    WHERE o.batch_id IS NOT NULL AND o.pieces > 0
    GROUP BY ALL
),
failed AS (
    SELECT
        l.account,
        l.batch_id,
        l.trade_item_id,
        l.auction_date,
        'UNAVAILABLE' AS failure,
        l.number_of_pieces AS pieces
    FROM supply.clock_presales_supply_lines l
    WHERE l.status = 'UNAVAILABLE' AND NOT l.is_deleted
    UNION ALL
    SELECT l.account, l.batch_id, l.trade_item_id, l.auction_date, l.auction_status, l.number_of_pieces
    FROM supply.clock_supply_lines l
    WHERE l.auction_status IN ('NOT_AUCTIONED', 'DESTROYED') AND NOT l.is_deleted
),
stock AS (
    SELECT
        b.account,
        b.day,
        b.batch_id,
        b.age_days,
        b.trade_item_id,
        b.warehouse_id,
        b.supplier_organization_id,
        b.pieces_left,
        least(coalesce(o.pieces, 0), b.pieces_left) AS offered_pieces,
        CAST(NULL AS VARCHAR) AS failure,
        0 AS failed_pieces
    FROM batches b
    LEFT JOIN offered o ON o.account = b.account AND o.batch_id = b.batch_id
    WHERE b.pieces_left > 0
    UNION ALL
    SELECT
        f.account,
        b.day,
        f.batch_id,
        b.age_days,
        coalesce(b.trade_item_id, f.trade_item_id),
        b.warehouse_id,
        b.supplier_organization_id,
        0,
        0,
        f.failure,
        f.pieces
    FROM failed f
    LEFT JOIN batches b ON b.account = f.account AND b.batch_id = f.batch_id
    CROSS JOIN today t
    WHERE f.pieces > 0
        AND f.auction_date >= coalesce(CAST(from_date AS DATE), t.day - 30)
        AND (to_date IS NULL OR f.auction_date <= CAST(to_date AS DATE))
),
detail AS (
    -- One row for each batch with pieces left, and for each line that failed at the clock.
    SELECT
        s.*,
        CASE
            WHEN s.age_days <= 3 THEN '0 to 3 days'
            WHEN s.age_days <= 7 THEN '4 to 7 days'
            WHEN s.age_days <= 14 THEN '8 to 14 days'
            WHEN s.age_days <= 30 THEN '15 to 30 days'
            WHEN s.age_days > 30 THEN 'over 30 days'
        END AS age_class
    FROM stock s
    WHERE (trade_item IS NULL OR s.trade_item_id = CAST(trade_item AS UUID))
),
classes AS (
    SELECT
        d.account,
        d.trade_item_id,
        d.warehouse_id,
        d.age_class,
        count(*) FILTER (d.pieces_left > 0) AS batches,
        CAST(sum(d.pieces_left) AS BIGINT) AS pieces_left,
        max(d.age_days) AS age_days,
        max(d.age_days) FILTER (d.pieces_left > 0) AS oldest_batch_days,
        CAST(sum(d.offered_pieces) AS BIGINT) AS offered_pieces,
        CAST(coalesce(sum(d.failed_pieces) FILTER (d.failure = 'UNAVAILABLE'), 0) AS BIGINT) AS on_presale_unavailable,
        CAST(coalesce(sum(d.failed_pieces) FILTER (d.failure = 'NOT_AUCTIONED'), 0) AS BIGINT) AS not_auctioned,
        CAST(coalesce(sum(d.failed_pieces) FILTER (d.failure = 'DESTROYED'), 0) AS BIGINT) AS destroyed
    FROM detail d
    GROUP BY ALL
)
SELECT
    c.account,
    c.trade_item_id,
    i.trade_item_name_nl AS trade_item_name,
    c.warehouse_id,
    w.name AS warehouse_name,
    c.age_class,
    c.batches,
    c.pieces_left,
    c.oldest_batch_days,
    c.offered_pieces,
    c.on_presale_unavailable,
    c.not_auctioned,
    c.destroyed
FROM classes c
LEFT JOIN catalog.trade_items i ON i.account = c.account AND i.trade_item_id = c.trade_item_id
LEFT JOIN organizations.warehouses w ON w.account = c.account AND w.warehouse_id = c.warehouse_id
ORDER BY c.account, c.age_days DESC NULLS LAST, c.pieces_left DESC, c.trade_item_id, c.warehouse_id
