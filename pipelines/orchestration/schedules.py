"""When syncs start by themselves."""

from __future__ import annotations

import dagster as dg

from pipelines.orchestration.jobs import Job

TIME_ZONE = "Europe/Amsterdam"
"""Where the trade's days and weeks begin."""


def hourly_sync(job: Job, *, automation: bool) -> dg.ScheduleDefinition:
    """Sync every hour.

    Args:
        job: what is started.
        automation: whether it runs without being switched on in the UI first.
    """
    running, stopped = dg.DefaultScheduleStatus.RUNNING, dg.DefaultScheduleStatus.STOPPED
    return dg.ScheduleDefinition(
        name="hourly_sync",
        job=job,
        cron_schedule="0 * * * *",
        execution_timezone=TIME_ZONE,
        default_status=running if automation else stopped,
        description="Every feed, on the hour. FLORIDAY_AUTOMATION says whether it runs by itself.",
    )
