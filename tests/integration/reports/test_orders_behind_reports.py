"""The orders behind the rows of a report: its step ``detail``."""

from __future__ import annotations

import pytest

from pipelines.reports import find_report
from pipelines.warehouse.file.connection import Warehouse
from tests.integration.report_warehouse import ReportWarehouse
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters


@pytest.mark.parametrize("parameters", [NO_FILTER, *DATE_RANGES, Parameters(currency="USD")], ids=repr)
@pytest.mark.parametrize("name", ["revenue_by_week", "customer_ranking", "channel_mix", "clock_versus_direct"])
def test_orders_behind_a_report_add_up_to_its_rows(
    grower_orders: ReportWarehouse, name: str, parameters: Parameters
) -> None:
    """A report counts each order of its step detail once, and its pieces, and no others."""
    report = find_report(name)
    defaults = ", ".join(f"{parameter} := NULL" for parameter in report.parameters)
    arguments = ", ".join(f"{parameter} := ${parameter}" for parameter in parameters.arguments)
    with Warehouse(grower_orders.path).reading() as connection:
        connection.execute(f"CREATE TEMP MACRO behind({defaults}) AS TABLE {report.query_of('detail')}")
        sql = f"SELECT count(DISTINCT sales_order_id), count(*), sum(pieces) FROM behind({arguments})"
        ((orders, rows, pieces),) = connection.execute(sql, parameters.arguments).fetchall()
        sql = f"SELECT sum(orders), sum(pieces) FROM reports.{name}({arguments})"
        counted = connection.execute(sql, parameters.arguments).fetchall()

    assert orders == rows > 0
    assert counted == [(rows, pieces)]
