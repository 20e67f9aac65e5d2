"""Write a lake into a DuckDB file with the same tables, rows, views and reports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import tables_of
from pipelines.warehouse.file.connection import Warehouse, transaction
from pipelines.warehouse.lake.report_macros import TABLE as DEFINITIONS
from pipelines.warehouse.schema.create import create_tables
from pipelines.warehouse.schema.introspection import Columns, existing_columns, existing_tables
from pipelines.warehouse.schema.lookup_tables import SCHEMA as LOOKUP
from pipelines.warehouse.schema.lookup_tables import create_list
from pipelines.warehouse.schema.owner import require_owner
from pipelines.warehouse.sql import listed, literal, qualified, quoted

_FILE = "file_copy"
SAME_IN_EACH_CELL = {("sync", "settings"), ("sync", "personal_data"), ("sync", "erased")}
"""The tables, beside the code lists, of which each cell of an owner has the same rows."""


def write_file(connection: duckdb.DuckDBPyConnection, name: str, path: Path) -> None:
    """Write the lake of a connection into a new file.

    Args:
        connection: connection whose current database is the lake, outside of a transaction.
        name: what messages call the lake.
        path: path of the file, which does not exist.

    Raises:
        WarehouseError: nothing was synced into the lake yet, or the file cannot be written.
    """
    ((lake,),) = connection.execute("SELECT current_database()").fetchall()
    owner = require_owner(connection, name)
    tables = existing_tables(connection)
    with Warehouse(path).writing() as created, transaction(created):
        create_tables(created, [tables_of(each) for each in catalogue_of(owner.api, owner.api_version).sources])
        for schema, table in sorted(tables):
            if schema == LOOKUP:
                create_list(created, table)
    with _attached(connection, path), transaction(connection):
        _copy_rows(connection, lake, tables - {DEFINITIONS})
        _copy_reports(connection, lake)


def add_rows(connection: duckdb.DuckDBPyConnection, name: str, path: Path) -> None:
    """Add the rows of another cell to a file that :func:`write_file` made of a first one; otherwise the same."""
    ((lake,),) = connection.execute("SELECT current_database()").fetchall()
    require_owner(connection, name)
    own = {each for each in existing_tables(connection) if each[0] != LOOKUP and each not in SAME_IN_EACH_CELL}
    with _attached(connection, path), transaction(connection):
        _copy_rows(connection, lake, own - {DEFINITIONS})


@contextmanager
def _attached(connection: duckdb.DuckDBPyConnection, path: Path) -> Iterator[None]:
    connection.execute(f"ATTACH {literal(str(path))} AS {_FILE}")
    try:
        yield
    finally:
        connection.execute(f"DETACH {_FILE}")


def _copy_rows(connection: duckdb.DuckDBPyConnection, lake: str, tables: Iterable[tuple[str, str]]) -> None:
    """Copy all rows in their order; tables that a user created are copied without comments."""
    columns = existing_columns(connection)
    connection.execute(f"USE {_FILE}")
    present: Columns = existing_columns(connection)
    connection.execute(f"USE {lake}")
    for schema, table in sorted(tables):
        source, target = f"{lake}.{qualified(schema, table)}", f"{_FILE}.{qualified(schema, table)}"
        if (schema, table) not in present:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_FILE}.{quoted(schema)}")
            connection.execute(f"CREATE TABLE {target} AS FROM {source} LIMIT 0")
        names = listed(column for column, _ in columns[schema, table])
        connection.execute(f"INSERT INTO {target} ({names}) SELECT {names} FROM {source} ORDER BY rowid")


def _copy_reports(connection: duckdb.DuckDBPyConnection, lake: str) -> None:
    comments = dict(
        connection.execute(
            "SELECT view_name, comment FROM duckdb_views() WHERE schema_name = 'reports' AND database_name = $lake",
            {"lake": lake},
        ).fetchall()
    )
    rows = connection.execute(
        f"SELECT name, parameters, query FROM {lake}.reports.definitions ORDER BY name"
    ).fetchall()
    connection.execute(f"USE {_FILE}")
    for name, parameters, query in rows:
        report, comment = qualified("reports", name), literal(comments.get(name) or "")
        connection.execute(
            f"CREATE MACRO {report}({parameters}) AS TABLE {query}; COMMENT ON MACRO TABLE {report} IS {comment};"
            f" CREATE VIEW {report} AS SELECT * FROM {report}(); COMMENT ON VIEW {report} IS {comment}"
        )
    connection.execute(f"USE {lake}")
