"""The events that a run stores: each is a row of Dagster's event log, and takes longer than most of a sync does."""

# No `from __future__ import annotations` here: Dagster reads the annotations of an asset's function at run time.

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from pipelines.orchestration.assets.check_events import EVALUATES, REPEATS, log_results
from pipelines.orchestration.assets.checks import specs
from pipelines.orchestration.assets.keys import asset_key
from pipelines.orchestration.assets.partitions import week_of
from pipelines.orchestration.automation.jobs import ops_config
from pipelines.orchestration.cells import CellWeeks, partitions
from pipelines.orchestration.code_location import build_definitions
from pipelines.orchestration.dagster_private import IMPLICIT_ASSET_JOB_NAME
from pipelines.orchestration.instance.opening import open_instance_apart
from pipelines.orchestration.resources import given_settings
from pipelines.sandbox import Sandbox
from tests.integration.dagster_project import SUPPLIERS, Project, fill
from tests.integration.syncing import empty_warehouse
from tests.moments import real_now

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""Dagster uses deprecated features of its own and of pydantic."""

BATCHES = SUPPLIERS.source("supply.batches")
CHECKS = specs(BATCHES)
KEY = asset_key(BATCHES)
CELLS = ("north", "south")
START = dt.date.fromisoformat(week_of(real_now())) - dt.timedelta(weeks=2)
"""The first day of the first partition."""

OF_CHECKS = {"ASSET_CHECK_EVALUATION_PLANNED", "ASSET_CHECK_EVALUATION"}
ONCE = Counter(
    [
        "ASSET_MATERIALIZATION_PLANNED",
        *("PIPELINE_START", "ENGINE_EVENT", "RESOURCE_INIT_STARTED", "RESOURCE_INIT_SUCCESS", "LOGS_CAPTURED"),
        *("STEP_START", "a line", "STEP_OUTPUT", "ASSET_MATERIALIZATION", "STEP_SUCCESS"),
        *("ENGINE_EVENT", "PIPELINE_SUCCESS"),
    ]
)
"""The events of a run of one feed without those of its checks."""


class Runs:
    """The runs of a feed of which every week was marked as complete before."""

    def __init__(self, project: Project, instance: dg.DagsterInstance) -> None:
        definitions = build_definitions(given_settings(project.environment, project.root))
        repository = definitions.get_repository_def()
        self._job, self._assets = repository.get_job("sync"), repository.get_job(IMPLICIT_ASSET_JOB_NAME)
        self.instance = instance
        self.run(planned=True)

    def run(self, *, planned: bool, **tags: str) -> str:
        """Run it for this week, with or without selected checks; return the run's id."""
        job = self._job.get_subset(asset_selection={KEY}, asset_check_selection=None if planned else set())
        config, week = ops_config([BATCHES], incremental=True), week_of(real_now())
        return job.execute_in_process(config, self.instance, partition_key=week, tags=tags).run_id

    def small(self) -> str:
        """Run it as the sensor of changed feeds does; return the run's id."""
        return self.run(planned=False, **{EVALUATES: "true", REPEATS: "true"})

    def check_alone(self, key: dg.AssetCheckKey) -> str:
        """Evaluate a single check as a person does in the UI; return the run's id."""
        job = self._assets.get_subset(asset_selection=set(), asset_check_selection={key})
        return job.execute_in_process(ops_config([BATCHES], incremental=True), self.instance).run_id

    def kinds(self, run_id: str) -> Counter[str]:
        """Return the number of events of each kind in a run; of log lines, one kind for all."""
        logged = self.instance.all_logs(run_id)
        return Counter(each.dagster_event_type.value if each.dagster_event_type else "a line" for each in logged)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """The runs of a feed without new records."""
    folder: Path = tmp_path_factory.mktemp("events")
    with Sandbox(empty=True) as sandbox, open_instance_apart(folder / "history") as instance:
        fill(sandbox, BATCHES.name)
        start = {"FLORIDAY_FEEDS": BATCHES.name, "FLORIDAY_HISTORY_START": START.isoformat()}
        project = Project(sandbox, folder, start)
        project.warehouse.path.parent.mkdir(mode=0o700)
        project.warehouse.path.write_bytes(empty_warehouse("suppliers"))
        yield Runs(project, instance)


def test_a_result_of_a_check_is_one_event(runs: Runs) -> None:
    """A run with selected checks stores two events for each: that it will be evaluated, and its result."""
    kinds = runs.kinds(runs.run(planned=True))

    assert kinds == ONCE + Counter(dict.fromkeys(OF_CHECKS, len(CHECKS)))


def test_a_small_run_stores_the_results_of_checks_alone(runs: Runs) -> None:
    """A run of the sensor stores one event for each check, its result."""
    kinds = runs.kinds(runs.small())

    assert kinds == ONCE + Counter({"ASSET_CHECK_EVALUATION": len(CHECKS)})


@pytest.mark.parametrize("kind", ["selected checks", "small run"])
def test_results_belong_to_the_newest_materialization(runs: Runs, kind: str) -> None:
    """Dagster shows the result of each check as that of the run's materialization."""
    run_id = runs.small() if kind == "small run" else runs.run(planned=True)

    materialization = runs.instance.fetch_materializations(KEY, limit=1).records[0]
    found = runs.instance.event_log_storage.get_latest_asset_check_execution_by_key([each.key for each in CHECKS])
    assert materialization.run_id == run_id
    assert set(found) == {each.key for each in CHECKS}
    for record in found.values():
        assert record.run_id == run_id
        assert record.evaluation is not None
        target = record.evaluation.target_materialization_data
        assert target is not None
        assert (target.storage_id, target.run_id) == (materialization.storage_id, run_id)


def test_a_check_can_be_evaluated_alone(runs: Runs) -> None:
    """A run of one check stores its result and an observation, and no materialization."""
    kinds = runs.kinds(runs.check_alone(CHECKS[0].key))

    stored = {kind: count for kind, count in kinds.items() if kind.startswith("ASSET")}
    assert stored == {**dict.fromkeys(OF_CHECKS, 1), "ASSET_OBSERVATION": 1}
    assert kinds["a line"] == 1


def test_results_of_a_cell_belong_to_its_partition(tmp_path: Path) -> None:
    """Where checks have results for each partition, a result names the run's partition and its materialization."""
    parts = partitions(START, CELLS)
    key = dg.AssetKey("tulips")
    check = dg.AssetCheckSpec("counted", asset=key, partitions_def=parts)

    @dg.multi_asset(specs=[dg.AssetSpec(key)], check_specs=[check], can_subset=True, partitions_def=parts)
    def tulips(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        yield dg.MaterializeResult(asset_key=key)
        results = [dg.AssetCheckResult(passed=True, asset_key=key, check_name="counted")]
        log_results(context, key, results, of_partition=True)

    with open_instance_apart(tmp_path) as instance:
        runs = {
            cell: dg.materialize(
                [tulips], instance=instance, partition_key=CellWeeks(cell).key(week_of(real_now()))
            ).run_id
            for cell in CELLS
        }
        records = instance.event_log_storage.get_asset_check_execution_history(check.key, limit=10)

    assert len(records) == len(runs)
    for record in records:
        assert record.evaluation is not None
        target = record.evaluation.target_materialization_data
        assert target is not None
        assert record.run_id == target.run_id == runs[str(record.partition).partition("|")[0]]
