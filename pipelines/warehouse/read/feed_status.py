"""How far each feed of each account stands, as the warehouse alone can tell."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from pipelines.catalogue.types import Feed, Source
from pipelines.warehouse.load import cursors, visibility
from pipelines.warehouse.load.cursors import FeedPart, Position
from pipelines.warehouse.load.run_state import RunState
from pipelines.warehouse.sql import quoted


@dataclass(frozen=True)
class FeedStatus:
    """How far a feed of an account is.

    Args:
        account: the account's name.
        source: which feed or snapshot.
        rows: current rows, deleted ones among them.
        cursor: the last sequence number committed, None before the first sync.
        current_at: when the feed was last proven read to its end, with all parts of it that are still read.
        rejected: records that could not be stored and have not healed.
        reread: why the next sync reads it from its beginning, where it does.
        granted: whether the token carried its scope when it was last to be synced.
        asked_since: since when it is to be synced like this; None where it never was, or has no part to read.
    """

    account: str
    source: Source
    rows: int
    cursor: int | None
    current_at: dt.datetime | None
    rejected: int
    reread: str | None = None
    granted: bool = True
    requested_since: dt.datetime | None = None

    def time_until_loss(self, now: dt.datetime) -> dt.timedelta | None:
        """How long until Floriday may stop serving something that was not read; None where it is not known.

        It is the feed's retention less the time since it was current: what came the moment after is the first to go.
        """
        if self.source.retention is None or self.current_at is None:
            return None
        return self.source.retention.keeps - (now - self.current_at)


def feed_statuses(connection: duckdb.DuckDBPyConnection, sources: Collection[Source]) -> list[FeedStatus]:
    """A standing for every account that the warehouse knows and every feed.

    Args:
        connection: open for reading, laid out.
        sources: which, in the order of the result.
    """
    accounts = [name for (name,) in connection.execute("SELECT account FROM sync.accounts ORDER BY account").fetchall()]
    numbers = _by_feed(connection, "max(cursor)", "sync.cursors")
    rejected = _by_feed(connection, "count(*)", "sync.rejected_records WHERE resolved_at IS NULL")
    asked = _by_feed(connection, "max(since)", "sync.views")
    positions = RunState.load(connection).positions
    parts = {(account, source.name): _parts(connection, source, account) for account in accounts for source in sources}
    marked, refused = visibility.marked(connection), visibility.not_granted(connection)
    rows = {source.name: _rows(connection, source) for source in sources}
    return [
        FeedStatus(
            account,
            source,
            rows=rows[source.name].get(account, 0),
            cursor=numbers.get((account, source.name)) if isinstance(source, Feed) else None,
            current_at=_current_at(positions, account, source, parts[account, source.name]),
            rejected=rejected.get((account, source.name), 0),
            reread=waits.reason if (waits := marked.get((account, source.name))) else None,
            granted=(account, source.name) not in refused,
            requested_since=asked.get((account, source.name)) if parts[account, source.name] else None,
        )
        for account in accounts
        for source in sources
    ]


def unread_since(connection: duckdb.DuckDBPyConnection, feed: str) -> dict[str, dt.datetime]:
    """For each account since when changes of a feed may stand unread: when it was last proven read to its end.

    A feed that never was counts from its first reading; an account that has read nothing yet is left out.
    """
    rows = connection.execute(
        "SELECT account, coalesce(current_at, began) FROM"
        " (SELECT account, min(current_at) AS current_at FROM sync.cursors WHERE feed = $feed GROUP BY account)"
        " LEFT JOIN (SELECT account, arg_min(started_at, rowid) AS began FROM sync.windows WHERE feed = $feed"
        " GROUP BY account)"
        " USING (account) WHERE coalesce(current_at, began) IS NOT NULL",
        {"feed": feed},
    ).fetchall()
    return dict(rows)


def _parts(connection: duckdb.DuckDBPyConnection, source: Source, account: str) -> Sequence[str | None]:
    """What of a feed has a cursor of its own; the parts of a grower whose connection ended are read no more."""
    in_parts = isinstance(source, Feed) and source.endpoint.part_parameter is not None
    return cursors.connected_suppliers(connection, account) if in_parts else [None]


def _current_at(
    positions: Mapping[FeedPart, Position], account: str, source: Source, parts: Sequence[str | None]
) -> dt.datetime | None:
    """When the part that is furthest behind was proven read to its end; one that was never begun is not counted yet."""
    known = (positions.get(FeedPart(account, source.name, part)) for part in parts)
    return min((position.current_at for position in known if position and position.current_at), default=None)


def _by_feed(connection: duckdb.DuckDBPyConnection, what: str, source: str) -> dict[tuple[str, str], Any]:
    rows = connection.execute(f"SELECT account, feed, {what} FROM {source} GROUP BY account, feed").fetchall()
    return {(account, feed): value for account, feed, value in rows}


def _rows(connection: duckdb.DuckDBPyConnection, source: Source) -> dict[str, int]:
    there = "SELECT 1 FROM duckdb_tables() WHERE schema_name = ? AND table_name = ? AND NOT internal"
    if not connection.execute(there, [source.schema, source.table]).fetchall():
        return {}
    table = f"{quoted(source.schema)}.{quoted(source.table)}"
    return dict(connection.execute(f"SELECT account, count(*) FROM {table} GROUP BY account").fetchall())
