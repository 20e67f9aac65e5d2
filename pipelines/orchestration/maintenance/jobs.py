"""Jobs that limit the size of Dagster's history and of the warehouse file, and their schedules."""

# No `from __future__ import annotations` here: Dagster reads the annotations of an op's function at run time.

import logging
from collections.abc import Iterator, Sequence
from datetime import timedelta

import dagster as dg
from pydantic import Field

from pipelines.orchestration.assets.keys import POOL
from pipelines.orchestration.assets.step_errors import step_errors
from pipelines.orchestration.automation.schedules import run_in_tick
from pipelines.orchestration.automation.triggers import Automation, Evaluation
from pipelines.orchestration.cells import partitions_of_cells, tags_of
from pipelines.orchestration.maintenance.pruning import prune
from pipelines.orchestration.resources import WarehouseResource
from pipelines.warehouse.file import compaction
from pipelines.warehouse.lake.connection import LakeWarehouse
from pipelines.warehouse.lake.upkeep import upkeep


class PruneConfig(dg.Config):
    """Which runs are kept."""

    older_than_days: float = Field(default=3, ge=0, description="Runs that ended within this number of days are kept")
    small_older_than_days: float = Field(
        default=0.25,
        ge=0,
        description="The same for the small runs of changed_feeds, which are many",
    )
    keep_newest: int = Field(default=100, ge=1, description="Number of the newest runs that are kept at any age")


@dg.op(name="prune", out=dg.Out(dg.Nothing))
def _prune(context: dg.OpExecutionContext, config: PruneConfig) -> None:
    """Delete the runs that nothing shows any more."""
    ages = timedelta(days=config.older_than_days), timedelta(days=config.small_older_than_days)
    pruned = prune(context.instance, *ages, newest=config.keep_newest)
    counts = (pruned.deleted, pruned.kept, pruned.freed_bytes / 1e6)
    context.log.info("%d runs deleted, %d old runs kept because something shows them, %.1f MB freed", *counts)


@dg.job(name="prune_runs", executor_def=dg.in_process_executor)
def prune_runs_job() -> None:
    """Deletes old runs, so that Dagster's history does not grow forever.

    The newest run of each asset, partition, check and job is kept: the grid and the assets' pages do not change.
    """
    _prune()


@dg.op(name="compact_warehouse", pool=POOL, out=dg.Out(dg.Nothing))
def _compact(context: dg.OpExecutionContext, warehouse: WarehouseResource) -> None:
    """Rewrite the warehouse file without the space of deleted rows."""
    with step_errors(context.log):
        file = warehouse.file()
        if not file.exists():
            context.log.info("There is no warehouse yet")
            return
        warehouse.hold(context.run, context.log)
        if isinstance(file, LakeWarehouse):
            _log_upkeep(context.log, file)
            return
        compacted = compaction.compact(file)
    context.log.info("%.1f MB before, %.1f MB now", compacted.before / 1e6, compacted.after / 1e6)


def _log_upkeep(log: logging.Logger, lake: LakeWarehouse) -> None:
    try:
        result = upkeep(lake)
    finally:
        lake.finish()
    log.info("%d Parquet files before, %d now", result.before, result.after)


@dg.job(name="compact", executor_def=dg.in_process_executor)
def compact_job() -> None:
    """Frees the space of deleted rows in the warehouse file. Syncs wait meanwhile."""
    _compact()


@dg.op(name="compact_lake", out=dg.Out(dg.Nothing))
def _compact_lake(context: dg.OpExecutionContext, warehouse: WarehouseResource) -> None:
    """Write small changes of a cell to Parquet, merge small files, and remove old snapshots."""
    with step_errors(context.log):
        lake = warehouse.file()
        if not lake.exists():
            context.log.info("There is no lake yet")
            return
        warehouse.hold(context.run, context.log)
        assert isinstance(lake, LakeWarehouse)
        _log_upkeep(context.log, lake)


def compact_cells_job(cells: Sequence[str]) -> dg.JobDefinition:
    """The upkeep of one lake; the partitions of the job are the cells."""

    @dg.job(
        name="compact",
        executor_def=dg.in_process_executor,
        partitions_def=partitions_of_cells(cells),
        description="Keeps the lake of a cell small and quick. Syncs of the cell wait meanwhile.",
    )
    def job() -> None:
        _compact_lake()

    return job


def maintenance_schedules(
    automation: Automation, compact: dg.JobDefinition = compact_job
) -> list[dg.ScheduleDefinition]:
    """Prune every six hours; compact in the night from Sunday to Monday, or each cell every night."""
    return [
        automation.schedule(
            "prune_runs_schedule",
            prune_runs_job,
            "37 * * * *" if automation.cells else "37 3,9,15,21 * * *",
            f"Deletes old runs from Dagster's history every {'hour' if automation.cells else 'six hours'}.",
        ),
        _compact_schedule(automation, compact),
    ]


def _compact_schedule(automation: Automation, job: dg.JobDefinition) -> dg.ScheduleDefinition:
    if not automation.cells:
        purpose = "Rewrites the warehouse file without free space every week."
        return automation.schedule("compact_schedule", job, "13 2 * * 1", purpose)

    def requests(context: dg.ScheduleEvaluationContext) -> Iterator[Evaluation]:
        at = context.scheduled_execution_time.isoformat()
        for cell in automation.cells:
            yield run_in_tick(dg.RunRequest(partition_key=cell, tags=tags_of(cell)), at)

    purpose = "Keeps the lake of each cell small and quick, every night."
    return automation.schedule("compact_schedule", job, "13 2 * * *", purpose, requests)
