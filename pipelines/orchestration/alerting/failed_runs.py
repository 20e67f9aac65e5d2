"""Runs that failed, and what works again: which of it is news."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass
from functools import partial

import dagster as dg
import msgspec

from pipelines.orchestration.alerting import messages, run_errors
from pipelines.orchestration.alerting.sent_alerts import Teller, read_cursor, written
from pipelines.orchestration.resources import SettingsResource

SECONDS_A_TICK = 20.0
"""No further run is begun after these; Dagster gives a tick a minute, and a run's two alerts take 30 s at most."""

NEWS = dt.timedelta(days=1)
"""Runs that ended longer ago are passed over: nobody was listening then, or Dagster was down."""

REASONS = 8
"""Reasons that are told while something goes on failing, at most."""


class Episode(msgspec.Struct, frozen=True):
    """Since when something fails, in seconds since 1970, and the fingerprints of the reasons that were told."""

    since: float
    told: tuple[str, ...] = ()

    def tells(self, reason: str) -> bool:
        """Whether the reason is new, and not one too many."""
        return len(self.told) < REASONS and run_errors.fingerprint(reason) not in self.told

    def after(self, reason: str) -> Episode:
        """The same, once the reason was told."""
        return Episode(self.since, (*self.told, run_errors.fingerprint(reason))) if self.tells(reason) else self


class Cursor(msgspec.Struct):
    """The last end of a run that is done with, and what fails."""

    after: int
    failing: dict[str, Episode] = msgspec.field(default_factory=dict)


@dataclass
class Failures:
    """One look at the runs that ended since the last one.

    Args:
        context: of the tick.
        settings: their environment may tell where the UI is.
        teller: whom to tell by.
    """

    context: dg.SensorEvaluationContext
    settings: SettingsResource
    teller: Teller

    def tell(self) -> None:
        """Tell of the runs in the order in which they ended, for as long as somebody takes it and there is time."""
        cursor = read_cursor(self.context.cursor, Cursor)
        if cursor is None:
            cursor = Cursor(run_errors.newest_end(self.context.instance))
            self.teller.said.append("listening from now on")
        ends = time.monotonic() + SECONDS_A_TICK
        for end in run_errors.ends(self.context.instance, cursor.after):
            if time.monotonic() > ends or not self._is_done(end, cursor.failing):
                break
            cursor.after = end.storage_id
        self.context.update_cursor(written(cursor))

    def _is_done(self, end: dg.EventLogRecord, failing: dict[str, Episode]) -> bool:
        """Tell what there is to tell of a run that ended, and keep what fails up to date; False: try again later."""
        run = self.context.instance.get_run_by_id(end.run_id)
        if (
            run is None
            or not run_errors.is_of(self.context, run)
            or _when(end.timestamp) < dt.datetime.now(dt.UTC) - NEWS
        ):
            return True
        return self._tell_recovery(run, failing) and self._tell_failure(end, run, failing)

    def _tell_recovery(self, run: dg.DagsterRun, failing: dict[str, Episode]) -> bool:
        done = run_errors.successes_in(self.context.instance, run) if failing else set()
        since = {what: _when(episode.since) for what, episode in failing.items() if what in done}
        if since and not self.teller.tell(messages.recovered(since, self._look(run))):
            return False
        for what in since:
            del failing[what]
        return True

    def _tell_failure(self, end: dg.EventLogRecord, run: dg.DagsterRun, failing: dict[str, Episode]) -> bool:
        if run.status is not dg.DagsterRunStatus.FAILURE:
            return True
        reasons = run_errors.failures_in(self.context.instance, end, run)
        episodes = {what: failing.get(what, Episode(end.timestamp)) for what in reasons}
        is_news = not run_errors.is_automatic(run) or any(
            episodes[what].tells(reason) for what, reason in reasons.items()
        )
        head = f"Run {run.run_id} ({run_errors.job_of(run)}) failed"
        if is_news and not self.teller.tell(messages.failed(reasons, head, _when(end.timestamp), self._look(run))):
            return False
        failing.update({what: episodes[what].after(reason) for what, reason in reasons.items()})
        return True

    def _look(self, run: dg.DagsterRun) -> str:
        return messages.where_to_look(self.settings.environ(), run.run_id)


_when = partial(dt.datetime.fromtimestamp, tz=dt.UTC)
"""The moment of seconds since 1970."""
