"""The resident sync's loop: when rounds begin, what ends it, and what it reports, with a clock that only it moves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from pipelines.errors import (
    AuthenticationError,
    NewerWarehouseError,
    PipelineError,
    RefusedError,
    SettingError,
    UnreachableError,
    WarehouseBusyError,
    WarehouseError,
)
from pipelines.sync.follow.backoff import Backoff
from pipelines.sync.follow.loop import Pace, follow
from pipelines.sync.follow.rounds import WHOLE, PublishedCopy, Round
from pipelines.sync.outcome import FeedOutcome
from tests.manual_clock import ManualClock

ORDERS, BATCHES = ("main", "orders.sales_orders"), ("main", "supply.batches")
HOUR = 3600.0
UNREACHABLE = UnreachableError("Floriday does not answer")


class EndOfTestError(Exception):
    """Ends the loop, which otherwise does not end."""


@dataclass
class ScriptedWork:
    """Rounds that take no time unless a test says so, and fail as it says.

    Args:
        clock: clock that a round advances by its duration.
        rounds: number of rounds after which the loop is ended.
        results: results or errors of rounds by their number; others find nothing.
        duration: seconds that each round takes.
        begun: kind and time of each round that began, in seconds since the start.
    """

    clock: ManualClock
    rounds: int
    results: dict[int, Round | PipelineError] = field(default_factory=dict)
    duration: float = 0.0
    begun: list[tuple[str, float]] = field(default_factory=list)
    start: float = field(init=False)

    def __post_init__(self) -> None:
        self.start = self.clock.seconds

    def whole(self, ready: Callable[[], None]) -> Round:
        """Sync all feeds."""
        return self._round("whole", ready)

    def moved(self) -> Round:
        """Sync the feeds that moved."""
        return self._round("moved", lambda: None)

    def _round(self, kind: str, ready: Callable[[], None]) -> Round:
        number = len(self.begun)
        if number == self.rounds:
            raise EndOfTestError
        self.begun.append((kind, self.clock.seconds - self.start))
        self.clock.seconds += self.duration
        result = self.results.get(number, Round(well=frozenset({WHOLE})))
        if isinstance(result, PipelineError):
            raise result
        ready()
        return Round(result.outcomes, result.failures, result.well | {WHOLE}, is_whole=kind == "whole")


@dataclass
class Recorded:
    """Records what the loop reports.

    Args:
        lines: reported failures and recoveries, in their order.
        changed: number of rounds that changed something.
        is_ready: whether the start was reported as complete.
    """

    lines: list[str] = field(default_factory=list)
    changed: int = 0
    is_ready: bool = False

    def ready(self) -> None:
        """The settings are usable."""
        self.is_ready = True

    def began(self) -> None:
        """A round begins."""

    def finished(self, done: Round) -> None:
        """A round is done."""
        self.changed += done.has_changed

    def failed(self, line: str) -> None:
        """Something fails."""
        self.lines.append(line)

    def recovered(self, line: str) -> None:
        """Something works again."""
        self.lines.append(line)

    def waiting(self, seconds: float) -> None:
        """The next round begins after so many seconds."""
        assert seconds >= 0


def run(work: ScriptedWork, pace: Pace | None = None, publish: Callable[[Round], None] = lambda _: None) -> Recorded:
    """Follow until the last round of the script; return what was reported."""
    recorded = Recorded()
    with pytest.raises(EndOfTestError):
        follow(work, pace or Pace(), work.clock.clock, recorded, publish)
    return recorded


def scripted(
    rounds: int, results: dict[int, Round | PipelineError] | None = None, duration: float = 0.0
) -> ScriptedWork:
    """Return rounds that find nothing but what the test says."""
    return ScriptedWork(ManualClock(), rounds, results or {}, duration)


def times(work: ScriptedWork) -> list[float]:
    """Return the seconds between the beginnings of successive rounds."""
    starts = [at for _, at in work.begun]
    return [later - earlier for earlier, later in pairwise(starts)]


class TestSchedule:
    """When rounds begin."""

    def test_the_first_round_syncs_all_feeds_and_the_next_what_moved(self) -> None:
        """The first round is a whole sync, and each interval later one syncs what moved."""
        work = scripted(3)

        run(work)

        assert work.begun == [("whole", 0.0), ("moved", 30.0), ("moved", 60.0)]

    def test_the_interval_counts_from_the_beginning_of_a_round(self) -> None:
        """A round that takes long does not delay the next one."""
        work = scripted(4, duration=8.0)

        run(work)

        assert times(work) == [30.0] * 3

    def test_a_round_longer_than_the_interval_is_followed_at_once(self) -> None:
        """If a round takes longer than the interval, the next one begins at its end; none is made up for."""
        work = scripted(4, duration=45.0)

        run(work)

        assert times(work) == [45.0] * 3

    def test_all_feeds_are_synced_each_hour(self) -> None:
        """Once an hour the round is a whole sync, so that snapshots and late numbers are read too."""
        work = scripted(241)

        run(work)

        assert [at for kind, at in work.begun if kind == "whole"] == [0.0, HOUR, 2 * HOUR]

    def test_an_account_that_could_not_be_identified_is_tried_before_the_hour(self) -> None:
        """A whole sync that lacks an account is repeated with growing intervals, and after the hour at the latest."""
        lacking = Round(failures={("south", ""): "its key is refused"})
        work = scripted(500, dict.fromkeys(range(500), lacking))

        recorded = run(work)

        wholes = [at for kind, at in work.begun if kind == "whole"]
        assert [later - earlier for earlier, later in pairwise(wholes)][:4] == [30, 60, 120, 240]
        assert recorded.lines == ["south: its key is refused"]

    def test_a_clock_that_jumps_only_delays_a_round(self) -> None:
        """After a machine slept for a day, one round begins at once, and the rounds then continue as before."""
        work = scripted(5)
        naps = iter((0.0, 86_400.0, 0.0, 0.0, 0.0))
        wake = work.clock.sleep

        def sleep(seconds: float) -> None:
            wake(seconds + next(naps))

        work.clock.sleep = sleep  # type: ignore[method-assign]

        run(work)

        assert [kind for kind, _ in work.begun] == ["whole", "moved", "whole", "moved", "moved"]
        assert times(work) == [30.0, 86_430.0, 30.0, 30.0]


class TestErrors:
    """Errors of a whole round."""

    def test_an_outage_is_reported_once_and_when_it_ends(self) -> None:
        """While no round succeeds, one line is printed, and one more at the end; rounds follow at growing intervals."""
        work = scripted(10, dict.fromkeys(range(1, 7), UNREACHABLE))

        recorded = run(work)

        assert recorded.lines == ["Floriday does not answer", "Works again, after 17 min"]
        assert times(work) == [30, 30, 60, 120, 240, 300, 300, 30, 30]

    def test_an_outage_at_the_start_is_waited_for(self) -> None:
        """A machine whose network starts later than the service needs no help."""
        work = scripted(3, {0: UNREACHABLE})

        recorded = run(work)

        assert [kind for kind, _ in work.begun] == ["whole", "whole", "moved"]
        assert recorded.is_ready

    def test_another_sync_delays_nothing(self) -> None:
        """While another sync holds the warehouse, rounds are tried at the usual interval, with one line."""
        busy = WarehouseBusyError("another sync holds w.duckdb")
        work = scripted(6, dict.fromkeys((1, 2, 3), busy))

        recorded = run(work)

        assert times(work) == [30.0] * 5
        assert recorded.lines == ["another sync holds w.duckdb", "Works again, after 90 s"]

    @pytest.mark.parametrize(
        "error",
        [
            SettingError("FLORIDAY_WAREHOUSE belongs to another API"),
            NewerWarehouseError("a newer version wrote w.duckdb"),
        ],
    )
    @pytest.mark.parametrize("number", [0, 1])
    def test_an_error_that_stays_ends_it(self, error: PipelineError, number: int) -> None:
        """A wrong setting or the warehouse of a newer version ends the process with the usual error."""
        with pytest.raises(type(error)):
            follow(scripted(9, {number: error}), Pace(), ManualClock().clock, Recorded(), lambda _: None)

    @pytest.mark.parametrize(
        "error",
        [
            AuthenticationError("the secret is wrong"),
            RefusedError("the key is refused", status=403),
            WarehouseError("there is no room on the disk"),
        ],
    )
    def test_other_errors_end_it_at_the_start_only(self, error: PipelineError) -> None:
        """Wrong credentials or a full disk end a start; later they are waited for, because all was right before."""
        with pytest.raises(type(error)):
            follow(scripted(9, {0: error}), Pace(), ManualClock().clock, Recorded(), lambda _: None)

        assert run(scripted(4, {1: error})).lines == [error.message, "Works again, after 30 s"]


class TestFailingFeeds:
    """Feeds and accounts that fail in a round."""

    def test_a_failing_feed_is_one_line_until_it_works_again(self) -> None:
        """A feed that fails in many rounds is reported once with its reason, and once when it works again."""
        failing = Round(failures={ORDERS: "503 for /sales-orders/sync/17"})
        again = Round(failures={ORDERS: "503 for /sales-orders/sync/18"})
        work = scripted(6, {1: failing, 2: again, 4: Round(well=frozenset({ORDERS}))})

        assert run(work).lines == [
            "main · orders.sales_orders: 503 for /sales-orders/sync/17",
            "main · orders.sales_orders: works again, after 90 s",
        ]

    def test_feeds_that_fail_for_one_reason_are_one_line(self) -> None:
        """Feeds of an account that fail for the same reason share a line; another reason has one of its own."""
        failures = {ORDERS: "503 for /sales-orders", BATCHES: "503 for /batches", ("north", BATCHES[1]): "a wrong key"}
        work = scripted(4, {1: Round(failures=failures), 2: Round(well=frozenset(failures))})

        assert run(work).lines == [
            "main · orders.sales_orders and 1 other feed: 503 for /sales-orders",
            "north · supply.batches: a wrong key",
            "main · orders.sales_orders and 1 other feed: works again, after 30 s",
            "north · supply.batches: works again, after 30 s",
        ]

    def test_another_reason_is_another_line(self) -> None:
        """A feed that begins to fail for another reason is reported again."""
        results: Sequence[Round] = (Round(failures={ORDERS: "503"}), Round(failures={ORDERS: "the key is refused"}))

        assert len(run(scripted(4, dict(enumerate(results, 1)))).lines) == 2

    def test_attempts_follow_at_growing_intervals(self) -> None:
        """A failing feed is tried in the next round, then after twice as long each time, up to five minutes."""
        backoff, tried = Backoff(30.0, 300.0), []
        for number in range(60):
            now = 30.0 * number + 0.1 * (number % 2)
            if backoff.is_due(ORDERS, now):
                tried.append(number)
                backoff.failed(ORDERS, now)
        assert tried[:7] == [0, 1, 3, 7, 15, 25, 35]

        backoff.succeeded(ORDERS)
        assert backoff.is_due(ORDERS, 0.0)


class TestPublishedCopy:
    """The copy for readers that stay connected."""

    CHANGED = Round(outcomes=(FeedOutcome(*ORDERS, new=1),))

    def test_a_change_is_published_as_soon_as_the_copy_is_old_enough(self) -> None:
        """After a change the copy is tried until it is renewed, also in rounds without a change, and then not more."""
        answers = iter((True, False, False, True))
        tried = []

        def publish() -> bool:
            tried.append(len(work.begun))
            return next(answers)

        work = scripted(8, {2: self.CHANGED})
        recorded = run(work, publish=PublishedCopy(publish))

        assert tried == [1, 3, 4, 5]
        assert recorded.changed == 1

    def test_a_copy_that_cannot_be_written_is_a_failure_of_its_own(self) -> None:
        """If the copy cannot be renewed, rounds continue, and one line says so."""

        def publish(_: Round) -> None:
            raise WarehouseError("FLORIDAY_PUBLISHED: no room")

        work = scripted(5)

        assert run(work, publish=publish).lines == ["published copy: FLORIDAY_PUBLISHED: no room"]
        assert times(work) == [30.0] * 4
