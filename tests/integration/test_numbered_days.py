"""The warehouse derives a range of numbers that surely contains all numbers assigned on some days, and few others."""

from __future__ import annotations

import datetime as dt

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.floriday.sequence_ranges import SequenceRange
from pipelines.warehouse.load.days_to_sequence import Days
from tests.examples import examples
from tests.simulated_ledger import BEGAN, SimulatedLedger, empty_ledger

IDENTITIES = st.integers(0, 7)
GAPS = st.sampled_from((0, 1, 30, 300, 1440, 4000, -2, -2, -8, -20))
"""Minutes between two events; a negative number counts back from the next midnight."""
EVENTS = st.one_of(
    st.tuples(st.just("change"), IDENTITIES, st.sampled_from((0, 0, 0, 5))),
    st.tuples(st.just("renumber"), IDENTITIES),
    st.tuples(st.just("touch"), IDENTITIES),
    st.tuples(st.just("sync"), st.integers(1, 3), st.sampled_from((None, None, 0, 1, 2)), st.lists(IDENTITIES)),
    st.tuples(st.just("full"), st.integers(1, 3), st.sampled_from((None, None, 1, 2))),
    st.tuples(st.just("days"), st.integers(0, 40), st.integers(0, 7)),
    st.tuples(st.just("restart"), st.integers(0, 9)),
    st.tuples(st.just("merge")),
)
WRONG = st.sampled_from((0, 0, 0, 0, 3650, 3651, -3650, -3651))
"""Error of a clock in days, so large that the next reading of a correct clock contradicts it."""


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    """A warehouse in memory."""
    return empty_ledger()


def days(offset: int, length: int = 0) -> Days:
    """Return the days that begin this number of days after the start of the simulation."""
    first = BEGAN.date() + dt.timedelta(days=offset)
    return Days(first, first + dt.timedelta(days=length))


def apply(simulated: SimulatedLedger, event: tuple) -> None:  # type: ignore[type-arg]
    """Apply one event to the simulation."""
    match event:
        case ("change", identity, late):
            simulated.change(identity, late)
        case ("renumber", identity) if simulated.loaded:
            simulated.renumber(identity)
        case ("touch", identity) if simulated.loaded:
            simulated.touch(identity)
        case ("sync", size, pages, meanwhile):
            simulated.sync(size, pages, meanwhile)
        case ("full", size, pages):
            simulated.sync(size, pages, full=True)
        case ("days", offset, length):
            simulated.reread(simulated.span(days(offset, length)))
        case ("merge",):
            simulated.merge()
        case ("restart", seed) if simulated.at.committed_at:
            simulated.restart(seed)


