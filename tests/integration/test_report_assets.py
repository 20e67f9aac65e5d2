"""The assets of the reports: what they stand downstream of, and what materializing one shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import tables_of
from pipelines.orchestration.assets.dashboard import DASHBOARD
from pipelines.orchestration.code_location import build_definitions
from pipelines.orchestration.resources import given_settings
from pipelines.reports import find_report, install
from pipelines.sandbox import Sandbox, status
from pipelines.warehouse.schema.create import create_tables
from tests.integration.dagster_project import Project, failure_lines
from tests.integration.syncing import Syncing
from tests.moments import NOW

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""Dagster uses deprecated features of its own and of pydantic."""

REVENUE = dg.AssetKey(["reports", "revenue_by_week"])
NOT_OF = {
    "suppliers": {"spend_by_grower", "purchase_order_exceptions"},
    "customers": {"customer_network", "sell_through"},
}
"""Reports of the other API."""

FEEDS = "catalog.trade_items,orders.sales_orders"


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project whose orders and trade items were synced from a small nursery's."""
    with Sandbox(now=NOW, scale=0.02) as sandbox:
        project = Project(sandbox, tmp_path_factory.mktemp("reports"), {"FLORIDAY_FEEDS": FEEDS})
        project.warehouse.path.parent.mkdir()
        Syncing(sandbox, project.warehouse.path).sync(full=False, FLORIDAY_FEEDS=FEEDS)
        yield project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project without a warehouse; nothing is called."""
    return Project(Sandbox(empty=True, port=9), tmp_path, {"FLORIDAY_FEEDS": FEEDS})


def repository(project: Project) -> dg.RepositoryDefinition:
    """What Dagster loads."""
    return build_definitions(given_settings(project.environment, project.root)).get_repository_def()


def materialized(project: Project, *keys: dg.AssetKey) -> dg.ExecuteInProcessResult:
    """A run of some reports."""
    job = repository(project).get_implicit_global_asset_job_def()
    return job.execute_in_process(asset_selection=keys, raise_on_error=False)


def test_a_report_stands_downstream_of_what_it_reads(synced: Project) -> None:
    """Once for each feed that fills one of its tables."""
    spec = repository(synced).assets_defs_by_key[REVENUE].specs_by_key[REVENUE]

    assert {dep.asset_key.to_user_string() for dep in spec.deps} == {"catalog/trade_items", "orders/sales_orders"}
    assert spec.group_name == "reports"
    assert find_report("revenue_by_week").summary in (spec.description or "")


def test_only_reports_whose_tables_are_filled_are_there(synced: Project) -> None:
    """One that reads a feed which is not synced is not."""
    names = {key.path[1] for key in repository(synced).assets_defs_by_key if key.path[0] == "reports"}

    assert "revenue_by_week" in names
    assert "sell_through" not in names


@pytest.mark.parametrize("api", ["suppliers", "customers"])
def test_each_api_has_the_reports_that_a_sync_can_install(api: str, tmp_path: Path) -> None:
    """No asset is there that could never be materialized, and no report lacks its asset."""
    (tmp_path / ".env").touch()
    given = given_settings({"FLORIDAY_BASE_URL": f"https://api.floriday.io/{api}-api-2026v1"}, tmp_path)
    keys = build_definitions(given).get_repository_def().assets_defs_by_key
    sources = catalogue_of(api).sources
    connection = duckdb.connect()
    with connection:
        create_tables(connection, [tables_of(source) for source in sources])
        installable = install(
            connection, {table.qualified_name for each in sources for table in tables_of(each).walk()}
        )

    assert {key.path[1] for key in keys if key.path[0] == "reports" and key != DASHBOARD} == set(installable)
    assert set(installable) & {"spend_by_grower", "customer_network"} == {
        {"suppliers": "customer_network", "customers": "spend_by_grower"}[api]
    }


def test_materializing_shows_what_it_says_now(synced: Project) -> None:
    """How many rows, the columns with their descriptions, and the first ten rows as a table, texts as code."""
    (event,) = materialized(synced, REVENUE).asset_materializations_for_node("reports__revenue_by_week")

    told: dict[str, Any] = {name: value.value for name, value in event.metadata.items()}
    ((rows,),) = synced.rows("SELECT count(*) FROM reports.revenue_by_week")
    first = synced.rows("SELECT trade_item_name FROM reports.revenue_by_week LIMIT 10")
    assert told["dagster/row_count"] == rows > 0
    described = {column.name: column.description for column in told["dagster/column_schema"].columns}
    assert described == find_report("revenue_by_week").columns
    head, _, *lines = told["first rows"].splitlines()
    assert head == "| " + " | ".join(described) + " |"
    assert [line.split(" | ")[4] for line in lines] == [f"`{name}`" if name else "" for (name,) in first]


def test_the_dashboard_stands_downstream_of_the_reports(synced: Project) -> None:
    """It is no feed: it has no weeks, and comes after every report that is there."""
    assets = repository(synced).assets_defs_by_key
    dashboard = assets[DASHBOARD]

    assert dashboard.partitions_def is None
    assert {dep.asset_key for dep in dashboard.specs_by_key[DASHBOARD].deps} == {
        key for key in assets if key.path[0] == "reports" and key != DASHBOARD
    }


def test_materializing_the_dashboard_writes_it(synced: Project) -> None:
    """The page lies beside the warehouse, and the metadata tell where, and what it holds."""
    (event,) = materialized(synced, DASHBOARD).asset_materializations_for_node("reports__dashboard")

    told: dict[str, Any] = {name: value.value for name, value in event.metadata.items()}
    page = synced.warehouse.path.with_name("dashboard.html")
    ((orders,),) = synced.rows("SELECT sum(orders) FROM reports.revenue_by_week")
    assert told == {"page": page.as_uri(), "path": str(page), "bytes": page.stat().st_size, "orders": orders}
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_dashboard_that_cannot_be_made_says_why(project: Project) -> None:
    """One line: here a file that holds nothing of Floriday's."""
    with project.warehouse.writing() as connection:
        connection.execute("CREATE TABLE anything AS SELECT 1")

    (line,) = failure_lines(materialized(project, DASHBOARD)).values()

    assert re.fullmatch(r"dashboard: .*w\.duckdb holds nothing of Floriday yet: run `floriday sync` first", line)


