"""Bring a file with an older layout to this version's, within one transaction of the caller.

The data of feeds are in the raw log, so their other tables are created again from it. The tables of ``sync`` have no
other source, so their rows are copied.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from pipelines.catalogue.tables import Column, Table
from pipelines.errors import WarehouseError
from pipelines.warehouse.file.duckdb_errors import first_line
from pipelines.warehouse.schema.create import LAYOUT_VERSION, SYNC_TABLES
from pipelines.warehouse.schema.feed_tables import create_feed_tables, create_statement, expected_columns
from pipelines.warehouse.schema.introspection import Columns, existing_columns
from pipelines.warehouse.schema.owner import stored_settings
from pipelines.warehouse.sql import current_rows, listed, quoted, record_key, same_key, versions

_NUMBERS = quoted("numbers before")


def is_up_to_date(connection: duckdb.DuckDBPyConnection, api_version: str) -> bool:
    """Whether the layout is this program's, or a later one, and the tables are those of this version of the API.

    A file in which nothing was ever stored is up to date.
    """
    stored = stored_settings(connection)
    if stored is None or stored["layout_version"] > LAYOUT_VERSION:
        return True
    return (stored["layout_version"], stored.get("api_version")) == (LAYOUT_VERSION, api_version)


def record_versions(connection: duckdb.DuckDBPyConnection, api_version: str) -> None:
    """Record that the layout is this program's, and that the tables are those of this version of the API."""
    connection.execute("UPDATE sync.settings SET layout_version = ?, api_version = ?", [LAYOUT_VERSION, api_version])


def outdated_feeds(connection: duckdb.DuckDBPyConnection, feeds: Sequence[Table]) -> list[Table]:
    """The feeds that have a raw log, and a table that is missing or has other columns.

    Raises:
        WarehouseError: a raw log itself has other columns, or is missing beside its tables.
    """
    existing = existing_columns(connection)
    return [feed for feed in feeds if _is_outdated(feed, existing)]


def _is_outdated(feed: Table, existing: Columns) -> bool:
    expected = expected_columns(feed)
    if not any(table in existing for table in expected):
        return False
    log = ("raw", feed.name)
    if existing.get(log) != expected[log]:
        raise WarehouseError(
            f"the raw log of {feed.qualified_name} is missing, or has another key than in this version, so nothing can"
            " be made from it: restore a backup, or start a new warehouse; nothing was changed",
            feed=feed.qualified_name,
        )
    return any(existing.get(table) != columns for table, columns in expected.items())


def recreate_empty(connection: duckdb.DuckDBPyConnection, feed: Table) -> None:
    """Replace all tables of a feed except its raw log by empty ones of this version.

    The sequence numbers of its rows are kept for :func:`restore_sequence_numbers`.
    """
    if "sequence_number" in dict(existing_columns(connection).get((feed.schema, feed.name), [])):
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {_NUMBERS} AS"
            f" SELECT account, {listed(record_key(feed))}, sequence_number FROM {current_rows(feed)}"
        )
    for table in feed.walk():
        connection.execute(f"DROP TABLE IF EXISTS {current_rows(table)}")
        connection.execute(f"DROP TABLE IF EXISTS {versions(table)}")
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(feed.schema)}")
    create_feed_tables(connection, feed, with_raw=False)


def restore_sequence_numbers(connection: duckdb.DuckDBPyConnection, feed: Table) -> None:
    """Set the sequence numbers that the rows had: the raw log lacks those of records that were only renumbered."""
    kept = "SELECT 1 FROM duckdb_tables() WHERE temporary AND table_name = ?"
    if connection.execute(kept, [_NUMBERS.strip('"')]).fetchall():
        connection.execute(
            f"UPDATE {current_rows(feed)} t SET sequence_number = n.sequence_number FROM {_NUMBERS} n"
            f" WHERE t.account = n.account AND {same_key(feed, 't', 'n')}"
        )
        connection.execute(f"DROP TABLE {_NUMBERS}")


def migrate_sync_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Give the tables of ``sync`` the columns of this version: new ones are NULL in old rows, others are dropped.

    Raises:
        WarehouseError: a value does not fit the new type of its column.
    """
    existing = existing_columns(connection)
    for name, (_, columns) in SYNC_TABLES.items():
        found = existing.get(("sync", name))
        if found is not None and found != [(column.name, column.type) for column in columns]:
            _migrate(connection, name, columns, {column for column, _ in found})


def _migrate(connection: duckdb.DuckDBPyConnection, name: str, columns: tuple[Column, ...], found: set[str]) -> None:
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
            f"sync.{name} cannot be brought to this version's layout: {first_line(error)}. Nothing was changed: use the"
            " version that wrote it"
        ) from None
