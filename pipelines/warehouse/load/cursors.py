"""What the warehouse remembers of its syncs: how far each feed is read, and in which steps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import duckdb

from pipelines.catalogue.tables import Table
from pipelines.catalogue.types import Feed
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.load.position import Position
from pipelines.warehouse.load.served_keys import served_keys
from pipelines.warehouse.load.visibility import Reread, marked
from pipelines.warehouse.sql import current, listed, raw, record_key, same_key

if TYPE_CHECKING:
    import pandas as pd

YOUNG = dt.timedelta(minutes=10)
"""Numbers may become visible late: what was a feed's head for less than this is read again."""


CONNECTIONS_FEED = "organizations.connections"
"""Says which growers a buyer is connected with, and so which parts some feeds have."""


@dataclass(frozen=True)
class FeedPart:
    """What has one cursor: a feed of an account, or a part of it.

    Args:
        account: the account's name in the settings.
        feed: ``schema.table``.
        part: where a feed has several cursors, else None.
    """

    account: str
    feed: str
    part: str | None = None


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


_PART = "account = $account AND feed = $feed AND part IS NOT DISTINCT FROM $part"


def of_part(part: FeedPart) -> dict[str, object]:
    """The parameters of a condition on account, feed and part."""
    return {"account": part.account, "feed": part.feed, "part": part.part}


def position(connection: duckdb.DuckDBPyConnection, part: FeedPart) -> Position:
    """How far the feed is read."""
    sql = f"SELECT series, cursor, maximum, current_at, committed_at FROM sync.cursors WHERE {_PART}"
    rows = connection.execute(sql, of_part(part)).fetchall()
    return Position(*rows[0]) if rows else Position()


@dataclass
class Ledger:
    """What a run knows of all feeds from one look, so that a feed with nothing new costs no opening of the file.

    Args:
        positions: how far each feed, or part of it, is read.
        rejected: for an account and feed, the numbers at which rejected records stood, the longest unseen ones first.
        noted: positions that only moved in time, still to be written, each after the one that is stored.
        rereads: feeds of accounts that wait for a full re-read.
    """

    positions: dict[FeedPart, Position] = field(default_factory=dict)
    rejected: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    noted: dict[FeedPart, tuple[Position, Position]] = field(default_factory=dict)
    rereads: dict[tuple[str, str], Reread] = field(default_factory=dict)

    def note(self, part: FeedPart, at: Position) -> None:
        """Remember a position that only moved in time."""
        stored, _ = self.noted.get(part, (self.positions.get(part, Position()), at))
        self.noted[part] = (stored, at)
        self.positions[part] = at

    def write(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Write what was noted; within a transaction.

        A position that another sync has moved meanwhile stays as that one left it.
        """
        for part, (stored, at) in self.noted.items():
            now = position(connection, part)
            if (now.series, now.cursor, now.committed_at) == (stored.series, stored.cursor, stored.committed_at):
                move_cursor(connection, part, at)
        self.noted.clear()


def open_ledger(connection: duckdb.DuckDBPyConnection) -> Ledger:
    """Everything that a run has to know before it asks Floriday."""
    cursors = connection.execute(
        "SELECT account, feed, part, series, cursor, maximum, current_at, committed_at FROM sync.cursors"
    ).fetchall()
    wrong = connection.execute(
        "SELECT account, feed, list(number ORDER BY seen, number) FROM ("
        "SELECT account, feed, sequence_number AS number, min(last_seen) AS seen FROM sync.rejected_records"
        " WHERE resolved_at IS NULL AND sequence_number IS NOT NULL GROUP BY ALL) GROUP BY account, feed"
    ).fetchall()
    return Ledger(
        {FeedPart(*row[:3]): Position(*row[3:]) for row in cursors},
        {(account, feed): numbers for account, feed, numbers in wrong},
        rereads=marked(connection),
    )


def connected_suppliers(connection: duckdb.DuckDBPyConnection, account: str) -> list[str]:
    """The growers that a buyer is connected with, as far as the connections were read; ids in order."""
    rows = connection.execute(
        "SELECT CAST(supplier_organization_id AS VARCHAR) FROM organizations.connections"
        " WHERE account = ? AND NOT is_deleted ORDER BY 1",
        [account],
    ).fetchall()
    return [supplier for (supplier,) in rows]


def parts_of(warehouse: Warehouse, feed: Feed, account: str) -> list[str | None]:
    """What of the feed has a cursor of its own: the suppliers that a buyer is connected with, else the whole of it."""
    if feed.endpoint.part_parameter is None:
        return [None]
    with warehouse.reading() as connection:
        return list(connected_suppliers(connection, account))


def move_cursor(connection: duckdb.DuckDBPyConnection, part: FeedPart, to: Position) -> None:
    """Write the feed's position; within a transaction.

    Where the cursor moves back, windows no longer count as read beyond it.
    """
    before = connection.execute(
        f"DELETE FROM sync.cursors WHERE {_PART} RETURNING series, cursor", of_part(part)
    ).fetchall()
    if before and before[0][0] == to.series and before[0][1] > to.cursor:
        _forget_beyond(connection, part, to)
    connection.execute(
        "INSERT INTO sync.cursors"
        " VALUES ($account, $feed, $part, $series, $cursor, $maximum, $current_at, $committed_at)",
        {
            **of_part(part),
            "series": to.series,
            "cursor": to.cursor,
            "maximum": to.maximum,
            "current_at": to.current_at,
            "committed_at": to.committed_at,
        },
    )


def _forget_beyond(connection: duckdb.DuckDBPyConnection, part: FeedPart, to: Position) -> None:
    connection.execute(
        "UPDATE sync.windows SET from_sequence_number = least(from_sequence_number, $cursor),"
        f" to_sequence_number = $cursor WHERE {_PART} AND series = $series AND to_sequence_number > $cursor",
        {**of_part(part), "series": to.series, "cursor": to.cursor},
    )


def add_windows(
    connection: duckdb.DuckDBPyConnection, windows: Sequence[tuple[Window, int]], committed_at: dt.datetime
) -> None:
    """Write the windows of one transaction, within it.

    Args:
        connection: open for writing.
        windows: each with its new and changed records.
        committed_at: when.
    """
    if windows:
        connection.executemany(
            "INSERT INTO sync.windows VALUES ($account, $feed, $part, $series, $from, $to, $records, $changed,"
            " $rejected, $started_at, $committed_at, $run_id)",
            [{**_row(window), "changed": changed, "committed_at": committed_at} for window, changed in windows],
        )


def _row(window: Window) -> dict[str, object]:
    return {
        **of_part(window.part),
        "series": window.series,
        "from": window.from_number,
        "to": window.to_number,
        "records": window.records,
        "rejected": window.rejected,
        "started_at": window.started_at,
        "run_id": window.run_id,
    }


def known_numbers(
    connection: duckdb.DuckDBPyConnection, part: FeedPart, series: int, table: Table, frame: pd.DataFrame
) -> dict[int, int | None]:
    """The stored sequence number of each record of a frame that is known in the series, by its place in the frame."""
    key = listed(record_key(table))
    sql = (
        "SELECT f.record, max(s.sequence_number) FROM served f JOIN ("
        f"SELECT {key}, sequence_number FROM {current(table)} WHERE account = $account UNION ALL"
        f" SELECT {key}, sequence_number FROM {raw(table)} WHERE account = $account AND series = $series"
        f") s ON {same_key(table, 's', 'f')} GROUP BY f.record"
    )
    with served_keys(connection, table, frame):
        return dict(connection.execute(sql, {"account": part.account, "series": series}).fetchall())
