"""The tables of one feed: current rows, versions, the history views over them, and the raw log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import duckdb

from pipelines.catalogue.tables import Column, Table
from pipelines.catalogue.types import Kind
from pipelines.warehouse.schema import history_views
from pipelines.warehouse.schema.introspection import Columns
from pipelines.warehouse.sql import current_rows, literal, quoted, raw, record_key, script, versions
from pipelines.warehouse.storage import LAKE, Storage, storage_of

RAW_COLUMNS = (
    Column("series", Kind.INT32, "Number of the series, from 1; a new one begins when Floriday restarts the numbering"),
    Column("sequence_number", Kind.INT64, "Floriday's number of this version when it was first received"),
    Column("payload", Kind.TEXT, "The record as received, JSON text"),
    Column("content_hash", Kind.TEXT, "Hash of the bytes received, without the top-level sequence number"),
    Column("synced_at", Kind.DATE_TIME, "When this version was stored"),
    Column("run_id", Kind.TEXT, "The run that stored it"),
)

VERSION = Column("row_version", Kind.INT32, "Number of the version among those that were received, from 1")
SERIES = Column("row_series", Kind.INT32, "The series of the sequence number")

_SPECIAL_TYPES = {"payload": "VARCHAR USING COMPRESSION zstd", "content_hash": "BLOB USING COMPRESSION uncompressed"}
"""Hashes do not compress, but DuckDB would build a dictionary for them, which is slow to write and to read."""


def create_feed_tables(connection: duckdb.DuckDBPyConnection, feed: Table, *, with_raw: bool = True) -> None:
    """Create the tables of a feed, its versions and its history views; ``with_raw`` is for the raw log."""
    storage = storage_of(connection)
    for table in feed.walk():
        connection.execute(script(table_statements(table, storage, is_feed=table is feed, with_raw=with_raw)))
    connection.execute(script(history_views.statements(feed, storage)))


def expected_columns(feed: Table) -> Columns:
    """Names and types of the columns of a feed's tables, versions and raw log, in this version."""
    expected: Columns = {}
    for table in feed.walk():
        own = [(column.name, column.type) for column in table.columns]
        extra = (SERIES, VERSION) if table is feed else (VERSION,)
        expected[table.schema, table.name] = own
        expected["versions", table.name] = own + [(column.name, column.type) for column in extra]
    expected["raw", feed.name] = [
        (column.name, _special_types(LAKE).get(column.name, column.type)) for column in _raw_columns(feed)
    ]
    return expected


def _raw_columns(feed: Table) -> tuple[Column, ...]:
    return (*(feed.by_name[name] for name in ("account", *record_key(feed))), *RAW_COLUMNS)


def table_statements(table: Table, storage: Storage, *, is_feed: bool, with_raw: bool = True) -> Iterator[str]:
    """The statements that create and describe a table, its versions and, for a feed's own table, the raw log."""
    yield create_statement(current_rows(table), table.columns)
    yield from comment_statements(current_rows(table), "TABLE", table.description, table.columns)
    extra = (SERIES, VERSION) if is_feed else (VERSION,)
    yield create_statement(versions(table), (*table.columns, *extra))
    # The history views describe these columns. Thousands of further comments would cost a second.
    yield from comment_statements(versions(table), "TABLE", f"All versions. {table.description}", ())
    if is_feed and with_raw:
        yield create_statement(raw(table), _raw_columns(table), _special_types(storage))
        yield from comment_statements(raw(table), "TABLE", f"As received. {table.description}", _raw_columns(table))


def _special_types(storage: Storage) -> dict[str, str]:
    if storage.compresses_columns:
        return _SPECIAL_TYPES
    return {name: kind.partition(" USING")[0] for name, kind in _SPECIAL_TYPES.items()}


def create_statement(name: str, columns: tuple[Column, ...], types: Mapping[str, str] = MappingProxyType({})) -> str:
    """The statement that creates a table; ``types`` replaces the types of some columns."""
    parts = (f"{quoted(column.name)} {types.get(column.name, column.type)}" for column in columns)
    return f"CREATE TABLE {name} ({', '.join(parts)})"


def comment_statements(name: str, what: str, description: str, columns: tuple[Column, ...]) -> Iterator[str]:
    """The statements that describe a table or view and its columns."""
    yield f"COMMENT ON {what} {name} IS {literal(description)}"
    for column in columns:
        yield f"COMMENT ON COLUMN {name}.{quoted(column.name)} IS {literal(column.description)}"
