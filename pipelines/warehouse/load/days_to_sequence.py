"""Days mapped to a superset of the sequence numbers that were assigned in them.

Floriday serves no feed by date, and no record holds the time at which it got its number (docs/floriday.md: Change
feeds). Numbers only rise, so every fact about one number bounds those on one side of it. ``sync.windows`` holds two
facts: what a window reached was numbered before the window was committed, and what lies beyond a walk that was read to
its end was numbered after that walk began. For the time before the first window, records hold when they were changed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from pipelines.catalogue.tables import Path, Table
from pipelines.catalogue.types import Kind
from pipelines.errors import UsageError
from pipelines.floriday.sequence_ranges import END_OF_FEED, SequenceRange
from pipelines.settings.values import AMSTERDAM
from pipelines.warehouse.load.clock_changes import windows
from pipelines.warehouse.load.cursors import YOUNG, FeedPart, Position, Window, of_part
from pipelines.warehouse.sql import quoted, versions

# Fields with the times at which a record was last changed, and created.
CHANGED_AT: tuple[Path, ...] = (("lastModifiedDateTime",), ("lastModified",))
CREATED_AT: tuple[Path, ...] = (("creationDateTime",), ("createdDateTime",), ("added",))


@dataclass(frozen=True)
class Days:
    """Successive days of Europe/Amsterdam; a UsageError if the last one is before the first one."""

    first: dt.date
    last: dt.date  # the last day, inclusive

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise UsageError(f"the days from {self.first} to {self.last} end before they begin")

    @property
    def begins(self) -> dt.datetime:
        """The moment at which the first day begins, in UTC."""
        return _midnight(self.first)

    @property
    def ends(self) -> dt.datetime:
        """The moment at which the last day is over, in UTC; it belongs to the day after."""
        return _midnight(self.last + dt.timedelta(days=1))


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), AMSTERDAM).astimezone(dt.UTC)


def numbered_in(
    connection: duckdb.DuckDBPyConnection, part: FeedPart, at: Position, table: Table, days: Days, *, now: dt.datetime
) -> SequenceRange | None:
    """A range that holds every record that is now numbered in the days; None where there can be no such record.

    Days before the first window depend on the times within records: one that was renumbered without a change before it
    was first read here, and that no later change of another one reveals, counts as numbered when it was changed. Only
    the current series of the feed counts.
    """
    since, until = days.begins - YOUNG, days.ends + YOUNG
    if since >= now:
        return None
    bounds = _bounds_of_windows(connection, part, at, since, until, now)
    after, up_to = bounds.below, END_OF_FEED if bounds.up_to is None else bounds.up_to
    if after is None:
        after, highest = _bounds_of_records(connection, part, at, table, bounds, since=since, until=until)
        if bounds.begins is not None and until <= bounds.begins and highest is not None:
            up_to = min(up_to, highest)
    span = SequenceRange(min(after, at.cursor), END_OF_FEED if until > now else up_to)
    return None if span.up_to <= span.after else span


_SERIES = "account = $account AND feed = $feed AND part IS NOT DISTINCT FROM $part AND series = $series"


@dataclass(frozen=True)
class _Bounds:
    """What ``sync.windows`` proves of a period."""

    begins: dt.datetime | None  # commit of the series' first window; None before it, or if the clock was wrong then
    loaded: int | None  # the feed's end when it was first read to its end; None before that
    below: int | None  # the highest number surely assigned before the period; None where no window is old enough
    up_to: int | None  # a number surely assigned before the period's end; None where no window proves one yet


def _bounds_of_windows(  # noqa: PLR0917 - three moments
    connection: duckdb.DuckDBPyConnection,
    part: FeedPart,
    at: Position,
    since: dt.datetime,
    until: dt.datetime,
    now: dt.datetime,
) -> _Bounds:
    """The bounds from ``sync.windows``: windows that went beyond all earlier ones show how far a feed was read when.

    Such a window ends at the feed's end if the next one is another run's, and that run is not known to have gone on
    with what was left; the last one does if the feed was proven current since. It was the end when the walk began,
    because the maximum was requested then. A feed that was found idle later ended at the cursor then. Times count as
    far as the order of the windows does not contradict them.
    """
    sql = f"""
        WITH {windows()},
        reaching AS (
            SELECT *, max(reached) OVER (ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
                AS reached_before
            FROM windows WHERE series = $series
        ),
        advancing AS (
            SELECT *, lead(run_id) OVER (ORDER BY reached) AS next_run
            FROM reaching WHERE reached > coalesce(reached_before, 0)
        ),
        ends AS (
            SELECT reached, surely_started_at AS proven_at FROM advancing WHERE CASE
                WHEN next_run IS NULL THEN $is_current OR committed_at <= $current_at
                ELSE next_run <> run_id AND next_run NOT IN (SELECT run_id FROM sync.catch_ups WHERE {_SERIES})
            END
            UNION ALL SELECT $cursor, $current_at WHERE $current_at <= $now
                AND ($current_at > $committed_at OR $current_at > (SELECT max(committed_at) FROM reaching))
        )
        SELECT min(surely_committed_at) FILTER (reached_before IS NULL), (SELECT min(reached) FROM ends),
            max(reached) FILTER (known_by <= $since), (SELECT min(reached) FROM ends WHERE proven_at >= $until)
        FROM reaching
    """
    params = {
        **of_part(part),
        "series": at.series,
        "cursor": at.cursor,
        "current_at": at.current_at,
        "committed_at": at.committed_at,
        "is_current": at.is_current,
        "since": since,
        "until": until,
        "now": now,
    }
    return _Bounds(*connection.execute(sql, params).fetchall()[0])


def _bounds_of_records(
    connection: duckdb.DuckDBPyConnection,
    part: FeedPart,
    at: Position,
    table: Table,
    bounds: _Bounds,
    *,
    since: dt.datetime,
    until: dt.datetime,
) -> tuple[int, int | None]:
    """The highest number assigned before a period, 0 if unknown, and the highest within it, None if unknown.

    A number was assigned when its record was changed or, to an unchanged record, later. So the first record that was
    changed after the period ends it, and the last one before it whose change is newer than all below begins it: not one
    that was numbered after the first load, because it may be known from before. The records that were changed within
    the period lie between, or their numbers are newer: they count as well. A restart numbers all records again.
    """
    changed = changed_at(table)
    if changed is None:
        return 0, None
    sql = f"""
        WITH stored AS (
            SELECT sequence_number AS number, {changed} AS changed FROM {versions(table)}
            WHERE account = $account AND row_series = $series
        ),
        ordered AS (SELECT *, changed >= max(changed) OVER (ORDER BY number) AS is_newest FROM stored)
        SELECT max(number) FILTER (is_newest AND changed < $since AND number <= $loaded),
            max(number) FILTER (changed >= $since AND changed < $until),
            min(number) FILTER (changed >= $until)
        FROM ordered
    """
    loaded = at.cursor if bounds.loaded is None else bounds.loaded
    params = {"account": part.account, "series": at.series, "loaded": loaded, "since": since, "until": until}
    before, within, later = connection.execute(sql, params).fetchall()[0]
    below = before if before is not None and at.series == 1 else 0
    return below, None if later is None else max(later - 1, within or 0)


def changed_at(table: Table) -> str | None:
    """When a version of a record was changed, as SQL over the table's columns; None where records do not hold it.

    For a record that was never changed it is the time of its creation. That time alone is not enough, because the
    record may have been changed since.
    """
    names = {column.path: quoted(column.name) for column in table.own_columns if column.kind is Kind.DATE_TIME}
    changed = [names[path] for path in CHANGED_AT if path in names]
    created = [names[path] for path in CREATED_AT if path in names]
    return f"coalesce({', '.join((*changed, *created))})" if changed else None


def note_catch_up(connection: duckdb.DuckDBPyConnection, windows: Sequence[Window], at: Position) -> None:
    """Record that a run goes on with what an earlier one had not read to its end.

    To be called within each transaction, with its windows and the position before them, before the cursor is moved: a
    run's first windows beyond the cursor are those that count. A load over several connections that was interrupted has
    windows beyond the cursor.
    """
    reached = {window.to_number: window for window in windows if window.advances and window.to_number is not None}
    if not reached:
        return
    window = reached[max(reached)]
    connection.execute(
        f"""
        INSERT INTO sync.catch_ups
        SELECT account, feed, part, series, $run_id, $current_at
        FROM sync.cursors, (
            SELECT arg_min(run_id, rowid) AS reached_by, arg_min(committed_at, rowid) AS reached_at FROM sync.windows
            WHERE {_SERIES} AND to_sequence_number = (SELECT cursor FROM sync.cursors WHERE {_SERIES})
        )
        WHERE {_SERIES} AND cursor < $reached AND NOT EXISTS (
            FROM sync.catch_ups c WHERE c.account = $account AND c.feed = $feed
                AND c.part IS NOT DISTINCT FROM $part AND c.series = $series AND c.run_id = $run_id
        ) AND (
            (
                NOT $is_current AND cursor > 0 AND reached_by <> $run_id
                AND reached_at > coalesce($current_at, CAST('-infinity' AS TIMESTAMPTZ))
            ) OR EXISTS (
                FROM sync.windows w WHERE w.account = $account AND w.feed = $feed
                    AND w.part IS NOT DISTINCT FROM $part AND w.series = $series
                    AND w.to_sequence_number > cursor AND w.run_id <> $run_id
            )
        )
        """,
        {
            **of_part(window.part),
            "series": window.series,
            "run_id": window.run_id,
            "is_current": at.is_current,
            "current_at": at.current_at,
            "reached": window.to_number,
        },
    )
