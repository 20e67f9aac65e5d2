"""The tables of a warehouse with their rows, columns and descriptions, as DuckDB has them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from pipelines.errors import UsageError
from pipelines.text_format import did_you_mean
from pipelines.warehouse.schema.introspection import DESCRIBED
from pipelines.warehouse.sql import qualified

_LISTED = f"""
    SELECT schema_name, table_name, coalesce(comment, '') FROM duckdb_tables()
    WHERE database_name = {DESCRIBED} AND NOT internal AND schema_name NOT IN ('raw', 'versions', 'reports')
    ORDER BY schema_name = 'sync', schema_name, table_oid
"""
LIST_OF_TABLES = "`floriday tables` lists all tables"
_FINGERPRINT = re.compile(r" \[[0-9a-f]{12}\]$")  # at the end of the comments of reports
_DERIVED = ("raw", "history")  # schemas with a table or view of the same name for each table of a feed
ALL_NAMES = f"""
    SELECT schema_name, name, coalesce(comment, '') FROM (
        SELECT database_name, schema_name, table_name AS name, comment, internal FROM duckdb_tables()
        UNION ALL SELECT database_name, schema_name, view_name, comment, internal FROM duckdb_views()
    ) WHERE database_name = {DESCRIBED} AND NOT internal AND schema_name <> 'versions' ORDER BY ALL
"""
"""The schema, name and comment of every table and view."""

_COLUMNS = f"""
    SELECT column_name, data_type, coalesce(comment, '') FROM duckdb_columns()
    WHERE database_name = {DESCRIBED} AND schema_name = ? AND table_name = ? ORDER BY column_index
"""


@dataclass(frozen=True)
class TableSummary:
    """A table with its number of rows and its description."""

    schema: str
    name: str
    rows: int
    description: str


@dataclass(frozen=True)
class ColumnSummary:
    """A column with its type in DuckDB and its description."""

    name: str
    type: str
    description: str


@dataclass(frozen=True)
class TableDescription:
    """A table or view with its columns."""

    schema: str
    name: str
    description: str
    columns: tuple[ColumnSummary, ...]


def listed_tables(connection: duckdb.DuckDBPyConnection) -> list[TableSummary]:
    """The tables of the feeds and those about syncs, by schema; without the raw log and the history."""
    found = connection.execute(_LISTED).fetchall()
    if not found:
        return []
    counts = " UNION ALL ".join(
        f"SELECT {number}, count(*) FROM {qualified(schema, name)}" for number, (schema, name, _) in enumerate(found)
    )
    rows = dict(connection.execute(counts).fetchall())
    return [TableSummary(schema, name, rows[number], text) for number, (schema, name, text) in enumerate(found)]


def described_table(connection: duckdb.DuckDBPyConnection, name: str) -> TableDescription:
    """The table or view of a name such as ``sales_orders``, ``orders.sales_orders`` or ``history.sales_orders``.

    A name without a schema is that of a table of a feed, else of any other schema.

    Raises:
        UsageError: there is none; the message suggests the nearest names.
    """
    schema, table, text = found_name(connection.execute(ALL_NAMES).fetchall(), name)
    columns = connection.execute(_COLUMNS, [schema, table]).fetchall()
    text = _FINGERPRINT.sub("", text)
    return TableDescription(schema, table, text, tuple(ColumnSummary(*column) for column in columns))


def found_name(every: Sequence[tuple[Any, ...]], name: str) -> tuple[str, str, str]:
    """The row of ``every``, the result of :data:`ALL_NAMES`, for a name; otherwise as :func:`described_table`."""
    wanted = name.casefold()
    found = [each for each in every if wanted in (each[1].casefold(), f"{each[0]}.{each[1]}".casefold())]
    if not found:
        likely = did_you_mean(name, suggested_names(every, name), LIST_OF_TABLES)
        raise UsageError(f"the warehouse has no table {name!r}: {likely}")
    schema, table, text = min(found, key=lambda each: each[0] in (*_DERIVED, "sync", "reports"))
    return schema, table, text


def suggested_names(every: Sequence[tuple[Any, ...]], name: str) -> list[str]:
    """The names of ``every`` to suggest for a misspelt one: raw log and history only if it has such a schema."""
    is_derived = name.casefold().partition(".")[0] in _DERIVED
    return [f"{schema}.{table}" for schema, table, *_ in every if is_derived or schema not in _DERIVED]
