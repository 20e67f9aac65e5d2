"""What an account can see of each feed, and which feeds must be read again because it can see more than before.

Older records that become visible have numbers below the cursor, which no walk reads: a new connection, a newly granted
scope or another filter marks the feed, and its next sync reads from 0. A mark is written in the transaction that stores
what makes older records visible, so that no interruption loses it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from pipelines.warehouse.load.change_detection import DetectedChanges, IncomingBatch
from pipelines.warehouse.sql import current_rows, quoted, record_key, same_key


@dataclass(frozen=True)
class View:
    """The filter and scope that a feed was requested with."""

    account: str  # name of the account whose key was used
    feed: str  # `schema.table`
    parameters: str  # the fixed part of the query, as text
    granted: bool  # whether the token carried the feed's scope


def remember(connection: duckdb.DuckDBPyConnection, views: Iterable[View]) -> None:
    """Store how feeds are requested now, and mark those that show more than before; within a transaction."""
    rows = connection.execute("SELECT account, feed, parameters, granted FROM sync.views").fetchall()
    known = {row[:2]: View(*row) for row in rows}
    for view in views:
        before = known.get((view.account, view.feed))
        if before == view:
            continue
        connection.execute("DELETE FROM sync.views WHERE account = ? AND feed = ?", [view.account, view.feed])
        connection.execute(
            "INSERT INTO sync.views VALUES (?, ?, ?, ?, now())",
            [view.account, view.feed, view.parameters, view.granted],
        )
        if before is not None and view.granted and before.parameters != view.parameters:
            mark(connection, view.account, [view.feed], "its filter changed")
        elif before is not None and view.granted and not before.granted:
            mark(connection, view.account, [view.feed], "its scope is newly granted")


def not_granted(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, str]]:
    """The feeds, by account and feed, whose scope the token did not carry when they were last to be synced."""
    return set(connection.execute("SELECT account, feed FROM sync.views WHERE NOT granted").fetchall())


# Why a feed is read again after a 423, or while nothing that it serves shows whether its numbering is the same.
MAY_HAVE_RESTARTED = "its numbering may have begun anew"
NEW_SERIES = "its numbering began anew"  # why a selection is read completely: records that it does not serve left it


@dataclass(frozen=True)
class Reread:
    """Why a feed waits for a full re-read."""

    reason: str  # all reasons, as text
    marks: frozenset[dt.datetime] = frozenset()  # when its marks were made; those that are made during the re-read stay

    @property
    def may_have_restarted(self) -> bool:
        """Whether the feed's numbering is in doubt."""
        return MAY_HAVE_RESTARTED in self.reason

    def adds_to(self, other: Reread | None) -> bool:
        """Whether it has marks that ``other`` does not have."""
        return other is None or bool(self.marks - other.marks)


def mark(connection: duckdb.DuckDBPyConnection, account: str, feeds: Iterable[str], reason: str) -> None:
    """Mark feeds that were read before for a full re-read; within a transaction.

    The time of a mark identifies it: one transaction writes at a time. A ``rowid`` does not, because until the commit a
    row has another one.
    """
    for feed in feeds:
        connection.execute(
            "INSERT INTO sync.rereads SELECT $account, $feed, $reason, now(), NULL"
            " WHERE EXISTS (SELECT 1 FROM sync.cursors WHERE account = $account AND feed = $feed)",
            {"account": account, "feed": feed, "reason": reason},
        )


def marked(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], Reread]:
    """The feeds that wait for a full re-read, by account and feed."""
    rows = connection.execute(
        "SELECT account, feed, string_agg(DISTINCT reason, ', ' ORDER BY reason), list(marked_at) FROM sync.rereads"
        " WHERE done_at IS NULL GROUP BY ALL"
    ).fetchall()
    return {(account, feed): Reread(reason, frozenset(marks)) for account, feed, reason, marks in rows}


def done(connection: duckdb.DuckDBPyConnection, account: str, feed: str, marks: frozenset[dt.datetime]) -> None:
    """Remove the marks that a feed had when its re-read began, by their times; within a transaction."""
    connection.execute(
        "UPDATE sync.rereads SET done_at = now() WHERE account = ? AND feed = ? AND done_at IS NULL"
        " AND list_contains(CAST(? AS TIMESTAMPTZ[]), marked_at)",
        [account, feed, list(marks)],
    )


@contextmanager
def marking_widened(incoming: IncomingBatch, changes: DetectedChanges, feeds: Sequence[str]) -> Iterator[None]:
    """Mark other feeds if the block makes rows live, or gives live rows another number; for writing a batch's rows.

    With each live row of this feed, older records of the others become visible; of most tables there are none.
    """
    if not feeds:
        yield
        return
    before = _live_rows(incoming, changes)
    yield
    added = len(_live_rows(incoming, changes) - before)
    if added:
        account, table = str(incoming.params["account"]), incoming.table.qualified_name
        mark(incoming.connection, account, feeds, f"{added} new or changed in {table}")


def _live_rows(incoming: IncomingBatch, changes: DetectedChanges) -> set[tuple[object, ...]]:
    """Keys and numbers of the batch's records whose rows are not deleted: of connections, the connected growers.

    The number counts, because a connection that ended and was revived since the last reading has only another number.
    """
    table = incoming.table
    key = ", ".join(f"CAST(t.{quoted(name)} AS VARCHAR)" for name in (*record_key(table), "sequence_number"))
    sql = (
        f"SELECT {key} FROM {current_rows(table)} t SEMI JOIN {changes.verdicts} v ON {same_key(table, 't', 'v')}"
        " WHERE t.account = $account AND NOT t.is_deleted"
    )
    return set(incoming.execute(sql).fetchall())
