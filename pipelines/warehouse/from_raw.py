"""The steps that make a feed's typed tables anew from its raw log; all of them within one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb

from pipelines.catalogue.tables import Table
from pipelines.normalize import Batch
from pipelines.warehouse.sql import current, from_row, listed, quoted, raw, record_key, same_key, versions

VERSIONS_A_SLICE = 10_000


@dataclass(frozen=True)
class Slice:
    """Some versions of an account's records, in the order in which they were stored.

    Args:
        account: whose.
        payloads: as received.
        first: place in the raw log of the first one; ``last`` that of the last one.
    """

    account: str
    payloads: list[bytes]
    first: int
    last: int


def clear(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Empty the typed tables of a feed, children and versions too."""
    for part in table.walk():
        connection.execute(f"DELETE FROM {current(part)}")
        connection.execute(f"DELETE FROM {versions(part)}")


def number(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Fill the temporary table ``numbered``: which version of its record stands at each place in the raw log."""
    order = f"PARTITION BY account, {listed(record_key(table))} ORDER BY series, coalesce(sequence_number, 0), rowid"
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE numbered AS"
        f" SELECT rowid AS place, account, CAST(row_number() OVER ({order}) AS INTEGER) AS version FROM {raw(table)}"
    )


def slices(connection: duckdb.DuckDBPyConnection, table: Table) -> Iterator[Slice]:
    """The raw log in slices, account by account; ``numbered`` must be filled."""
    bounds = connection.execute(
        "SELECT account, min(place), max(place) FROM (SELECT account, place,"
        " (row_number() OVER (PARTITION BY account ORDER BY place) - 1) // $size AS slice FROM numbered)"
        " GROUP BY account, slice ORDER BY account, min(place)",
        {"size": VERSIONS_A_SLICE},
    ).fetchall()
    for account, first, last in bounds:
        found = connection.execute(
            f"SELECT encode(payload) FROM {raw(table)} WHERE rowid BETWEEN $first AND $last AND account = $account"
            " ORDER BY rowid",
            {"account": account, "first": first, "last": last},
        ).fetchall()
        yield Slice(account, [payload for (payload,) in found], first, last)


def put(connection: duckdb.DuckDBPyConnection, table: Table, some: Slice, batch: Batch) -> None:
    """Store the typed versions of a slice.

    Args:
        connection: open for writing.
        table: the feed's.
        some: the slice.
        batch: its payloads, normalized, none rejected.
    """
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE taken AS SELECT row_number() OVER (ORDER BY r.rowid) - 1 AS record, n.version,"
        f" r.series, r.sequence_number, r.synced_at FROM {raw(table)} r JOIN numbered n ON n.place = r.rowid"
        " WHERE r.rowid BETWEEN $first AND $last AND r.account = $account",
        {"account": some.account, "first": some.first, "last": some.last},
    )
    for part in table.walk():
        connection.register("typed", batch.frames[part.qualified_name])
        extra = "t.series, t.version" if part is table else "t.version"
        connection.execute(
            f"INSERT INTO {versions(part)} SELECT {from_row(part, 'b', 't.synced_at')}, {extra} FROM typed b"
            " JOIN taken t ON t.record = b.record",
            {"account": some.account},
        )
        connection.unregister("typed")


def show_newest(connection: duckdb.DuckDBPyConnection, table: Table) -> int:
    """Fill the current tables with the newest version of each record; returns how many records there are."""
    key = f"account, {listed(record_key(table))}"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE newest AS SELECT {key}, max(row_version) AS row_version"
        f" FROM {versions(table)} GROUP BY {key}"
    )
    for part in table.walk():
        columns = ", ".join(f"v.{quoted(column.name)}" for column in part.columns)
        connection.execute(
            f"INSERT INTO {current(part)} SELECT {columns} FROM {versions(part)} v JOIN newest n"
            f" ON v.account = n.account AND {same_key(table, 'v', 'n')} AND v.row_version = n.row_version"
        )
    (count,) = connection.execute("SELECT count(*) FROM newest").fetchall()[0]
    return int(count)
