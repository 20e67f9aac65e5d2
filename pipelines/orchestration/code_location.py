"""Everything that Dagster loads, assembled from the catalogue."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Sequence

import dagster as dg

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.relations import relations
from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import Source
from pipelines.errors import PipelineError
from pipelines.orchestration.alerting.sensors import alert_on_failure, alert_on_staleness
from pipelines.orchestration.assets.feeds import feed_asset
from pipelines.orchestration.assets.reports import DASHBOARD, dashboard_asset, report_assets
from pipelines.orchestration.automation.changed_feeds import changed_feeds
from pipelines.orchestration.automation.external_syncs import external_syncs_sensor
from pipelines.orchestration.automation.jobs import dashboard_job, full_sync_job, sync_job
from pipelines.orchestration.automation.reports_sensor import reports_sensor
from pipelines.orchestration.automation.reread_days import reread_days_job
from pipelines.orchestration.automation.schedules import dashboard_mail_schedule, dashboard_schedule, sync_schedules
from pipelines.orchestration.automation.triggers import Automation
from pipelines.orchestration.cells import cells_of
from pipelines.orchestration.maintenance.jobs import (
    compact_cells_job,
    compact_job,
    maintenance_schedules,
    prune_runs_job,
)
from pipelines.orchestration.resources import FloridaySession, SettingsResource, WarehouseResource
from pipelines.settings import LocalSettings, load_local_settings
from pipelines.sync.selection import chosen_sources


def build_definitions(settings: SettingsResource) -> dg.Definitions:
    """Assets, jobs, schedules, sensors and resources; without FLORIDAY_BASE_URL, those of the Suppliers API.

    Dagster also loads with a malformed setting; a run then fails with the error.
    """
    local = _local(settings)
    sources, start, cells = feeds_of(settings), local.history_start, cells_of(local)
    automation = Automation(settings, bool(local.automation), cells)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        warnings.simplefilter("ignore", dg.PreviewWarning)  # partitions of checks
        reports = report_assets(sources, api=local.api)
        keys = [report.key for report in reports]
        after = [] if cells else keys  # the reports of a sync: those of several cells read all of them
        sync, full_sync, dashboard = sync_job(sources, after), full_sync_job(sources), dashboard_job(DASHBOARD)
        compact = compact_cells_job(cells) if cells else compact_job
        return dg.Definitions(
            assets=[*_feed_assets(sources, start, cells), *reports, dashboard_asset(keys)],
            jobs=[sync, full_sync, dashboard, reread_days_job(sources, cells), prune_runs_job, compact],
            schedules=[
                *sync_schedules(automation, sync, full_sync, sources, after),
                dashboard_schedule(automation, dashboard),
                dashboard_mail_schedule(automation, dashboard, DASHBOARD),
                *maintenance_schedules(automation, compact),
            ],
            sensors=[
                *(changed_feeds(automation, sync, sources, after, cell) for cell in cells or (None,)),
                *(external_syncs_sensor(automation, sources, start, cell) for cell in cells or (None,)),
                reports_sensor(automation, dg.AssetSelection.assets(*keys, DASHBOARD)),
                alert_on_failure(settings),
                alert_on_staleness(settings),
            ],
            resources={
                "settings": settings,
                "session": FloridaySession(settings=settings),
                "warehouse": WarehouseResource(settings=settings),
            },
            executor=dg.in_process_executor,
        )


def _feed_assets(sources: Sequence[Source], start: dt.date, cells: Sequence[str]) -> list[dg.AssetsDefinition]:
    joins = relations(table for source in sources for table in tables_of(source).walk())
    return [feed_asset(source, start, joins, cells) for source in sources]


def feeds_of(settings: SettingsResource) -> tuple[Source, ...]:
    """The feeds and snapshots that the settings choose; all of the Suppliers API if they are malformed."""
    try:
        local = settings.load_local()
        return chosen_sources(local, catalogue_of(local.api, local.version))
    except PipelineError:
        return catalogue_of("suppliers").sources


def _local(settings: SettingsResource) -> LocalSettings:
    """The settings that need no credentials; the default values if one of them is malformed."""
    try:
        return settings.load_local()
    except PipelineError:
        return load_local_settings({}, settings.directory(), dotenv=False)
