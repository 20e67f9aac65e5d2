"""Install the reports in a warehouse, a table macro and a view for each, and execute them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from pipelines.reports.fitting import fitting_reports, parameter_list
from pipelines.reports.report import Report, all_reports
from pipelines.reports.without_parameters import query_without_parameters
from pipelines.warehouse.lake import report_macros
from pipelines.warehouse.schema.create import SYNC_TABLES, SYNC_VIEWS
from pipelines.warehouse.schema.introspection import Columns, existing_columns
from pipelines.warehouse.schema.lookup_tables import LOOKUP_TABLES, loaded_lists, without_rows
from pipelines.warehouse.sql import literal, qualified, quoted, script
from pipelines.warehouse.storage import Storage, storage_of

INSTALLED = (
    "SELECT view_name, comment FROM duckdb_views()"
    " WHERE schema_name = 'reports' AND database_name = current_database() AND NOT internal"
)
"""The names and comments of the reports' views; a comment ends with the fingerprint of the report's file.

Their macros are in ``duckdb_functions()``, which takes 60 times as long."""


def install(
    connection: duckdb.DuckDBPyConnection,
    tables: Collection[str],
    *,
    anew: bool = False,
    columns: Columns | None = None,
) -> list[str]:
    """Create the reports that the warehouse lacks or has in another version, within a transaction; returns their names.

    ``tables`` are the existing tables as ``schema.table``, each with its history. A report that reads a table that is
    neither among them nor in ``sync``, or a column that does not exist, is left out. With ``anew``, all reports are
    created again, which is necessary after columns of tables changed, or a code list was loaded for the first time.
    ``columns`` are those of all tables, where the caller knows them.
    """
    columns = existing_columns(connection) if columns is None else columns
    existing = {} if anew else _installed(connection)
    readable = _readable(tables)
    changed = [report for report in all_reports() if existing.get(report.name) != _comment(report)]
    loaded = loaded_lists(columns)
    fresh = [_with_lists(report, loaded) for report in changed if readable.issuperset(report.tables)]
    fitting = fitting_reports(fresh, columns)
    storage = storage_of(connection)
    for report in fresh:
        if report in fitting:
            statements = _statements(report) if storage.has_defaults else _view_statements(connection, report)
            connection.execute(script(statements))
        elif anew or report.name in existing:
            connection.execute(script(_drop_statements(report, storage)))
    return [report.name for report in fitting]


def define_details(connection: duckdb.DuckDBPyConnection, report: Report, step: str = "detail") -> None:
    """Define ``<report>_<step>``, a temporary table macro with the report's parameters.

    It returns the rows of a step of the report, for other groups of its rows. The step ``detail`` has the rows that
    the report groups.

    Raises:
        ValueError: the report has no such step.
    """
    name = quoted(f"{report.name}_{step}")
    sql = report.query_of(step)
    connection.execute(f"CREATE OR REPLACE TEMP MACRO {name}({parameter_list(report)}) AS TABLE {sql}")


def installed(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """The names of the installed reports, of any version."""
    return frozenset(_installed(connection))


def outdated(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The names of the installed reports that are of another version than this one, which a sync replaces."""
    existing = _installed(connection)
    return [each.name for each in all_reports() if existing.get(each.name, _comment(each)) != _comment(each)]


def _readable(tables: Collection[str]) -> set[str]:
    """The tables, their history views and versions, and the tables of ``sync`` and ``lookup``."""
    names = [table.partition(".")[2] for table in tables]
    past = (f"{schema}.{name}" for schema in ("history", "versions") for name in names)
    lists = (f"lookup.{name}" for name in LOOKUP_TABLES)
    return {*tables, *past, *lists, *(f"sync.{name}" for name in (*SYNC_TABLES, *SYNC_VIEWS))}


def _with_lists(report: Report, loaded: Collection[str]) -> Report:
    """The report without its code lists that are not loaded: it reads tables without rows in their place."""
    sql = report.sql
    for table in report.tables:
        schema, _, name = table.partition(".")
        if schema == "lookup" and name not in loaded:
            sql = sql.replace(table, without_rows(name))
    return replace(report, sql=sql)


def _drop_statements(report: Report, storage: Storage) -> Iterator[str]:
    name = qualified("reports", report.name)
    if storage.has_defaults:
        yield f"DROP MACRO TABLE IF EXISTS {name}"
    else:
        yield f"DELETE FROM reports.definitions WHERE name = {literal(report.name)}"
    yield f"DROP VIEW IF EXISTS {name}"


def _installed(connection: duckdb.DuckDBPyConnection) -> dict[str, str | None]:
    return dict(connection.execute(INSTALLED).fetchall())


def _comment(report: Report) -> str:
    return f"{report.description} [{report.fingerprint}]"


def _statements(report: Report) -> Iterator[str]:
    name = qualified("reports", report.name)
    yield f"DROP VIEW IF EXISTS {name}"
    yield f"CREATE OR REPLACE MACRO {name}({parameter_list(report)}) AS TABLE {report.sql}"
    yield f"COMMENT ON MACRO TABLE {name} IS {literal(_comment(report))}"
    yield f"CREATE VIEW {name} AS SELECT * FROM {name}()"
    yield f"COMMENT ON VIEW {name} IS {literal(_comment(report))}"
    for column, description in report.columns.items():
        yield f"COMMENT ON COLUMN {name}.{quoted(column)} IS {literal(description)}"


def _view_statements(connection: duckdb.DuckDBPyConnection, report: Report) -> Iterator[str]:
    """The statements for a lake, which stores no macro with defaults."""
    name = qualified("reports", report.name)
    yield report_macros.CREATE
    yield f"DELETE FROM reports.definitions WHERE name = {literal(report.name)}"
    values = ", ".join(map(literal, (report.name, parameter_list(report), report.sql)))
    yield f"INSERT INTO reports.definitions VALUES ({values})"
    yield f"CREATE OR REPLACE VIEW {name} AS {query_without_parameters(connection, report)}"
    yield f"COMMENT ON VIEW {name} IS {literal(_comment(report))}"


@dataclass(frozen=True)
class Preview:
    """The present result of a report."""

    columns: dict[str, str]  # DuckDB type of each column, by name
    rows: int  # of the whole report
    first: list[tuple[Any, ...]]


def preview(connection: duckdb.DuckDBPyConnection, report: Report, *, first: int) -> Preview:
    """Execute an installed report without parameters, and fetch its first rows."""
    name = qualified("reports", report.name)
    result = connection.execute(f"FROM {name}")
    columns = {column: str(kind) for column, kind, *_ in result.description or ()}
    rows = result.fetchmany(first)
    (count,) = connection.execute(f"SELECT count(*) FROM {name}").fetchall()[0]
    return Preview(columns, count, rows)
