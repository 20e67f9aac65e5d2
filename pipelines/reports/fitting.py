"""Which reports a warehouse can have: the tables of one API lack some columns, and so may those of another version."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import duckdb

from pipelines.reports.report import Report
from pipelines.warehouse.schema.introspection import Columns
from pipelines.warehouse.sql import qualified, quoted


def fitting_reports(reports: Sequence[Report], existing: Columns) -> list[Report]:
    """The reports of which the warehouse has all ``existing`` columns; it must have their tables.

    DuckDB binds their queries in a database of its own, to empty tables with the same columns: a query that it refuses
    would end the transaction of the caller.
    """
    able = [report for report in reports if _has_decisive_columns(report, existing)]
    if not able:
        return []
    with duckdb.connect(config={"threads": 1}) as scratch:
        _create_empty(scratch, {table for report in able for table in report.tables}, existing)
        return [report for report in able if _fits(scratch, report)]


def parameter_list(report: Report) -> str:
    """The parameters of a report's macro; each is optional."""
    return ", ".join(f"{quoted(parameter)} := NULL" for parameter in report.parameters)


def _has_decisive_columns(report: Report, existing: Columns) -> bool:
    return all(
        dict(existing.get(_split(table), ())).keys() >= set(columns) for table, columns in report.decisive.items()
    )


def _create_empty(scratch: duckdb.DuckDBPyConnection, tables: Iterable[str], existing: Columns) -> None:
    for schema, name in map(_split, tables):
        scratch.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)}")
        columns = ", ".join(f"{quoted(column)} {kind}" for column, kind in existing.get((schema, name), ()))
        if columns:
            scratch.execute(f"CREATE TABLE {qualified(schema, name)} ({columns})")


def _fits(scratch: duckdb.DuckDBPyConnection, report: Report) -> bool:
    try:
        scratch.execute(f"CREATE OR REPLACE TEMP MACRO fitting({parameter_list(report)}) AS TABLE {report.sql}")
        scratch.execute("DESCRIBE FROM fitting()")
    except (duckdb.BinderException, duckdb.CatalogException):
        return False
    return True


def _split(table: str) -> tuple[str, str]:
    schema, _, name = table.partition(".")
    return schema, name
