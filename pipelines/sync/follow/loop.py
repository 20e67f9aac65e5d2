"""The resident sync: a round in each interval, a whole one each hour, and what happens after errors.

The loop knows neither Floriday nor the warehouse (``rounds`` does), and prints nothing (``report`` does).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn, Protocol

from pipelines.errors import (
    FatalError,
    NewerWarehouseError,
    PipelineError,
    SettingError,
    UsageError,
    WarehouseBusyError,
)
from pipelines.floriday.http.retry import Clock
from pipelines.sync.follow.backoff import doubled
from pipelines.sync.follow.rounds import WHOLE, Round
from pipelines.sync.follow.troubles import Troubles


class Work(Protocol):
    """What the loop does: see :class:`Rounds`."""

    def whole(self, ready: Callable[[], None]) -> Round:
        """Sync all feeds."""

    def moved(self) -> Round:
        """Sync the feeds that moved."""


class Report(Protocol):
    """What the loop reports."""

    def ready(self) -> None:
        """The settings are usable; may be called again."""

    def began(self) -> None:
        """A round begins."""

    def finished(self, done: Round) -> None:
        """A round is done."""

    def failed(self, line: str) -> None:
        """Something fails; it is not repeated before it works again."""

    def recovered(self, line: str) -> None:
        """Something works again."""

    def waiting(self, seconds: float) -> None:
        """The next round begins after so many seconds."""


@dataclass(frozen=True)
class Pace:
    """Seconds between rounds.

    Args:
        every: from the beginning of a round to that of the next.
        whole: from one sync of all feeds to the next; for snapshots, and feeds that have no maximum.
        longest: most seconds between two attempts while all rounds fail, unless ``every`` is longer.
    """

    every: float = 30.0
    whole: float = 3600.0
    longest: float = 300.0


def follow(work: Work, pace: Pace, clock: Clock, report: Report, publish: Callable[[Round], None]) -> NoReturn:
    """Sync all feeds, then those that move, until an exception such as that of a signal ends it.

    Rounds are counted by the monotonic clock, so a change of the time or a suspended machine only delays the next one.

    Args:
        work: does one round at a time.
        pace: seconds between two rounds.
        clock: measures the time and waits.
        report: is called before, during and after each round.
        publish: renews the published copy after a round, if that is due; its PipelineErrors count as failures.

    Raises:
        PipelineError: an error that no later round would not meet: a wrong setting, wrong credentials at the start, a
            warehouse that a newer version has written.
    """
    troubles, plan = Troubles(), _Plan(pace, clock.now())
    while True:
        began = clock.now()
        report.began()
        try:
            done = work.whole(report.ready) if plan.is_whole_due(began) else work.moved()
        except PipelineError as error:
            if is_final(error, has_begun=plan.has_begun):
                raise
            report.ready()
            done = plan.failed(error, began)
        else:
            plan.succeeded(done, began)
            report.finished(done)
            done = _published(done, publish)
        _report_troubles(done, troubles, report, clock.now())
        wait = max(0.0, plan.next_at - clock.now())
        report.waiting(wait)
        clock.sleep(wait)


def is_final(error: PipelineError, *, has_begun: bool) -> bool:
    """Whether an error ends the process; ``has_begun`` is whether all feeds were synced once."""
    return isinstance(error, SettingError | UsageError | NewerWarehouseError) or (
        isinstance(error, FatalError) and not has_begun
    )


PUBLISHING = ("", "published copy")  # the key of its failures


def _published(done: Round, publish: Callable[[Round], None]) -> Round:
    """The round, with the failure or success of the published copy."""
    try:
        publish(done)
    except PipelineError as error:
        return Round(done.outcomes, {**done.failures, PUBLISHING: error.message}, done.well, done.is_whole)
    return Round(done.outcomes, done.failures, done.well | {PUBLISHING}, done.is_whole)


def _report_troubles(done: Round, troubles: Troubles, report: Report, now: float) -> None:
    for line in troubles.began(done.failures, now):
        report.failed(line)
    for line in troubles.ended(done.well - done.failures.keys(), now):
        report.recovered(line)


class _Plan:
    """When the next round begins, and whether it is a whole one."""

    def __init__(self, pace: Pace, now: float) -> None:
        self.next_at = now
        self.has_begun = False
        self._pace = pace
        self._whole_at = now
        self._failures = 0
        self._incomplete = 0

    def is_whole_due(self, now: float) -> bool:
        """Whether all feeds are to be synced."""
        return now >= self._whole_at

    def succeeded(self, done: Round, began: float) -> None:
        """Plan the next round after one that began at a time of the monotonic clock."""
        self._failures = 0
        self.next_at = began + self._pace.every
        if done.is_whole:
            self.has_begun = True
            self._incomplete = 0 if done.is_complete else self._incomplete + 1
            self._whole_at = began + self._seconds_to_whole()

    def _seconds_to_whole(self) -> float:
        if not self._incomplete:
            return self._pace.whole
        return min(self._pace.whole, doubled(self._pace.every, self._incomplete, self._pace.whole))

    def failed(self, error: PipelineError, began: float) -> Round:
        """Plan the next round after one that failed as a whole; returns it. Another sync delays nothing."""
        is_busy = isinstance(error, WarehouseBusyError)
        self._failures = 0 if is_busy else self._failures + 1
        wait = doubled(self._pace.every, max(1, self._failures), self._pace.longest)
        self.next_at = began + wait
        return Round(failures={WHOLE: str(error)})
