"""The tables and columns that a file has, read from the file itself: the catalogue may no longer know some of them."""

from __future__ import annotations

import duckdb

Columns = dict[tuple[str, str], list[tuple[str, str]]]  # names and types of the columns of tables, by schema and name

DESCRIBED = "coalesce(getvariable('described_by'), current_database())"
"""The database that describes the tables; its name is a variable where tables of several databases are united."""

NAMES_OF_TABLES = (
    "SELECT database_name, schema_name, table_name FROM duckdb_columns() WHERE column_index = 1 AND NOT internal"
    " EXCEPT SELECT database_name, schema_name, view_name FROM duckdb_views()"
)
"""The names of the tables of all databases. ``duckdb_tables()`` also tells their sizes, for which DuckLake sends two
statements to PostgreSQL for each table, every time."""
_IS_LAKE = f"SELECT type FROM duckdb_databases() WHERE database_name = {DESCRIBED}"
_TABLES = (
    "WITH tables AS (SELECT schema_name, table_name, list(column_name ORDER BY column_index) AS columns"
    f" FROM duckdb_columns() JOIN ({NAMES_OF_TABLES}) USING (database_name, schema_name, table_name)"
    f" WHERE database_name = {DESCRIBED} GROUP BY ALL),"
    " versioned AS (SELECT table_name, columns AS all_columns FROM tables WHERE schema_name = 'versions')"
    " SELECT schema_name, table_name FROM tables LEFT JOIN versioned USING (table_name)"
)
_IS_FIXED = "schema_name IN ('raw', 'versions', 'sync')"
# A typed table has a table of versions with one or two more columns; a table that a user created has none.
_IS_TYPED = f"NOT {_IS_FIXED} AND all_columns[:len(columns)] = columns AND len(all_columns) - len(columns) IN (1, 2)"


def has_tables(connection: duckdb.DuckDBPyConnection, schema: str, *names: str) -> bool:
    """Whether the current database has all these tables.

    No statement fails here: any error within a transaction ends the transaction (DuckDB 2).
    """
    return existing_tables(connection).issuperset((schema, name) for name in names)


def existing_tables(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, str]]:
    """Schema and name of every table of the file."""
    is_lake = connection.execute(_IS_LAKE).fetchall() == [("ducklake",)]
    names = f"({NAMES_OF_TABLES})" if is_lake else "duckdb_tables()"
    sql = f"SELECT schema_name, table_name FROM {names} WHERE database_name = {DESCRIBED}"
    return set(connection.execute(sql).fetchall())


def existing_columns(connection: duckdb.DuckDBPyConnection) -> Columns:
    """The columns of every table and view of the file, in order."""
    rows = connection.execute(
        "SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns()"
        f" WHERE NOT internal AND database_name = {DESCRIBED} ORDER BY schema_name, table_name, column_index"
    ).fetchall()
    columns: Columns = {}
    for schema, table, column, kind in rows:
        columns.setdefault((schema, table), []).append((column, kind))
    return columns


def existing_schemas(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """The schemas of the file, including DuckDB's own."""
    sql = f"SELECT schema_name FROM duckdb_schemas() WHERE database_name = {DESCRIBED}"
    return {name for (name,) in connection.execute(sql).fetchall()}


def typed_tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Schema and name of the typed tables, including child tables, in order."""
    return connection.execute(f"{_TABLES} WHERE {_IS_TYPED} ORDER BY ALL").fetchall()


def tables_in(connection: duckdb.DuckDBPyConnection, schema: str) -> list[tuple[str, str]]:
    """Schema and name of the tables of a schema, in order."""
    return connection.execute(f"{_TABLES} WHERE schema_name = ? ORDER BY ALL", [schema]).fetchall()


def tables_with_accounts(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Schema and name of the project's own tables that have a column ``account``, in order."""
    condition = f"({_IS_FIXED} OR {_IS_TYPED}) AND list_contains(columns, 'account')"
    return connection.execute(f"{_TABLES} WHERE {condition} ORDER BY ALL").fetchall()
