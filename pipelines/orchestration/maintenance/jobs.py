"""Jobs that limit the size of Dagster's history and of the warehouse file, and their schedules."""

# No `from __future__ import annotations` here: Dagster reads the annotations of an op's function at run time.

from datetime import timedelta

import dagster as dg
from pydantic import Field

from pipelines.orchestration.assets.keys import POOL
from pipelines.orchestration.assets.step_errors import step_errors
from pipelines.orchestration.automation.triggers import Automation
from pipelines.orchestration.maintenance.pruning import prune
from pipelines.orchestration.resources import WarehouseResource
from pipelines.warehouse.file.compaction import compact


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
        compacted = compact(file)
    context.log.info("%.1f MB before, %.1f MB now", compacted.before / 1e6, compacted.after / 1e6)


@dg.job(name="compact", executor_def=dg.in_process_executor)
def compact_job() -> None:
    """Frees the space of deleted rows in the warehouse file. Syncs wait meanwhile."""
    _compact()


def maintenance_schedules(automation: Automation) -> list[dg.ScheduleDefinition]:
    """Prune every six hours; compact in the night from Sunday to Monday."""
    return [
        automation.schedule(
            "prune_runs_schedule",
            prune_runs_job,
            "37 3,9,15,21 * * *",
            "Deletes old runs from Dagster's history every six hours.",
        ),
        automation.schedule(
            "compact_schedule", compact_job, "13 2 * * 1", "Rewrites the warehouse file without free space every week."
        ),
    ]
