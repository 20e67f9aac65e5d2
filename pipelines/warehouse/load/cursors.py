"""What identifies a cursor, a position of a feed, and the windows in which it was read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import duckdb

from pipelines.catalogue.types import Feed
from pipelines.warehouse.file.connection import Warehouse

# Numbers may become visible late: what was a feed's head for less than this time is read again.
YOUNG = dt.timedelta(minutes=10)
CONNECTIONS_FEED = "organizations.connections"  # lists a buyer's growers, and so the sub-feeds of some feeds


@dataclass(frozen=True)
class FeedPart:
    """What has one cursor: a feed of an account, or a sub-feed."""

    account: str
    feed: str  # `schema.table`
    part: str | None = None  # id of the sub-feed, the grower's; None for a feed without sub-feeds


@dataclass(frozen=True)
class Position:
    """How far a feed is read.

    The feed was proven current since the last commit if ``current_at`` is not before ``committed_at``; the methods keep
    that true whatever the clock shows.
    """

    series: int = 1  # counts the restarts of the feed's numbering, from 1
    cursor: int = 0  # the last sequence number committed, 0 before the first
    maximum: int | None = None  # what Floriday's max-sequence operation returned last
    current_at: dt.datetime | None = None  # when the feed was last proven current
    committed_at: dt.datetime | None = None  # when a window was last committed

    @property
    def is_current(self) -> bool:
        """Whether the feed was proven current since the last commit."""
        return self.current_at is not None and (self.committed_at is None or self.current_at >= self.committed_at)

    def committed(self, moment: dt.datetime, *, current: bool) -> Position:
        """The position after a commit at a moment by the clock; ``current``: the feed is proven current with it."""
        proven = moment if current else self.current_at
        if not current and proven is not None and proven >= moment:
            proven = moment - dt.timedelta(microseconds=1)
        return replace(self, committed_at=moment, current_at=proven)

    def found_current(self, asked_at: dt.datetime, now: dt.datetime | None = None) -> Position:
        """The position of a feed that is current without a commit, when Floriday was requested at ``asked_at``.

        Times later than ``now`` were written by a clock that was fast.
        """
        now = now or dt.datetime.now(dt.UTC)
        committed = self.committed_at and min(self.committed_at, max(asked_at, now))
        return replace(self, committed_at=committed, current_at=max(asked_at, committed or asked_at))


@dataclass(frozen=True)
class Window:
    """One row of ``sync.windows``: what one transaction read; a snapshot has no numbers."""

    part: FeedPart
    series: int
    from_number: int | None
    to_number: int | None
    records: int
    rejected: int
    started_at: dt.datetime
    run_id: str

    @property
    def advances(self) -> bool:
        """Whether it moves the cursor."""
        return self.from_number is not None and self.to_number is not None and self.to_number > self.from_number


def of_part(part: FeedPart) -> dict[str, object]:
    """The SQL parameters of a condition on account, feed and part."""
    return {"account": part.account, "feed": part.feed, "part": part.part}


def connected_suppliers(connection: duckdb.DuckDBPyConnection, account: str) -> list[str]:
    """The ids of the growers that a buyer is connected with, in order, as far as the connections were read."""
    rows = connection.execute(
        "SELECT CAST(supplier_organization_id AS VARCHAR) FROM organizations.connections"
        " WHERE account = ? AND NOT is_deleted ORDER BY 1",
        [account],
    ).fetchall()
    return [supplier for (supplier,) in rows]


def sub_feeds_of(warehouse: Warehouse, feed: Feed, account: str) -> list[str | None]:
    """The ids of the sub-feeds, which are the growers that a buyer is connected with; None alone for other feeds."""
    if feed.endpoint.part_parameter is None:
        return [None]
    with warehouse.reading() as connection:
        return list(connected_suppliers(connection, account))


def add_windows(
    connection: duckdb.DuckDBPyConnection, windows: Sequence[tuple[Window, int]], committed_at: dt.datetime
) -> None:
    """Write the windows of one transaction, each with the number of its new and changed records, within it."""
    if windows:
        connection.executemany(
            "INSERT INTO sync.windows VALUES ($account, $feed, $part, $series, $from_number, $to_number, $records,"
            " $changed, $rejected, $started_at, $committed_at, $run_id)",
            [
                {**vars(window), **of_part(window.part), "changed": changed, "committed_at": committed_at}
                for window, changed in windows
            ],
        )


def count_windows(connection: duckdb.DuckDBPyConnection) -> int:
    """The number of rows of ``sync.windows``, of all feeds."""
    ((count,),) = connection.execute("SELECT count(*) FROM sync.windows").fetchall()
    return int(count)
