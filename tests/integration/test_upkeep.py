"""The jobs that keep Dagster's history and the warehouse small."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from pipelines.orchestration.automation.triggers import Automation
from pipelines.orchestration.instance.opening import open_instance
from pipelines.orchestration.maintenance.jobs import compact_job, maintenance_schedules, prune_runs_job
from pipelines.orchestration.resources import SettingsResource, WarehouseResource, given_settings
from pipelines.sandbox import Sandbox
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.file.sync_lock import lock_holder
from tests.integration.flower_history import QUIET, run_ids
from tests.integration.syncing import Syncing

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""Dagster uses what it and pydantic have deprecated."""


@pytest.fixture
def settings(tmp_path: Path) -> SettingsResource:
    """Settings with nothing set but where the warehouse is."""
    (tmp_path / ".env").touch()
    return given_settings({"FLORIDAY_WAREHOUSE": str(tmp_path / "w.duckdb")}, tmp_path)


class TestPruneRuns:
    """The job `prune_runs`."""

    def test_it_prunes(self, tmp_path: Path) -> None:
        """With its config it forgets all but the newest run of each job, and its own run goes on."""
        config = {"ops": {"prune": {"config": {"older_than_days": 0, "keep_newest": 1}}}, "loggers": QUIET}
        with open_instance(tmp_path, tmp_path / "dagster") as instance:
            done = [
                instance.add_run(dg.DagsterRun("sync", status=dg.DagsterRunStatus.SUCCESS)).run_id for _ in range(3)
            ]
            result = prune_runs_job.execute_in_process(config, instance)

            assert run_ids(instance) == [done[-1], result.run_id]

    def test_without_config_it_is_careful(self, tmp_path: Path) -> None:
        """What ended today stays."""
        with open_instance(tmp_path, tmp_path / "dagster") as instance:
            done = [
                instance.add_run(dg.DagsterRun("sync", status=dg.DagsterRunStatus.SUCCESS)).run_id for _ in range(3)
            ]
            result = prune_runs_job.execute_in_process({"loggers": QUIET}, instance)

            assert run_ids(instance) == [*done, result.run_id]


class TestCompact:
    """The job `compact`."""

    def test_without_a_warehouse_there_is_nothing_to_do(self, settings: SettingsResource, tmp_path: Path) -> None:
        """It ends well, and creates none."""
        result = compact_job.execute_in_process(
            {"loggers": QUIET}, resources={"warehouse": WarehouseResource(settings=settings)}
        )

        assert result.success
        assert not (tmp_path / "w.duckdb").exists()

    def test_it_compacts(self, settings: SettingsResource, tmp_path: Path) -> None:
        """The space of deleted rows is given back, nothing else changes, and the lock is free again."""
        path = tmp_path / "w.duckdb"
        with Sandbox(empty=True) as sandbox:
            syncing = Syncing(sandbox, path)
            with Warehouse(path).writing() as connection:
                connection.execute("CREATE TABLE emptied AS SELECT range::VARCHAR FROM range(1_000_000)")
                connection.execute("DROP TABLE emptied")
            content, size = syncing.content(), path.stat().st_size

            result = compact_job.execute_in_process(
                {"loggers": QUIET}, resources={"warehouse": WarehouseResource(settings=settings)}
            )

            assert result.success
            assert path.stat().st_size < size
            assert syncing.content() == content
        assert lock_holder(path) is None

    def test_it_waits_for_its_turn(self) -> None:
        """It shares the pool of the syncs, one at a time."""
        assert compact_job.nodes[0].definition.pools == {"duckdb"}


@pytest.mark.parametrize("by_itself", [True, False])
def test_when_they_start(settings: SettingsResource, *, by_itself: bool) -> None:
    """Every night, and in the night to Monday, in Amsterdam; by themselves where the settings say so."""
    schedules = maintenance_schedules(Automation(settings, is_on=by_itself))

    assert [(each.job_name, each.cron_schedule, each.execution_timezone) for each in schedules] == [
        ("prune_runs", "37 3 * * *", "Europe/Amsterdam"),
        ("compact", "13 2 * * 1", "Europe/Amsterdam"),
    ]
    assert {each.default_status.value for each in schedules} == {"RUNNING" if by_itself else "STOPPED"}
