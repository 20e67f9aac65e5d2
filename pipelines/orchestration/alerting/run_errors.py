"""The reasons why a run failed, in words that may be sent to others: no stack, payload or text of unexpected errors."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Final

import dagster as dg

from pipelines.orchestration.assets.keys import feed_of_step
from pipelines.orchestration.dagster_private import (
    IMPLICIT_ASSET_JOB_NAME,
    SCHEDULE_NAME_TAG,
    SENSOR_NAME_TAG,
    SerializableErrorInfo,
    root_cause,
    run_error,
    run_events,
    was_interrupted,
)
from pipelines.text_format import one_line

LONGEST_REASON = 160  # most characters of a reason
RUNS_A_TICK = 25  # most runs that one tick examines
_VARYING = re.compile(r"\b[0-9a-f-]{16,}\b|(?<!\d)(\d{1,2}|\d{4,})(?!\d)")
"""What differs each time although the reason is the same: ids, counts, times, sequence numbers; not HTTP statuses."""

_Event = dg.DagsterEventType
_ENDS: Final = (_Event.RUN_FAILURE, _Event.RUN_SUCCESS)


def ends(instance: dg.DagsterInstance, after: int) -> list[dg.EventLogRecord]:
    """The next events of runs that failed or succeeded, after one with this storage id, oldest first."""
    found = [
        record
        for kind in _ENDS
        for record in instance.fetch_run_status_changes(
            dg.RunStatusChangeRecordsFilter(kind, after_storage_id=after), limit=RUNS_A_TICK, ascending=True
        ).records
    ]
    return sorted(found, key=lambda record: record.storage_id)[:RUNS_A_TICK]


def newest_end(instance: dg.DagsterInstance) -> int:
    """The storage id of the newest such event, 0 if there is none."""
    newest = (record for kind in _ENDS for record in instance.fetch_run_status_changes(kind, limit=1).records)
    return max((record.storage_id for record in newest), default=0)


def is_of(context: dg.SensorEvaluationContext, run: dg.DagsterRun) -> bool:
    """Whether the run belongs to the sensor's code location; Dagster's own run sensors check the same."""
    theirs, ours = run.remote_job_origin, context.code_location_origin
    location = theirs.repository_origin.code_location_origin.location_name if theirs else None
    return location == (ours.location_name if ours else None)


def failures_in(instance: dg.DagsterInstance, ended: dg.EventLogRecord, run: dg.DagsterRun) -> dict[str, str]:
    """The reason of each feed, or other step, that failed in a run; the reason of the run's end if none did."""
    failed = {name: _reason_of_step(event) for name, event in _steps(instance, run.run_id, _Event.STEP_FAILURE)}
    return failed or {job_of(run): _reason_of_run(ended.event_log_entry.get_dagster_event())}


def successes_in(instance: dg.DagsterInstance, run: dg.DagsterRun) -> set[str]:
    """The feeds, and other steps, of a run that succeeded, and the run itself if all did.

    A feed that was skipped has an observation and no materialization: it neither failed nor recovered.
    """
    succeeded, observed, materialized = (
        {name for name, _ in _steps(instance, run.run_id, kind)}
        for kind in (_Event.STEP_SUCCESS, _Event.ASSET_OBSERVATION, _Event.ASSET_MATERIALIZATION)
    )
    whole = {job_of(run)} if run.status is dg.DagsterRunStatus.SUCCESS else set()
    return (succeeded - (observed - materialized)) | whole


def job_of(run: dg.DagsterRun) -> str:
    """The run's job; a run of assets that a person chose in the UI has none."""
    return "assets by hand" if run.job_name == IMPLICIT_ASSET_JOB_NAME else f"job {run.job_name}"


def is_automatic(run: dg.DagsterRun) -> bool:
    """Whether a schedule or a sensor started the run, so that no person watches it."""
    return SCHEDULE_NAME_TAG in run.tags or SENSOR_NAME_TAG in run.tags


def fingerprint(reason: str) -> str:
    """A short hash that is the same for reasons that differ only in ids, counts and numbers."""
    return hashlib.sha256(_VARYING.sub("#", reason).encode()).hexdigest()[:12]


def _steps(instance: dg.DagsterInstance, run_id: str, kind: _Event) -> Iterator[tuple[str, dg.DagsterEvent]]:
    for entry in run_events(instance, run_id, kind):
        event = entry.get_dagster_event()
        if event.step_key is not None:
            yield feed_of_step(event.step_key), event


def _reason_of_step(event: dg.DagsterEvent) -> str:
    failure = event.step_failure_data
    if failure.user_failure_data is not None:
        return one_line(failure.user_failure_data.description or "", LONGEST_REASON)
    return _unexpected(failure.error)


def _reason_of_run(event: dg.DagsterEvent) -> str:
    error = run_error(event)
    return one_line(event.message or "", LONGEST_REASON) if error is None else _unexpected(error)


def _unexpected(error: SerializableErrorInfo | None) -> str:
    """The class of an unexpected error alone; its message may contain anything."""
    cause = root_cause(error)
    if was_interrupted(cause):
        return "stopped before its end"
    return f"unexpected {(cause.cls_name if cause else None) or 'failure'}, see the run's log in Dagster"
