"""How far each feed of each account stands, as the warehouse alone can tell."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import duckdb

from pipelines.catalogue.types import Feed
from pipelines.warehouse.sql import quoted


@dataclass(frozen=True)
class FeedStanding:
    """How far a feed of an account is.

    Args:
        account: the account's name.
        feed: which.
        rows: current rows, deleted ones among them.
        cursor: the last sequence number committed, None before the first sync.
        current_at: when the feed was last proven read to its end.
        rejected: records that could not be stored and have not healed.
    """

    account: str
    feed: Feed
    rows: int
    cursor: int | None
    current_at: dt.datetime | None
    rejected: int

    def lost_in(self, now: dt.datetime) -> dt.timedelta | None:
        """How long until Floriday may stop serving something that was not read; None where it is not known.

        It is the feed's retention less the time since it was current: what came the moment after is the first to go.
        """
        if self.feed.retention is None or self.current_at is None:
            return None
        return self.feed.retention.keeps - (now - self.current_at)


def standings(connection: duckdb.DuckDBPyConnection, feeds: Iterable[Feed]) -> list[FeedStanding]:
    """A standing for every account that the warehouse knows and every feed.

    Args:
        connection: open for reading, laid out.
        feeds: which, in the order of the result.
    """
    accounts = [name for (name,) in connection.execute("SELECT account FROM sync.accounts ORDER BY account").fetchall()]
    cursors = _by_feed(connection, "max(cursor)", "sync.cursors")
    current = _by_feed(connection, "min(current_at)", "sync.cursors")
    rejected = _by_feed(connection, "count(*)", "sync.rejected_records WHERE resolved_at IS NULL")
    rows = {feed.name: _rows(connection, feed) for feed in feeds}
    return [
        FeedStanding(
            account,
            feed,
            rows=rows[feed.name].get(account, 0),
            cursor=cursors.get((account, feed.name)),
            current_at=current.get((account, feed.name)),
            rejected=rejected.get((account, feed.name), 0),
        )
        for account in accounts
        for feed in feeds
    ]


def _by_feed(connection: duckdb.DuckDBPyConnection, what: str, source: str) -> dict[tuple[str, str], Any]:
    rows = connection.execute(f"SELECT account, feed, {what} FROM {source} GROUP BY account, feed").fetchall()
    return {(account, feed): value for account, feed, value in rows}


def _rows(connection: duckdb.DuckDBPyConnection, feed: Feed) -> dict[str, int]:
    there = "SELECT 1 FROM duckdb_tables() WHERE schema_name = ? AND table_name = ? AND NOT internal"
    if not connection.execute(there, [feed.schema, feed.table]).fetchall():
        return {}
    table = f"{quoted(feed.schema)}.{quoted(feed.table)}"
    return dict(connection.execute(f"SELECT account, count(*) FROM {table} GROUP BY account").fetchall())
