"""What all schedules and sensors share.

While a sync is in progress, sensors request no runs; those of schedules and of a person are queued.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import dagster as dg

from pipelines.errors import PipelineError
from pipelines.orchestration.assets.partitions import TIME_ZONE
from pipelines.orchestration.cells import cell_of_run, tags_of
from pipelines.orchestration.dagster_private import SCHEDULE_NAME_TAG, AssetJob
from pipelines.orchestration.resources import SettingsResource
from pipelines.warehouse.opening import lock_holder

SWITCH = "FLORIDAY_AUTOMATION defines whether it is switched on at first."
LOCK_TIMEOUT = 5.0  # seconds to wait while another process holds the warehouse; then the next tick tries again
IN_FLIGHT = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
"""Runs of any job count: a run that a person starts in the UI may belong to no job of this project."""

WAITING = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING]

HARMLESS = "prune_runs"  # the job that does not use the warehouse
READS_ONLY = "floriday/reads_only"  # the tag of runs that only read the warehouse
Evaluation = dg.RunRequest | dg.SkipReason
Evaluate = Callable[[dg.ScheduleEvaluationContext], Iterator[Evaluation]]  # evaluates one tick of a schedule


@dataclass(frozen=True)
class Automation:
    """What all schedules and sensors share; ``is_on`` is whether they are switched on until a person changes that.

    ``cells`` are the names of the cells, if the warehouse has any: each run is then of one cell.
    """

    settings: SettingsResource
    is_on: bool
    cells: tuple[str, ...] = ()

    @property
    def minute(self) -> int:
        """The minute of the hour at which this installation syncs; it differs between installations."""
        try:
            local = self.settings.load_local()
        except PipelineError:
            return 0
        return hashlib.sha256(f"{local.base_url} {local.warehouse}".encode()).digest()[0] % 60

    @property
    def sensor_status(self) -> dg.DefaultSensorStatus:
        """The status of new sensors."""
        return dg.DefaultSensorStatus.RUNNING if self.is_on else dg.DefaultSensorStatus.STOPPED

    def schedule(
        self, name: str, job: AssetJob | dg.JobDefinition, cron: str, description: str, evaluate: Evaluate | None = None
    ) -> dg.ScheduleDefinition:
        """A schedule that starts a job as ``evaluate`` returns; None: with its default config, whatever else runs."""
        return dg.ScheduleDefinition(
            name=name,
            job=job,
            cron_schedule=cron,
            execution_timezone=TIME_ZONE,
            default_status=dg.DefaultScheduleStatus.RUNNING if self.is_on else dg.DefaultScheduleStatus.STOPPED,
            description=f"{description} {SWITCH}",
            execution_fn=evaluate,
        )


def waiting_run(instance: dg.DagsterInstance, schedule: str, cell: str | None = None) -> str | None:
    """The id of a run of this schedule, and of this cell, that has not begun yet; None if there is none."""
    waiting = dg.RunsFilter(statuses=WAITING, tags={SCHEDULE_NAME_TAG: schedule, **tags_of(cell)})
    return next(iter(instance.get_run_ids(waiting, limit=1)), None)


def runs_in_progress(instance: dg.DagsterInstance, cell: str | None = None) -> list[dg.DagsterRun]:
    """The runs that have not ended and write to the warehouse, or to the lake of a cell."""
    records = instance.get_run_records(dg.RunsFilter(statuses=IN_FLIGHT), limit=100 if cell is None else None)
    runs = [record.dagster_run for record in records]
    writing = [run for run in runs if run.job_name != HARMLESS and READS_ONLY not in run.tags]
    return [run for run in writing if cell is None or cell_of_run(run) == cell]


def sync_in_progress(instance: dg.DagsterInstance, settings: SettingsResource, cell: str | None = None) -> str | None:
    """A run that has not ended, or a sync outside of Dagster, as the beginning of a sentence; None if there is none.

    ``settings`` are those of the cell, if there is one.
    """
    for run in runs_in_progress(instance, cell):
        return f"run {run.run_id[:8]} is {run.status.value}"
    try:
        held = lock_holder(settings.load_local().warehouse)
    except PipelineError:
        return None
    return f"{held} is in progress" if held else None
