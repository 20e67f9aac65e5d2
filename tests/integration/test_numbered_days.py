"""The numbers that were given in some days are found from the ledger and the records: surely all, seldom many more."""

from __future__ import annotations

import datetime as dt

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.floriday.sequence_ranges import SequenceRange
from pipelines.warehouse.load.days_to_sequence import Days
from tests.simulated_ledger import BEGAN, SimulatedLedger, empty_ledger

IDENTITIES = st.integers(0, 7)
GAPS = st.sampled_from((0, 1, 30, 300, 1440, 4000, -2, -2, -8, -20))
"""Minutes between two events; below 0, so many before the next midnight."""
EVENTS = st.one_of(
    st.tuples(st.just("change"), IDENTITIES, st.sampled_from((0, 0, 0, 5))),
    st.tuples(st.just("renumber"), IDENTITIES),
    st.tuples(st.just("touch"), IDENTITIES),
    st.tuples(st.just("sync"), st.integers(1, 3), st.sampled_from((None, None, 0, 1, 2)), st.lists(IDENTITIES)),
    st.tuples(st.just("full"), st.integers(1, 3), st.sampled_from((None, None, 1, 2))),
    st.tuples(st.just("days"), st.integers(0, 40), st.integers(0, 7)),
    st.tuples(st.just("restart"), st.integers(0, 9)),
    st.tuples(st.just("fold")),
)
WRONG = st.sampled_from((0, 0, 0, 0, 3650, 3651, -3650, -3651))
"""Days by which a clock is wrong: so many that the next look at a right one contradicts it."""


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    """A warehouse in memory."""
    return empty_ledger()


def days(offset: int, length: int = 0) -> Days:
    """So many days after the simulation began, and so many more."""
    first = BEGAN.date() + dt.timedelta(days=offset)
    return Days(first, first + dt.timedelta(days=length))


def happen(simulated: SimulatedLedger, event: tuple) -> None:  # type: ignore[type-arg]
    """Let one thing happen."""
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
        case ("fold",):
            simulated.merge()
        case ("restart", seed) if simulated.at.committed_at:
            simulated.restart(seed)


