"""A dashboard of reports of an earlier version: the software was updated, and nothing was synced since."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import pytest

from pipelines.dashboard import write_dashboard
from pipelines.errors import PipelineError
from pipelines.reports import installed
from pipelines.warehouse.file.connection import Warehouse
from tests.integration.report_warehouse import ReportWarehouse

NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)


def test_older_reports_are_named(tmp_path: Path) -> None:
    """Where a report lacks a column, and another version made it, the error says that a sync replaces it."""
    path = ReportWarehouse(tmp_path / "w.duckdb").path
    with Warehouse(path).writing() as connection:
        for name in installed(connection):
            connection.execute(f"CREATE OR REPLACE VIEW reports.{name} AS SELECT account FROM sync.accounts")
            connection.execute(f"COMMENT ON VIEW reports.{name} IS 'An older one [0]'")

    with pytest.raises(PipelineError, match=r"of another version of floriday-warehouse: run `floriday sync` first"):
        write_dashboard(Warehouse(path), tmp_path / "page.html", NOW)


@pytest.mark.slow
def test_a_missing_column_of_this_version_stays_a_defect(tmp_path: Path) -> None:
    """Where all reports are of this version, an unexpected error is not explained away."""
    path = ReportWarehouse(tmp_path / "w.duckdb").path
    with Warehouse(path).writing() as connection:
        connection.execute("ALTER TABLE sync.accounts RENAME organization_name TO renamed")

    with pytest.raises(duckdb.BinderException):
        write_dashboard(Warehouse(path), tmp_path / "page.html", NOW)
