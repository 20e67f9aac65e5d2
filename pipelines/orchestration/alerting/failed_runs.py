"""Alerts for runs that failed, and for what works again."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass
from functools import partial

import dagster as dg
import msgspec

from pipelines.orchestration.alerting import messages, run_errors
from pipelines.orchestration.alerting.sender import AlertSender, cursor_text, read_cursor
from pipelines.orchestration.resources import SettingsResource

SECONDS_A_TICK = 20.0  # no further run is begun later; Dagster allows a minute, and a run's two alerts take up to 30 s
NEWS = dt.timedelta(days=1)  # older ends of runs are ignored: alerts were off at that time, or Dagster was down
REASONS = 8  # most reasons that are sent while something goes on failing


class OngoingFailure(msgspec.Struct, frozen=True):
    """A step, or a job, that fails until a run of it succeeds; ``sent`` has the fingerprints of reported reasons."""

    since: float  # the first failure, in seconds since 1970
    sent: tuple[str, ...] = msgspec.field(default=(), name="told")  # the name in stored cursors

    def is_news(self, reason: str) -> bool:
        """Whether an alert is due: the reason is new, and there were not too many."""
        return len(self.sent) < REASONS and run_errors.fingerprint(reason) not in self.sent

    def after(self, reason: str) -> OngoingFailure:
        """The same, with a reason added as sent."""
        if not self.is_news(reason):
            return self
        return OngoingFailure(self.since, (*self.sent, run_errors.fingerprint(reason)))


class Cursor(msgspec.Struct):
    """The storage id of the last ended run that was examined, and what fails at the moment, by step or job."""

    after: int
    failing: dict[str, OngoingFailure] = msgspec.field(default_factory=dict)


def send_run_alerts(context: dg.SensorEvaluationContext, settings: SettingsResource, sender: AlertSender) -> None:
    """Send alerts for the runs that ended since the last tick, in the order in which they ended.

    It stops when an alert cannot be sent or the time is up; the next tick goes on there.
    """
    cursor = read_cursor(context.cursor, Cursor)
    if cursor is None:
        cursor = Cursor(run_errors.newest_end(context.instance))
        sender.report.append("watching runs from now on")
    alerts = _RunAlerts(context, settings, sender, cursor.failing)
    deadline = time.monotonic() + SECONDS_A_TICK
    for end in run_errors.ends(context.instance, cursor.after):
        if time.monotonic() > deadline or not alerts.send(end):
            break
        cursor.after = end.storage_id
    context.update_cursor(cursor_text(cursor))


@dataclass(frozen=True)
class _RunAlerts:
    """The alerts of one tick; ``failing`` is kept up to date."""

    context: dg.SensorEvaluationContext
    settings: SettingsResource
    sender: AlertSender
    failing: dict[str, OngoingFailure]

    def send(self, end: dg.EventLogRecord) -> bool:
        """Send what is due for an ended run; False if the next tick has to try again."""
        run = self.context.instance.get_run_by_id(end.run_id)
        is_old = _time_of(end.timestamp) < dt.datetime.now(dt.UTC) - NEWS
        if run is None or is_old or not run_errors.is_of(self.context, run):
            return True
        return self._send_recovery(run) and self._send_failure(end, run)

    def _send_recovery(self, run: dg.DagsterRun) -> bool:
        succeeded = run_errors.successes_in(self.context.instance, run) if self.failing else set()
        since = {name: _time_of(failure.since) for name, failure in self.failing.items() if name in succeeded}
        if since and not self.sender.send(messages.recovered(since, self._link(run))):
            return False
        for name in since:
            del self.failing[name]
        return True

    def _send_failure(self, end: dg.EventLogRecord, run: dg.DagsterRun) -> bool:
        if run.status is not dg.DagsterRunStatus.FAILURE:
            return True
        reasons = run_errors.failures_in(self.context.instance, end, run)
        failures = {name: self.failing.get(name, OngoingFailure(end.timestamp)) for name in reasons}
        is_news = any(failures[name].is_news(reason) for name, reason in reasons.items())
        head = f"Run {run.run_id} ({run_errors.job_of(run)}) failed"
        alert = messages.failed(reasons, head, _time_of(end.timestamp), self._link(run))
        if (is_news or not run_errors.is_automatic(run)) and not self.sender.send(alert):
            return False
        self.failing.update({name: failures[name].after(reason) for name, reason in reasons.items()})
        return True

    def _link(self, run: dg.DagsterRun) -> str:
        return messages.where_to_look(self.settings.environ(), run.run_id)


_time_of = partial(dt.datetime.fromtimestamp, tz=dt.UTC)  # the time of a number of seconds since 1970