@given(
    events=st.lists(st.tuples(GAPS, EVENTS), min_size=10, max_size=60),
    wanted=st.lists(st.tuples(IDENTITIES, st.integers(-2, 1), st.integers(0, 9)), min_size=4, max_size=12),
    skew=st.integers(-4, 4),
)
def test_every_record_that_is_numbered_in_the_days_lies_in_the_span(
    events: list[tuple[int, tuple]],  # type: ignore[type-arg]
    wanted: list[tuple[int, int, int]],
    skew: int,
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """Whatever was synced, killed, read again, renumbered or restarted meanwhile, and whatever the server's clock says.

    Only that records are renumbered without a change before they are first read is left out: nothing tells that.
    """
    simulated = SimulatedLedger(connection, skew=dt.timedelta(minutes=skew))
    for gap, event in events:
        simulated.wait(gap if gap >= 0 else simulated.minutes_to_midnight + gap)
        happen(simulated, event)
    for identity, offset, length in wanted:
        asked = days(simulated.day_of(identity) + offset, length)
        span, truth = simulated.span(asked), simulated.numbered_on(asked)
        missed = {number for number in truth if span is None or not lies_in(number, span)}
        assert not missed, (asked, span, truth)


@given(
    events=st.lists(st.tuples(GAPS, EVENTS, WRONG), min_size=10, max_size=40),
    wanted=st.lists(st.tuples(IDENTITIES, st.integers(-2, 1), st.integers(0, 9)), min_size=4, max_size=12),
)
def test_a_clock_that_is_years_ahead_or_behind_for_a_while_hides_no_record_of_any_day(
    events: list[tuple[int, tuple, int]],  # type: ignore[type-arg]
    wanted: list[tuple[int, int, int]],
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """However often it jumps between two commits; it is right at the first one, and when somebody asks."""
    simulated = SimulatedLedger(connection)
    for gap, event, wrong in events:
        simulated.wait(gap if gap >= 0 else simulated.minutes_to_midnight + gap)
        simulated.wrong = dt.timedelta(days=wrong if simulated.at.committed_at else 0)
        happen(simulated, event)
    simulated.wrong = dt.timedelta()
    for identity, offset, length in wanted:
        asked = days(simulated.day_of(identity) + offset, length)
        span, truth = simulated.span(asked), simulated.numbered_on(asked)
        missed = {number for number in truth if span is None or not lies_in(number, span)}
        assert not missed, (asked, span, truth)


@settings(max_examples=10)
@given(
    events=st.lists(st.tuples(GAPS, EVENTS, WRONG), min_size=10, max_size=30),
    wrong_at_last=WRONG,
)
def test_windows_that_were_put_together_tell_the_same(
    events: list[tuple[int, tuple, int]],  # type: ignore[type-arg]
    wrong_at_last: int,
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """For any days, where the next walk begins, what lies beyond the cursor, since when changes may be unread.

    Where a clock was wrong, days may hold more than before.
    """
    simulated = SimulatedLedger(connection)
    for gap, event, wrong in events:
        simulated.wait(gap if gap >= 0 else simulated.minutes_to_midnight + gap)
        simulated.wrong = dt.timedelta(days=wrong if simulated.at.committed_at else 0)
        happen(simulated, event)
    simulated.wrong = dt.timedelta(days=wrong_at_last)
    before, totals, spans = simulated.derived(), simulated.totals(), simulated.ranges(range(-1, 40, 4))

    simulated.merge()

    assert simulated.derived() == before
    assert simulated.totals() == totals
    for asked, span in spans.items():
        folded = simulated.span(asked)
        if wrong_at_last or any(wrong for _, _, wrong in events):
            assert span is None or holds(folded, span), (asked, span, folded)
        else:
            assert folded == span


def holds(outer: SequenceRange | None, inner: SequenceRange) -> bool:
    """Whether one span holds all of another."""
    if outer is None or outer.after > inner.after:
        return False
    return inner.up_to <= outer.up_to


def lies_in(number: int, span: SequenceRange) -> bool:
    """Whether a span holds a number."""
    return span.after < number <= span.up_to


@pytest.fixture
def simulated(connection: duckdb.DuckDBPyConnection) -> SimulatedLedger:
    """A feed without any record; it is noon on Sunday, 1 March."""
    return SimulatedLedger(connection)


@pytest.fixture
def read_weekly(simulated: SimulatedLedger) -> list[int]:
    """Ten weeks in which records are made every day and a sync runs every Sunday at noon; the cursor after each."""
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
    """Each record's number."""
    return {identity: one.number for identity, one in simulated.records.items()}


class TestWithinTheLedger:
    """Days that were synced."""

    def test_weeks_are_the_windows_that_reach_into_them(
        self, simulated: SimulatedLedger, read_weekly: list[int]
    ) -> None:
        """From the last sync before the three weeks to the first one after them, and no number more."""
        monday = days(15, length=20)
        assert monday.first.weekday() == 0

        assert simulated.span(monday) == SequenceRange(read_weekly[2], read_weekly[6])

    def test_reading_weeks_again_changes_nothing_about_it(
        self, simulated: SimulatedLedger, read_weekly: list[int]
    ) -> None:
        """A full re-read, and one of weeks, leave the spans of these weeks and of others as they were."""
        simulated.reread(simulated.span(days(22, length=13)))
        simulated.sync(full=True)
        simulated.wait(1)
        simulated.change(3)
        simulated.sync()

        assert simulated.span(days(15, length=20)) == SequenceRange(read_weekly[2], read_weekly[6])
        assert simulated.span(days(43, length=6)) == SequenceRange(read_weekly[6], read_weekly[8])

    def test_today_goes_on_to_the_end(self, simulated: SimulatedLedger, read_weekly: list[int]) -> None:
        """What is given today is not over yet."""
        assert simulated.span(days(67, length=3)) == SequenceRange(read_weekly[-1])

    def test_tomorrow_holds_nothing(self, simulated: SimulatedLedger, read_weekly: list[int]) -> None:
        """No number was given in days to come."""
        assert read_weekly
        assert simulated.span(days(80)) is None

    def test_days_in_which_nothing_was_found_hold_nothing(self, simulated: SimulatedLedger) -> None:
        """The feed was idle before and after them."""
        simulated.change(1)
        simulated.sync()
        simulated.wait(10 * 24 * 60)
        simulated.sync()

        assert simulated.span(days(3, length=2)) is None

    def test_a_feed_that_was_never_read_is_read_whole(self, simulated: SimulatedLedger) -> None:
        """Nothing is known of its numbers."""
        simulated.wait(30 * 24 * 60)

        assert simulated.span(days(3)) == SequenceRange(0)

    def test_what_a_killed_sync_left_counts_with_its_days(self, simulated: SimulatedLedger) -> None:
        """The run that goes on days later holds what was given before the killed one began."""
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

    def test_a_walk_over_midnight_ends_where_the_feed_ended_when_it_began(self, simulated: SimulatedLedger) -> None:
        """What came meanwhile is the next sync's, and belongs to the day before all the same."""
        for identity in (1, 2, 3):
            simulated.change(identity)
        simulated.wait(simulated.minutes_to_midnight - 20)
        simulated.sync(size=1, meanwhile=(4, 5))
        simulated.wait(12 * 60)
        simulated.sync()

        own = numbers(simulated)
        assert simulated.numbered_on(days(0)) == {own[identity] for identity in (1, 2, 3, 4)}
        assert simulated.span(days(0)) == SequenceRange(0, own[5])

    def test_a_number_that_is_served_late_belongs_to_the_day_on_which_it_was_given(
        self, simulated: SimulatedLedger
    ) -> None:
        """A sync right after midnight proves nothing about the last minutes before it."""
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


class TestBeforeTheLedger:
    """Days before the first sync: the records' own times tell."""

    @pytest.fixture
    def loaded(self, simulated: SimulatedLedger) -> SimulatedLedger:
        """Eight records, one a day, the first on day 0; all read on day 20."""
        for identity in range(8):
            simulated.change(identity)
            simulated.wait(24 * 60)
        simulated.wait(12 * 24 * 60)
        simulated.sync(size=3)
        simulated.wait(24 * 60)
        return simulated

    def test_they_hold_what_was_changed_in_them(self, loaded: SimulatedLedger) -> None:
        """From the last record changed before them to the one before the first changed after them."""
        own = numbers(loaded)

        assert loaded.span(days(3, length=1)) == SequenceRange(own[2], own[5] - 1)

    def test_they_hold_nothing_where_nothing_was_changed(self, loaded: SimulatedLedger) -> None:
        """Neither before the first record, nor between the last one and the first load."""
        assert loaded.span(days(-5, length=3)) is None
        assert loaded.span(days(12)) is None

    def test_days_that_reach_into_the_ledger_go_on_by_its_windows(self, loaded: SimulatedLedger) -> None:
        """Up to the end of the first sync after them."""
        loaded.wait(5 * 24 * 60)
        loaded.change(1)
        loaded.sync()
        loaded.wait(5 * 24 * 60)
        loaded.change(2)
        loaded.sync()

        assert loaded.span(days(6, length=15)) == SequenceRange(numbers(loaded)[5], numbers(loaded)[1])

    def test_a_record_that_hides_its_change_later_is_no_witness(self, loaded: SimulatedLedger) -> None:
        """Its old time stands at a number that was given after the first load."""
        own = numbers(loaded)
        loaded.wait(5 * 24 * 60)
        loaded.touch(7)
        loaded.sync()

        assert loaded.span(days(10, length=18)) == SequenceRange(own[7])

    def test_a_renumbered_record_is_found_among_its_neighbours(self, simulated: SimulatedLedger) -> None:
        """Its own time is older than the days, the numbers around it are not."""
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

    def test_a_restarted_numbering_forgets_the_days_of_its_records(self, loaded: SimulatedLedger) -> None:
        """All numbers were given at the restart; only what is newer than the days is surely not theirs."""
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