@settings(max_examples=examples(8))
@given(
    events=st.lists(st.tuples(GAPS, EVENTS), min_size=10, max_size=60),
    wanted=st.lists(st.tuples(IDENTITIES, st.integers(-2, 1), st.integers(0, 9)), min_size=4, max_size=12),
    skew=st.integers(-4, 4),
)
def test_the_range_contains_every_number_of_the_days(
    events: list[tuple[int, tuple]],  # type: ignore[type-arg]
    wanted: list[tuple[int, int, int]],
    skew: int,
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """The range contains every number of the days after any sequence of changes, syncs, kills and restarts.

    Records are not renumbered before they are first read, because nothing shows when that happened.
    """
    simulated = SimulatedLedger(connection, skew=dt.timedelta(minutes=skew))
    for gap, event in events:
        simulated.wait(gap if gap >= 0 else simulated.minutes_to_midnight + gap)
        apply(simulated, event)
    for identity, offset, length in wanted:
        period = days(simulated.day_of(identity) + offset, length)
        span, truth = simulated.span(period), simulated.numbered_on(period)
        missed = {number for number in truth if span is None or not lies_in(number, span)}
        assert not missed, (period, span, truth)


@settings(max_examples=examples(8))
@given(
    events=st.lists(st.tuples(GAPS, EVENTS, WRONG), min_size=10, max_size=40),
    wanted=st.lists(st.tuples(IDENTITIES, st.integers(-2, 1), st.integers(0, 9)), min_size=4, max_size=12),
)
def test_a_clock_that_is_temporarily_wrong_by_years_hides_no_record(
    events: list[tuple[int, tuple, int]],  # type: ignore[type-arg]
    wanted: list[tuple[int, int, int]],
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """The range contains every number of the days even if the local clock jumps by years between two commits."""
    simulated = SimulatedLedger(connection)
    for gap, event, wrong in events:
        simulated.wait(gap if gap >= 0 else simulated.minutes_to_midnight + gap)
        simulated.wrong = dt.timedelta(days=wrong if simulated.at.committed_at else 0)
        apply(simulated, event)
    simulated.wrong = dt.timedelta()
    for identity, offset, length in wanted:
        period = days(simulated.day_of(identity) + offset, length)
        span, truth = simulated.span(period), simulated.numbered_on(period)
        missed = {number for number in truth if span is None or not lies_in(number, span)}
        assert not missed, (period, span, truth)


@settings(max_examples=examples(4))
@given(
    events=st.lists(st.tuples(GAPS, EVENTS, WRONG), min_size=10, max_size=30),
    wrong_at_last=WRONG,
)
def test_merged_windows_give_the_same_results(
    events: list[tuple[int, tuple, int]],  # type: ignore[type-arg]
    wrong_at_last: int,
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """After windows are merged, the ranges of days and the numbers beyond the cursor are the same as before.

    If a clock was wrong, ranges may be larger.
    """
    simulated = SimulatedLedger(connection)
    for gap, event, wrong in events:
        simulated.wait(gap if gap >= 0 else simulated.minutes_to_midnight + gap)
        simulated.wrong = dt.timedelta(days=wrong if simulated.at.committed_at else 0)
        apply(simulated, event)
    simulated.wrong = dt.timedelta(days=wrong_at_last)
    before, totals, spans = simulated.derived(), simulated.totals(), simulated.ranges(range(-1, 40, 4))

    simulated.merge()

    assert simulated.derived() == before
    assert simulated.totals() == totals
    for period, span in spans.items():
        merged = simulated.span(period)
        if wrong_at_last or any(wrong for _, _, wrong in events):
            assert span is None or holds(merged, span), (period, span, merged)
        else:
            assert merged == span


def holds(outer: SequenceRange | None, inner: SequenceRange) -> bool:
    """Return whether one range contains another."""
    if outer is None or outer.after > inner.after:
        return False
    return inner.up_to <= outer.up_to


def lies_in(number: int, span: SequenceRange) -> bool:
    """Return whether a range contains a number."""
    return span.after < number <= span.up_to


@pytest.fixture
def simulated(connection: duckdb.DuckDBPyConnection) -> SimulatedLedger:
    """A feed without records, at noon on Sunday, 1 March."""
    return SimulatedLedger(connection)


@pytest.fixture
def read_weekly(simulated: SimulatedLedger) -> list[int]:
    """Ten weeks with daily new records and a sync on each Sunday at noon; returns the cursor after each sync."""
    cursors = []
    for week in range(10):
        simulated.sync(size=3)
        cursors.append(simulated.at.cursor)
        for day in range(7):
            simulated.wait(24 * 60)
            simulated.change(100 + 20 * week + day)
            simulated.change(110 + 20 * week + day)
    return cursors


def numbers(simulated: SimulatedLedger) -> dict[int, int]:
    """Return the number of each record."""
    return {identity: record.number for identity, record in simulated.records.items()}


class TestAfterTheFirstSync:
    """Days since the first sync."""

    def test_weeks_are_the_range_between_the_syncs_around_them(
        self, simulated: SimulatedLedger, read_weekly: list[int]
    ) -> None:
        """The range lies between the last sync before the weeks and the first one after them."""
        monday = days(15, length=20)
        assert monday.first.weekday() == 0

        assert simulated.span(monday) == SequenceRange(read_weekly[2], read_weekly[6])

    def test_a_re_read_does_not_change_the_range(self, simulated: SimulatedLedger, read_weekly: list[int]) -> None:
        """A full re-read and one of some weeks leave the ranges of these weeks and of others unchanged."""
        simulated.reread(simulated.span(days(22, length=13)))
        simulated.sync(full=True)
        simulated.wait(1)
        simulated.change(3)
        simulated.sync()

        assert simulated.span(days(15, length=20)) == SequenceRange(read_weekly[2], read_weekly[6])
        assert simulated.span(days(43, length=6)) == SequenceRange(read_weekly[6], read_weekly[8])

    def test_today_reaches_to_the_end_of_the_feed(self, simulated: SimulatedLedger, read_weekly: list[int]) -> None:
        """The range of the current day has no end."""
        assert simulated.span(days(67, length=3)) == SequenceRange(read_weekly[-1])

    def test_future_days_have_no_range(self, simulated: SimulatedLedger, read_weekly: list[int]) -> None:
        """Days in the future have no range."""
        assert read_weekly
        assert simulated.span(days(80)) is None

    def test_days_without_changes_have_no_range(self, simulated: SimulatedLedger) -> None:
        """Days have no range if the feed had no changes before the sync after them."""
        simulated.change(1)
        simulated.sync()
        simulated.wait(10 * 24 * 60)
        simulated.sync()

        assert simulated.span(days(3, length=2)) is None

    def test_a_feed_that_was_never_read_is_read_completely(self, simulated: SimulatedLedger) -> None:
        """Without any sync the range is the whole feed."""
        simulated.wait(30 * 24 * 60)

        assert simulated.span(days(3)) == SequenceRange(0)

    def test_a_killed_sync_counts_for_its_days(self, simulated: SimulatedLedger) -> None:
        """The run that continues days after a killed sync contains the numbers of the killed sync's days."""
        for identity in range(5):
            simulated.change(identity)
        simulated.sync(size=2, pages=1)
        simulated.wait(5 * 24 * 60)
        simulated.change(6)
        simulated.sync(size=2)
        simulated.wait(5 * 24 * 60)
        simulated.change(7)
        simulated.sync(size=2)

        assert simulated.span(days(1)) == SequenceRange(numbers(simulated)[1], numbers(simulated)[6])

    def test_a_sync_over_midnight_ends_at_the_maximum_of_its_start(self, simulated: SimulatedLedger) -> None:
        """Records that change during a sync are read by the next one, and still belong to their own day."""
        for identity in (1, 2, 3):
            simulated.change(identity)
        simulated.wait(simulated.minutes_to_midnight - 20)
        simulated.sync(size=1, meanwhile=(4, 5))
        simulated.wait(12 * 60)
        simulated.sync()

        own = numbers(simulated)
        assert simulated.numbered_on(days(0)) == {own[identity] for identity in (1, 2, 3, 4)}
        assert simulated.span(days(0)) == SequenceRange(0, own[5])

    def test_a_late_number_belongs_to_the_day_on_which_it_was_assigned(self, simulated: SimulatedLedger) -> None:
        """A sync just after midnight does not prove that all numbers of the last minutes were served."""
        simulated.change(1)
        simulated.sync()
        simulated.wait(simulated.minutes_to_midnight - 2)
        simulated.change(2)
        simulated.change(3, late=5)
        simulated.wait(3)
        simulated.sync()
        simulated.wait(12 * 60)
        simulated.sync()
        simulated.wait(24 * 60)
        simulated.change(4)
        simulated.sync()

        assert simulated.span(days(0)) == SequenceRange(0, numbers(simulated)[3])


class TestBeforeTheFirstSync:
    """Days before the first sync are derived from the records' own times."""

    @pytest.fixture
    def loaded(self, simulated: SimulatedLedger) -> SimulatedLedger:
        """Eight records, one a day since the start; all are read on day 20."""
        for identity in range(8):
            simulated.change(identity)
            simulated.wait(24 * 60)
        simulated.wait(12 * 24 * 60)
        simulated.sync(size=3)
        simulated.wait(24 * 60)
        return simulated

    def test_days_contain_the_records_that_changed_in_them(self, loaded: SimulatedLedger) -> None:
        """The range lies between the last record changed before the days and the first one changed after them."""
        own = numbers(loaded)

        assert loaded.span(days(3, length=1)) == SequenceRange(own[2], own[5] - 1)

    def test_days_without_changed_records_have_no_range(self, loaded: SimulatedLedger) -> None:
        """Days before the first record, and between the last one and the first load, have no range."""
        assert loaded.span(days(-5, length=3)) is None
        assert loaded.span(days(12)) is None

    def test_days_that_reach_beyond_the_first_sync_use_its_windows(self, loaded: SimulatedLedger) -> None:
        """The range ends with the first sync after the days."""
        loaded.wait(5 * 24 * 60)
        loaded.change(1)
        loaded.sync()
        loaded.wait(5 * 24 * 60)
        loaded.change(2)
        loaded.sync()

        assert loaded.span(days(6, length=15)) == SequenceRange(numbers(loaded)[5], numbers(loaded)[1])

    def test_an_old_time_of_a_later_number_is_not_used(self, loaded: SimulatedLedger) -> None:
        """A record that got its number after the first load is not evidence for the days of its old time."""
        own = numbers(loaded)
        loaded.wait(5 * 24 * 60)
        loaded.touch(7)
        loaded.sync()

        assert loaded.span(days(10, length=18)) == SequenceRange(own[7])

    def test_a_renumbered_record_is_found_by_its_neighbours(self, simulated: SimulatedLedger) -> None:
        """A record with an old time is in the range if the numbers around it belong to the days."""
        for identity in range(4):
            simulated.change(identity)
            simulated.wait(24 * 60)
        simulated.renumber(0)
        simulated.wait(24 * 60)
        simulated.change(4)
        simulated.wait(5 * 24 * 60)
        simulated.sync()

        own = numbers(simulated)
        assert simulated.numbered_on(days(4)) == {own[0]}
        assert simulated.span(days(4)) == SequenceRange(own[3], own[4] - 1)

    def test_after_a_restart_the_times_of_records_are_not_used(self, loaded: SimulatedLedger) -> None:
        """After a restart of the numbering only records that are newer than the days are excluded."""
        loaded.change(1)
        loaded.wait(24 * 60)
        loaded.restart(1)
        loaded.wait(24 * 60)
        loaded.sync()
        end = loaded.at.cursor
        loaded.wait(24 * 60)
        loaded.change(1)
        loaded.sync()

        assert loaded.span(days(22)) == SequenceRange(0, end)
