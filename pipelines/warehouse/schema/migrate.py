"""A file of an older layout, brought to this version's; every step within the one transaction of the caller.

What feeds left is in the raw log, and their other tables are made anew from it. The tables in ``sync`` are all there is
of what they tell, so their rows are taken over.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from pipelines.catalogue.tables import Column, Table
from pipelines.errors import WarehouseError
from pipelines.warehouse.schema.create import LAYOUT_VERSION, SYNC_TABLES
from pipelines.warehouse.schema.feed_tables import create_feed_tables, create_statement, expected_columns
from pipelines.warehouse.schema.introspection import Columns, existing_columns
from pipelines.warehouse.sql import current, listed, quoted, record_key, same_key, versions

_NUMBERS = quoted("numbers before")


def layout_version(connection: duckdb.DuckDBPyConnection) -> int | None:
    """The version of the file's layout; None where it was never used."""
    try:
        rows = connection.execute("SELECT layout_version FROM sync.settings").fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        return None
    return int(rows[0][0]) if rows else None


def record_layout_version(connection: duckdb.DuckDBPyConnection) -> None:
    """Write down that the layout is this version's."""
    connection.execute("UPDATE sync.settings SET layout_version = ?", [LAYOUT_VERSION])


def outdated_feeds(connection: duckdb.DuckDBPyConnection, feeds: Sequence[Table]) -> list[Table]:
    """The feeds of which the file has a raw log, and a table that is missing or has other columns.

    Raises:
        WarehouseError: a raw log itself has other columns, or is missing beside its tables.
    """
    standing = existing_columns(connection)
    return [feed for feed in feeds if _differs(feed, standing)]


def _differs(feed: Table, standing: Columns) -> bool:
    expected = expected_columns(feed)
    if not any(table in standing for table in expected):
        return False
    log = ("raw", feed.name)
    if standing.get(log) != expected[log]:
        raise WarehouseError(
            f"the raw log of {feed.qualified_name} is missing, or has another key than in this version, so nothing can"
            " be made from it: restore a backup, or start a new warehouse; nothing was changed",
            feed=feed.qualified_name,
        )
    return any(standing.get(table) != columns for table, columns in expected.items())


def recreate_empty(connection: duckdb.DuckDBPyConnection, feed: Table) -> None:
    """Replace all tables of a feed but its raw log by empty ones, as this version has them.

    The numbers of its rows are kept aside for :func:`put_numbers_back`.
    """
    standing = existing_columns(connection)
    if "sequence_number" in dict(standing.get((feed.schema, feed.name), [])):
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {_NUMBERS} AS"
            f" SELECT account, {listed(record_key(feed))}, sequence_number FROM {current(feed)}"
        )
    for table in feed.walk():
        connection.execute(f"DROP TABLE IF EXISTS {current(table)}")
        connection.execute(f"DROP TABLE IF EXISTS {versions(table)}")
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(feed.schema)}")
    create_feed_tables(connection, feed, with_raw=False)


def restore_sequence_numbers(connection: duckdb.DuckDBPyConnection, feed: Table) -> None:
    """Give the rows of a feed the numbers that they had: the raw log does not have those of renumbered records."""
    kept = "SELECT 1 FROM duckdb_tables() WHERE temporary AND table_name = ?"
    if connection.execute(kept, [_NUMBERS.strip('"')]).fetchall():
        connection.execute(
            f"UPDATE {current(feed)} t SET sequence_number = n.sequence_number FROM {_NUMBERS} n"
            f" WHERE t.account = n.account AND {same_key(feed, 't', 'n')}"
        )
        connection.execute(f"DROP TABLE {_NUMBERS}")


def migrate_sync_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Give the tables in ``sync`` the columns of this version: a new one is NULL in rows of before, others are dropped.

    Raises:
        WarehouseError: a value does not fit the type that its column has now.
    """
    standing = existing_columns(connection)
    for name, (_, columns) in SYNC_TABLES.items():
        found = standing.get(("sync", name))
        if found is not None and found != [(column.name, column.type) for column in columns]:
            _migrate_sync_table(connection, name, columns, {column for column, _ in found})


def _migrate_sync_table(
    connection: duckdb.DuckDBPyConnection, name: str, columns: tuple[Column, ...], found: set[str]
) -> None:
    before = f"{name}_before"
    shared = [column for column in columns if column.name in found]
    values = ", ".join(f"CAST({quoted(column.name)} AS {column.type})" for column in shared)
    try:
        connection.execute(f"ALTER TABLE sync.{quoted(name)} RENAME TO {quoted(before)}")
        connection.execute(create_statement(f"sync.{name}", columns))
        connection.execute(
            f"INSERT INTO sync.{quoted(name)} ({listed(column.name for column in shared)})"
            f" SELECT {values} FROM sync.{quoted(before)}"
        )
        connection.execute(f"DROP TABLE sync.{quoted(before)}")
    except duckdb.ConversionException as error:
        raise WarehouseError(
            f"sync.{name} cannot be brought to this version's layout: {str(error).splitlines()[0]}. Nothing was"
            " changed: use the version that wrote it"
        ) from None
