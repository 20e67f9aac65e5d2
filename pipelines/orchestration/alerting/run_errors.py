"""What failed in a run, in words that may leave the house: never a stack, a payload or the text of a surprise."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Final

import dagster as dg
from dagster._core.definitions.assets.job.asset_job import IMPLICIT_ASSET_JOB_NAME
from dagster._core.events import JobFailureData
from dagster._core.storage.tags import SCHEDULE_NAME_TAG, SENSOR_NAME_TAG
from dagster_shared.error import SerializableErrorInfo

from pipelines.text_format import one_line

REASON = 160
"""Characters of a reason, at most."""

_INTERRUPTED = "DagsterExecutionInterruptedError"
_VARYING = re.compile(r"\b[0-9a-f-]{16,}\b|(?<!\d)(\d{1,2}|\d{4,})(?!\d)")
"""What differs each time although the reason is the same: ids, counts, times, sequence numbers. A status does not."""

_Event = dg.DagsterEventType


RUNS_A_TICK = 25
"""Runs that are looked at in one go, at most."""

_ENDS: Final = (_Event.RUN_FAILURE, _Event.RUN_SUCCESS)


def ends(instance: dg.DagsterInstance, after: int) -> list[dg.EventLogRecord]:
    """The next events that tell of a run's failure or success, oldest first.

    Args:
        instance: where runs are kept.
        after: the storage id of the last one that is known.
    """
    found = [
        record
        for kind in _ENDS
        for record in instance.fetch_run_status_changes(
            dg.RunStatusChangeRecordsFilter(kind, after_storage_id=after), limit=RUNS_A_TICK, ascending=True
        ).records
    ]
    return sorted(found, key=lambda record: record.storage_id)[:RUNS_A_TICK]


def newest_end(instance: dg.DagsterInstance) -> int:
    """The storage id of the newest such event, 0 where there is none."""
    newest = (record for kind in _ENDS for record in instance.fetch_run_status_changes(kind, limit=1).records)
    return max((record.storage_id for record in newest), default=0)


def is_of(context: dg.SensorEvaluationContext, run: dg.DagsterRun) -> bool:
    """Whether the run is one of the sensor's own code location, which is how Dagster's run sensors look at it."""
    theirs, ours = run.remote_job_origin, context.code_location_origin
    location = theirs.repository_origin.code_location_origin.location_name if theirs else None
    return location == (ours.location_name if ours else None)


def failures_in(instance: dg.DagsterInstance, ended: dg.EventLogRecord, run: dg.DagsterRun) -> dict[str, str]:
    """Why each feed, or other step, of a failed run failed; the run itself where none did.

    Args:
        instance: where the run is kept.
        ended: the event that tells its failure.
        run: the run.
    """
    failed = {what: _reason_of_step(event) for what, event in _steps(instance, run.run_id, _Event.STEP_FAILURE)}
    return failed or {job_of(run): _reason_of_run(ended.event_log_entry.get_dagster_event())}


def successes_in(instance: dg.DagsterInstance, run: dg.DagsterRun) -> set[str]:
    """The feeds, and other steps, of a run that did what they are for; the run itself where all did.

    A feed that was skipped is observed and not materialized: it neither failed nor recovered.
    """
    done, seen, stored = (
        {what for what, _ in _steps(instance, run.run_id, kind)}
        for kind in (_Event.STEP_SUCCESS, _Event.ASSET_OBSERVATION, _Event.ASSET_MATERIALIZATION)
    )
    whole = {job_of(run)} if run.status is dg.DagsterRunStatus.SUCCESS else set()
    return (done - (seen - stored)) | whole


def job_of(run: dg.DagsterRun) -> str:
    """What a run is called: by its job, or by the person who asked for some assets in the UI."""
    return "assets by hand" if run.job_name == IMPLICIT_ASSET_JOB_NAME else f"job {run.job_name}"


def is_automatic(run: dg.DagsterRun) -> bool:
    """Whether a schedule or a sensor asked for it, so that nobody looks at how it ends."""
    return SCHEDULE_NAME_TAG in run.tags or SENSOR_NAME_TAG in run.tags


def fingerprint(reason: str) -> str:
    """The same for reasons that differ only in ids, counts and numbers; a few letters."""
    return hashlib.sha256(_VARYING.sub("#", reason).encode()).hexdigest()[:12]


def _steps(
    instance: dg.DagsterInstance, run_id: str, kind: dg.DagsterEventType
) -> Iterator[tuple[str, dg.DagsterEvent]]:
    for entry in instance.all_logs(run_id, of_type=kind):
        event = entry.get_dagster_event()
        if event.step_key is not None:
            yield event.step_key.replace("__", "."), event


def _reason_of_step(event: dg.DagsterEvent) -> str:
    failure = event.step_failure_data
    if failure.user_failure_data is not None:
        return one_line(failure.user_failure_data.description or "", REASON)
    return _surprise(failure.error)


def _reason_of_run(event: dg.DagsterEvent) -> str:
    """Dagster's own words, such as that the run did not start in time or that its process was killed."""
    failure = event.event_specific_data
    error = failure.error if isinstance(failure, JobFailureData) else None
    return one_line(event.message or "", REASON) if error is None else _surprise(error)


def _surprise(error: SerializableErrorInfo | None) -> str:
    """The kind of a fault of the program itself, for its text may hold anything."""
    while error is not None and error.cause is not None:
        error = error.cause
    kind = (error.cls_name if error else None) or "failure"
    return "stopped before its end" if kind == _INTERRUPTED else f"unexpected {kind}, see the run's log in Dagster"
