"""The layout of the file, made from the catalogue: schemas, tables, comments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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

_ACCOUNT = Column("account", Kind.TEXT, "Name in the settings of the account whose key read it")
_FEED = Column("feed", Kind.TEXT, "The feed, as schema.table")
_PART = Column("part", Kind.TEXT, "The part of the feed, where it has several cursors, else NULL")
_SERIES = RAW_COLUMNS[0]
_COMMITTED_AT = Column("committed_at", Kind.DATE_TIME, "When it was committed")

SYNC_TABLES = {
    "cursors": (
        "How far each feed of each account is read: one row a feed, or a part of it",
        (
            _ACCOUNT,
            _FEED,
            _PART,
            _SERIES,
            Column("cursor", Kind.INT64, "The last sequence number committed"),
            Column("maximum", Kind.INT64, "The feed's highest number as Floriday last told it; NULL where it does not"),
            Column("current_at", Kind.DATE_TIME, "When the feed was last proven read to its end"),
            _COMMITTED_AT,
        ),
    ),
    "windows": (
        "One row for each batch of pages that was committed",
        (
            _ACCOUNT,
            _FEED,
            _PART,
            _SERIES,
            Column("from_sequence_number", Kind.INT64, "The number after which it begins"),
            Column("to_sequence_number", Kind.INT64, "The number up to which it reaches"),
            Column("records", Kind.INT64, "Records that were served"),
            Column("changed", Kind.INT64, "New records, and new versions of known ones"),
            Column("rejected", Kind.INT64, "Records that could not be stored"),
            Column("started_at", Kind.DATE_TIME, "When it was normalized"),
            _COMMITTED_AT,
            Column("run_id", Kind.TEXT, "The run that read it"),
        ),
    ),
    "rejected_records": (
        "Records that could not be stored, with the reason; open while resolved_at is NULL",
        (
            _ACCOUNT,
            _FEED,
            Column("key", Kind.TEXT, "The record's key, its values joined with /; NULL where it cannot be read"),
            Column("payload", Kind.TEXT, "The record as received"),
            Column("reason", Kind.TEXT, "What is wrong with it"),
            Column("sequence_number", Kind.INT64, "Its sequence number; NULL where it cannot be read"),
            Column("first_seen", Kind.DATE_TIME, "When it was first served like this"),
            Column("last_seen", Kind.DATE_TIME, "When it was last served like this"),
            Column("resolved_at", Kind.DATE_TIME, "When a valid version was stored, or nothing stood there any more"),
        ),
    ),
    "accounts": (
        "The organization that each account's key belongs to",
        (
            _ACCOUNT,
            Column("organization_id", Kind.UUID, "Floriday's identifier of the organization"),
            Column("organization_name", Kind.TEXT, "Its name"),
            Column("first_seen", Kind.DATE_TIME, "When the account was first used with this warehouse"),
        ),
    ),
    "settings": (
        "The API and the environment that this warehouse belongs to, and the version of its layout",
        (
            Column("api", Kind.TEXT, "suppliers or customers"),
            Column("environment", Kind.TEXT, "Host of the API"),
            Column("layout_version", Kind.INT32, "Version of the layout of this file"),
            Column("created_at", Kind.DATE_TIME, "When the file was laid out"),
        ),
    ),
}
"""The tables of the schema ``sync``: what each holds, and its columns."""


def lay_out(connection: duckdb.DuckDBPyConnection, tables: Sequence[Table]) -> None:
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
    for name, (description, columns) in SYNC_TABLES.items():
        if ("sync", name) not in standing:
            connection.execute(_create(f"sync.{name}", columns))
            for statement in _comments(f"sync.{name}", "TABLE", description, columns):
                connection.execute(statement)
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
