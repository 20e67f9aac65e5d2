"""Reports and dashboard have no values that end them: whatever Floriday serves in a column, they have a result."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from pipelines.dashboard.write import write_dashboard
from pipelines.reports import all_reports
from pipelines.reports.installation import installed
from pipelines.warehouse.file.connection import Warehouse
from tests.examples import cases
from tests.integration.report_warehouse import ReportWarehouse
from tests.integration.reports.altered_values import altered
from tests.moments import NOW

PERIOD = {"from_date": NOW.date() - dt.timedelta(days=3), "to_date": NOW.date() + dt.timedelta(days=3)}

OVERFLOWING = (59, 24)
"""With these, pieces of a week and prices were too large for their columns, which ended a report each."""
SEEDS = (*OVERFLOWING, *(seed for seed in range(60) if seed not in OVERFLOWING))


@pytest.fixture(params=["grower_world", "buyer_world"])
def world(request: pytest.FixtureRequest) -> ReportWarehouse:
    """The warehouse of a grower, or of a buyer."""
    warehouse: ReportWarehouse = request.getfixturevalue(request.param)
    return warehouse


@cases("seed", SEEDS, quick=2)
def test_reports_have_a_result(world: ReportWarehouse, seed: int, tmp_path: Path) -> None:
    """Each report can be read, of all days and of some."""
    with Warehouse(altered(world, tmp_path / "w.duckdb", seed)).reading() as connection:
        for report in (report for report in all_reports() if report.name in installed(connection)):
            within = {name: value for name, value in PERIOD.items() if name in report.parameters}
            for parameters in ({}, within):
                arguments = ", ".join(f"{name} := ${name}" for name in parameters)
                connection.execute(f"FROM reports.{report.name}({arguments})", parameters).fetchall()


@cases("seed", SEEDS, quick=2)
def test_the_dashboard_has_a_page(world: ReportWarehouse, seed: int, tmp_path: Path) -> None:
    """The page can be written."""
    warehouse = Warehouse(altered(world, tmp_path / "w.duckdb", seed))

    written = write_dashboard(warehouse, tmp_path / "page.html", NOW)

    assert written.size > 100_000
