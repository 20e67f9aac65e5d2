"""A sync through Dagster without its servers: in this process, on the instance that the servers also use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from pipelines.catalogue.types import Source
from pipelines.orchestration.assets.keys import asset_key, op_name
from pipelines.orchestration.assets.metadata import outcomes_in
from pipelines.orchestration.assets.partitions import week_of
from pipelines.orchestration.automation.jobs import ops_config
from pipelines.orchestration.code_location import build_definitions, feeds_of
from pipelines.orchestration.dagster_private import SerializableErrorInfo, root_cause, was_interrupted
from pipelines.orchestration.instance.opening import open_instance, open_instance_apart
from pipelines.orchestration.resources import given_settings
from pipelines.sync.outcome import FeedOutcome

STORAGE = Path("data") / "dagster"  # the folder of Dagster's files, relative to the project's folder (`dagster.yaml`)


def sync_through_dagster(
    environment: Mapping[str, str], *, root: Path, full: bool = False, storage: Path | None = None
) -> list[FeedOutcome]:
    """Run the job that syncs every feed with these FLORIDAY_ variables, which Dagster does not store, and wait for it.

    ``root`` is the project's folder: it contains Dagster's files, and relative paths start there. ``storage`` is a
    folder for Dagster's files apart from the own history; None: they belong to the own history. Returns for each feed
    the outcome of each account, in the catalogue's order. For a feed that was not begun, one outcome without an account
    contains the error.

    Raises:
        SettingError: DAGSTER_HOME is set to something other than a folder.
        KeyboardInterrupt: the process received Ctrl-C or SIGTERM.
    """
    settings = given_settings(environment, root)
    feeds = feeds_of(settings)
    job = build_definitions(settings).resolve_job_def("full_sync" if full else "sync")
    opened = open_instance_apart(storage) if storage else open_instance(root, root / STORAGE, captures_output=False)
    with opened as instance:
        result = job.execute_in_process(
            _run_config(feeds, full=full), instance, partition_key=week_of(datetime.now(UTC)), raise_on_error=False
        )
    events = result.all_events
    if any(event.is_step_failure and was_interrupted(event.step_failure_data.error) for event in events):
        raise KeyboardInterrupt
    return [outcome for feed in feeds for outcome in list(_outcomes(feed, events)) or [_not_begun(feed, events)]]


def _run_config(sources: Sequence[Source], *, full: bool) -> dict[str, Any]:
    """Config without log lines on the terminal: the caller prints the outcomes."""
    config = ops_config(sources, full=True) if full else ops_config(sources, incremental=True)
    return {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}, **config}


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
    expected = failure.user_failure_data
    if expected is None:
        return [FeedOutcome("", source.name, error=_unexpected(failure.error))]
    return outcomes_in(source, expected.metadata) or [FeedOutcome("", source.name, error=expected.description)]


def _not_begun(source: Source, events: Sequence[dg.DagsterEvent]) -> FeedOutcome:
    errors = [event.job_failure_data.error for event in events if event.is_job_failure]
    return FeedOutcome("", source.name, error=_unexpected(errors[0] if errors else None))


def _unexpected(error: SerializableErrorInfo | None) -> str:
    """An unexpected error in one line; the run in Dagster contains all of it."""
    cause = root_cause(error)
    return f"unexpected: {cause.message.strip().splitlines()[0]}" if cause else "unexpected: the run ended early"
