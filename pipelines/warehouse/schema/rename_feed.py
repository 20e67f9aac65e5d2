"""Give a feed the name that it has in another version of the API, without losing what was read."""

from __future__ import annotations

import duckdb

from pipelines.catalogue.tables import Table
from pipelines.warehouse.schema.create import SYNC_TABLES
from pipelines.warehouse.schema.introspection import Columns, existing_columns
from pipelines.warehouse.sql import current_rows, history, quoted, raw, versions


def rename_feed(connection: duckdb.DuckDBPyConnection, old: Table, new: Table) -> bool:
    """Rename a feed's raw log, its table of current rows and what the syncs recorded; within a transaction.

    The caller creates the other tables again from the raw log. Nothing is done without the old raw log, or if the new
    one exists. Returns whether the feed was renamed.
    """
    existing = existing_columns(connection)
    is_moved = old.name != new.name and ("raw", new.name) in existing
    if ("raw", old.name) not in existing or is_moved or (old.schema, old.name) not in existing:
        return False
    _drop_derived(connection, old, existing)
    if old.name != new.name:
        connection.execute(f"ALTER TABLE {raw(old)} RENAME TO {quoted(new.name)}")
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(new.schema)}")
    connection.execute(f"CREATE TABLE {current_rows(new)} AS FROM {current_rows(old)}")
    connection.execute(f"DROP TABLE {current_rows(old)}")
    _rename_in_sync(connection, old.qualified_name, new.qualified_name, existing)
    return True


def _drop_derived(connection: duckdb.DuckDBPyConnection, feed: Table, existing: Columns) -> None:
    """Drop what is made from the raw log: history, versions and child tables, and the view that counts their rows."""
    connection.execute("DROP VIEW IF EXISTS sync.row_counts")
    for table in feed.walk():
        connection.execute(f"DROP MACRO TABLE IF EXISTS history.{quoted(f'{table.name}_as_of')}")
        connection.execute(f"DROP VIEW IF EXISTS {history(table)}")
        connection.execute(f"DROP TABLE IF EXISTS {versions(table)}")
        if table is not feed and (table.schema, table.name) in existing:
            connection.execute(f"DROP TABLE {current_rows(table)}")


def _rename_in_sync(connection: duckdb.DuckDBPyConnection, old: str, new: str, existing: Columns) -> None:
    for name in SYNC_TABLES:
        if any(column == "feed" for column, _ in existing.get(("sync", name), [])):
            connection.execute(f"UPDATE sync.{quoted(name)} SET feed = ? WHERE feed = ?", [new, old])
