-- Offered and paid prices of a piece: one row for each account, ISO week, trade item and currency.
--
-- Prices are those of the piece alone, without packing, services, delivery and volume discounts. Averages are weighted
-- by pieces.
--
-- Realised prices are those of orders with status COMMITTED, without deleted ones, in the week of their latest delivery
-- in Amsterdam; orders without that time are in rows without a week, unless from_date or to_date is given. Orders
-- without any piece left after corrections are left out. What the clock paid, presales included, is in columns of its
-- own: nobody offers at the clock.
--
-- Offered prices are those of supply lines of direct sales. A line counts once in each week in which it can be delivered
-- (at most 53), or ordered if it has no delivery period: with the last price that it had in that week, and with the
-- highest number of pieces that it had in it. The lowest and highest price are those of all prices that lines had in the
-- week. After its deletion a line is not offered any more, and after it was sold out only until the first week of its
-- period. When a price changed is known as of the sync that received it; the first price is that of all days before.
--
-- parameters:
--   from_date   first day of delivery, in Amsterdam
--   to_date     last day of delivery, in Amsterdam
--   currency    only this currency, as ISO 4217
--   trade_item  only this trade item, by its id
--
-- columns:
--   account           name of the account in the settings
--   iso_year          year that the ISO week belongs to
--   iso_week          ISO week of delivery, 1 to 53
--   trade_item_id     offered and sold trade item (catalog.trade_items)
--   trade_item_name   its name; NULL if the trade item is not in the warehouse
--   currency          currency of the prices, as ISO 4217
--   offered_min       lowest offered price; NULL if none was received
--   offered_average   average offered price
--   offered_max       highest offered price
--   offered_pieces    offered pieces
--   realised_min      lowest paid price, without the clock; NULL if nothing was sold
--   realised_average  average paid price, without the clock
--   realised_max      highest paid price, without the clock
--   pieces            sold pieces after all corrections, without the clock
--   clock_min         lowest price at the clock; NULL if nothing was sold there
--   clock_average     average price at the clock
--   clock_max         highest price at the clock
--   clock_pieces      pieces sold at the clock
--
-- tables:
--   catalog.trade_items
--   orders.sales_orders
--   versions.supply_lines

