"""The schedules of syncs and of the dashboard.

A scheduled run waits behind a sync in progress: in the queue behind runs of Dagster, in its first step behind a sync of
the command line. At most one run of each schedule waits, so that runs never pile up.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

import dagster as dg

from pipelines.catalogue.types import Source
from pipelines.errors import PipelineError
from pipelines.orchestration.assets.keys import asset_key
from pipelines.orchestration.assets.partitions import TIME_ZONE, week_of
from pipelines.orchestration.automation.jobs import ops_config
from pipelines.orchestration.automation.triggers import Automation, Evaluation, waiting_run
from pipelines.orchestration.cells import CellWeeks, tags_of
from pipelines.orchestration.dagster_private import AssetJob
from pipelines.orchestration.resources import SettingsResource
from pipelines.warehouse.opening import open_warehouse
from pipelines.warehouse.read.feed_status import feed_statuses

SMALL = 100_000  # most rows of a feed that is read whole every week: 100 pages, half a minute at the rate limit

_OPEN_TIMEOUT = 45.0  # seconds to wait while another process has the file open; Dagster allows a schedule one minute


def sync_schedules(
    automation: Automation, sync: AssetJob, full: AssetJob, sources: Sequence[Source], reports: Sequence[dg.AssetKey]
) -> list[dg.ScheduleDefinition]:
    """The hourly and daily syncs, each with the reports after it, and the weekly full sync of small feeds."""
    minute, frequent = automation.minute, [source for source in sources if source.tier in ("fast", "hourly")]
    return [
        _schedule(
            automation,
            sync,
            "hourly_sync",
            f"{minute} * * * *",
            "Reads the changes of the fast and hourly feeds every hour; then the reports.",
            request=lambda cell: run_request(frequent, reports, cell=cell, incremental=True),
        ),
        _schedule(
            automation,
            sync,
            "daily_sync",
            f"{(minute + 20) % 60} 5 * * *",
            "Reads the changes of every feed early in the morning; then the reports.",
            request=lambda cell: run_request(sources, reports, cell=cell, incremental=True),
        ),
        _schedule(
            automation,
            full,
            "weekly_full_sync",
            f"{(minute + 40) % 60} 3 * * 0",
            f"Reads the feeds of up to {SMALL:,} rows again from their beginning, every Sunday night.",
            request=lambda cell: _small_feeds(automation.settings.in_cell(cell), sources, cell),
        ),
    ]


def dashboard_schedule(automation: Automation, job: AssetJob) -> dg.ScheduleDefinition:
    """The dashboard, every morning after the daily sync. If that is still in progress, the run is queued."""
    cron = f"{(automation.minute + 30) % 60} 6 * * *"
    purpose = "Writes the dashboard every morning, also if a feed failed."
    return automation.schedule("daily_dashboard", job, cron, purpose)


def dashboard_mail_schedule(automation: Automation, job: AssetJob, dashboard: dg.AssetKey) -> dg.ScheduleDefinition:
    """The dashboard as a message on Monday; off until a person switches it on, for it shows all figures to others."""
    minute = (automation.minute + 45) % 60
    config = {"ops": {dashboard.to_python_identifier(): {"config": {"send": True}}}}
    return dg.ScheduleDefinition(
        name="monday_dashboard",
        job=job,
        cron_schedule=f"{minute} 7 * * 1",
        execution_timezone=TIME_ZONE,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        run_config=config,
        description="Sends the dashboard to the addresses of FLORIDAY_ALERTS every Monday. Off until you switch it on.",
    )


def _small_feeds(settings: SettingsResource, sources: Sequence[Source], cell: str | None) -> Evaluation:
    """A full sync of the feeds that need few calls; it repairs losses that nobody noticed."""
    rows = Counter[str]()
    warehouse = open_warehouse(settings.load_local().warehouse, lock_timeout=_OPEN_TIMEOUT)
    if warehouse.exists():
        with warehouse.reading() as connection:
            for status in feed_statuses(connection, sources):
                rows[status.source.name] += status.rows
    small = [source for source in sources if source.name in rows and rows[source.name] <= SMALL]
    return run_request(small, cell=cell, full=True) if small else dg.SkipReason("there is no feed for it yet")


def _schedule(
    automation: Automation,
    job: AssetJob,
    name: str,
    cron: str,
    description: str,
    *,
    request: Callable[[str | None], Evaluation],
) -> dg.ScheduleDefinition:
    """A schedule of one run, or of a run of each cell, which ``request`` returns for the name of the cell."""

    def of_cell(instance: dg.DagsterInstance, cell: str | None) -> Evaluation:
        if run_id := waiting_run(instance, name, cell):
            return dg.SkipReason(f"run {run_id[:8]} of this schedule still waits: one is enough")
        try:
            return request(cell)
        except PipelineError as error:
            return dg.SkipReason(str(error))

    def tick(context: dg.ScheduleEvaluationContext) -> Iterator[Evaluation]:
        found = [of_cell(context.instance, cell) for cell in automation.cells or (None,)]
        runs = [each for each in found if isinstance(each, dg.RunRequest)]
        at = context.scheduled_execution_time.isoformat()
        yield from (run_in_tick(run, at) for run in runs) if automation.cells and runs else found[:1]

    return automation.schedule(name, job, cron, description, tick)


def run_in_tick(run: dg.RunRequest, at: str) -> dg.RunRequest:
    """One of several runs that a schedule requests at a time: Dagster tells them apart by a key."""
    return run.with_replaced_attrs(run_key=f"{run.partition_key} {at}")


def run_request(
    sources: Sequence[Source],
    reports: Sequence[dg.AssetKey] = (),
    *,
    tags: Mapping[str, str] | None = None,
    cell: str | None = None,
    checks: Sequence[dg.AssetCheckKey] | None = None,
    **config: bool,
) -> dg.RunRequest:
    """A run of some feeds, then of the reports, for this week; it also marks earlier weeks that are complete.

    ``checks`` are those to evaluate, None for all; ``config`` has values of the fields of ``SyncConfig``.
    """
    return dg.RunRequest(
        tags={**(tags or {}), **tags_of(cell)},
        partition_key=CellWeeks(cell).key(week_of(dt.datetime.now(dt.UTC))),
        asset_selection=[*map(asset_key, sources), *reports],
        asset_check_keys=checks,
        run_config=ops_config(sources, **config),
    )
