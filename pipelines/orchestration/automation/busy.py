"""Whether a sync is under way: automatic runs skip then, those that a person starts wait for their turn."""

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
"""A run of any job counts: what a person launches from the UI goes by the name of no job of ours."""

HARMLESS = "prune_runs"
"""The job that touches no warehouse."""


def under_way(instance: dg.DagsterInstance, settings: SettingsResource) -> str | None:
    """What is under way, in words: a run that has not ended, or a sync that was started elsewhere; None for nothing."""
    for record in instance.get_run_records(dg.RunsFilter(statuses=IN_FLIGHT), limit=10):
        run = record.dagster_run
        if run.job_name != HARMLESS:
            return f"run {run.run_id[:8]} is {run.status.value}"
    try:
        held = lock_holder(settings.load_local().warehouse)
    except PipelineError:
        return None
    return f"{held} is under way" if held else None
