"""A sync through Dagster without its servers: in this process, on the instance that they use too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_shared.error import SerializableErrorInfo

from pipelines.catalogue.types import Source
from pipelines.orchestration.assets.feeds import asset_key, op_name
from pipelines.orchestration.assets.metadata import outcomes_in
from pipelines.orchestration.assets.partitions import week_of
from pipelines.orchestration.automation.jobs import ops_config
from pipelines.orchestration.code_location import build_definitions, feeds_of
from pipelines.orchestration.instance.opening import open_instance
from pipelines.orchestration.resources import given_settings
from pipelines.sync.outcome import FeedOutcome

_INTERRUPTED = "DagsterExecutionInterruptedError"

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
        KeyboardInterrupt: the process was told to stop.
    """
    settings = given_settings(environment, root)
    feeds = feeds_of(settings)
    job = build_definitions(settings).resolve_job_def("full_sync" if full else "sync")
    with open_instance(root, root / STORAGE, captures_output=False) as instance:
        result = job.execute_in_process(
            _run_config(feeds, full=full), instance, partition_key=week_of(datetime.now(UTC)), raise_on_error=False
        )
    if any(_was_interrupted(event) for event in result.all_events):
        raise KeyboardInterrupt
    return [
        outcome for feed in feeds for outcome in list(_outcomes(feed, result.all_events)) or [_untold(feed, result)]
    ]


def _was_interrupted(event: dg.DagsterEvent) -> bool:
    """Dagster takes Ctrl-C and SIGTERM for itself, and tells of them as a failure."""
    failure = event.step_failure_data if event.is_step_failure else None
    return failure is not None and failure.error is not None and failure.error.cls_name == _INTERRUPTED


def _run_config(sources: Sequence[Source], *, full: bool) -> dict[str, Any]:
    """Nothing on the terminal: who asked for the outcomes prints them."""
    asked = ops_config(sources, full=True) if full else ops_config(sources, incremental=True)
    return {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}, **asked}


def _outcomes(source: Source, events: Sequence[dg.DagsterEvent]) -> Iterator[FeedOutcome]:
    for event in events:
        if event.asset_key == asset_key(source) and (event.is_step_materialization or event.is_asset_observation):
            yield from outcomes_in(source, _metadata(event))
        elif event.is_step_failure and event.step_key == op_name(source):
            yield from _failed(source, event)


def _metadata(event: dg.DagsterEvent) -> Mapping[str, dg.MetadataValue[Any]]:
    if event.is_asset_observation:
        return event.asset_observation_data.asset_observation.metadata
    return event.step_materialization_data.materialization.metadata


def _failed(source: Source, event: dg.DagsterEvent) -> list[FeedOutcome]:
    failure = event.step_failure_data
    told = failure.user_failure_data
    if told is None:
        return [FeedOutcome("", source.name, error=_unexpected(failure.error))]
    return outcomes_in(source, told.metadata) or [FeedOutcome("", source.name, error=told.description)]


def _untold(source: Source, result: dg.ExecuteInProcessResult) -> FeedOutcome:
    """The run ended before it came to the feed."""
    errors = [event.job_failure_data.error for event in result.all_events if event.is_job_failure]
    return FeedOutcome("", source.name, error=_unexpected(errors[0] if errors else None))


def _unexpected(error: SerializableErrorInfo | None) -> str:
    """What the program itself did wrong, in one line; the run in Dagster has all of it."""
    while error is not None and error.cause is not None:
        error = error.cause
    return f"unexpected: {error.message.strip().splitlines()[0]}" if error else "unexpected: the run ended early"
