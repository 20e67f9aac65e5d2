"""Jobs that keep Dagster's history and the warehouse small, and when they start by themselves."""

# No `from __future__ import annotations` here: Dagster reads the annotations of an op's function as they stand.

from datetime import timedelta

import dagster as dg
from pydantic import Field

from pipelines.orchestration.assets.feeds import POOL
from pipelines.orchestration.assets.partitions import TIME_ZONE
from pipelines.orchestration.assets.step_errors import step_errors
from pipelines.orchestration.automation.triggers import Automation
from pipelines.orchestration.maintenance.pruning import prune
from pipelines.orchestration.resources import WarehouseResource
from pipelines.warehouse.file.compaction import compact


class PruneConfig(dg.Config):
    """Which runs stay."""

    older_than_days: float = Field(default=3, ge=0, description="Runs that ended later than so many days ago stay")
    keep_newest: int = Field(default=100, ge=1, description="So many of the newest runs stay, however old they are")


@dg.op(name="prune", out=dg.Out(dg.Nothing))
def _prune(context: dg.OpExecutionContext, config: PruneConfig) -> None:
    """Delete the runs that nothing shows any more."""
    pruned = prune(context.instance, timedelta(days=config.older_than_days), config.keep_newest)
    counts = (pruned.deleted, pruned.kept, pruned.freed_bytes / 1e6)
    context.log.info("%d runs deleted, %d old ones kept because something shows them, %.1f MB given back", *counts)


@dg.job(name="prune_runs", executor_def=dg.in_process_executor)
def prune_runs_job() -> None:
    """Forgets old runs, so that Dagster's history does not grow for ever.

    The newest run of each asset, partition, check and job stays: what the grid and the assets' pages show of the data
    does not change.
    """
    _prune()


def prune_runs_schedule(automation: Automation, job: dg.JobDefinition) -> dg.ScheduleDefinition:
    """Prune every night."""
    return _schedule(automation, job, "37 3 * * *", "Old runs are forgotten every night.")


@dg.op(name="compact_warehouse", pool=POOL, out=dg.Out(dg.Nothing))
def _compact(context: dg.OpExecutionContext, warehouse: WarehouseResource) -> None:
    """Write the warehouse's file anew, without the space of deleted rows."""
    with step_errors(context.log):
        file = warehouse.file()
        if not file.exists():
            context.log.info("There is no warehouse yet")
            return
        warehouse.hold(f"Dagster run {context.run_id}", context.log)
        compacted = compact(file)
    context.log.info("%.1f MB before, %.1f MB now", compacted.before / 1e6, compacted.after / 1e6)


@dg.job(name="compact", executor_def=dg.in_process_executor)
def compact_job() -> None:
    """Gives the space of deleted rows in the warehouse back. Syncs wait meanwhile."""
    _compact()


def compact_schedule(automation: Automation, job: dg.JobDefinition) -> dg.ScheduleDefinition:
    """Compact in the night from Sunday to Monday."""
    return _schedule(automation, job, "13 2 * * 1", "The warehouse's file is written anew every week.")


def _schedule(automation: Automation, job: dg.JobDefinition, cron: str, description: str) -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        name=f"{job.name}_schedule",
        job=job,
        cron_schedule=cron,
        execution_timezone=TIME_ZONE,
        default_status=automation.schedule_status,
        description=f"{description} FLORIDAY_AUTOMATION says whether that happens by itself.",
    )
