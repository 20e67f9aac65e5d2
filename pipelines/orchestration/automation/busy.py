"""Whether a sync is in progress: automatic runs are skipped then, runs that a person starts are queued."""

from __future__ import annotations

import dagster as dg

from pipelines.errors import PipelineError
from pipelines.orchestration.resources import SettingsResource
from pipelines.warehouse.file.sync_lock import lock_holder

IN_FLIGHT = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
"""Runs of any job count: a run that a person starts in the UI may belong to no job of this project."""

HARMLESS = "prune_runs"  # the job that does not use the warehouse


def sync_in_progress(instance: dg.DagsterInstance, settings: SettingsResource) -> str | None:
    """A run that has not ended, or a sync outside of Dagster, as the beginning of a sentence; None if there is none."""
    for record in instance.get_run_records(dg.RunsFilter(statuses=IN_FLIGHT), limit=10):
        run = record.dagster_run
        if run.job_name != HARMLESS:
            return f"run {run.run_id[:8]} is {run.status.value}"
    try:
        held = lock_holder(settings.load_local().warehouse)
    except PipelineError:
        return None
    return f"{held} is in progress" if held else None
