"""Old rows of ``sync.windows`` merged: a feed that is synced every five minutes adds a hundred thousand a year.

Old windows are read to find which numbers were reached by which day, and where the feed ended at the beginning of a
walk (``days_to_sequence``). A few rows a day prove that as well: where the day's first walk ended, and its last one.
Rows stay as they are from the cursor on, for a week, if they are the first of a series, and if a clock was wrong.
"""

from __future__ import annotations

import datetime as dt

import duckdb

from pipelines.warehouse.load.cursors import YOUNG, FeedPart, Position, of_part

KEPT = dt.timedelta(days=7)  # age up to which each window has a row of its own
MOST_AT_ONCE = 10_000  # oldest rows of a feed that one transaction merges: about half a second, once in 64 windows

_WALKS = """
    WITH oldest AS (
        SELECT rowid AS place, *, coalesce(to_sequence_number > from_sequence_number, false) AS spans,
            greatest(started_at, committed_at) AS latest
        FROM sync.windows WHERE account = $account AND feed = $feed AND part IS NOT DISTINCT FROM $part
        ORDER BY rowid LIMIT $most
    ),
    placed AS (
        SELECT *, row_number() OVER (PARTITION BY series ORDER BY place) > 1
                AND started_at <= committed_at AND committed_at <= $until
                AND committed_at >= max(CASE WHEN latest <= $now THEN latest END) OVER earlier
                AND (series <> $series OR coalesce(to_sequence_number < $cursor, true)) AS is_old,
            spans AND to_sequence_number > coalesce(max(CASE WHEN spans THEN to_sequence_number END)
                OVER (PARTITION BY series ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)
                AS advances,
            (
                series, CAST(timezone('Europe/Amsterdam', committed_at + $young - INTERVAL 1 MICROSECOND) AS DATE),
                CAST(timezone('Europe/Amsterdam', started_at - $young) AS DATE)
            ) AS day
        FROM oldest WINDOW earlier AS (ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ),
    walked AS (
        SELECT *, advances AND run_id IS DISTINCT FROM lag(run_id) OVER (PARTITION BY series, advances ORDER BY place)
                AND (series, run_id) NOT IN (
                    SELECT (series, run_id) FROM sync.catch_ups
                    WHERE account = $account AND feed = $feed AND part IS NOT DISTINCT FROM $part
                ) AS begins_after_an_end,
            is_old AND lag(is_old) OVER before AND day = lag(day) OVER before AS goes_on
        FROM placed WINDOW before AS (PARTITION BY spans ORDER BY place)
    ),
    gathered AS (
        SELECT *, count(*) FILTER (NOT coalesce(goes_on, false)) OVER (PARTITION BY spans ORDER BY place) AS stretch
        FROM walked
    ),
    walks AS (
        SELECT *, count(*) FILTER (begins_after_an_end) OVER (PARTITION BY spans, stretch ORDER BY place) AS walk
        FROM gathered
    )
"""
"""The rows of a feed, or sub-feed, with the stretch that each belongs to: successive rows that may become one.

All rows of a stretch were committed on one day and begun on one day, within the tolerance of ``days_to_sequence``. A
walk ends where the next one is another run's that did not go on with what it had left.
"""

_MERGED = f"""
    CREATE OR REPLACE TEMP TABLE merged AS {_WALKS}
    SELECT max(place) AS place, list(place) AS places,
        CASE WHEN spans THEN min(from_sequence_number) ELSE max(from_sequence_number) END AS begins,
        max(to_sequence_number) AS ends, sum(records) AS records, sum(changed) AS changed, sum(rejected) AS rejected,
        max(started_at) AS started_at, max(committed_at) AS committed_at,
        coalesce(arg_min(run_id, place) FILTER (advances), arg_max(run_id, place)) AS run_id
    FROM (
        SELECT *, walk <= coalesce(min(walk) FILTER (advances) OVER (PARTITION BY spans, stretch), 0) AS is_first_walk,
            max(place) OVER (PARTITION BY spans, stretch) = max(place) OVER (PARTITION BY spans)
                AND count(*) OVER () = $most AS is_cut
        FROM walks
    )
    WHERE is_old AND NOT is_cut GROUP BY spans, stretch, is_first_walk HAVING count(*) > 1
"""


def merge_windows(
    connection: duckdb.DuckDBPyConnection, part: FeedPart, at: Position, now: dt.datetime, kept: dt.timedelta = KEPT
) -> int:
    """Merge the windows of a feed, or sub-feed, older than ``kept``, within a transaction; returns the rows saved.

    ``numbered_in``, ``FeedCursor`` and ``unread_since`` return the same as before, or a superset.
    """
    params = {
        **of_part(part),
        "series": at.series,
        "cursor": at.cursor,
        "now": now,
        "until": now - kept,
        "young": YOUNG,
        "most": MOST_AT_ONCE,
    }
    connection.execute(_MERGED, params)
    ((saved,),) = connection.execute("SELECT coalesce(sum(len(places) - 1), 0) FROM merged").fetchall()
    if saved:
        connection.execute(
            "DELETE FROM sync.windows"
            " WHERE rowid IN (SELECT unnest(places) FROM merged EXCEPT SELECT place FROM merged)"
        )
        connection.execute(
            "UPDATE sync.windows w SET from_sequence_number = f.begins, to_sequence_number = f.ends,"
            " records = f.records, changed = f.changed, rejected = f.rejected, started_at = f.started_at,"
            " committed_at = f.committed_at, run_id = f.run_id FROM merged f WHERE w.rowid = f.place"
        )
    connection.execute("DROP TABLE merged")
    return int(saved)
