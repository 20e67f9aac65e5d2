"""Which tables a file has, as it tells itself: those of feeds that the catalogue no longer knows are among them."""

from __future__ import annotations

import duckdb

from pipelines.warehouse.sql import literal

Columns = dict[tuple[str, str], list[tuple[str, str]]]
"""Names and types of the columns of tables, by schema and name."""

_LISTS = ("raw", "versions", "sync")

_TABLES = (
    "WITH tables AS (SELECT schema_name, table_name, list(column_name ORDER BY column_index) AS columns"
    " FROM duckdb_columns() JOIN duckdb_tables() USING (database_name, schema_name, table_name)"
    " WHERE database_name = current_database() GROUP BY ALL),"
    " versioned AS (SELECT table_name, columns AS all_columns FROM tables WHERE schema_name = 'versions')"
    " SELECT schema_name, table_name FROM tables LEFT JOIN versioned USING (table_name)"
)
_OF_LISTS = f"schema_name IN ({', '.join(map(literal, _LISTS))})"
_OF_FEEDS = (
    f"NOT {_OF_LISTS} AND all_columns[:len(columns)] = columns AND len(all_columns) - len(columns) BETWEEN 1 AND 2"
)
"""Current rows are known by their versions, which have one or two columns more; what users made is not."""


def existing_columns(connection: duckdb.DuckDBPyConnection) -> Columns:
    """The columns of every table and view of the file, in order."""
    rows = connection.execute(
        "SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns()"
        " WHERE NOT internal AND database_name = current_database() ORDER BY schema_name, table_name, column_index"
    ).fetchall()
    standing: Columns = {}
    for schema, table, column, kind in rows:
        standing.setdefault((schema, table), []).append((column, kind))
    return standing


def existing_schemas(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """The schemas of the file, DuckDB's own among them."""
    sql = "SELECT schema_name FROM duckdb_schemas() WHERE database_name = current_database()"
    return {name for (name,) in connection.execute(sql).fetchall()}


def typed_tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Schema and name of the tables of current rows, children among them, in order."""
    return connection.execute(f"{_TABLES} WHERE {_OF_FEEDS} ORDER BY ALL").fetchall()


def log_tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Schema and name of the tables of ``raw``, in order."""
    return connection.execute(f"{_TABLES} WHERE schema_name = 'raw' ORDER BY ALL").fetchall()


def sync_tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Schema and name of the tables in which the warehouse keeps what it knows of its syncs, in order."""
    return connection.execute(f"{_TABLES} WHERE schema_name = 'sync' ORDER BY ALL").fetchall()


def tables_with_accounts(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Schema and name of all tables of ours whose rows belong to an account, in order."""
    own = f"({_OF_LISTS} OR {_OF_FEEDS}) AND list_contains(columns, 'account')"
    return connection.execute(f"{_TABLES} WHERE {own} ORDER BY ALL").fetchall()
