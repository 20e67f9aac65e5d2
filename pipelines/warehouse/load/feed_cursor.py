"""The cursor of a feed, or of a sub-feed: where the next walk begins, and what need not be read or stored again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from pipelines.catalogue.tables import Table
from pipelines.errors import WarehouseError
from pipelines.warehouse.load.clock_changes import windows
from pipelines.warehouse.load.cursors import YOUNG, FeedPart, Position, of_part
from pipelines.warehouse.load.tombstones import served_keys
from pipelines.warehouse.sql import current_rows, listed, raw, record_key, same_key
from pipelines.warehouse.storage import conflict_with_inserts

if TYPE_CHECKING:
    import pandas as pd

_NEWEST_WINDOWS = 1000  # number of a feed's newest windows that are searched for young ones
_PART = "account = $account AND feed = $feed AND part IS NOT DISTINCT FROM $part"


@dataclass(frozen=True)
class FeedCursor:
    """The cursor of a feed, or of a sub-feed."""

    connection: duckdb.DuckDBPyConnection  # open for reading; for writing where the cursor is moved
    part: FeedPart  # account, feed and sub-feed

    def position(self) -> Position:
        """The stored position."""
        rows = self.connection.execute(
            f"SELECT series, cursor, maximum, current_at, committed_at FROM sync.cursors WHERE {_PART}",
            of_part(self.part),
        ).fetchall()
        return Position(*rows[0]) if rows else Position()

    def move(self, to: Position, expected: Position | None = None) -> None:
        """Store a position; within a transaction.

        Where the cursor moves back, windows no longer count as read beyond it.

        A file has one writer, whom the system's lock keeps. A writer of a lake that lost its session of PostgreSQL, and
        with it the lock, may work on without knowing; so it says where it ``expected`` the cursor.

        Raises:
            WarehouseError: the cursor is not where it was expected, so another sync has moved it.
        """
        before = self._removed(expected)
        if before.committed_at is None:
            conflict_with_inserts(self.connection)
        if before.series == to.series and before.cursor > to.cursor:
            self.connection.execute(
                "UPDATE sync.windows SET from_sequence_number = least(from_sequence_number, $cursor),"
                f" to_sequence_number = $cursor WHERE {_PART} AND series = $series AND to_sequence_number > $cursor",
                {**of_part(self.part), "series": to.series, "cursor": to.cursor},
            )
        self.connection.execute(
            "INSERT INTO sync.cursors"
            " VALUES ($account, $feed, $part, $series, $cursor, $maximum, $current_at, $committed_at)",
            {**of_part(self.part), **vars(to)},
        )

    def _removed(self, expected: Position | None) -> Position:
        """Delete the stored position, which must be the expected one, if any; returns where it was.

        A lake asks PostgreSQL less often for one statement that deletes than for one that reads and one that deletes.
        """
        if expected is not None and self._removed_at(expected):
            return expected
        before = self.position()
        if expected is not None and (before.series, before.cursor) != (expected.series, expected.cursor):
            raise WarehouseError(
                "another sync has moved the cursor meanwhile, so nothing of this batch was stored: sync again",
                account=self.part.account,
                feed=self.part.feed,
            )
        self.connection.execute(f"DELETE FROM sync.cursors WHERE {_PART}", of_part(self.part))
        return before

    def _removed_at(self, expected: Position) -> bool:
        """Delete the stored position if it is the expected one; returns whether it was.

        For conditions on single columns DuckLake would ask for the smallest and largest values in each file.
        """
        sql = (
            "DELETE FROM sync.cursors WHERE [account, feed, part] = [$account, $feed, $part]"
            " AND [series, cursor] = [$series, $cursor]"
        )
        at = {"series": expected.series, "cursor": expected.cursor}
        ((count,),) = self.connection.execute(sql, {**of_part(self.part), **at}).fetchall()
        return bool(count)

    def start_of_walk(self, at: Position, table: Table, page: int) -> int:
        """Where the next walk begins: before the page that was the head of a young run, else at the cursor.

        Each run that moved the cursor within the last ten minutes ended at the head of the feed then, and numbers below
        that head may become visible later. So the page before the first such head is read again, and all that follows.
        A full page has ``page`` records.
        """
        if at.committed_at is None:
            return at.cursor
        sql = f"""
            WITH {windows(_NEWEST_WINDOWS)},
            own AS (SELECT *, coalesce(known_by > $young, true) AS is_young FROM windows WHERE series = $series)
            SELECT min(first), min(head) FROM (
                SELECT min(begins) AS first, max(reached) AS head FROM own WHERE is_young
                    AND reached > (SELECT coalesce(max(reached), 0) FROM own WHERE NOT is_young) GROUP BY run_id
            )
        """
        young = at.committed_at - YOUNG
        params = {**of_part(self.part), "series": at.series, "now": at.committed_at, "young": young}
        ((first, head),) = self.connection.execute(sql, params).fetchall()
        if first is None:
            return at.cursor
        return int(min(at.cursor, max(first, self._page_before(head, table, page))))

    def _page_before(self, number: int, table: Table, page: int) -> int:
        """The number after which the last full page up to ``number`` begins, as far as its records are stored."""
        newest = (
            f"SELECT min(sequence_number), count(*) FROM (SELECT sequence_number FROM {current_rows(table)}"
            " WHERE account = $account AND sequence_number <= $number ORDER BY sequence_number DESC LIMIT $page)"
        )
        params = {"account": self.part.account, "number": number, "page": page}
        ((lowest, count),) = self.connection.execute(newest, params).fetchall()
        return int(lowest) - 1 if count == page else 0

    def stored_above(self, after: int, at: Position, table: Table) -> dict[int, set[bytes]]:
        """For each number above ``after`` up to the cursor, the content hashes of the versions stored with it."""
        rows = self.connection.execute(
            f"SELECT sequence_number, content_hash FROM {raw(table)} WHERE account = $account AND series = $series"
            " AND sequence_number > $after AND sequence_number <= $cursor",
            {"account": self.part.account, "series": at.series, "after": after, "cursor": at.cursor},
        ).fetchall()
        stored: dict[int, set[bytes]] = {}
        for number, content in rows:
            stored.setdefault(number, set()).add(content)
        return stored

    def read_beyond(self, at: Position, table: Table, page: int) -> list[tuple[int, int]]:
        """What an interrupted load has read beyond the cursor: ranges, from after the first number up to the second.

        Its last page is left out: it may have been the feed's head, where numbers become visible late.
        """
        rows = self.connection.execute(
            f"SELECT from_sequence_number, to_sequence_number FROM sync.windows WHERE {_PART} AND series = $series"
            " AND to_sequence_number > $cursor AND to_sequence_number > from_sequence_number",
            {**of_part(self.part), "series": at.series, "cursor": at.cursor},
        ).fetchall()
        if not rows:
            return []
        head = self._page_before(max(ends for _, ends in rows), table, page)
        return [(begins, min(ends, head)) for begins, ends in rows if begins < min(ends, head)]

    def stored_numbers(self, series: int, table: Table, frame: pd.DataFrame) -> dict[int, int | None]:
        """The stored number of each record of a frame that is known in the series, by its place in the frame."""
        key = listed(record_key(table))
        sql = (
            "SELECT f.record, max(s.sequence_number) FROM served f JOIN ("
            f"SELECT {key}, sequence_number FROM {current_rows(table)} WHERE account = $account UNION ALL"
            f" SELECT {key}, sequence_number FROM {raw(table)} WHERE account = $account AND series = $series"
            f") s ON {same_key(table, 's', 'f')} GROUP BY f.record"
        )
        with served_keys(self.connection, table, frame):
            return dict(self.connection.execute(sql, {"account": self.part.account, "series": series}).fetchall())
