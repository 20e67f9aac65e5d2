"""How many columns reports read: DuckDB stores a table by column, and orders have more than a hundred."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pipelines.reports import installed
from pipelines.warehouse.file.connection import Warehouse
from tests.integration.report_warehouse import ReportWarehouse

MOST = 17
"""The most columns of sales orders that a report reads at once."""


def test_reports_read_few_columns_of_orders(grower_orders: ReportWarehouse) -> None:
    """A step that selects all columns of another one does not make DuckDB read those that the report leaves out."""
    with Warehouse(grower_orders.path).reading() as connection:
        plans = {
            report: connection.execute(f"EXPLAIN (FORMAT json) FROM reports.{report}").fetchall()[0][1]
            for report in installed(connection)
        }

    columns = {report: max(_columns_of_orders(json.loads(plan)), default=0) for report, plan in plans.items()}

    assert columns["price_alerts"] > 1
    assert {report: number for report, number in columns.items() if number > MOST} == {}


def _columns_of_orders(operators: list[dict[str, Any]]) -> Iterator[int]:
    """Yield the number of columns that each scan of the sales orders in a plan reads."""
    for operator in operators:
        if str(operator["extra_info"].get("Table", "")).endswith("orders.sales_orders"):
            projections = operator["extra_info"].get("Projections", [])
            yield len(projections) if isinstance(projections, list) else 1
        yield from _columns_of_orders(operator["children"])
