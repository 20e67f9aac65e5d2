"""The maintenance jobs delete old runs of Dagster and compact the warehouse."""

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
from tests.integration.dagster_history import QUIET, run_ids
from tests.integration.syncing import Syncing

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""Dagster uses deprecated features of its own and of pydantic."""


@pytest.fixture
def settings(tmp_path: Path) -> SettingsResource:
    """Settings in which only the warehouse's path is set."""
    (tmp_path / ".env").touch()
    return given_settings({"FLORIDAY_WAREHOUSE": str(tmp_path / "w.duckdb")}, tmp_path)


class TestPruneRuns:
    """The job `prune_runs`."""

    def test_it_deletes_old_runs(self, tmp_path: Path) -> None:
        """With its config the job deletes all but the newest run of each job, and keeps its own run."""
        config = {"ops": {"prune": {"config": {"older_than_days": 0, "keep_newest": 1}}}, "loggers": QUIET}
        with open_instance(tmp_path, tmp_path / "dagster") as instance:
            finished = [
                instance.add_run(dg.DagsterRun("sync", status=dg.DagsterRunStatus.SUCCESS)).run_id for _ in range(3)
            ]
            result = prune_runs_job.execute_in_process(config, instance)

            assert run_ids(instance) == [finished[-1], result.run_id]

    def test_it_keeps_runs_of_today_by_default(self, tmp_path: Path) -> None:
        """Without config the job deletes no run that ended today."""
        with open_instance(tmp_path, tmp_path / "dagster") as instance:
            finished = [
                instance.add_run(dg.DagsterRun("sync", status=dg.DagsterRunStatus.SUCCESS)).run_id for _ in range(3)
            ]
            result = prune_runs_job.execute_in_process({"loggers": QUIET}, instance)

            assert run_ids(instance) == [*finished, result.run_id]


class TestCompact:
    """The job `compact`."""

    def test_it_succeeds_without_a_warehouse(self, settings: SettingsResource, tmp_path: Path) -> None:
        """Without a warehouse the job succeeds and creates none."""
        result = compact_job.execute_in_process(
            {"loggers": QUIET}, resources={"warehouse": WarehouseResource(settings=settings)}
        )

        assert result.success
        assert not (tmp_path / "w.duckdb").exists()

    @pytest.mark.slow
    def test_it_compacts_the_warehouse(self, settings: SettingsResource, tmp_path: Path) -> None:
        """The job frees the space of deleted rows, keeps the content and releases the lock."""
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

    def test_it_uses_the_pool_of_the_syncs(self) -> None:
        """The job is in the pool of the syncs, which runs one step at a time."""
        assert compact_job.nodes[0].definition.pools == {"duckdb"}


@pytest.mark.parametrize("is_on", [True, False])
def test_schedules(settings: SettingsResource, *, is_on: bool) -> None:
    """The jobs are scheduled at night in Amsterdam, and start by default if automation is on."""
    schedules = maintenance_schedules(Automation(settings, is_on=is_on))

    assert [(each.job_name, each.cron_schedule, each.execution_timezone) for each in schedules] == [
        ("prune_runs", "37 3,9,15,21 * * *", "Europe/Amsterdam"),
        ("compact", "13 2 * * 1", "Europe/Amsterdam"),
    ]
    assert {each.default_status.value for each in schedules} == {"RUNNING" if is_on else "STOPPED"}
