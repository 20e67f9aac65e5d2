"""Create the schemas, tables and comments of the warehouse from the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import duckdb

from pipelines.catalogue.tables import Column, Table
from pipelines.catalogue.types import Kind
from pipelines.errors import WarehouseError
from pipelines.warehouse.schema import history_views
from pipelines.warehouse.schema.feed_tables import (
    RAW_COLUMNS,
    comment_statements,
    create_feed_tables,
    create_statement,
    expected_columns,
    table_statements,
)
from pipelines.warehouse.schema.introspection import Columns, existing_columns, existing_schemas
from pipelines.warehouse.sql import literal, qualified, quoted, script
from pipelines.warehouse.storage import storage_of

LAYOUT_VERSION = 3

SCHEMAS = {
    "raw": "Every version of every record, as received; records whose content did not change are left out",
    "versions": "Typed versions of every record; read them through the views in history",
    "history": "One row for each version of every record, with the time in which it was valid here",
    "sync": "The state and the results of the syncs",
    "reports": "Reports on the other tables",
}

_ACCOUNT = Column("account", Kind.TEXT, "Name of the account in the settings")
_FEED_KEY = (_ACCOUNT, Column("feed", Kind.TEXT, "The feed, as schema.table"))
_PART = Column("part", Kind.TEXT, "The sub-feed, if the feed has several cursors, else NULL")
_CURSOR_KEY = (*_FEED_KEY, _PART, RAW_COLUMNS[0])
_COMMITTED_AT = Column("committed_at", Kind.DATE_TIME, "When it was committed")

SYNC_TABLES = {
    "cursors": (
        "The cursor of each feed of each account: one row for each feed or sub-feed",
        (
            *_CURSOR_KEY,
            Column("cursor", Kind.INT64, "The last sequence number committed"),
            Column("maximum", Kind.INT64, "The feed's highest number that Floriday last returned; NULL if none"),
            Column("current_at", Kind.DATE_TIME, "When the feed was last verifiably read to its end"),
            _COMMITTED_AT,
        ),
    ),
    "windows": (
        "One row for each committed batch of pages; rows from before last week are merged by day",
        (
            *_CURSOR_KEY,
            Column("from_sequence_number", Kind.INT64, "The last number before the batch"),
            Column("to_sequence_number", Kind.INT64, "The last number of the batch"),
            Column("records", Kind.INT64, "Received records"),
            Column("changed", Kind.INT64, "New records, and new versions of known records"),
            Column("rejected", Kind.INT64, "Records that could not be stored"),
            Column("started_at", Kind.DATE_TIME, "When the sync of the feed began"),
            _COMMITTED_AT,
            Column("run_id", Kind.TEXT, "The run that read it"),
        ),
    ),
    "catch_ups": (
        "Runs that continued where an earlier run had stopped; their records may be as old as that run",
        (
            *_CURSOR_KEY,
            Column("run_id", Kind.TEXT, "The run that continued"),
            Column("since", Kind.DATE_TIME, "When the feed had last been verifiably read to its end; NULL for never"),
        ),
    ),
    "rejected_records": (
        "Records that could not be stored, with the reason; open while resolved_at is NULL",
        (
            *_FEED_KEY,
            Column("key", Kind.TEXT, "The key of the record, its values joined with /; NULL if it cannot be read"),
            Column("payload", Kind.TEXT, "The record as received"),
            Column("reason", Kind.TEXT, "Why the record was rejected"),
            Column("sequence_number", Kind.INT64, "Its sequence number; NULL if it cannot be read"),
            Column("first_seen", Kind.DATE_TIME, "When this version was first received"),
            Column("last_seen", Kind.DATE_TIME, "When this version was last received"),
            Column("resolved_at", Kind.DATE_TIME, "When a valid version was stored, or the record no longer existed"),
        ),
    ),
    "unknown": (
        "Received fields and enumeration values that the catalogue does not contain",
        (
            *_FEED_KEY,
            Column("kind", Kind.TEXT, "field, or value for a value of an enumeration"),
            Column("name", Kind.TEXT, "The path of the field in the JSON, or schema.table.column of the enumeration"),
            Column("seen", Kind.TEXT, "The probable type of the field, or the value"),
            Column("first_seen", Kind.DATE_TIME, "When it was first received"),
            Column("last_seen", Kind.DATE_TIME, "When it was last received"),
        ),
    ),
    "views": (
        "With which query and scope each feed was requested, which decides what an account can see of it",
        (
            *_FEED_KEY,
            Column("parameters", Kind.TEXT, "The fixed part of the query"),
            Column("granted", Kind.BOOLEAN, "Whether the token contained the scope of the feed"),
            Column("since", Kind.DATE_TIME, "Since when this holds"),
        ),
    ),
    "rereads": (
        "Feeds of which more is visible than before, so that the next sync reads them from the beginning",
        (
            *_FEED_KEY,
            Column("reason", Kind.TEXT, "Why the feed is read again"),
            Column("marked_at", Kind.DATE_TIME, "When the reason was detected"),
            Column("done_at", Kind.DATE_TIME, "When the feed was read again; NULL before"),
        ),
    ),
    "accounts": (
        "The organization to which the API key of each account belongs",
        (
            _ACCOUNT,
            Column("organization_id", Kind.UUID, "Floriday's identifier of the organization"),
            Column("organization_name", Kind.TEXT, "Its name"),
            Column("first_seen", Kind.DATE_TIME, "When the account was first used with this warehouse"),
        ),
    ),
    "moves": (
        "Accounts that `floriday move` is copying here: until it has ended, their rows are those of their old place",
        (
            _ACCOUNT,
            Column("moved_from", Kind.TEXT, "The old place"),
            Column("since", Kind.DATE_TIME, "When the copy was stored"),
        ),
    ),
    "personal_data": (
        "How personal data are stored in this warehouse: one row, or none while they are kept",
        (
            Column("treatment", Kind.TEXT, "keep, hash or drop"),
            Column(
                "key_fingerprint", Kind.TEXT, "Fingerprint of the hashes' key, from which the key cannot be derived"
            ),
            Column("since", Kind.DATE_TIME, "Since when this holds"),
        ),
    ),
    "erased": (
        "Personal values that were erased on request; they are not stored again",
        (
            Column("value_hash", Kind.TEXT, "Keyed hash of the value"),
            Column("erased_at", Kind.DATE_TIME, "When it was first erased"),
        ),
    ),
    "copies": (
        "Paths of published copies; `floriday redact` searches for copies there",
        (
            Column("path", Kind.TEXT, "The file"),
            Column("since", Kind.DATE_TIME, "When a copy was first configured there"),
        ),
    ),
    "settings": (
        "The API and the environment of this warehouse, and the versions of its tables",
        (
            Column("api", Kind.TEXT, "suppliers or customers"),
            Column("environment", Kind.TEXT, "Host of the API"),
            Column("layout_version", Kind.INT32, "Version of the layout of the file"),
            Column("created_at", Kind.DATE_TIME, "When the tables were created"),
            Column("api_version", Kind.TEXT, "Version of the API whose fields the tables have; the last sync set it"),
        ),
    ),
}
"""The tables of the schema ``sync``: description and columns of each."""

SYNC_VIEWS = {
    "row_counts": (
        "The number of rows of each feed and snapshot: one row for each account that has any",
        (*_FEED_KEY, Column("records", Kind.INT64, "Current rows, including deleted records")),
    )
}
"""The views of the schema ``sync``: description and columns of each."""


def create_tables(connection: duckdb.DuckDBPyConnection, tables: Sequence[Table]) -> Columns:
    """Create the schemas, tables and views that are missing, within a transaction; returns all columns afterwards.

    Raises:
        WarehouseError: an existing table has other columns, or a feed lacks one of its tables.
    """
    existing = existing_columns(connection)
    _check(tables, existing)
    schemas = {*SCHEMAS, *(table.schema for table in tables)} - existing_schemas(connection)
    wanted = {("sync", name) for name in (*SYNC_TABLES, *SYNC_VIEWS)} | {("raw", table.name) for table in tables}
    if not schemas and existing.keys() >= wanted:
        return existing
    _create_missing(connection, tables, existing, schemas)
    return existing_columns(connection)


def _create_missing(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[Table], existing: Columns, schemas: Iterable[str]
) -> None:
    for schema in sorted(schemas):
        connection.execute(f"CREATE SCHEMA {quoted(schema)}")
    for name, (description, columns) in SYNC_TABLES.items():
        if ("sync", name) not in existing:
            connection.execute(create_statement(f"sync.{name}", columns))
            connection.execute(script(comment_statements(f"sync.{name}", "TABLE", description, columns)))
    for table in tables:
        if ("raw", table.name) not in existing:
            create_feed_tables(connection, table)
    _create_row_counts(connection, tables, existing)


def refresh_descriptions(connection: duckdb.DuckDBPyConnection, tables: Sequence[Table]) -> None:
    """Replace all comments, history views and macros by those of this version; within a transaction."""
    for name, (description, columns) in SYNC_TABLES.items():
        connection.execute(script(comment_statements(f"sync.{name}", "TABLE", description, columns)))
    storage = storage_of(connection)
    for feed in tables:
        for table in feed.walk():
            statements = table_statements(table, storage, is_feed=table is feed)
            connection.execute(script(statement for statement in statements if statement.startswith("COMMENT")))
        connection.execute(script(history_views.statements(feed, storage)))


def _create_row_counts(connection: duckdb.DuckDBPyConnection, feeds: Sequence[Table], existing: Columns) -> None:
    """Replace the view if a feed's table is new; it also counts the feeds that had tables before."""
    before = {(schema, name) for schema, name in existing if schema not in SCHEMAS and ("raw", name) in existing}
    counted = before | {(feed.schema, feed.name) for feed in feeds}
    if not counted or (counted == before and ("sync", "row_counts") in existing):
        return
    counts = (
        f"SELECT account, {literal(f'{schema}.{name}')} AS feed, count(*) AS records"
        f" FROM {qualified(schema, name)} GROUP BY account"
        for schema, name in sorted(counted)
    )
    connection.execute(f"CREATE OR REPLACE VIEW sync.row_counts AS {' UNION ALL '.join(counts)}")
    description, columns = SYNC_VIEWS["row_counts"]
    described = columns if storage_of(connection).describes_views else ()
    connection.execute(script(comment_statements("sync.row_counts", "VIEW", description, described)))


def _check(feeds: Sequence[Table], existing: Columns) -> None:
    for name, (_, columns) in SYNC_TABLES.items():
        _compare("sync", name, [(column.name, column.type) for column in columns], existing)
    for feed in feeds:
        expected = expected_columns(feed)
        has_tables = any(table in existing for table in expected)
        for (schema, name), expected_of_table in expected.items():
            if has_tables and (schema, name) not in existing:
                raise _changed(schema, name, "is missing")
            _compare(schema, name, expected_of_table, existing)


def _compare(schema: str, name: str, expected: list[tuple[str, str]], existing: Columns) -> None:
    found = existing.get((schema, name), expected)
    if found != expected:
        differing = ", ".join(sorted({column for column, _ in set(found) ^ set(expected)})) or "in another order"
        raise _changed(schema, name, f"has other columns than this version of floriday-warehouse ({differing})")


def _changed(schema: str, name: str, how: str) -> WarehouseError:
    return WarehouseError(
        f"the table {schema}.{name} of this warehouse {how}, although its layout is of this version: another program"
        " changed it. `floriday rebuild` recreates the tables of feeds from the raw log; else restore a backup"
    )
