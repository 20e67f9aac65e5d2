"""Warehouses with the sandbox's world and with handmade records; tests do not change the ones of session scope."""

from __future__ import annotations

import datetime as dt
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from pipelines.sandbox import Sandbox
from tests.chromium import launch_chromium
from tests.integration.report_warehouse import ReportWarehouse, feeds_of_reports
from tests.integration.reports import handmade_corrections, handmade_deliveries, handmade_orders, handmade_stock
from tests.moments import NOW

LATER = dt.timedelta(hours=30)
SCALE = {"suppliers": 0.2, "customers": 0.5}
"""Scale of the sandbox world: smaller than the default, but with records of every kind that reports read."""


def _world(api: str, folder: Path) -> ReportWarehouse:
    """Return a warehouse with two accounts of a sandbox world, stored at one time and again some hours later."""
    sandbox = Sandbox(now=NOW, api=api, accounts=("main", "second"), scale=SCALE[api])
    warehouse = ReportWarehouse(folder / "w.duckdb", api)
    feeds = feeds_of_reports(api)
    cursors = warehouse.store_sandbox(sandbox, feeds)
    sandbox.advance(LATER)
    warehouse.store_sandbox(sandbox, feeds, cursors)
    return warehouse


def _shared_world(api: str, factory: pytest.TempPathFactory) -> ReportWarehouse:
    """Return the same; of several processes of one test run, the first makes it for all, because it takes long."""
    folder = factory.mktemp(api)
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return _world(api, folder)
    saved = factory.getbasetemp().parent / f"{api}.world"
    with saved.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not saved.exists():
            saved.write_bytes(_world(api, folder).saved())
    return ReportWarehouse.restored(folder / "shared.duckdb", saved.read_bytes())


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The installed Chromium."""
    with sync_playwright() as driver, launch_chromium(driver) as chromium:
        yield chromium


@pytest.fixture(scope="session")
def grower_world(tmp_path_factory: pytest.TempPathFactory) -> ReportWarehouse:
    """A warehouse of two growers in the sandbox world, with several thousand records."""
    return _shared_world("suppliers", tmp_path_factory)


@pytest.fixture(scope="session")
def buyer_world(tmp_path_factory: pytest.TempPathFactory) -> ReportWarehouse:
    """A warehouse of two buyers in the sandbox world."""
    return _shared_world("customers", tmp_path_factory)


@pytest.fixture(scope="session")
def grower_orders(tmp_path_factory: pytest.TempPathFactory) -> ReportWarehouse:
    """A warehouse with handmade orders of two growers."""
    return handmade_orders.store_all(ReportWarehouse(tmp_path_factory.mktemp("edges") / "w.duckdb"))


@pytest.fixture(scope="session")
def buyer_orders(tmp_path_factory: pytest.TempPathFactory) -> ReportWarehouse:
    """A warehouse with handmade orders of two buyers."""
    return handmade_orders.store_all(ReportWarehouse(tmp_path_factory.mktemp("edges") / "w.duckdb", "customers"))


@pytest.fixture(scope="session")
def grower_deliveries(tmp_path_factory: pytest.TempPathFactory) -> ReportWarehouse:
    """A warehouse with handmade orders and deliveries of two growers."""
    return handmade_deliveries.store_all(ReportWarehouse(tmp_path_factory.mktemp("deliveries") / "w.duckdb"))


@pytest.fixture(scope="session")
def grower_corrections(tmp_path_factory: pytest.TempPathFactory) -> ReportWarehouse:
    """A warehouse with handmade orders and correction requests of two growers."""
    return handmade_corrections.store_all(ReportWarehouse(tmp_path_factory.mktemp("corrections") / "w.duckdb"))


@pytest.fixture(scope="session")
def grower_stock(tmp_path_factory: pytest.TempPathFactory) -> ReportWarehouse:
    """A warehouse with handmade batches and batch mutations of two growers."""
    return handmade_stock.store_all(ReportWarehouse(tmp_path_factory.mktemp("stock") / "w.duckdb"))


@pytest.fixture
def warehouse(tmp_path: Path) -> ReportWarehouse:
    """An empty warehouse of the Suppliers API."""
    return ReportWarehouse(tmp_path / "grower.duckdb")


@pytest.fixture
def buyer_warehouse(tmp_path: Path) -> ReportWarehouse:
    """An empty warehouse of the Customers API."""
    return ReportWarehouse(tmp_path / "buyer.duckdb", "customers")
