"""A sync through Dagster without its servers: in this process, on the instance that they use too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_shared.error import SerializableErrorInfo

from pipelines.catalogue.types import Feed
from pipelines.orchestration.assets import asset_key, op_name
from pipelines.orchestration.code_location import build_definitions, feeds_of
from pipelines.orchestration.instance import open_instance
from pipelines.orchestration.metadata import outcomes_in
from pipelines.orchestration.resources import given_settings
from pipelines.outcome import FeedOutcome

STORAGE = Path("data") / "dagster"
"""Where Dagster keeps its things, from the project's folder (`dagster.yaml`)."""


def sync_through_dagster(environment: Mapping[str, str], *, root: Path, full: bool = False) -> list[FeedOutcome]:
    """Run the job that syncs every feed, and wait for it.

    Args:
        environment: the FLORIDAY_ variables; Dagster does not get to see them.
        root: the project's folder: Dagster's own files, and what relative paths count from.
        full: read everything that Floriday still serves.

    Returns:
        For each feed the outcome of each account, in the catalogue's order. What kept a feed from being begun is told
        as an outcome without an account.

    Raises:
        SettingError: DAGSTER_HOME is set to something else than a folder.
    """
    settings = given_settings(environment, root)
    feeds = feeds_of(settings)
    job = build_definitions(settings).resolve_job_def("full_sync" if full else "sync")
    with open_instance(root, root / STORAGE) as instance:
        result = job.execute_in_process(_run_config(feeds, full=full), instance, raise_on_error=False)
    return [
        outcome for feed in feeds for outcome in list(_outcomes(feed, result.all_events)) or [_untold(feed, result)]
    ]


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


def _metadata(event: dg.DagsterEvent) -> Mapping[str, dg.MetadataValue[Any]]:
    if event.is_asset_observation:
        return event.asset_observation_data.asset_observation.metadata
    return event.step_materialization_data.materialization.metadata


def _failed(feed: Feed, event: dg.DagsterEvent) -> list[FeedOutcome]:
    failure = event.step_failure_data
    told = failure.user_failure_data
    if told is None:
        return [FeedOutcome("", feed.name, error=_unexpected(failure.error))]
    return outcomes_in(feed, told.metadata) or [FeedOutcome("", feed.name, error=told.description)]


def _untold(feed: Feed, result: dg.ExecuteInProcessResult) -> FeedOutcome:
    """The run ended before it came to the feed."""
    errors = [event.job_failure_data.error for event in result.all_events if event.is_job_failure]
    return FeedOutcome("", feed.name, error=_unexpected(errors[0] if errors else None))


def _unexpected(error: SerializableErrorInfo | None) -> str:
    """What the program itself did wrong, in one line; the run in Dagster has all of it."""
    while error is not None and error.cause is not None:
        error = error.cause
    return f"unexpected: {error.message.strip().splitlines()[0]}" if error else "unexpected: the run ended early"
