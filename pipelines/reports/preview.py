"""The number of rows of a report, and the first rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from pipelines.reports.report import Report
from pipelines.warehouse.sql import qualified


@dataclass(frozen=True)
class Preview:
    """The present result of a report."""

    columns: dict[str, str]  # DuckDB type of each column, by name
    rows: int  # number of all rows
    first: list[tuple[Any, ...]]  # the first rows


def preview(connection: duckdb.DuckDBPyConnection, report: Report, *, first: int) -> Preview:
    """Execute an installed report without parameters, and fetch its first rows."""
    name = qualified("reports", report.name)
    result = connection.execute(f"FROM {name}")
    columns = {column: str(kind) for column, kind, *_ in result.description or ()}
    rows = result.fetchmany(first)
    (count,) = connection.execute(f"SELECT count(*) FROM {name}").fetchall()[0]
    return Preview(columns, count, rows)
