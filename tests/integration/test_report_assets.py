"""Each report is an asset that depends on the feeds that it reads, and materializing it shows its rows."""

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
from pipelines.orchestration.assets.reports import DASHBOARD
from pipelines.orchestration.code_location import build_definitions
from pipelines.orchestration.resources import given_settings
from pipelines.reports import find_report, install
from pipelines.sandbox import Sandbox, status
from pipelines.warehouse.schema.create import create_tables
from tests.examples import cases
from tests.integration.dagster_project import Project, failure_lines
from tests.integration.mail_server import mail_server
from tests.integration.syncing import Syncing
from tests.moments import NOW

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""Dagster uses deprecated features of its own and of pydantic."""

REVENUE = dg.AssetKey(["reports", "revenue_by_week"])
FEEDS = "catalog.trade_items,orders.sales_orders"


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project whose orders and trade items were synced from a small nursery."""
    with Sandbox(now=NOW, scale=0.02) as sandbox:
        project = Project(sandbox, tmp_path_factory.mktemp("reports"), {"FLORIDAY_FEEDS": FEEDS})
        project.warehouse.path.parent.mkdir()
        Syncing(sandbox, project.warehouse.path).sync(full=False, FLORIDAY_FEEDS=FEEDS)
        yield project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project without a warehouse; its sandbox is not started."""
    return Project(Sandbox(empty=True, port=9), tmp_path, {"FLORIDAY_FEEDS": FEEDS})


def repository(project: Project) -> dg.RepositoryDefinition:
    """Load the project's definitions."""
    return build_definitions(given_settings(project.environment, project.root)).get_repository_def()


def materialize(project: Project, *keys: dg.AssetKey) -> dg.ExecuteInProcessResult:
    """Materialize some reports."""
    job = repository(project).get_implicit_global_asset_job_def()
    return job.execute_in_process(asset_selection=keys, raise_on_error=False)


def test_a_report_depends_on_the_feeds_that_it_reads(synced: Project) -> None:
    """A report depends once on each feed that fills one of its tables."""
    spec = repository(synced).assets_defs_by_key[REVENUE].specs_by_key[REVENUE]

    assert {dep.asset_key.to_user_string() for dep in spec.deps} == {"catalog/trade_items", "orders/sales_orders"}
    assert spec.group_name == "reports"
    assert find_report("revenue_by_week").summary in (spec.description or "")


def test_only_reports_with_filled_tables_are_assets(synced: Project) -> None:
    """A report that reads a feed which is not synced is no asset."""
    names = {key.path[1] for key in repository(synced).assets_defs_by_key if key.path[0] == "reports"}

    assert "revenue_by_week" in names
    assert "sell_through" not in names


@cases("api", ["suppliers", "customers"], quick=1)
def test_each_api_has_the_reports_that_a_sync_can_install(api: str, tmp_path: Path) -> None:
    """The reports of an API's assets are those that a sync of it can install, described in its users' words."""
    (tmp_path / ".env").touch()
    settings = given_settings({"FLORIDAY_BASE_URL": f"https://api.floriday.io/{api}-api-2026v1"}, tmp_path)
    keys = build_definitions(settings).get_repository_def().assets_defs_by_key
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
    word = {"suppliers": "Revenue", "customers": "Spend"}[api]
    assert (keys[REVENUE].descriptions_by_key[REVENUE] or "").startswith(f"{word} by week of delivery")


def test_materializing_shows_rows_and_columns(synced: Project) -> None:
    """The metadata contains the number of rows, the described columns, and the first ten rows with texts as code."""
    (event,) = materialize(synced, REVENUE).asset_materializations_for_node("reports__revenue_by_week")

    metadata: dict[str, Any] = {name: value.value for name, value in event.metadata.items()}
    ((rows,),) = synced.rows("SELECT count(*) FROM reports.revenue_by_week")
    first = synced.rows("SELECT trade_item_name FROM reports.revenue_by_week LIMIT 10")
    assert metadata["dagster/row_count"] == rows > 0
    described = {column.name: column.description for column in metadata["dagster/column_schema"].columns}
    assert described == find_report("revenue_by_week").columns
    head, _, *lines = metadata["first rows"].splitlines()
    assert head == "| " + " | ".join(described) + " |"
    assert [line.split(" | ")[4] for line in lines] == [f"`{name}`" if name else "" for (name,) in first]


def test_the_dashboard_depends_on_the_reports(synced: Project) -> None:
    """The dashboard has no partitions and depends on every report."""
    assets = repository(synced).assets_defs_by_key
    dashboard = assets[DASHBOARD]

    assert dashboard.partitions_def is None
    assert {dep.asset_key for dep in dashboard.specs_by_key[DASHBOARD].deps} == {
        key for key in assets if key.path[0] == "reports" and key != DASHBOARD
    }


