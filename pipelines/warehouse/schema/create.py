"""The layout of the file, made from the catalogue: schemas, tables, comments."""

from __future__ import annotations

from collections.abc import Sequence

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

LAYOUT_VERSION = 2

SCHEMAS = {
    "raw": "Every content-changing version of every record, as received",
    "versions": "Typed versions of every record; read them through the views in history",
    "history": "One row a version of every record, with the time in which it was valid here",
    "sync": "What the warehouse knows about its own syncs",
    "reports": "Answers made from the other tables",
}

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
        "One row for each batch of pages that was committed; those of before last week are put together, by day",
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
            Column("started_at", Kind.DATE_TIME, "When the sync of the feed that read it began"),
            _COMMITTED_AT,
            Column("run_id", Kind.TEXT, "The run that read it"),
        ),
    ),
    "catch_ups": (
        "Runs that went on with what an earlier one had not read to its end; what they read may be as old as that run",
        (
            _ACCOUNT,
            _FEED,
            _PART,
            _SERIES,
            Column("run_id", Kind.TEXT, "The run that went on"),
            Column("since", Kind.DATE_TIME, "When the feed had last been proven read to its end; NULL for never"),
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
    "unknown": (
        "Fields and values of enumerations that were served and that the catalogue did not know",
        (
            _ACCOUNT,
            _FEED,
            Column("kind", Kind.TEXT, "field, or value for one of an enumeration"),
            Column("name", Kind.TEXT, "The way to the field in the JSON, or schema.table.column of the enumeration"),
            Column("seen", Kind.TEXT, "The type that the field seems to have, or the value"),
            Column("first_seen", Kind.DATE_TIME, "When it was first served"),
            Column("last_seen", Kind.DATE_TIME, "When it was last served"),
        ),
    ),
    "views": (
        "How each feed was asked for: what an account could see of it",
        (
            _ACCOUNT,
            _FEED,
            Column("parameters", Kind.TEXT, "The fixed part of the query"),
            Column("granted", Kind.BOOLEAN, "Whether the token carried the feed's scope"),
            Column("since", Kind.DATE_TIME, "Since when it is so"),
        ),
    ),
    "rereads": (
        "Feeds that see more than before and are read from their beginning by the next sync",
        (
            _ACCOUNT,
            _FEED,
            Column("reason", Kind.TEXT, "Why"),
            Column("marked_at", Kind.DATE_TIME, "When that was noticed"),
            Column("done_at", Kind.DATE_TIME, "When the feed was read anew; NULL before"),
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
    "personal_data": (
        "How personal data stand in this warehouse: one row, none while they are kept",
        (
            Column("treatment", Kind.TEXT, "keep, hash or drop"),
            Column("key_fingerprint", Kind.TEXT, "What tells the key of the hashes from another, and no more of it"),
            Column("since", Kind.DATE_TIME, "Since when it is so"),
        ),
    ),
    "erased": (
        "Personal values that were erased on request and stay away when Floriday serves them again",
        (
            Column("value_hash", Kind.TEXT, "Keyed hash of the value"),
            Column("erased_at", Kind.DATE_TIME, "When it was erased first"),
        ),
    ),
    "copies": (
        "Where copies for readers were put; `floriday redact` looks for them there",
        (
            Column("path", Kind.TEXT, "The file"),
            Column("since", Kind.DATE_TIME, "When a copy was to be put there first"),
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

SYNC_VIEWS = {
    "row_counts": (
        "How many rows there are of each feed and snapshot: one row for each account that has any",
        (_ACCOUNT, _FEED, Column("records", Kind.INT64, "Current rows, deleted records among them")),
    ),
}
"""The views of the schema ``sync``: what each tells, and its columns."""


def create_tables(connection: duckdb.DuckDBPyConnection, tables: Sequence[Table]) -> None:
    """Create whatever is missing of the layout; to be called within a transaction.

    Args:
        connection: open for writing.
        tables: the feeds' tables, children within.

    Raises:
        WarehouseError: a table stands there with other columns, or a feed lacks one of its tables.
    """
    standing = existing_columns(connection)
    _check(tables, standing)
    for schema in sorted({*SCHEMAS, *(table.schema for table in tables)} - existing_schemas(connection)):
        connection.execute(f"CREATE SCHEMA {quoted(schema)}")
    for name, (description, columns) in SYNC_TABLES.items():
        if ("sync", name) not in standing:
            connection.execute(create_statement(f"sync.{name}", columns))
            connection.execute(script(comment_statements(f"sync.{name}", "TABLE", description, columns)))
    for table in tables:
        if ("raw", table.name) not in standing:
            create_feed_tables(connection, table)
    _create_row_counts(connection, tables, standing)


def refresh_descriptions(connection: duckdb.DuckDBPyConnection, tables: Sequence[Table]) -> None:
    """Make all descriptions, history views and macros anew, as this version has them; within a transaction."""
    for name, (description, columns) in SYNC_TABLES.items():
        connection.execute(script(comment_statements(f"sync.{name}", "TABLE", description, columns)))
    for feed in tables:
        for table in feed.walk():
            every = table_statements(table, is_feed=table is feed)
            connection.execute(script(one for one in every if one.startswith("COMMENT")))
        connection.execute(script(history_views.statements(feed)))


def _create_row_counts(
    connection: duckdb.DuckDBPyConnection,
    feeds: Sequence[Table],
    standing: Columns,
) -> None:
    """Make the view anew where a feed's table is new; it counts those that stood there before too."""
    before = {(schema, name) for schema, name in standing if schema not in SCHEMAS and ("raw", name) in standing}
    counted = before | {(feed.schema, feed.name) for feed in feeds}
    if not counted or (counted == before and ("sync", "row_counts") in standing):
        return
    counts = (
        f"SELECT account, {literal(f'{schema}.{name}')} AS feed, count(*) AS records"
        f" FROM {qualified(schema, name)} GROUP BY account"
        for schema, name in sorted(counted)
    )
    connection.execute(f"CREATE OR REPLACE VIEW sync.row_counts AS {' UNION ALL '.join(counts)}")
    description, columns = SYNC_VIEWS["row_counts"]
    connection.execute(script(comment_statements("sync.row_counts", "VIEW", description, columns)))


def _check(feeds: Sequence[Table], standing: Columns) -> None:
    """Refuse a file in which a table is not as this version has it."""
    for name, (_, columns) in SYNC_TABLES.items():
        _compare("sync", name, [(column.name, column.type) for column in columns], standing)
    for feed in feeds:
        expected = expected_columns(feed)
        there = any(table in standing for table in expected)
        for (schema, name), columns_of_it in expected.items():
            if there and (schema, name) not in standing:
                raise _changed(schema, name, "is missing")
            _compare(schema, name, columns_of_it, standing)


def _compare(schema: str, name: str, expected: list[tuple[str, str]], standing: Columns) -> None:
    found = standing.get((schema, name), expected)
    if found != expected:
        differing = ", ".join(sorted({column for column, _ in set(found) ^ set(expected)})) or "in another order"
        raise _changed(schema, name, f"has other columns than this version of floriday-warehouse ({differing})")


def _changed(schema: str, name: str, how: str) -> WarehouseError:
    return WarehouseError(
        f"the table {schema}.{name} of this warehouse {how}, although its layout is of this version: it was changed by"
        " something else. `floriday rebuild` makes the tables of feeds anew from the raw log; else restore a backup"
    )
