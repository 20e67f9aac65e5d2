"""Cursors, open rejected records and marks for full re-reads of all feeds, loaded once per run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

import duckdb

from pipelines.warehouse.file.connection import Warehouse, transaction
from pipelines.warehouse.load import visibility
from pipelines.warehouse.load.cursors import FeedPart, Position, count_windows, of_part
from pipelines.warehouse.load.visibility import Reread
from pipelines.warehouse.storage import ALL_TABLES, FilledTables, conflict_with_inserts

_NOTED = {
    **dict.fromkeys(("account", "feed", "part"), "VARCHAR"),
    **dict.fromkeys(("series", "cursor", "maximum"), "BIGINT"),
    **dict.fromkeys(("current_at", "committed_at", "before"), "TIMESTAMPTZ"),
}
"""The columns of ``sync.cursors``, and when the stored position was committed, with their types."""
_UNNESTED = "SELECT " + ", ".join(f"unnest(CAST(${name} AS {kind}[])) AS {name}" for name, kind in _NOTED.items())
_TIMES = ", ".join(f"{name} = n.{name}" for name in ("maximum", "current_at", "committed_at"))
_IS_SAME = "c.account = n.account AND c.feed = n.feed AND c.part IS NOT DISTINCT FROM n.part"
_IS_UNMOVED = (
    f"{_IS_SAME} AND c.series = n.series AND c.cursor = n.cursor AND c.committed_at IS NOT DISTINCT FROM n.before"
)


@dataclass
class RunState:
    """Cursors, rejected records and marks of all feeds: loaded once, then kept equal to what the run commits.

    Args:
        positions: how far each feed, or sub-feed, is read. Nothing else in a run keeps a position.
        rejected: for an account and feed, the numbers of its rejected records, those unseen for the longest time first.
        noted: positions to be written at the end, because only their times differ; each after the stored one.
        rereads: why feeds wait for a full re-read, by account and feed.
        with_rejected: accounts and feeds that may have open rejected records; all others have none.
        unfinished: what may have windows beyond its cursor, which an interrupted load over several connections left.
        begun: the last run that stored numbers above the cursor that it began with.
        windows: the number of windows of all feeds, about: other processes may add some. Counted once, because a
            lake sends six statements to PostgreSQL for it.
        filled: the tables that may have rows.
    """

    positions: dict[FeedPart, Position] = field(default_factory=dict)
    rejected: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    noted: dict[FeedPart, tuple[Position, Position]] = field(default_factory=dict)
    rereads: dict[tuple[str, str], Reread] = field(default_factory=dict)
    with_rejected: set[tuple[str, str]] = field(default_factory=set)
    unfinished: set[FeedPart] = field(default_factory=set)
    begun: dict[FeedPart, str] = field(default_factory=dict)
    windows: int = 0
    filled: FilledTables = ALL_TABLES

    @classmethod
    def load(cls, connection: duckdb.DuckDBPyConnection, filled: FilledTables = ALL_TABLES) -> RunState:
        """What the warehouse holds; ``filled`` are the tables that may have rows."""
        cursors = connection.execute(
            "SELECT account, feed, part, series, cursor, maximum, current_at, committed_at FROM sync.cursors"
        ).fetchall()
        rejected = _open_rejected(connection) if ("sync", "rejected_records") in filled else []
        unfinished = connection.execute(
            "SELECT DISTINCT c.account, c.feed, c.part FROM sync.windows w JOIN sync.cursors c"
            " ON w.account = c.account AND w.feed = c.feed AND w.part IS NOT DISTINCT FROM c.part"
            " WHERE w.series = c.series AND w.to_sequence_number > c.cursor"
        ).fetchall()
        return cls(
            {FeedPart(*row[:3]): Position(*row[3:]) for row in cursors},
            {(account, feed): numbers for account, feed, numbers in rejected if numbers},
            rereads=visibility.marked(connection) if ("sync", "rereads") in filled else {},
            with_rejected={(account, feed) for account, feed, _ in rejected},
            unfinished={FeedPart(*row) for row in unfinished},
            windows=count_windows(connection),
            filled=filled,
        )

    def position(self, part: FeedPart) -> Position:
        """How far a feed, or a sub-feed, is read."""
        return self.positions.get(part, Position())

    def follow(
        self,
        part: FeedPart,
        position: Position,
        rereads: Mapping[tuple[str, str], Reread],
        *,
        has_rejected: bool = False,
    ) -> None:
        """Take over what a transaction has committed.

        That is the position, the marks of all feeds, if it marked some, and whether it rejected records.
        """
        self.positions[part] = position
        self.noted.pop(part, None)
        self.rereads.update(rereads)
        if has_rejected:
            self.with_rejected.add((part.account, part.feed))

    def follow_numbers(self, part: FeedPart, begins: int, ends: int, run_id: str) -> None:
        """Take over that a run, whose transaction began with one cursor, stored numbers up to ``ends``."""
        if ends > begins:
            self.begun[part] = run_id
        if ends > self.position(part).cursor:
            self.unfinished.add(part)

    def may_resolve(self, part: FeedPart) -> bool:
        """Whether a feed may have open rejected records."""
        return (part.account, part.feed) in self.with_rejected

    def may_catch_up(self, part: FeedPart, run_id: str) -> bool:
        """Whether a run may go on with what an earlier one had not read to its end."""
        at = self.position(part)
        is_unread = part in self.unfinished or (at.cursor > 0 and not at.is_current)
        return is_unread and self.begun.get(part) != run_id

    def note(self, part: FeedPart, position: Position) -> None:
        """Note a position of which only the times differ from the stored one; :meth:`write` stores it."""
        stored, _ = self.noted.get(part, (self.position(part), position))
        self.noted[part] = (stored, position)
        self.positions[part] = position

    def write(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Store the noted positions; within a transaction. One that another sync has moved meanwhile stays."""
        rows = [
            {**of_part(part), **vars(noted), "before": stored.committed_at}
            for part, (stored, noted) in self.noted.items()
        ]
        values = {name: [row[name] for row in rows] for name in _NOTED}
        connection.execute(f"UPDATE sync.cursors c SET {_TIMES} FROM ({_UNNESTED}) n WHERE {_IS_UNMOVED}", values)
        ((inserted,),) = connection.execute(
            f"INSERT INTO sync.cursors SELECT n.* EXCLUDE (before) FROM ({_UNNESTED}) n"
            f" WHERE n.before IS NULL AND NOT EXISTS (SELECT 1 FROM sync.cursors c WHERE {_IS_SAME})",
            values,
        ).fetchall()
        if inserted:
            conflict_with_inserts(connection)
        self.noted.clear()

    def mark_for_reread(self, warehouse: Warehouse, part: FeedPart, reason: str) -> None:
        """Mark a feed that was read before for a full re-read, unless it is marked for that reason already."""
        key = (part.account, part.feed)
        is_marked = key in self.rereads and reason in self.rereads[key].reason
        if is_marked or not any((other.account, other.feed) == key for other in self.positions):
            return
        with warehouse.writing() as connection, transaction(connection):
            visibility.mark(connection, part.account, [part.feed], reason)
            self.rereads.update(visibility.marked(connection))

    def clear_marks(self, warehouse: Warehouse, account: str, feed: str, marks: frozenset[dt.datetime]) -> None:
        """Remove the marks that a feed had when its re-read began, once it was read from number 0 to its proven end."""
        with warehouse.writing() as connection, transaction(connection):
            visibility.done(connection, account, feed, marks)
            left = visibility.marked(connection).get((account, feed))
        self.rereads.pop((account, feed), None)
        if left is not None:
            self.rereads[account, feed] = left


def _open_rejected(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, list[int] | None]]:
    """Accounts and feeds with open rejected records, each with their numbers, those unseen for the longest first."""
    return connection.execute(
        "SELECT account, feed, list(number ORDER BY seen, number) FILTER (number IS NOT NULL) FROM ("
        "SELECT account, feed, sequence_number AS number, min(last_seen) AS seen FROM sync.rejected_records"
        " WHERE resolved_at IS NULL GROUP BY ALL) GROUP BY account, feed"
    ).fetchall()
