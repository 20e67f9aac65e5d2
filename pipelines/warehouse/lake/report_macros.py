"""Macros: reports with parameters in a lake, which stores no macro whose parameters have defaults.

Their statements are rows of a table of the lake; a connection that needs them creates the macros in a database in
memory. The search path makes both one schema: `reports.x` is the lake's view, `reports.x(...)` the macro.
"""

from __future__ import annotations

import duckdb

from pipelines.warehouse.schema.introspection import has_tables
from pipelines.warehouse.sql import qualified

TABLE = ("reports", "definitions")
"""Schema and name of the table with a row for each report."""
LOCAL = "local"
CREATE = (
    "CREATE TABLE IF NOT EXISTS reports.definitions (name VARCHAR, parameters VARCHAR, query VARCHAR);"
    " COMMENT ON TABLE reports.definitions IS"
    " 'The reports with parameters, which each connection creates as macros: a lake cannot store these'"
)


def attach_reports(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the macros of the reports that the current database, a lake, has; and extend the search path."""
    ((lake,),) = connection.execute("SELECT current_database()").fetchall()
    connection.execute(f"ATTACH ':memory:' AS {LOCAL}; CREATE SCHEMA {LOCAL}.reports")
    for name, parameters, query in _definitions(connection):
        connection.execute(f'CREATE MACRO {LOCAL}.reports."{name}"({parameters}) AS TABLE {query}')
    connection.execute(f"SET search_path = '{lake}.main,{lake}.reports,{LOCAL}.reports'")


def create_reports(connection: duckdb.DuckDBPyConnection, lake: str) -> None:
    """Create the macros and views of the reports that a lake has in the current database, over its tables."""
    for name, parameters, query in _definitions(connection, lake):
        report = qualified("reports", name)
        connection.execute(
            f"CREATE MACRO {report}({parameters}) AS TABLE {query}; CREATE VIEW {report} AS FROM {report}()"
        )


def create_history(connection: duckdb.DuckDBPyConnection, lake: str) -> None:
    """Create the macros of a lake's history, such as ``history.sales_orders_as_of``, over the current tables."""
    macros = connection.execute(
        "SELECT function_name, array_to_string(parameters, ', '), macro_definition FROM duckdb_functions()"
        " WHERE (database_name, schema_name, function_type) = (?, 'history', 'table_macro') ORDER BY function_name",
        [lake],
    ).fetchall()
    for name, parameters, query in macros:
        connection.execute(f"CREATE MACRO {qualified('history', name)}({parameters}) AS TABLE {query}")


def _definitions(connection: duckdb.DuckDBPyConnection, lake: str | None = None) -> list[tuple[str, str, str]]:
    if not has_tables(connection, *TABLE):
        return []
    table = qualified(*TABLE)
    sql = f"SELECT name, parameters, query FROM {f'{lake}.{table}' if lake else table} ORDER BY name"
    return connection.execute(sql).fetchall()