def test_materializing_the_dashboard_writes_its_page(synced: Project) -> None:
    """The page is written beside the warehouse, and the metadata contains its place and content."""
    (event,) = materialize(synced, DASHBOARD).asset_materializations_for_node("reports__dashboard")

    metadata: dict[str, Any] = {name: value.value for name, value in event.metadata.items()}
    page = synced.warehouse.path.with_name("dashboard.html")
    ((orders,),) = synced.rows("SELECT sum(orders) FROM reports.revenue_by_week")
    place = {"page": page.as_uri(), "path": str(page), "bytes": page.stat().st_size, "orders in the page": orders}
    assert place.items() <= metadata.items()
    assert {"revenue, EUR", "orders", "value by week, EUR"} <= metadata.keys()
    weeks = metadata["value by week, EUR"].splitlines()[1:-1]
    assert len(weeks) == 26
    assert all(re.match(r"\d{4}-W\d\d +[\d,]+( █+)?$", week) for week in weeks)
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_dashboard_is_sent_by_mail(synced: Project) -> None:
    """If the config says so, the page is attached to a mail with the figures, their weeks and the time of the data."""
    config = {"ops": {"reports__dashboard": {"config": {"send": True}}}}
    with mail_server() as server:
        address = f"mailto://127.0.0.1:{server.server_address[1]}?from=floriday@nursery.nl&to=a@nursery.nl"
        environment = {**synced.environment, "FLORIDAY_ALERTS": address, "FLORIDAY_LANGUAGE": "nl"}
        definitions = build_definitions(given_settings(environment, synced.root)).get_repository_def()
        job = definitions.get_implicit_global_asset_job_def()
        assert job.execute_in_process(config, asset_selection=[DASHBOARD]).success

    (message,) = server.messages
    assert re.fullmatch(r"Floriday-dashboard: week \d.* van \d{4}", str(message["Subject"]))
    body = message.get_body(("plain",))
    assert body is not None
    first, read, *figures = body.get_content().splitlines()
    assert re.fullmatch(r"Leveringen van week .* \(13 volle weken\), tenzij erbij staat van welke\.", first)
    assert re.fullmatch(r"gegevens van \d\d-\d\d-\d{4} \d\d:\d\d \(Amsterdam\)", read)
    assert any(line.startswith("omzet: EUR ") for line in figures)
    assert any(line.startswith("orders in EUR: ") for line in figures)
    (attachment,) = message.iter_attachments()
    assert attachment.get_filename() == "dashboard.html"
    assert b"<!doctype html>" in attachment.get_payload(decode=True)


def test_a_dashboard_without_receivers_fails_in_one_line(synced: Project) -> None:
    """Sending without FLORIDAY_ALERTS fails with the name of the setting; the page is written."""
    definitions = repository(synced)
    config = {"ops": {"reports__dashboard": {"config": {"send": True}}}}
    job = definitions.get_implicit_global_asset_job_def()
    result = job.execute_in_process(config, asset_selection=[DASHBOARD], raise_on_error=False)

    assert "FLORIDAY_ALERTS is missing" in failure_lines(result)["reports__dashboard"]
    assert result.asset_materializations_for_node("reports__dashboard")


def test_a_dashboard_that_cannot_be_written_fails_in_one_line(project: Project) -> None:
    """The dashboard of a database without Floriday's tables fails with one line that names the next step."""
    with project.warehouse.writing() as connection:
        connection.execute("CREATE TABLE anything AS SELECT 1")

    (line,) = failure_lines(materialize(project, DASHBOARD)).values()

    assert re.fullmatch(r"dashboard: .*w\.duckdb contains no data of Floriday yet: run `floriday sync` first", line)


def test_a_failing_feed_leaves_out_only_the_reports_that_read_it(synced: Project) -> None:
    """A failing feed skips the reports that read it; other reports and the dashboard are written."""
    fault = synced.sandbox.faults.add(status(404, where="/sales-orders/sync/*", times=None))
    synced.sandbox.book("orders.sales_orders").put(synced.sandbox.book("orders.sales_orders").entries()[0].document)

    result = repository(synced).get_job("sync").execute_in_process(raise_on_error=False)

    synced.sandbox.faults.remove(*fault)
    materialized_steps = dict.fromkeys(event.step_key for event in result.all_events if event.is_step_materialization)
    assert list(materialized_steps) == ["catalog__trade_items", "reports__sync_health"]
    assert not result.success
    page = synced.warehouse.path.with_name("dashboard.html")
    page.unlink(missing_ok=True)
    assert repository(synced).get_job("dashboard").execute_in_process().success
    assert page.exists()


def test_a_report_that_is_not_installed_is_left_out(project: Project) -> None:
    """A report that the next sync will install is not materialized, and the run succeeds."""
    with project.warehouse.writing() as connection:
        connection.execute("CREATE TABLE anything AS SELECT 1")

    result = materialize(project, REVENUE)

    assert result.success
    assert result.asset_materializations_for_node("reports__revenue_by_week") == []


def test_without_a_warehouse_nothing_is_materialized(project: Project) -> None:
    """Without a warehouse the run succeeds and materializes neither report nor dashboard."""
    result = materialize(project, REVENUE, DASHBOARD)

    assert result.success
    assert not any(event.is_step_materialization for event in result.all_events)
