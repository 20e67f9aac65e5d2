"""The mail with the dashboard has the status of the feeds in the warehouse."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from pipelines.orchestration.assets.dashboard_mail import DataStatus, LateFeed, read_data_status
from pipelines.warehouse.file.connection import Warehouse
from tests.integration.report_warehouse import ReportWarehouse

READ = dt.datetime(2026, 11, 30, 4, 20, tzinfo=dt.UTC)
CURSORS = """
    ('main', 'supply.batches', NULL, 1, 100, 100, $read, $read - INTERVAL 9 DAY),
    ('main', 'supply.supply_lines', NULL, 1, 100, 100, $read - INTERVAL 19 HOUR, NULL),
    ('main', 'supply.price_groups', NULL, 1, 100, 100, $read - INTERVAL 3 DAY, $read - INTERVAL 4 DAY),
    ('main', 'supply.bundled_offers', NULL, 1, 100, 300, $read - INTERVAL 2 DAY, $read - INTERVAL 1 HOUR),
    ('south', 'supply.batches', NULL, 1, 7, 7, $read - INTERVAL 40 DAY, $read - INTERVAL 40 DAY)
"""
"""Feeds read last, 19 hours and three days before, and not to their end; an account that was read long ago."""
VIEWS = """
    ('main', 'supply.sales_strategies', '', false, $read),
    ('main', 'orders.contracts', '', true, $read),
    ('north', 'orders.contracts', '', true, $read)
"""
"""A feed whose scope is not granted, and feeds that were never read."""


def test_feeds_that_are_not_current(tmp_path: Path) -> None:
    """Late are feeds that were never read, days before the account's others, or not to their end."""
    warehouse = ReportWarehouse(tmp_path / "w.duckdb")
    with Warehouse(warehouse.path).writing() as connection:
        connection.execute(f"INSERT INTO sync.cursors VALUES {CURSORS}", {"read": READ})
        connection.execute(f"INSERT INTO sync.views VALUES {VIEWS}", {"read": READ})

    assert read_data_status(Warehouse(warehouse.path)) == (
        DataStatus(
            "main",
            READ,
            (
                LateFeed("orders.contracts", None),
                LateFeed("supply.price_groups", READ - dt.timedelta(days=3)),
                LateFeed("supply.bundled_offers", READ - dt.timedelta(hours=1), is_late=False),
            ),
        ),
        DataStatus("north", None, (LateFeed("orders.contracts", None),)),
        DataStatus("south", READ - dt.timedelta(days=40)),
    )


def test_a_warehouse_without_the_report_has_no_status(tmp_path: Path) -> None:
    """A warehouse that no sync has written yet has no status, and causes no error."""
    warehouse = Warehouse(tmp_path / "w.duckdb")
    with warehouse.writing() as connection:
        connection.execute("CREATE TABLE anything AS SELECT 1")

    assert read_data_status(warehouse) == ()
