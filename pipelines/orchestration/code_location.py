"""Everything that Dagster loads, put together from the catalogue."""

from __future__ import annotations

import warnings

import dagster as dg

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.types import Source
from pipelines.errors import PipelineError, SettingError
from pipelines.orchestration.assets import feed_asset
from pipelines.orchestration.jobs import full_sync_job, sync_job
from pipelines.orchestration.resources import FloridaySession, SettingsResource, WarehouseResource
from pipelines.orchestration.schedules import hourly_sync
from pipelines.pipeline import chosen_sources


def build_definitions(settings: SettingsResource) -> dg.Definitions:
    """Assets, jobs, schedules and resources.

    Nothing needs to be set: without FLORIDAY_BASE_URL the feeds are those of the suppliers' API. A malformed setting
    does not keep Dagster from loading either; the run says what is wrong with it.

    Args:
        settings: where runs get their settings.
    """
    feeds = feeds_of(settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        sync = sync_job(feeds)
        return dg.Definitions(
            assets=[feed_asset(feed) for feed in feeds],
            jobs=[sync, full_sync_job(feeds)],
            schedules=[hourly_sync(sync, automation=_automation(settings))],
            resources={
                "settings": settings,
                "session": FloridaySession(settings=settings),
                "warehouse": WarehouseResource(settings=settings),
            },
            executor=dg.in_process_executor,
        )


def feeds_of(settings: SettingsResource) -> tuple[Source, ...]:
    """The feeds and snapshots that the settings choose; the suppliers' where they choose none or are malformed."""
    try:
        local = settings.load_local()
        return chosen_sources(local, catalogue_of(local.api))
    except PipelineError:
        return catalogue_of("suppliers").sources


def _automation(settings: SettingsResource) -> bool:
    try:
        return bool(settings.load_local().automation)
    except SettingError:
        return False
