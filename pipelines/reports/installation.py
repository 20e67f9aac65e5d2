"""Putting the reports into a warehouse: a table macro and a view each, with their descriptions."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import duckdb

from pipelines.reports.report import Report, all_reports
from pipelines.warehouse.schema.create import SYNC_TABLES, SYNC_VIEWS
from pipelines.warehouse.sql import literal, quoted, script

INSTALLED = (
    "SELECT function_name, comment FROM duckdb_functions() WHERE function_type = 'table_macro'"
    " AND schema_name = 'reports' AND database_name = current_database() AND NOT internal"
)
"""The reports' macros: names, and comments, which end in the fingerprint of the file that each was made from."""


def install(connection: duckdb.DuckDBPyConnection, tables: Collection[str], *, anew: bool = False) -> list[str]:
    """Create the reports that the warehouse does not have in this version, and leave the others alone.

    Args:
        connection: open for writing, laid out, within a transaction.
        tables: what there is of records, as ``schema.table``, each with its history. A report that reads anything
            else, ``sync`` aside, or a column that they lack, is left out.
        anew: whether to make all of them anew, as must be when tables have other columns than before.

    Returns:
        The names of the reports that were created.
    """
    standing = {} if anew else _installed(connection)
    there = _readable(tables)
    fresh = [
        each for each in all_reports() if standing.get(each.name) != _comment(each) and there.issuperset(each.tables)
    ]
    fitting = [report for report in fresh if _fits(connection, report)]
    for report in fresh:
        if report in fitting:
            _create(connection, report)
        elif anew or report.name in standing:
            _drop(connection, report)
    return [report.name for report in fitting]


def installed(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """The names of the reports that the warehouse has, in whichever version."""
    return frozenset(_installed(connection))


def _readable(tables: Collection[str]) -> set[str]:
    """The tables, their history and the versions behind it, and what the warehouse knows about its syncs."""
    names = [table.partition(".")[2] for table in tables]
    past = (f"{schema}.{name}" for schema in ("history", "versions") for name in names)
    return {*tables, *past, *(f"sync.{name}" for name in (*SYNC_TABLES, *SYNC_VIEWS))}


def _fits(connection: duckdb.DuckDBPyConnection, report: Report) -> bool:
    """Whether the tables have all columns that a report reads; those of the other API may not."""
    try:
        connection.execute(f"CREATE OR REPLACE TEMP MACRO fitting({_parameters(report)}) AS TABLE {report.sql}")
        connection.execute("EXPLAIN FROM fitting()")
    except duckdb.BinderException:
        return False
    return True


def _create(connection: duckdb.DuckDBPyConnection, report: Report) -> None:
    connection.execute(script(_statements(report)))


def _drop(connection: duckdb.DuckDBPyConnection, report: Report) -> None:
    connection.execute(f"DROP MACRO TABLE IF EXISTS reports.{quoted(report.name)}")
    connection.execute(f"DROP VIEW IF EXISTS reports.{quoted(report.name)}")


def _parameters(report: Report) -> str:
    return ", ".join(f"{quoted(parameter)} := NULL" for parameter in report.parameters)


def _installed(connection: duckdb.DuckDBPyConnection) -> dict[str, str | None]:
    return dict(connection.execute(INSTALLED).fetchall())


def _comment(report: Report) -> str:
    return f"{report.description} [{report.fingerprint}]"


def _statements(report: Report) -> Iterator[str]:
    name = f"reports.{quoted(report.name)}"
    yield f"DROP VIEW IF EXISTS {name}"
    yield f"CREATE OR REPLACE MACRO {name}({_parameters(report)}) AS TABLE {report.sql}"
    yield f"COMMENT ON MACRO TABLE {name} IS {literal(_comment(report))}"
    yield f"CREATE VIEW {name} AS SELECT * FROM {name}()"
    yield f"COMMENT ON VIEW {name} IS {literal(report.description)}"
    for column, description in report.columns.items():
        yield f"COMMENT ON COLUMN {name}.{quoted(column)} IS {literal(description)}"
