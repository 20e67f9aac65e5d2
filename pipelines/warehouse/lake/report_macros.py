"""Reports with parameters in a lake, which stores no macro whose parameters have defaults.

Their statements are rows of a table of the lake; a connection that needs them creates the macros in a database in
memory. The search path makes both one schema: `reports.x` is the lake's view, `reports.x(...)` the macro.
"""

from __future__ import annotations

import duckdb

from pipelines.warehouse.schema.introspection import has_tables

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
    if has_tables(connection, TABLE[0], TABLE[1]):
        rows = connection.execute("SELECT name, parameters, query FROM reports.definitions ORDER BY name").fetchall()
        for name, parameters, query in rows:
            connection.execute(f'CREATE MACRO {LOCAL}.reports."{name}"({parameters}) AS TABLE {query}')
    connection.execute(f"SET search_path = '{lake}.main,{lake}.reports,{LOCAL}.reports'")
