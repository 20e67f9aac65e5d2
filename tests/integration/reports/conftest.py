"""The sandbox's world in a warehouse, once for all tests of reports: nobody changes it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from pipelines.sandbox import Sandbox
from tests.integration.reporting import Reporting, read_by_reports
from tests.integration.reports import by_hand, deliveries_by_hand, stock_by_hand
from tests.moments import NOW

LATER = dt.timedelta(hours=30)
SCALE = {"suppliers": 0.2, "customers": 0.5}
"""A part of the usual trade, and still a few of everything that reports are about."""


def _world(api: str, folder: Path) -> Reporting:
    """Two accounts of a world, of the feeds that reports read, as it was at one moment and again some time later."""
    sandbox = Sandbox(now=NOW, api=api, accounts=("main", "second"), scale=SCALE[api])
    reporting = Reporting(folder / "w.duckdb", api)
    feeds = read_by_reports(api)
    marks = reporting.store_sandbox(sandbox, feeds)
    sandbox.advance(LATER)
    reporting.store_sandbox(sandbox, feeds, marks)
    return reporting


@pytest.fixture(scope="session")
def grower_world(tmp_path_factory: pytest.TempPathFactory) -> Reporting:
    """What two growers see: some ten thousand records."""
    return _world("suppliers", tmp_path_factory.mktemp("growers"))


@pytest.fixture(scope="session")
def buyer_world(tmp_path_factory: pytest.TempPathFactory) -> Reporting:
    """What two buyers see."""
    return _world("customers", tmp_path_factory.mktemp("buyers"))


@pytest.fixture(scope="session")
def grower_edges(tmp_path_factory: pytest.TempPathFactory) -> Reporting:
    """Orders of two growers that were made by hand."""
    return by_hand.store_all(Reporting(tmp_path_factory.mktemp("edges") / "w.duckdb"))


@pytest.fixture(scope="session")
def buyer_edges(tmp_path_factory: pytest.TempPathFactory) -> Reporting:
    """Orders of two buyers that were made by hand."""
    return by_hand.store_all(Reporting(tmp_path_factory.mktemp("edges") / "w.duckdb", "customers"))


@pytest.fixture(scope="session")
def grower_deliveries(tmp_path_factory: pytest.TempPathFactory) -> Reporting:
    """Orders and deliveries of two growers that were made by hand."""
    return deliveries_by_hand.store_all(Reporting(tmp_path_factory.mktemp("deliveries") / "w.duckdb"))


@pytest.fixture(scope="session")
def grower_stock(tmp_path_factory: pytest.TempPathFactory) -> Reporting:
    """Batches of two growers that were made by hand, with what happened to them."""
    return stock_by_hand.store_all(Reporting(tmp_path_factory.mktemp("stock") / "w.duckdb"))


@pytest.fixture
def grower(tmp_path: Path) -> Reporting:
    """A warehouse for a grower's API without any record."""
    return Reporting(tmp_path / "grower.duckdb")


@pytest.fixture
def buyer(tmp_path: Path) -> Reporting:
    """A warehouse for a buyer's API without any record."""
    return Reporting(tmp_path / "buyer.duckdb", "customers")