def test_a_failing_feed_leaves_out_only_the_reports_that_read_it(synced: Project) -> None:
    """The others are shown after all feeds, as they are then: the health of the syncs among them.

    The dashboard is written all the same, in a run of its own.
    """
    fault = synced.sandbox.faults.add(status(404, where="/sales-orders/sync/*", times=None))
    synced.sandbox.book("orders.sales_orders").put(synced.sandbox.book("orders.sales_orders").entries()[0].document)

    result = repository(synced).get_job("sync").execute_in_process(raise_on_error=False)

    synced.sandbox.faults.remove(*fault)
    shown = dict.fromkeys(event.step_key for event in result.all_events if event.is_step_materialization)
    assert list(shown) == ["catalog__trade_items", "reports__sync_health"]
    assert not result.success
    page = synced.warehouse.path.with_name("dashboard.html")
    page.unlink(missing_ok=True)
    assert repository(synced).get_job("dashboard").execute_in_process().success
    assert page.exists()


def test_a_report_that_is_not_installed_is_left_out(project: Project) -> None:
    """The run ends well, without a materialization: a warehouse from before the report gets it with the next sync."""
    with project.warehouse.writing() as connection:
        connection.execute("CREATE TABLE anything AS SELECT 1")

    result = materialized(project, REVENUE)

    assert result.success
    assert result.asset_materializations_for_node("reports__revenue_by_week") == []


def test_without_a_warehouse_there_is_nothing_to_show(project: Project) -> None:
    """The run ends well, and neither the report's asset nor the dashboard is materialized."""
    result = materialized(project, REVENUE, DASHBOARD)

    assert result.success
    assert not any(event.is_step_materialization for event in result.all_events)