WITH
{committed_orders},
detail AS (
    SELECT o.*, coalesce(starts_with(o.trade_instrument, 'CLOCK_'), false) AS is_clock
    FROM committed_orders o
    WHERE o.pieces > 0
        AND (from_date IS NULL OR o.day >= CAST(from_date AS DATE))
        AND (to_date IS NULL OR o.day <= CAST(to_date AS DATE))
        AND (currency IS NULL OR o.price_money = upper(currency))
        AND (trade_item IS NULL OR o.trade_item_id = CAST(trade_item AS UUID))
),
{items},
goods AS (
    -- What has a price, numbered in the order of the rows: numbers are faster to group, join and sort than what they stand for.
    SELECT
        t.account,
        t.trade_item_id,
        t.money,
        i.trade_item_name,
        CAST(dense_rank() OVER (ORDER BY t.account) AS INTEGER) AS account_number,
        CAST(
            row_number() OVER (ORDER BY t.account, i.trade_item_name, t.trade_item_id, t.money) AS INTEGER
        ) AS number
    FROM (
        SELECT o.account, o.trade_item_id, o.price_per_piece_currency AS money
        FROM orders.sales_orders o
        GROUP BY ALL
        UNION
        SELECT v.account, v.trade_item_id, v.price_per_piece_currency
        FROM versions.supply_lines v
        GROUP BY ALL
    ) t
    LEFT JOIN items i ON i.account = t.account AND i.trade_item_id = t.trade_item_id
),
sums AS (
    -- Nearly all pieces have a price: to add up those that have none takes much less time than those that have one.
    SELECT
        g.number,
        o.monday,
        min(o.price) FILTER (NOT o.is_clock) AS lowest,
        max(o.price) FILTER (NOT o.is_clock) AS highest,
        sum(o.paid) FILTER (NOT o.is_clock) AS paid,
        sum(o.pieces) FILTER (NOT o.is_clock) AS pieces,
        sum(o.pieces) FILTER (NOT o.is_clock AND o.price IS NULL) AS unpriced_pieces,
        min(o.price) FILTER (o.is_clock) AS clock_lowest,
        max(o.price) FILTER (o.is_clock) AS clock_highest,
        sum(o.paid) FILTER (o.is_clock) AS clock_paid,
        sum(o.pieces) FILTER (o.is_clock) AS clock_pieces,
        sum(o.pieces) FILTER (o.is_clock AND o.price IS NULL) AS clock_unpriced_pieces
    FROM detail o
    JOIN goods g
        ON g.account = o.account
        AND g.trade_item_id IS NOT DISTINCT FROM o.trade_item_id
        AND g.money IS NOT DISTINCT FROM o.price_money
    GROUP BY ALL
),
realised AS (
    SELECT
        s.*,
        s.paid / nullif(s.pieces - coalesce(s.unpriced_pieces, 0), 0) AS average,
        s.clock_paid / nullif(s.clock_pieces - coalesce(s.clock_unpriced_pieces, 0), 0) AS clock_average
    FROM sums s
),
line_versions AS (
    -- Those on offer. A period does not include its end; one that ends before it begins is only its beginning. Subtracting an
    -- INTERVAL from a time takes five times as long as from its microseconds.
    SELECT
        v.account,
        v.supply_line_id,
        v.row_version,
        v.trade_item_id,
        v.price_per_piece_currency AS money,
        v.price_per_piece_value AS price,
        v.number_of_pieces AS pieces,
        coalesce(v.delivery_period_start_date_time, v.order_period_start_date_time) AS begins,
        greatest(
            make_timestamptz(
                epoch_us(
                    CASE
                        WHEN v.delivery_period_start_date_time IS NULL
                        THEN v.order_period_end_date_time
                        ELSE v.delivery_period_end_date_time
                    END
                ) - 1
            ),
            begins
        ) AS ends,
        CASE WHEN v.row_version = 1 THEN NULL ELSE v.synced_at END AS seen_at
    FROM versions.supply_lines v
    WHERE NOT v.is_deleted
        AND v.number_of_pieces > 0
        -- Not seen after the period, as far as this shows before the days are known: a day has at most 25 hours.
        AND (v.row_version = 1 OR coalesce(epoch_us(v.synced_at) < epoch_us(ends) + 25 * 3600000000, true))
        AND v.price_per_piece_value IS NOT NULL
        AND begins IS NOT NULL
        AND (currency IS NULL OR v.price_per_piece_currency = upper(currency))
        AND (trade_item IS NULL OR v.trade_item_id = CAST(trade_item AS UUID))
),
replacements AS (
    SELECT
        v.account,
        v.supply_line_id,
        v.row_version - 1 AS row_version,
        v.synced_at,
        v.is_deleted OR coalesce(v.number_of_pieces > 0, false) AND v.price_per_piece_value IS NOT NULL AS is_at_once
    FROM versions.supply_lines v
    WHERE v.row_version > 1
),
prices AS (
    SELECT
        v.*,
        -- A line that was sold out before its period was on offer for its beginning.
        make_timestamptz(
            epoch_us(
                CASE
                    WHEN n.is_at_once THEN n.synced_at
                    WHEN n.synced_at IS NOT NULL THEN greatest(n.synced_at, v.begins + INTERVAL 1 MICROSECOND)
                END
            ) - 1
        ) AS seen_until
    FROM line_versions v
    LEFT JOIN replacements n
        ON n.account = v.account AND n.supply_line_id = v.supply_line_id AND n.row_version = v.row_version
    -- Not replaced before the period, likewise; the beginning of one that was only sold out then counts.
    WHERE coalesce(NOT n.is_at_once OR epoch_us(n.synced_at) > epoch_us(v.begins) - 25 * 3600000000, true)
),
offer_days AS (
    SELECT m.moment, CAST(timezone('Europe/Amsterdam', m.moment) AS DATE) AS day
    FROM (
        SELECT p.begins AS moment FROM prices p
        UNION
        SELECT p.ends FROM prices p
        UNION
        SELECT p.seen_at FROM prices p
        UNION
        SELECT p.seen_until FROM prices p
    ) m
),
periods AS (
    SELECT
        g.number,
        p.supply_line_id,
        p.row_version,
        p.price,
        p.pieces,
        greatest(f.day, s.day, CAST(from_date AS DATE)) AS first_day,
        least(l.day, u.day, f.day + 364, CAST(to_date AS DATE)) AS last_day,
        p.row_version > 1 OR p.seen_until IS NOT NULL AS is_changed
    FROM prices p
    JOIN goods g
        ON g.account = p.account
        AND g.trade_item_id IS NOT DISTINCT FROM p.trade_item_id
        AND g.money IS NOT DISTINCT FROM p.money
    JOIN offer_days f ON f.moment = p.begins
    JOIN offer_days l ON l.moment = p.ends
    LEFT JOIN offer_days s ON s.moment = p.seen_at
    LEFT JOIN offer_days u ON u.moment = p.seen_until
),
weekly AS (
    SELECT
        p.number,
        unnest(
            range(
                CAST(date_trunc('week', p.first_day) AS TIMESTAMP), CAST(p.last_day + 1 AS TIMESTAMP), INTERVAL 7 DAY
            )
        ) AS monday,
        p.supply_line_id,
        p.row_version,
        p.price,
        p.pieces,
        p.is_changed
    FROM periods p
    WHERE p.first_day <= p.last_day
),
changed_offers AS (
    -- Only lines that changed, whenever that was, may have several prices in a week. Grouping all by line takes longer.
    SELECT
        w.number,
        w.monday,
        w.supply_line_id,
        arg_max(w.price, w.row_version) AS price,
        min(w.price) AS lowest,
        max(w.price) AS highest,
        max(w.pieces) AS pieces
    FROM weekly w
    WHERE w.is_changed
    GROUP BY ALL
),
offers AS (
    SELECT c.number, c.monday, c.price, c.lowest, c.highest, c.pieces FROM changed_offers c
    UNION ALL
    SELECT w.number, w.monday, w.price, w.price, w.price, w.pieces FROM weekly w WHERE NOT w.is_changed
),
offered AS (
    SELECT
        f.number,
        CAST(f.monday AS DATE) AS monday,
        min(f.lowest) AS lowest,
        max(f.highest) AS highest,
        sum(CAST(f.price AS DECIMAL(38, 6)) * f.pieces) AS value,
        sum(f.pieces) AS pieces
    FROM offers f
    GROUP BY ALL
),
both_prices AS (
    SELECT
        coalesce(f.number, r.number) AS number,
        coalesce(f.monday, r.monday) AS monday,
        f.lowest AS offered_min,
        f.value / f.pieces AS offered_average,
        f.highest AS offered_max,
        f.pieces AS offered_pieces,
        r.lowest,
        r.highest,
        r.average,
        r.pieces,
        r.clock_lowest,
        r.clock_highest,
        r.clock_average,
        r.clock_pieces
    FROM offered f
    FULL JOIN realised r ON r.number = f.number AND r.monday = f.monday
)
SELECT
    g.account,
    CAST(isoyear(b.monday) AS INTEGER) AS iso_year,
    CAST(weekofyear(b.monday) AS INTEGER) AS iso_week,
    g.trade_item_id,
    g.trade_item_name,
    g.money AS currency,
    b.offered_min,
    CAST(b.offered_average AS DECIMAL(38, 6)) AS offered_average,
    b.offered_max,
    CAST(coalesce(b.offered_pieces, 0) AS BIGINT) AS offered_pieces,
    b.lowest AS realised_min,
    CAST(b.average AS DECIMAL(38, 6)) AS realised_average,
    b.highest AS realised_max,
    CAST(coalesce(b.pieces, 0) AS BIGINT) AS pieces,
    b.clock_lowest AS clock_min,
    CAST(b.clock_average AS DECIMAL(38, 6)) AS clock_average,
    b.clock_highest AS clock_max,
    CAST(coalesce(b.clock_pieces, 0) AS BIGINT) AS clock_pieces
FROM both_prices b
JOIN goods g ON g.number = b.number
ORDER BY g.account_number, b.monday DESC NULLS LAST, b.number
