"""Dagster syncs cells: a run writes to the lake of its cell alone, and marks the partitions of this cell."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.orchestration.assets.partitions import week_of
from pipelines.orchestration.cells import CELL, CellWeeks
from pipelines.orchestration.code_location import build_definitions
from pipelines.orchestration.resources import SettingsResource, given_settings
from pipelines.sandbox import Sandbox
from pipelines.sync.session import open_clients
from pipelines.warehouse.opening import hold_sync_lock, open_warehouse
from tests.integration.dagster_project import fill
from tests.lakes import lake_at, postgres
from tests.moments import real_now

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""Dagster uses deprecated features of its own and of pydantic."""

FEED = "orders.sales_orders"
ORDERS = dg.AssetKey(FEED.split("."))
CELLS = {"north": ("roos",), "south": ("tulp",)}


@dataclass
class Cells:
    """Two cells, the sandbox that they sync from, and the instance of Dagster.

    Args:
        sandbox: a sandbox with two accounts.
        root: folder of the Parquet files.
        instance: where the runs are stored.
    """

    sandbox: Sandbox
    root: Path
    instance: dg.DagsterInstance

    @cached_property
    def settings(self) -> SettingsResource:
        """The settings of both cells."""
        lake = lake_at(self.root / "cells.duckdb")
        variables = {
            **self.sandbox.environment(),
            "FLORIDAY_WAREHOUSE": lake.attach_string,
            "FLORIDAY_LAKE_DATA": lake.data,
            "FLORIDAY_LAKE_SCHEMA": lake.schema,
            "FLORIDAY_CELLS": json.dumps(CELLS),
            "FLORIDAY_FEEDS": FEED,
        }
        return given_settings(variables, self.root)

    @cached_property
    def repository(self) -> dg.RepositoryDefinition:
        """What Dagster loads."""
        return build_definitions(self.settings).get_repository_def()

    def run(self, job: str, cell: str | None, *, week: bool = True, **config: Any) -> dg.ExecuteInProcessResult:
        """Execute a job in process, for the partition of a cell."""
        this_week = week_of(real_now())
        partition = cell and (CellWeeks(cell).key(this_week) if week else cell)
        ops = {name: {"config": values} for name, values in config.items()}
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}, "ops": ops}
        return self.repository.get_job(job).execute_in_process(
            quiet, self.instance, partition_key=partition, raise_on_error=False
        )

    def accounts(self, cell: str | None = None) -> dict[str, int]:
        """Return the number of orders of each account in the lake of a cell, or in all lakes together."""
        with open_warehouse(self.settings.in_cell(cell).load_local().warehouse).reading() as connection:
            return dict(connection.execute(f"SELECT account, count(*) FROM {FEED} GROUP BY ALL").fetchall())

    def tick(self, sensor: str) -> tuple[list[dg.RunRequest], list[Any], str | None]:
        """Evaluate a sensor once; return the runs that it requests, the events that it reports, and why none."""
        [found] = [each for each in self.repository.sensor_defs if each.name == sensor]
        context = dg.build_sensor_context(self.instance, repository_def=self.repository, sensor_name=sensor)
        data = found.evaluate_tick(context)
        return [*(data.run_requests or ())], [*data.asset_events], data.skip_message


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cells]:
    """Two cells, each synced by a run of its own."""
    root = tmp_path_factory.mktemp("cells")
    postgres()
    accounts = tuple(account for members in CELLS.values() for account in members)
    with (
        Sandbox(empty=True, accounts=accounts) as sandbox,
        dg.DagsterInstance.local_temp(str(tmp_path_factory.mktemp("dagster"))) as instance,
    ):
        fill(sandbox, FEED)
        cells = Cells(sandbox, root, instance)
        assert all(cells.run("sync", cell).success for cell in CELLS)
        yield cells


def change(cells: Cells, account: str) -> None:
    """Serve a changed order of an account."""
    book = cells.sandbox.book(FEED, account)
    book.put(book.entries()[0].document | {"numberOfPieces": len(book.entries()) + book.maximum})


def test_a_run_writes_to_its_cell_alone(cells: Cells) -> None:
    """Each lake has the orders of the accounts of its cell."""
    assert cells.accounts("north").keys() == {"roos"}
    assert cells.accounts("south").keys() == {"tulp"}


