"""What an account sees of each feed, and which feeds must be read anew because it sees more than before.

Records that come into view later stand below the cursor, where no walk looks: a new connection, a newly granted scope
or another filter marks the feed, and its next sync reads from 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb

from pipelines.catalogue.tables import Table
from pipelines.warehouse.sql import current, quoted, record_key


@dataclass(frozen=True)
class View:
    """How a feed was asked for.

    Args:
        account: whose key.
        feed: ``schema.table``.
        parameters: the fixed part of the query, as text.
        granted: whether the token carried the feed's scope.
    """

    account: str
    feed: str
    parameters: str
    granted: bool


def remember(connection: duckdb.DuckDBPyConnection, views: Iterable[View]) -> None:
    """Write down how feeds are asked for now, and mark those that see more than before; within a transaction."""
    known = _known(connection)
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


def _known(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], View]:
    rows = connection.execute("SELECT account, feed, parameters, granted FROM sync.views").fetchall()
    return {(account, feed): View(account, feed, parameters, granted) for account, feed, parameters, granted in rows}


def not_granted(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, str]]:
    """The feeds, by account and feed, whose scope the token did not carry when they were last to be synced."""
    return set(connection.execute("SELECT account, feed FROM sync.views WHERE NOT granted").fetchall())


def mark(connection: duckdb.DuckDBPyConnection, account: str, feeds: Iterable[str], reason: str) -> None:
    """Mark feeds that were read before for a full re-read; within a transaction."""
    for feed in feeds:
        connection.execute(
            "INSERT INTO sync.rereads SELECT $account, $feed, $reason, now(), NULL"
            " WHERE EXISTS (SELECT 1 FROM sync.cursors WHERE account = $account AND feed = $feed AND cursor > 0)",
            {"account": account, "feed": feed, "reason": reason},
        )


def marked(connection: duckdb.DuckDBPyConnection) -> Mapping[tuple[str, str], str]:
    """The feeds that wait for a full re-read: by account and feed, why."""
    rows = connection.execute(
        "SELECT account, feed, string_agg(DISTINCT reason, ', ') FROM sync.rereads WHERE done_at IS NULL GROUP BY ALL"
    ).fetchall()
    return {(account, feed): reason for account, feed, reason in rows}


def done(connection: duckdb.DuckDBPyConnection, account: str, feed: str) -> None:
    """Take the marks of a feed off; within a transaction."""
    connection.execute(
        "UPDATE sync.rereads SET done_at = now() WHERE account = ? AND feed = ? AND done_at IS NULL", [account, feed]
    )


def live_keys(connection: duckdb.DuckDBPyConnection, table: Table, account: str) -> set[tuple[object, ...]]:
    """The keys of the rows that are not deleted: of connections, who is connected."""
    key = ", ".join(f"CAST({quoted(name)} AS VARCHAR)" for name in record_key(table))
    sql = f"SELECT {key} FROM {current(table)} WHERE account = ? AND NOT is_deleted"
    return set(connection.execute(sql, [account]).fetchall())
