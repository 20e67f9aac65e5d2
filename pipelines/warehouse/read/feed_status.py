"""The status of each feed of each account, from the warehouse alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from pipelines.catalogue import Catalogue, catalogue_of
from pipelines.catalogue.types import Feed, Source
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.load import cursors, visibility
from pipelines.warehouse.load.cursors import FeedPart, Position
from pipelines.warehouse.load.run_state import RunState
from pipelines.warehouse.schema.introspection import existing_tables
from pipelines.warehouse.schema.owner import Owner, require_owner
from pipelines.warehouse.sql import qualified


@dataclass(frozen=True)
class FeedStatus:
    """The status of a feed or snapshot of an account."""

    account: str  # name of the account in the settings
    source: Source
    rows: int  # number of current rows, including deleted records
    cursor: int | None  # last committed sequence number; None before the first sync
    current_at: dt.datetime | None  # when it, with all sub-feeds still read, was last verifiably read to its end
    rejected: int  # number of open rejected records
    reread: str | None = None  # reason why the next sync reads it from the beginning; None if it does not
    granted: bool = True  # whether the token contained its scope at the last sync
    requested_since: dt.datetime | None = None  # with the present query; None if it never was, or has no sub-feed

    def time_until_loss(self, now: dt.datetime) -> dt.timedelta | None:
        """Time until Floriday may stop serving a record that was not read; None if not known.

        It is the retention of the feed less the time since it was current, because the next record after that moment
        expires first.
        """
        if self.source.retention is None or self.current_at is None:
            return None
        return self.source.retention.keeps - (now - self.current_at)

    @property
    def values(self) -> dict[str, Any]:
        """What the warehouse knows of the feed, by the keys that ``floriday status --format json`` has too."""
        keeps = self.source.retention and self.source.retention.keeps
        return {
            "account": self.account,
            "feed": self.source.name,
            "rows": self.rows,
            "cursor": self.cursor,
            "current_at": self.current_at,
            "rejected": self.rejected,
            "lost_at": self.current_at + keeps if self.current_at and keeps else None,
            "granted": self.granted,
            "reread": self.reread,
        }


def read_statuses(
    warehouse: Warehouse, chosen: Callable[[Catalogue], Collection[Source]]
) -> tuple[Owner, list[FeedStatus]]:
    """The owner of a warehouse and the status of the feeds that ``chosen`` returns, given the catalogue of its API.

    Raises:
        PipelineError: there is no warehouse with data of Floriday, or it cannot be read.
    """
    with warehouse.reading(locked=True) as connection:
        owner = require_owner(connection, warehouse.name)
        return owner, feed_statuses(connection, chosen(catalogue_of(owner.api, owner.api_version)))


def feed_statuses(connection: duckdb.DuckDBPyConnection, sources: Collection[Source]) -> list[FeedStatus]:
    """The status of each feed and snapshot, in the given order, for each account in the warehouse."""
    accounts = [name for (name,) in connection.execute("SELECT account FROM sync.accounts ORDER BY account").fetchall()]
    numbers = _by_feed(connection, "max(cursor)", "sync.cursors")
    rejected = _by_feed(connection, "count(*)", "sync.rejected_records WHERE resolved_at IS NULL")
    requested = _by_feed(connection, "max(since)", "sync.views")
    positions = RunState.load(connection).positions
    parts = {(account, source.name): _parts(connection, source, account) for account in accounts for source in sources}
    marked, refused = visibility.marked(connection), visibility.not_granted(connection)
    existing = existing_tables(connection)
    rows = {
        source.name: _rows(connection, source) if (source.schema, source.table) in existing else {}
        for source in sources
    }
    return [
        FeedStatus(
            account,
            source,
            rows=rows[source.name].get(account, 0),
            cursor=numbers.get((account, source.name)) if isinstance(source, Feed) else None,
            current_at=_current_at(positions, account, source, parts[account, source.name]),
            rejected=rejected.get((account, source.name), 0),
            reread=mark.reason if (mark := marked.get((account, source.name))) else None,
            granted=(account, source.name) not in refused,
            requested_since=requested.get((account, source.name)) if parts[account, source.name] else None,
        )
        for account in accounts
        for source in sources
    ]


def unread_since(connection: duckdb.DuckDBPyConnection, feed: str) -> dict[str, dt.datetime]:
    """For each account, when a feed was last read to its end: later changes may be unread.

    If it never was, its first sync counts; an account that has read nothing yet is left out.
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
    """The sub-feeds that are read; those of a grower whose connection ended are not."""
    has_parts = isinstance(source, Feed) and source.endpoint.part_parameter is not None
    return cursors.connected_suppliers(connection, account) if has_parts else [None]


def _current_at(
    positions: Mapping[FeedPart, Position], account: str, source: Source, parts: Sequence[str | None]
) -> dt.datetime | None:
    """When the oldest sub-feed was last read to its end; a sub-feed without a sync does not count yet."""
    known = (positions.get(FeedPart(account, source.name, part)) for part in parts)
    return min((position.current_at for position in known if position and position.current_at), default=None)


def _by_feed(connection: duckdb.DuckDBPyConnection, value: str, source: str) -> dict[tuple[str, str], Any]:
    rows = connection.execute(f"SELECT account, feed, {value} FROM {source} GROUP BY account, feed").fetchall()
    return {(account, feed): value for account, feed, value in rows}


def _rows(connection: duckdb.DuckDBPyConnection, source: Source) -> dict[str, int]:
    sql = f"SELECT account, count(*) FROM {qualified(source.schema, source.table)} GROUP BY account"
    return dict(connection.execute(sql).fetchall())


def current_for_all(connection: duckdb.DuckDBPyConnection) -> dict[str, dt.datetime]:
    """When each feed was last current for all its accounts and sub-feeds; feeds that never were are left out."""
    query = "SELECT feed, min(current_at) FROM sync.cursors GROUP BY feed HAVING count(*) = count(current_at)"
    return dict(connection.execute(query).fetchall())
