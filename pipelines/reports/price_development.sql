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
realised AS (
    SELECT
        o.account,
        o.monday,
        o.trade_item_id,
        o.price_money AS money,
        min(CASE WHEN o.is_clock THEN NULL ELSE o.price END) AS lowest,
        max(CASE WHEN o.is_clock THEN NULL ELSE o.price END) AS highest,
        sum(CASE WHEN o.is_clock THEN NULL ELSE o.paid END)
            / sum(CASE WHEN o.is_clock THEN NULL ELSE o.priced_pieces END) AS average,
        sum(CASE WHEN o.is_clock THEN NULL ELSE o.pieces END) AS pieces,
        min(CASE WHEN o.is_clock THEN o.price END) AS clock_lowest,
        max(CASE WHEN o.is_clock THEN o.price END) AS clock_highest,
        sum(CASE WHEN o.is_clock THEN o.paid END) / sum(CASE WHEN o.is_clock THEN o.priced_pieces END) AS clock_average,
        sum(CASE WHEN o.is_clock THEN o.pieces END) AS clock_pieces
    FROM detail o
    GROUP BY ALL
),
line_versions AS (
    -- A period does not include its end; one that ends before it begins is only its beginning.
    SELECT
        v.account,
        v.supply_line_id,
        v.row_version,
        v.synced_at,
        v.is_deleted,
        v.trade_item_id,
        v.price_per_piece_currency AS money,
        v.price_per_piece_value AS price,
        v.number_of_pieces AS pieces,
        coalesce(v.delivery_period_start_date_time, v.order_period_start_date_time) AS begins,
        greatest(
            CASE
                WHEN v.delivery_period_start_date_time IS NULL
                THEN v.order_period_end_date_time
                ELSE v.delivery_period_end_date_time
            END - INTERVAL 1 MICROSECOND,
            begins
        ) AS ends,
        NOT v.is_deleted AND coalesce(v.number_of_pieces > 0, false) AND v.price_per_piece_value IS NOT NULL AS counts
    FROM versions.supply_lines v
),
prices AS (
    SELECT
        v.account,
        v.supply_line_id,
        v.row_version,
        v.trade_item_id,
        v.money,
        v.price,
        v.pieces,
        v.begins,
        v.ends,
        CASE WHEN v.row_version = 1 THEN NULL ELSE v.synced_at END AS seen_at,
        -- A line that was sold out before its period was on offer for its beginning.
        CASE
            WHEN n.counts OR n.is_deleted THEN n.synced_at
            WHEN n.synced_at IS NOT NULL THEN greatest(n.synced_at, v.begins + INTERVAL 1 MICROSECOND)
        END - INTERVAL 1 MICROSECOND AS seen_until
    FROM line_versions v
    LEFT JOIN line_versions n
        ON n.account = v.account AND n.supply_line_id = v.supply_line_id AND n.row_version = v.row_version + 1
    WHERE v.counts
        AND v.begins IS NOT NULL
        AND (currency IS NULL OR v.money = upper(currency))
        AND (trade_item IS NULL OR v.trade_item_id = CAST(trade_item AS UUID))
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
        p.*,
        greatest(f.day, s.day, CAST(from_date AS DATE)) AS first_day,
        least(l.day, u.day, f.day + 364, CAST(to_date AS DATE)) AS last_day
    FROM prices p
    JOIN offer_days f ON f.moment = p.begins
    JOIN offer_days l ON l.moment = p.ends
    LEFT JOIN offer_days s ON s.moment = p.seen_at
    LEFT JOIN offer_days u ON u.moment = p.seen_until
),
weekly AS (
    SELECT
        p.account,
        unnest(
            range(
                CAST(date_trunc('week', p.first_day) AS TIMESTAMP), CAST(p.last_day + 1 AS TIMESTAMP), INTERVAL 7 DAY
            )
        ) AS monday,
        p.supply_line_id,
        p.row_version,
        p.trade_item_id,
        p.money,
        p.price,
        p.pieces
    FROM periods p
    WHERE p.first_day <= p.last_day
),
offers AS (
    SELECT
        w.account,
        CAST(w.monday AS DATE) AS monday,
        w.supply_line_id,
        w.trade_item_id,
        w.money,
        arg_max(w.price, w.row_version) AS price,
        min(w.price) AS lowest,
        max(w.price) AS highest,
        max(w.pieces) AS pieces
    FROM weekly w
    GROUP BY ALL
),
offered AS (
    SELECT
        f.account,
        f.monday,
        f.trade_item_id,
        f.money,
        min(f.lowest) AS lowest,
        max(f.highest) AS highest,
        sum(CAST(f.price AS DECIMAL(38, 6)) * f.pieces) AS value,
        sum(f.pieces) AS pieces
    FROM offers f
    GROUP BY ALL
),
both_prices AS (
    SELECT
        coalesce(f.account, r.account) AS account,
        coalesce(f.monday, r.monday) AS monday,
        coalesce(f.trade_item_id, r.trade_item_id) AS trade_item_id,
        coalesce(f.money, r.money) AS money,
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
    FULL JOIN realised r
        ON r.account = f.account
        AND r.monday = f.monday
        AND r.trade_item_id IS NOT DISTINCT FROM f.trade_item_id
        AND r.money IS NOT DISTINCT FROM f.money
),
{items}
SELECT
    b.account,
    CAST(isoyear(b.monday) AS INTEGER) AS iso_year,
    CAST(weekofyear(b.monday) AS INTEGER) AS iso_week,
    b.trade_item_id,
    i.trade_item_name,
    b.money AS currency,
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
LEFT JOIN items i ON i.account = b.account AND i.trade_item_id = b.trade_item_id
ORDER BY b.account, b.monday DESC NULLS LAST, i.trade_item_name, b.trade_item_id, b.money
