-- Offered and paid prices of a piece: one row for each account, ISO week, trade item and currency.
--
-- Prices are those of the piece alone, without packing, services, delivery and volume discounts. Averages are weighted
-- by pieces.
--
-- Realised prices are those of orders with status COMMITTED, without deleted ones, in the week of their latest delivery
-- in Amsterdam; orders without that time are in rows without a week, unless from_date or to_date is given. Orders
-- without any piece left after corrections are left out.
--
-- Offered prices are those of supply lines of direct sales: every received version counts, except deleted ones and
-- those without pieces. An offer counts in each week in which it can be delivered (at most 53), or ordered if it has no
-- delivery period, and in each with the highest number of pieces that was received at that price.
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
--   realised_min      lowest paid price; NULL if nothing was sold
--   realised_average  average paid price
--   realised_max      highest paid price
--   pieces            sold pieces, after all corrections
--
-- tables:
--   catalog.trade_items
--   orders.sales_orders
--   versions.supply_lines

WITH prices AS (
    -- A period does not include its end; one that ends before it begins is only its beginning. The history view
    -- would first compute until when each version was valid.
    SELECT
        v.account,
        v.supply_line_id,
        v.trade_item_id,
        v.price_per_piece_currency AS money,
        v.price_per_piece_value AS price,
        coalesce(v.delivery_period_start_date_time, v.order_period_start_date_time) AS begins,
        greatest(
            if(
                v.delivery_period_start_date_time IS NULL,
                v.order_period_end_date_time,
                v.delivery_period_end_date_time
            ) - INTERVAL 1 MICROSECOND,
            begins
        ) AS ends,
        max(v.number_of_pieces) AS pieces
    FROM versions.supply_lines v
    WHERE NOT v.is_deleted
        AND v.number_of_pieces > 0
        AND v.price_per_piece_value IS NOT NULL
        AND (currency IS NULL OR v.price_per_piece_currency = upper(currency))
        AND (trade_item IS NULL OR v.trade_item_id = CAST(trade_item AS UUID))
    GROUP BY ALL
),
days AS (
    -- Converting to Amsterdam's time zone is slow, and there are far fewer distinct times than orders and offers.
    SELECT m.moment, CAST(timezone('Europe/Amsterdam', m.moment) AS DATE) AS day
    FROM (
        SELECT o.delivery_latest_delivery_date_time AS moment FROM orders.sales_orders o
        UNION
        SELECT p.begins FROM prices p
        UNION
        SELECT p.ends FROM prices p
    ) m
),
realised AS (
    SELECT
        o.account,
        CAST(date_trunc('week', d.day) AS DATE) AS monday,
        o.trade_item_id,
        o.price_per_piece_currency AS money,
        min(o.price_per_piece_value) AS lowest,
        max(o.price_per_piece_value) AS highest,
        sum(CAST(o.price_per_piece_value AS DECIMAL(38, 6)) * o.number_of_pieces) AS value,
        sum(o.number_of_pieces) FILTER (o.price_per_piece_value IS NOT NULL) AS priced_pieces,
        sum(o.number_of_pieces) AS pieces
    FROM orders.sales_orders o
    LEFT JOIN days d ON d.moment = o.delivery_latest_delivery_date_time
    WHERE o.status = 'COMMITTED'
        AND NOT o.is_deleted
        AND o.number_of_pieces > 0
        AND (from_date IS NULL OR d.day >= CAST(from_date AS DATE))
        AND (to_date IS NULL OR d.day <= CAST(to_date AS DATE))
        AND (currency IS NULL OR o.price_per_piece_currency = upper(currency))
        AND (trade_item IS NULL OR o.trade_item_id = CAST(trade_item AS UUID))
    GROUP BY ALL
),
periods AS (
    SELECT
        p.*,
        greatest(f.day, CAST(from_date AS DATE)) AS first_day,
        least(l.day, f.day + 364, CAST(to_date AS DATE)) AS last_day
    FROM prices p
    JOIN days f ON f.moment = p.begins
    JOIN days l ON l.moment = p.ends
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
        w.price,
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
        min(f.price) AS lowest,
        max(f.price) AS highest,
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
        r.lowest AS realised_min,
        r.value / r.priced_pieces AS realised_average,
        r.highest AS realised_max,
        r.pieces
    FROM offered f
    FULL JOIN realised r
        ON r.account = f.account
        AND r.monday = f.monday
        AND r.trade_item_id IS NOT DISTINCT FROM f.trade_item_id
        AND r.money IS NOT DISTINCT FROM f.money
),
items AS (
    SELECT i.account, i.trade_item_id, COLUMNS('^(trade_item_name_nl|name)$') AS trade_item_name
    FROM catalog.trade_items i
)
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
    b.realised_min,
    CAST(b.realised_average AS DECIMAL(38, 6)) AS realised_average,
    b.realised_max,
    CAST(coalesce(b.pieces, 0) AS BIGINT) AS pieces
FROM both_prices b
LEFT JOIN items i ON i.account = b.account AND i.trade_item_id = b.trade_item_id
ORDER BY b.account, b.monday DESC NULLS LAST, i.trade_item_name, b.trade_item_id, b.money
