"""What the warehouse remembers of its syncs: how far each feed is read, and in which steps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import duckdb

from pipelines.catalogue.tables import Table
from pipelines.catalogue.types import Feed
from pipelines.warehouse.clocks import windows
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.position import Position
from pipelines.warehouse.served import served_keys
from pipelines.warehouse.sql import current, listed, raw, record_key, same_key

if TYPE_CHECKING:
    import pandas as pd

YOUNG = dt.timedelta(minutes=10)
"""Numbers may become visible late: a page that was a feed's head for less than this is read again."""


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


_LOOKED_AT = 1000
"""Windows of a feed among which those that may be young are looked for."""

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
        rejected: for an account and feed, the numbers at which rejected records stood, in order.
        noted: positions that only moved in time, still to be written.
    """

    positions: dict[FeedPart, Position] = field(default_factory=dict)
    rejected: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    noted: dict[FeedPart, Position] = field(default_factory=dict)

    def note(self, part: FeedPart, at: Position) -> None:
        """Remember a position that only moved in time."""
        self.positions[part] = self.noted[part] = at

    def write(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Write what was noted; within a transaction."""
        for part, at in self.noted.items():
            move_cursor(connection, part, at)
        self.noted.clear()


def open_ledger(connection: duckdb.DuckDBPyConnection) -> Ledger:
    """Everything that a run has to know before it asks Floriday."""
    cursors = connection.execute(
        "SELECT account, feed, part, series, cursor, maximum, current_at, committed_at FROM sync.cursors"
    ).fetchall()
    wrong = connection.execute(
        "SELECT account, feed, list(DISTINCT sequence_number ORDER BY sequence_number) FROM sync.rejected_records"
        " WHERE resolved_at IS NULL AND sequence_number IS NOT NULL GROUP BY account, feed"
    ).fetchall()
    return Ledger(
        {FeedPart(*row[:3]): Position(*row[3:]) for row in cursors},
        {(account, feed): numbers for account, feed, numbers in wrong},
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


def reread_from(connection: duckdb.DuckDBPyConnection, part: FeedPart, at: Position, table: Table, page: int) -> int:
    """Where the next walk starts: before the page that was young when it was last read, else at the cursor.

    Args:
        connection: open for reading.
        part: the feed.
        at: its position.
        table: its table.
        page: records of a full page; never more than these are read again.
    """
    if at.committed_at is None:
        return at.cursor
    sql = (
        f"WITH {windows(_LOOKED_AT)} SELECT min(begins) FROM windows"
        " WHERE series = $series AND (known_by IS NULL OR known_by > $young)"
    )
    young = {**of_part(part), "series": at.series, "now": at.committed_at, "young": at.committed_at - YOUNG}
    first = connection.execute(sql, young).fetchall()[0][0]
    if first is None:
        return at.cursor
    return int(min(at.cursor, max(first, _page_before(connection, part, at.cursor, table, page))))


def stored_above(
    connection: duckdb.DuckDBPyConnection, part: FeedPart, at: Position, table: Table, after: int
) -> dict[int, set[bytes]]:
    """The versions that are stored between a number and the cursor: for each number, the hashes of what stands there.

    Args:
        connection: open for reading.
        part: the feed.
        at: its position.
        table: its table.
        after: the number, excluded.
    """
    sql = (
        f"SELECT sequence_number, content_hash FROM {raw(table)} WHERE account = $account AND series = $series"
        " AND sequence_number > $after AND sequence_number <= $cursor"
    )
    said = {"account": part.account, "series": at.series, "after": after, "cursor": at.cursor}
    stored: dict[int, set[bytes]] = {}
    for number, content in connection.execute(sql, said).fetchall():
        stored.setdefault(number, set()).add(content)
    return stored


def _page_before(connection: duckdb.DuckDBPyConnection, part: FeedPart, number: int, table: Table, page: int) -> int:
    """The number after which the last full page up to ``number`` begins, as far as its records are stored."""
    newest = (
        f"SELECT min(sequence_number), count(*) FROM (SELECT sequence_number FROM {current(table)}"
        " WHERE account = $account AND sequence_number <= $number ORDER BY sequence_number DESC LIMIT $page)"
    )
    found = {"account": part.account, "number": number, "page": page}
    lowest: int
    count: int
    lowest, count = connection.execute(newest, found).fetchall()[0]
    return lowest - 1 if count == page else 0


def read_beyond(
    connection: duckdb.DuckDBPyConnection, part: FeedPart, at: Position, table: Table, page: int
) -> list[tuple[int, int]]:
    """What an interrupted load has read beyond the cursor: intervals, from after the first number up to the second.

    Its last page is left out: it may have been the feed's head, where numbers become visible late.

    Args:
        connection: open for reading.
        part: the feed.
        at: its position.
        table: its table.
        page: records of a full page.
    """
    windows = connection.execute(
        f"SELECT from_sequence_number, to_sequence_number FROM sync.windows WHERE {_PART} AND series = $series"
        " AND to_sequence_number > $cursor AND to_sequence_number > from_sequence_number",
        {**of_part(part), "series": at.series, "cursor": at.cursor},
    ).fetchall()
    if not windows:
        return []
    head = _page_before(connection, part, max(ends for _, ends in windows), table, page)
    return [(begins, min(ends, head)) for begins, ends in windows if begins < min(ends, head)]


def move_cursor(connection: duckdb.DuckDBPyConnection, part: FeedPart, to: Position) -> None:
    """Write the feed's position; within a transaction."""
    connection.execute(f"DELETE FROM sync.cursors WHERE {_PART}", of_part(part))
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
