-- How current the warehouse is: one row for each account and feed or snapshot that is synced.
--
-- It uses only the warehouse and sends no request to Floriday: behind is the distance to the highest number that
-- Floriday returned at the last sync. Numbers are not consecutive, so fewer records may be missing. A feed that was
-- never synced, because its scope is not granted or the sync failed, has no cursor. A snapshot has no numbers, and its
-- cursor is 0.
--
-- For a feed with several cursors, the highest one counts, the distances are summed, and the last sync is that of any
-- sub-feed.
--
-- parameters:
--
-- columns:
--   account          name of the account in the settings
--   feed             the feed or snapshot, as schema.table
--   is_granted       whether the token contained its scope at the last sync
--   cursor           the last sequence number committed
--   behind           distance from the cursor to the feed's highest number; NULL if Floriday does not return that
--   last_synced_at   when it was last read, with or without new records
--   minutes_since    whole minutes since then
--   current_at       when it was last verifiably read to its end
--   last_changed_at  when a new or changed record was last stored
--   records          current rows, including deleted records
--   rejected_open    open rejected records
--
-- tables:
--   sync.cursors
--   sync.rejected_records
--   sync.row_counts
--   sync.views
--   sync.windows

WITH feeds AS (
    SELECT v.account, v.feed FROM sync.views v
    UNION
    SELECT c.account, c.feed FROM sync.cursors c
),
positions AS (
    SELECT
        c.account,
        c.feed,
        max(c.cursor) AS cursor,
        CAST(sum(greatest(c.maximum - c.cursor, 0)) FILTER (c.maximum IS NOT NULL) AS BIGINT) AS behind,
        max(greatest(c.current_at, c.committed_at)) AS last_synced_at,
        max(c.current_at) AS current_at
    FROM sync.cursors c
    GROUP BY ALL
),
changes AS (
    SELECT w.account, w.feed, max_by(w.committed_at, w.rowid) AS last_changed_at FROM sync.windows w WHERE w.changed > 0 GROUP BY ALL
),
rejected AS (
    SELECT r.account, r.feed, count(*) AS records FROM sync.rejected_records r WHERE r.resolved_at IS NULL GROUP BY ALL
)
SELECT
    f.account,
    f.feed,
    v.granted AS is_granted,
    p.cursor,
    p.behind,
    p.last_synced_at,
    (epoch_us(now()) - epoch_us(p.last_synced_at)) // 60000000 AS minutes_since,
    p.current_at,
    c.last_changed_at,
    coalesce(n.records, 0) AS records,
    coalesce(r.records, 0) AS rejected_open
FROM feeds f
LEFT JOIN sync.views v ON v.account = f.account AND v.feed = f.feed
LEFT JOIN positions p ON p.account = f.account AND p.feed = f.feed
LEFT JOIN changes c ON c.account = f.account AND c.feed = f.feed
LEFT JOIN sync.row_counts n ON n.account = f.account AND n.feed = f.feed
LEFT JOIN rejected r ON r.account = f.account AND r.feed = f.feed
ORDER BY f.account, f.feed
