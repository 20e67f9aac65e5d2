"""Putting the reports into a warehouse: a table macro and a view each, with their descriptions."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import duckdb

from pipelines.reports.report import Report, reports
from pipelines.warehouse.sql import literal, quoted


def install(connection: duckdb.DuckDBPyConnection, tables: Collection[str]) -> list[str]:
    """Create the reports that the warehouse does not have in this version, and leave the others alone.

    Args:
        connection: open for writing, laid out, within a transaction.
        tables: what there is, as ``schema.table``; a report that reads anything else, or a column that they lack,
            is left out.

    Returns:
        The names of the reports that were created.
    """
    installed = _installed(connection)
    fresh = [each for each in reports() if installed.get(each.name) != _comment(each) and set(each.tables) <= {*tables}]
    return [report.name for report in fresh if _create(connection, report)]


def _create(connection: duckdb.DuckDBPyConnection, report: Report) -> bool:
    """Create a report, unless the tables, being those of the other API, lack a column that it reads."""
    try:
        for statement in _statements(report):
            connection.execute(statement)
    except duckdb.BinderException:
        connection.execute(f"DROP MACRO TABLE IF EXISTS reports.{quoted(report.name)}")
        return False
    return True


def _installed(connection: duckdb.DuckDBPyConnection) -> dict[str, str | None]:
    """The macros' comments, which end in the fingerprint of the file that each was made from."""
    sql = (
        "SELECT function_name, comment FROM duckdb_functions() WHERE function_type = 'table_macro'"
        " AND schema_name = 'reports' AND database_name = current_database() AND NOT internal"
    )
    return dict(connection.execute(sql).fetchall())


def _comment(report: Report) -> str:
    return f"{report.description} [{report.fingerprint}]"


def _statements(report: Report) -> Iterator[str]:
    name = f"reports.{quoted(report.name)}"
    parameters = ", ".join(f"{quoted(parameter)} := NULL" for parameter in report.parameters)
    yield f"DROP VIEW IF EXISTS {name}"
    yield f"CREATE OR REPLACE MACRO {name}({parameters}) AS TABLE {report.sql}"
    yield f"COMMENT ON MACRO TABLE {name} IS {literal(_comment(report))}"
    yield f"CREATE VIEW {name} AS SELECT * FROM {name}()"
    yield f"COMMENT ON VIEW {name} IS {literal(report.description)}"
    for column, description in report.columns.items():
        yield f"COMMENT ON COLUMN {name}.{quoted(column)} IS {literal(description)}"
