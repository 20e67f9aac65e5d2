"""A report at a glance: how many rows it has now, and the first of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from pipelines.reports.report import Report
from pipelines.warehouse.sql import quoted


@dataclass(frozen=True)
class Preview:
    """What a report says now.

    Args:
        columns: their names, each with its type in DuckDB's words.
        rows: how many there are.
        first: the first of them.
    """

    columns: dict[str, str]
    rows: int
    first: list[tuple[Any, ...]]


def preview(connection: duckdb.DuckDBPyConnection, report: Report, *, first: int) -> Preview:
    """Look at a report, without parameters.

    Args:
        connection: open for reading, the report installed.
        report: which.
        first: how many rows to fetch.
    """
    name = f"reports.{quoted(report.name)}"
    found = connection.execute(f"FROM {name}")
    columns = {column: str(kind) for column, kind, *_ in found.description or ()}
    rows = found.fetchmany(first)
    (count,) = connection.execute(f"SELECT count(*) FROM {name}").fetchall()[0]
    return Preview(columns, count, rows)
