"""The layout of the file, made from the catalogue: schemas, tables, comments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import duckdb

from pipelines.catalogue.tables import Column, Table
from pipelines.catalogue.types import Kind
from pipelines.errors import WarehouseError
from pipelines.warehouse import history
from pipelines.warehouse.sql import current, definition, literal, quoted, raw, record_key, versions

LAYOUT_VERSION = 1

SCHEMAS = {
    "raw": "Every content-changing version of every record, as received",
    "versions": "Typed versions of every record; read them through the views in history",
    "history": "One row a version of every record, with the time in which it was valid here",
    "sync": "What the warehouse knows about its own syncs",
    "reports": "Answers made from the other tables",
}

RAW_COLUMNS = (
    Column("series", Kind.INT32, "Counts the restarts of the feed's numbering, from 1"),
    Column("sequence_number", Kind.INT64, "Floriday's number of this version when it was first seen here"),
    Column("payload", Kind.TEXT, "The record as received, JSON text"),
    Column("content_hash", Kind.TEXT, "Hash of the bytes received, without the top-level sequence number"),
    Column("synced_at", Kind.DATE_TIME, "When this version was stored here"),
    Column("run_id", Kind.TEXT, "The run that stored it"),
)

VERSION = Column("row_version", Kind.INT32, "Counts the versions of the record that were seen here, from 1")
SERIES = Column("row_series", Kind.INT32, "The series of the sequence number")

_SYNC_TABLES = {
    "cursors": """account VARCHAR, feed VARCHAR, part VARCHAR, series INTEGER, cursor BIGINT, maximum BIGINT,
        current_at TIMESTAMPTZ, committed_at TIMESTAMPTZ""",
    "windows": """account VARCHAR, feed VARCHAR, part VARCHAR, series INTEGER, from_sequence_number BIGINT,
        to_sequence_number BIGINT, records BIGINT, changed BIGINT, rejected BIGINT, started_at TIMESTAMPTZ,
        committed_at TIMESTAMPTZ, run_id VARCHAR""",
    "rejected_records": """account VARCHAR, feed VARCHAR, key VARCHAR, payload VARCHAR, reason VARCHAR,
        sequence_number BIGINT, first_seen TIMESTAMPTZ, last_seen TIMESTAMPTZ, resolved_at TIMESTAMPTZ""",
    "accounts": "account VARCHAR, organization_id UUID, organization_name VARCHAR, first_seen TIMESTAMPTZ",
    "settings": "api VARCHAR, environment VARCHAR, layout_version INTEGER, created_at TIMESTAMPTZ",
}

_SYNC_COMMENTS = {
    "cursors": "How far each feed of each account is read: one row a feed, or a part of it",
    "windows": "One row for each batch of pages that was committed",
    "rejected_records": "Records that could not be stored, with the reason; open while resolved_at is NULL",
    "accounts": "The organization that each account's key belongs to",
    "settings": "The API and the environment that this warehouse belongs to, and the version of its layout",
}


def lay_out(connection: duckdb.DuckDBPyConnection, tables: Iterable[Table]) -> None:
    """Create whatever is missing of the layout; to be called within a transaction.

    Args:
        connection: open for writing.
        tables: the feeds' tables, children within.

    Raises:
        WarehouseError: a table stands there with other columns.
    """
    standing = _standing(connection)
    for schema in sorted({*SCHEMAS, *(table.schema for table in tables)}):
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)}")
    for name, columns in _SYNC_TABLES.items():
        if ("sync", name) not in standing:
            connection.execute(f"CREATE TABLE sync.{name} ({columns})")
            connection.execute(f"COMMENT ON TABLE sync.{name} IS {literal(_SYNC_COMMENTS[name])}")
    for table in tables:
        _lay_out_feed(connection, table, standing)


def _standing(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """The columns and types of every table of the file."""
    rows = connection.execute(
        "SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns()"
        " WHERE NOT internal AND database_name = current_database() ORDER BY schema_name, table_name, column_index"
    ).fetchall()
    standing: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for schema, table, column, kind in rows:
        standing.setdefault((schema, table), []).append((column, kind))
    return standing


def _lay_out_feed(
    connection: duckdb.DuckDBPyConnection, feed: Table, standing: dict[tuple[str, str], list[tuple[str, str]]]
) -> None:
    fresh = (feed.schema, feed.name) not in standing
    for table in feed.walk():
        _check(table, standing)
        if (table.schema, table.name) not in standing:
            for statement in _statements(table, is_feed=table is feed):
                connection.execute(statement)
    if fresh:
        for statement in history.statements(feed):
            connection.execute(statement)


def _check(table: Table, standing: dict[tuple[str, str], list[tuple[str, str]]]) -> None:
    found = standing.get((table.schema, table.name))
    expected = [(column.name, column.type) for column in table.columns]
    if found is None or found == expected:
        return
    differing = sorted({name for name, _ in set(found) ^ set(expected)})
    raise WarehouseError(
        f"the table {table.qualified_name} of this warehouse has other columns than this version of floriday-warehouse"
        f" ({', '.join(differing) or 'in another order'}): use the version that made it, or start a new warehouse"
    )


def _statements(table: Table, *, is_feed: bool) -> Iterator[str]:
    yield _create(current(table), table.columns)
    yield from _comments(current(table), "TABLE", table.description, table.columns)
    extra = (SERIES, VERSION) if is_feed else (VERSION,)
    yield _create(versions(table), (*table.columns, *extra))
    yield from _comments(versions(table), "TABLE", f"All versions. {table.description}", (*table.columns, *extra))
    if is_feed:
        key = tuple(table.by_name[name] for name in ("account", *record_key(table)))
        yield _create(raw(table), (*key, *RAW_COLUMNS))
        yield from _comments(raw(table), "TABLE", f"As received. {table.description}", (*key, *RAW_COLUMNS))


_SPECIAL_TYPES = {"payload": "VARCHAR USING COMPRESSION zstd", "content_hash": "BLOB"}


def _create(name: str, columns: tuple[Column, ...]) -> str:
    raw_log = name.startswith("raw.")
    parts = [
        f"{quoted(column.name)} {_SPECIAL_TYPES[column.name]}"
        if raw_log and column.name in _SPECIAL_TYPES
        else definition(column)
        for column in columns
    ]
    return f"CREATE TABLE {name} ({', '.join(parts)})"


def _comments(name: str, what: str, description: str, columns: tuple[Column, ...]) -> Iterator[str]:
    yield f"COMMENT ON {what} {name} IS {literal(description)}"
    for column in columns:
        yield f"COMMENT ON COLUMN {name}.{quoted(column.name)} IS {literal(column.description)}"
