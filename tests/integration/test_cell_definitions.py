"""What Dagster loads where there are cells: partitions by cell and week, and a sensor for each cell."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import dagster as dg
import pytest

from pipelines.errors import UsageError
from pipelines.orchestration.cells import CELL, CellWeeks, cell_of_run
from pipelines.orchestration.code_location import build_definitions
from pipelines.orchestration.resources import given_settings
from pipelines.orchestration.workers.coordinator import CellRunCoordinator

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""Dagster uses deprecated features of its own and of pydantic."""

CELLS = {"north": ["roos"], "south": ["tulp", "vaas"]}
ORDERS = dg.AssetKey(["orders", "sales_orders"])


def repository(folder: Path) -> dg.RepositoryDefinition:
    """Return what Dagster loads with two cells; no server is needed for that."""
    settings = {
        "FLORIDAY_WAREHOUSE": "ducklake:postgres:dbname=lakes host=127.0.0.1",
        "FLORIDAY_LAKE_DATA": str(folder),
        "FLORIDAY_CELLS": json.dumps(CELLS),
        "FLORIDAY_FEEDS": "sales_orders,trade_items",
        "FLORIDAY_HISTORY_START": "2026-03-02",
    }
    return build_definitions(given_settings(settings, folder)).get_repository_def()


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dg.RepositoryDefinition:
    """The definitions of two cells."""
    return repository(tmp_path_factory.mktemp("cells"))


def test_each_cell_has_its_sensors(loaded: dg.RepositoryDefinition) -> None:
    """Each cell has a sensor of changed feeds and one of syncs outside of Dagster; all have the same schedules."""
    names = {sensor.name for sensor in loaded.sensor_defs}
    schedules = {schedule.name for schedule in loaded.schedule_defs}

    assert {f"{kind}_{cell}" for kind in ("changed_feeds", "syncs_elsewhere") for cell in CELLS} <= names
    assert not names & {"changed_feeds", "syncs_elsewhere"}
    assert {"hourly_sync", "daily_sync", "weekly_full_sync", "compact_schedule", "prune_runs_schedule"} <= schedules


def test_partitions_are_weeks_of_cells(loaded: dg.RepositoryDefinition) -> None:
    """A feed has a partition for each week of each cell, its checks too, and none of its steps waits for a pool."""
    asset = loaded.assets_defs_by_key[ORDERS]
    partitions = asset.partitions_def
    assert isinstance(partitions, dg.MultiPartitionsDefinition)

    keys = partitions.get_partition_keys()
    assert {key.split("|")[0] for key in keys} == {*CELLS}
    assert "south|2026-03-02" in keys
    assert all(spec.partitions_def == partitions for spec in asset.check_specs)
    assert asset.op.pool is None


def test_a_backfill_has_a_run_for_each_partition(loaded: dg.RepositoryDefinition) -> None:
    """No run of a backfill spans two cells, whatever partitions a person chooses."""
    policy = loaded.assets_defs_by_key[ORDERS].backfill_policy

    assert policy is not None
    assert policy.max_partitions_per_run == 1


def test_jobs_without_weeks_have_cells_as_partitions(loaded: dg.RepositoryDefinition) -> None:
    """A person chooses the cell of these jobs in Dagster's pages."""
    for name in ("compact", "reread_days"):
        partitions = loaded.get_job(name).partitions_def
        assert partitions is not None
        assert partitions.get_partition_keys() == [*CELLS]


@pytest.mark.parametrize(
    ("tags", "cell"),
    [
        pytest.param({CELL: "north"}, "north", id="tag"),
        pytest.param({"dagster/partition": "south|2026-03-02"}, "south", id="partition"),
        pytest.param({"dagster/partition": "south"}, "south", id="job of a cell"),
        pytest.param({"dagster/asset_partition_range_start": "south|2026-03-02"}, "south", id="range"),
        pytest.param({"dagster/partition": "2026-03-02"}, None, id="week of a file"),
        pytest.param({}, None, id="neither"),
    ],
)
def test_the_cell_of_a_run(tags: dict[str, str], cell: str | None) -> None:
    """A run's tag names its cell, else its partition does."""
    assert cell_of_run(dg.DagsterRun("sync", tags=tags)) == cell


def test_a_run_spans_one_cell() -> None:
    """A range of partitions of one cell is a range of weeks; one of two cells is refused."""
    weeks = CellWeeks("north")

    assert weeks.weeks(dg.PartitionKeyRange("north|2026-03-02", "north|2026-03-16")) == dg.PartitionKeyRange(
        "2026-03-02", "2026-03-16"
    )
    with pytest.raises(UsageError, match="a run belongs to one cell"):
        weeks.weeks(dg.PartitionKeyRange("north|2026-03-02", "south|2026-03-02"))


def test_the_queue_tags_runs_of_a_person(tmp_path: Path) -> None:
    """A run that is started by its partition gets the tag by which the queue limits runs of a cell."""
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        run = instance.add_run(dg.DagsterRun("sync", tags={"dagster/partition": "south|2026-03-02"}))
        other = instance.add_run(dg.DagsterRun("sync", tags={"dagster/partition": "2026-03-02"}))
        coordinator = CellRunCoordinator()
        coordinator.register_instance(instance)
        for each in (run, other):
            coordinator.tag(each)

        assert [instance.get_runs(dg.RunsFilter(run_ids=[each.run_id]))[0].tags.get(CELL) for each in (run, other)] == [
            "south",
            None,
        ]


def test_settings_of_a_run_without_a_cell(tmp_path: Path) -> None:
    """A run that names no cell learns how to name one."""
    settings = {
        "FLORIDAY_CLIENT_ID": "id",
        "FLORIDAY_CLIENT_SECRET": "made-up",
        "FLORIDAY_API_KEYS": '{"roos": "k1", "tulp": "k2"}',
        "FLORIDAY_AUTH_URL": "http://127.0.0.1:1/token",
        "FLORIDAY_BASE_URL": "http://127.0.0.1:1/suppliers-api-2026v1",
        "FLORIDAY_WAREHOUSE": "ducklake:postgres:dbname=lakes host=127.0.0.1",
        "FLORIDAY_LAKE_DATA": str(tmp_path),
        "FLORIDAY_CELLS": '{"north": ["roos"], "south": ["tulp"]}',
    }
    given = given_settings(settings, tmp_path)

    with pytest.raises(UsageError, match="belongs to no cell: start it for a partition"):
        given.load()
    assert [*given.in_cell("south").load().accounts] == ["tulp"]


def test_the_start_of_the_weeks(loaded: dg.RepositoryDefinition) -> None:
    """The weeks of each cell begin with FLORIDAY_HISTORY_START."""
    partitions = loaded.assets_defs_by_key[ORDERS].partitions_def
    assert partitions is not None
    first = min(dt.date.fromisoformat(key.split("|")[1]) for key in partitions.get_partition_keys())

    assert first == dt.date(2026, 3, 2)