def test_a_run_marks_the_weeks_of_its_cell(cells: Cells) -> None:
    """The partitions of both cells are complete from the first week to this one, and nothing else is."""
    marked = cells.instance.get_materialized_partitions(ORDERS)
    weeks = {cell: {key for key in marked if key.startswith(f"{cell}|")} for cell in CELLS}

    assert {len(keys) for keys in weeks.values()} == {53}
    assert marked == weeks["north"] | weeks["south"]
    checks = cells.instance.event_log_storage.get_asset_check_execution_history(
        dg.AssetCheckKey(ORDERS, "unique_key"), limit=10
    )
    assert {str(record.partition).split("|")[0] for record in checks} == {*CELLS}


def test_a_sensor_requests_runs_of_its_cell(cells: Cells) -> None:
    """A change starts a run of its cell, without checks; a sync of the cell delays it, and no other cell's."""
    for account in ("roos", "tulp"):
        change(cells, account)

    [run], _, _ = cells.tick("changed_feeds_south")
    with hold_sync_lock(cells.settings.in_cell("south").load_local().warehouse, "floriday sync"):
        none, _, reason = cells.tick("changed_feeds_south")
        [other], _, _ = cells.tick("changed_feeds_north")

    assert (run.tags[CELL], run.partition_key) == ("south", CellWeeks("south").key(week_of(real_now())))
    assert (run.asset_selection, run.asset_check_keys) == ([ORDERS], ())
    assert other.tags[CELL] == "north"
    assert none == []
    assert "floriday sync" in (reason or "")


def test_a_sensor_reports_syncs_outside_of_dagster(cells: Cells) -> None:
    """What another process synced appears in the partitions of its cell."""
    change(cells, "roos")
    with open_clients(cells.settings.in_cell("north").load()) as connected:
        outcomes = list(connected.prepare().sync_all(connected.sources, run_id="outside", accounts=("roos",)))
    assert all(outcome.current for outcome in outcomes)

    _, events, _ = cells.tick("syncs_elsewhere_north")
    _, others, _ = cells.tick("syncs_elsewhere_south")
    assert {event.partition.split("|")[0] for event in events} == {"north"}
    assert others == []


def test_a_schedule_requests_a_run_of_each_cell(cells: Cells) -> None:
    """A schedule starts one run for each cell, each with a key and a partition of its own."""
    for name, partitions in (
        ("hourly_sync", [CellWeeks(cell).key(week_of(real_now())) for cell in CELLS]),
        ("compact_schedule", [*CELLS]),
    ):
        [schedule] = [each for each in cells.repository.schedule_defs if each.name == name]
        context = dg.build_schedule_context(
            cells.instance, dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC), repository_def=cells.repository
        )
        runs = schedule.evaluate_tick(context).run_requests or ()
        assert [(run.tags[CELL], run.partition_key) for run in runs] == [*zip(CELLS, partitions, strict=True)]
        assert len({run.run_key for run in runs}) == len(CELLS)


@pytest.mark.slow
def test_jobs_for_a_cell(cells: Cells) -> None:
    """The upkeep and the re-read of days work on the cell that is chosen, and refuse to work on none."""
    before = cells.accounts()
    assert cells.run("compact", "south", week=False).success
    days = {"from_date": real_now().date().isoformat()}
    assert cells.run("reread_days", "south", week=False, reread=days).success
    refused = cells.run("reread_days", None, reread=days)

    assert not refused.success
    [failure] = [event.step_failure_data.user_failure_data for event in refused.all_events if event.is_step_failure]
    assert failure is not None
    assert "belongs to no cell" in str(failure.description)
    assert cells.accounts() == before


@pytest.mark.slow
def test_reports_read_all_cells(cells: Cells) -> None:
    """The asset of a report shows the rows of both cells."""
    key = dg.AssetKey(["reports", "sync_health"])
    result = cells.repository.get_job("__ASSET_JOB").execute_in_process(
        {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}, cells.instance, asset_selection=[key]
    )

    [event] = result.get_asset_materialization_events()
    assert event.step_materialization_data.materialization.metadata["dagster/row_count"].value == len(CELLS)
