"""A sync through Dagster without its servers: in this process, on the instance that they use too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from pipelines.catalogue.types import Feed
from pipelines.orchestration.assets import asset_key, op_name
from pipelines.orchestration.code_location import build_definitions, feeds_of
from pipelines.orchestration.instance import open_instance
from pipelines.orchestration.metadata import outcomes_in
from pipelines.orchestration.resources import SettingsResource
from pipelines.sync import FeedOutcome

STORAGE = Path("data") / "dagster"
"""Where Dagster keeps its things, from the project's folder (`dagster.yaml`)."""


def sync_through_dagster(environment: Mapping[str, str], *, root: Path, full: bool = False) -> list[FeedOutcome]:
    """Run the job that syncs every feed, and wait for it.

    Args:
        environment: the FLORIDAY_ variables; Dagster does not get to see them.
        root: the project's folder, for a `.env` file and Dagster's own.
        full: read everything that Floriday still serves.

    Returns:
        For each feed the outcome of each account, in the catalogue's order. What kept a feed from being begun is told
        as an outcome without an account.

    Raises:
        SettingError: DAGSTER_HOME is set to something else than a folder.
    """

    class GivenSettings(SettingsResource):
        """The settings that the caller hands in."""

        def environ(self) -> Mapping[str, str]:
            return environment

        def directory(self) -> Path:
            return root

    settings = GivenSettings()
    feeds = feeds_of(settings)
    job = build_definitions(settings).resolve_job_def("full_sync" if full else "sync")
    with open_instance(root, root / STORAGE) as instance:
        result = job.execute_in_process(_run_config(feeds, full=full), instance, raise_on_error=False)
    return [outcome for feed in feeds for outcome in _outcomes(feed, result.all_events)]


def _run_config(feeds: Sequence[Feed], *, full: bool) -> dict[str, Any]:
    """Nothing on the terminal: who asked for the outcomes prints them."""
    return {
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        "ops": {op_name(feed): {"config": {"full": full}} for feed in feeds},
    }


def _outcomes(feed: Feed, events: Sequence[dg.DagsterEvent]) -> Iterator[FeedOutcome]:
    for event in events:
        if event.asset_key == asset_key(feed) and (event.is_step_materialization or event.is_asset_observation):
            yield from outcomes_in(feed, _metadata(event))
        elif event.is_step_failure and event.step_key == op_name(feed):
            yield from _failed(feed, event)


def _failed(feed: Feed, event: dg.DagsterEvent) -> list[FeedOutcome]:
    failure = event.step_failure_data
    told = failure.user_failure_data
    if told is None:
        problem = failure.error and (failure.error.cause or failure.error)
        reason = problem.message.strip().splitlines()[0] if problem and problem.message else "the run ended before it"
        return [FeedOutcome("", feed.name, error=f"unexpected: {reason}")]
    return outcomes_in(feed, told.metadata) or [FeedOutcome("", feed.name, error=told.description)]


def _metadata(event: dg.DagsterEvent) -> Mapping[str, dg.MetadataValue[Any]]:
    if event.is_asset_observation:
        return event.asset_observation_data.asset_observation.metadata
    return event.step_materialization_data.materialization.metadata
