"""When syncs start by themselves; feeds that changed in between are the sensor's (``changed_feeds``).

An automatic run is skipped while another sync is under way, so that runs never pile up.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import dagster as dg

from pipelines.catalogue.types import Source
from pipelines.errors import PipelineError
from pipelines.orchestration.assets.feeds import asset_key
from pipelines.orchestration.assets.partitions import TIME_ZONE, week_of
from pipelines.orchestration.automation.busy import under_way
from pipelines.orchestration.automation.jobs import ops_config
from pipelines.orchestration.automation.triggers import Automation
from pipelines.orchestration.dagster_private import AssetJob
from pipelines.orchestration.resources import SettingsResource
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.read.feed_status import feed_statuses

SMALL = 100_000
"""Rows of a feed that is read from its beginning every week: a hundred pages, half a minute at Floriday's limit."""

Choice = Callable[[], Sequence[Source]]
"""Which feeds a run is for, decided when it is due."""


def hourly_sync(
    automation: Automation, job: AssetJob, sources: Sequence[Source], reports: Sequence[dg.AssetKey]
) -> dg.ScheduleDefinition:
    """Every hour what changed in the feeds that are worth it, then the reports."""
    often = [source for source in sources if source.tier in ("fast", "hourly")]
    return _schedule(
        automation,
        job,
        name="hourly_sync",
        cron=f"{automation.minute} * * * *",
        description="What is new in the fast and hourly feeds, every hour; then the reports.",
        choose=lambda: often,
        reports=reports,
        incremental=True,
    )


def daily_sync(
    automation: Automation, job: AssetJob, sources: Sequence[Source], reports: Sequence[dg.AssetKey]
) -> dg.ScheduleDefinition:
    """Once a day what changed in all feeds, before people come to work, then the reports."""
    return _schedule(
        automation,
        job,
        name="daily_sync",
        cron=f"{(automation.minute + 20) % 60} 5 * * *",
        description="What is new in every feed, early in the morning; then the reports.",
        choose=lambda: sources,
        reports=reports,
        incremental=True,
    )


def daily_dashboard(automation: Automation, job: AssetJob) -> dg.ScheduleDefinition:
    """Once a day the dashboard, after the daily sync: its run waits where that is still under way."""
    return dg.ScheduleDefinition(
        name="daily_dashboard",
        job=job,
        cron_schedule=f"{(automation.minute + 30) % 60} 6 * * *",
        execution_timezone=TIME_ZONE,
        default_status=automation.schedule_status,
        description=(
            "The dashboard, every morning, also when a feed failed. FLORIDAY_AUTOMATION says whether it runs by itself."
        ),
    )


def weekly_full_sync(automation: Automation, job: AssetJob, sources: Sequence[Source]) -> dg.ScheduleDefinition:
    """Once a week everything that Floriday still serves of the small feeds: the insurance against what nobody saw."""
    return _schedule(
        automation,
        job,
        name="weekly_full_sync",
        cron=f"{(automation.minute + 40) % 60} 3 * * 0",
        description=f"Reads the feeds of up to {SMALL:,} rows once more from their beginning, every Sunday night.",
        choose=lambda: _small(automation.settings, sources),
        reports=(),
        full=True,
    )


def _small(settings: SettingsResource, sources: Sequence[Source]) -> list[Source]:
    """The feeds that few calls read whole; none while there is no warehouse."""
    warehouse = Warehouse(settings.load_local().warehouse)
    if not warehouse.exists():
        return []
    with warehouse.reading() as connection:
        rows: dict[str, int] = {}
        for standing in feed_statuses(connection, sources):
            rows[standing.source.name] = rows.get(standing.source.name, 0) + standing.rows
    return [source for source in sources if source.name in rows and rows[source.name] <= SMALL]


def _schedule(
    automation: Automation,
    job: AssetJob,
    *,
    name: str,
    cron: str,
    description: str,
    choose: Choice,
    reports: Sequence[dg.AssetKey],
    **asked: bool,
) -> dg.ScheduleDefinition:
    @dg.schedule(
        cron_schedule=cron,
        job=job,
        name=name,
        description=f"{description} FLORIDAY_AUTOMATION says whether it runs by itself.",
        execution_timezone=TIME_ZONE,
        default_status=automation.schedule_status,
    )
    def due(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if busy := under_way(context.instance, automation.settings):
            return dg.SkipReason(f"{busy}: it is left to the next time")
        try:
            chosen = choose()
        except PipelineError as error:
            return dg.SkipReason(str(error))
        if not chosen:
            return dg.SkipReason("there is no feed for it yet")
        return run_of(chosen, reports, **asked)

    return due


def run_of(
    sources: Sequence[Source], reports: Sequence[dg.AssetKey] = (), *, checked: bool = True, **asked: bool
) -> dg.RunRequest:
    """A run of some feeds for this week; it marks the weeks before where they are complete too.

    Args:
        sources: the feeds and snapshots.
        reports: assets that are computed after them.
        checked: whether their checks are evaluated.
        asked: fields of ``SyncConfig``.
    """
    return dg.RunRequest(
        asset_check_keys=None if checked else [],
        partition_key=week_of(dt.datetime.now(dt.UTC)),
        asset_selection=[*map(asset_key, sources), *reports],
        run_config=ops_config(sources, **asked),
    )
