"""Prefetch over several connections reads every record, whatever the numbers are and whichever thread fails."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from itertools import count, pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.errors import BusyError
from pipelines.floriday import prefetch
from pipelines.floriday.change_feed import ChangeFeed, Step
from pipelines.floriday.page_queue import MemoryBudget
from pipelines.floriday.pages import Page
from pipelines.floriday.prefetch import ReadPlan, prefetch_first_page, prefetched_steps
from pipelines.floriday.sequence_ranges import Coverage
from pipelines.floriday.stoppable_threads import pause
from pipelines.sync.batches import Piece, WindowBuilder
from tests.moving_feed import MovingFeed


@pytest.fixture(autouse=True)
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small feeds are divided between connections in these tests."""
    monkeypatch.setattr(prefetch, "MIN_PAGES_TO_SPLIT", 2)
    monkeypatch.setattr(prefetch, "MIN_RECORDS_TO_SPLIT", 1)


class Server:
    """A changing feed that several threads can request."""

    def __init__(self, feed: MovingFeed, failing_after: int | None = None) -> None:
        self.feed = feed
        self.maximum = feed.maximum
        self._failing_after = failing_after
        self._lock = threading.Lock()

    def fetch(self, after: int) -> Page:
        """Return a page."""
        with self._lock:
            if self._failing_after is not None and len(self.feed.requested) >= self._failing_after:
                raise BusyError("busy")
            return self.feed.fetch(after)

    def plan(self, start: int = 0, **changes: object) -> ReadPlan:
        """Return a plan that reads from a number to the end."""
        return replace(ReadPlan(ChangeFeed(self.fetch, self.maximum, self.feed.page_size), start), **changes)  # type: ignore[arg-type]


def highest_numbers(steps: list[Step]) -> dict[int, int]:
    """Return the highest number of each record, by its identity."""
    found: dict[int, int] = {}
    for step in steps:
        for raw in step.page.records:
            record = json.loads(raw)
            found[record["id"]] = max(found.get(record["id"], 0), record["sequenceNumber"])
    return found


def all_steps(plan: ReadPlan, budget: int = 10_000) -> list[Step]:
    """Return all steps of a plan."""
    with prefetched_steps(plan, MemoryBudget(budget)) as steps:
        return list(steps)


def clustered_numbers(seed: int) -> list[int]:
    """Return numbers that are dense in some ranges and sparse in others."""
    random, number, numbers = Random(seed), 0, []
    for _ in range(random.randrange(1, 12)):
        number += random.choice((1, 50, 10_000, 10**9))
        for _ in range(random.randrange(1, 30)):
            number += random.randrange(1, random.choice((2, 4, 1000)))
            numbers.append(number)
    return numbers


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    inclusive=st.booleans(),
    backwards=st.booleans(),
    hidden_tenths=st.sampled_from((0, 0, 3, 10)),
    has_moves=st.booleans(),
)
def test_every_record_is_read_in_windows_without_overlap(
    *, seed: int, inclusive: bool, backwards: bool, hidden_tenths: int, has_moves: bool
) -> None:
    """All records are read at their newest numbers, in windows without gaps and overlaps, in a bounded number of calls.

    A record that moves beyond the maximum meanwhile is read at the latest by the next sync, as in any walk.
    """
    numbers = clustered_numbers(seed)
    random = Random(seed)
    hidden = frozenset(place for place in range(len(numbers)) if random.randrange(10) < hidden_tenths)
    moves = {call: [random.randrange(len(numbers))] for call in range(1, 9, 3)} if has_moves else {}
    feed = MovingFeed(dict(enumerate(numbers)), 3, hidden, inclusive=inclusive, backwards=backwards, moves=moves)
    server = Server(feed)

    steps = all_steps(server.plan())

    ((begins, reached),) = covered_ranges(steps)
    assert begins == 0
    assert reached >= server.maximum
    assert steps[-1].is_end
    assert len(feed.requested) <= 60 + 3 * len(numbers)
    server.maximum = feed.maximum
    assert highest_numbers([*steps, *all_steps(server.plan(reached))]) == feed.visible


def covered_ranges(steps: list[Step], start: int = 0) -> list[tuple[int, int]]:
    """Return the ranges that the steps cover, after checking that no two of them overlap."""
    builder = WindowBuilder(start, start, Coverage())
    pieces: list[Piece] = []
    for step in steps:
        builder.add(step)
        pieces += builder.take().pieces
    spans = sorted((piece.begins, piece.ends) for piece in pieces if piece.ends > piece.begins)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    return [*builder.claimed.ranges]


def test_the_cursor_moves_only_over_gapless_ranges() -> None:
    """The cursor moves only to a number below which everything was read, whatever the order of the pages."""
    feed = MovingFeed(dict(enumerate(range(1, 200))), 3)
    steps = all_steps(Server(feed).plan())
    builder = WindowBuilder(0, 0, Coverage())
    seen: set[int] = set()

    for step in steps:
        builder.add(step)
        seen.update(json.loads(raw)["sequenceNumber"] for raw in step.page.records)
        reached = builder.take().reached
        assert set(range(1, reached + 1)) <= seen

    assert builder.take().reached == 199


def test_an_interrupted_load_requests_only_missing_ranges() -> None:
    """A continued load requests the ranges that are missing, and the page at the cursor."""
    feed = MovingFeed(dict(enumerate(range(1, 301))), 3)
    done = Coverage.of([(30, 200), (210, 290)])

    steps = all_steps(Server(feed).plan(start=9, covered=done))

    assert set(range(10, 31)) | set(range(201, 211)) | set(range(291, 301)) <= set(highest_numbers(steps).values())
    assert len(feed.requested) < 35
    assert steps[-1].is_end


def test_fetched_pages_are_returned_before_the_failure() -> None:
    """Pages that were fetched are returned before the error is raised, with one or several connections."""
    for pages in (1, 40):
        server = Server(MovingFeed(dict(enumerate(range(1, 301))), 3), failing_after=pages)
        taken: list[Step] = []

        with pytest.raises(BusyError):
            append_steps(server.plan(), taken)

        assert len(taken) == pages


def append_steps(plan: ReadPlan, taken: list[Step]) -> None:
    """Append all steps to a list, one by one."""
    with prefetched_steps(plan, MemoryBudget(10_000)) as coming:
        for step in coming:
            taken.append(step)  # noqa: PERF402 - what came before a failure counts


@pytest.mark.parametrize("taken", [0, 1, 20])
def test_no_thread_is_left_running(taken: int) -> None:
    """No thread is left running when the caller stops taking steps, with a full or an empty queue."""
    before = threading.active_count()
    server = Server(MovingFeed(dict(enumerate(range(1, 1000))), 3))

    with pytest.raises(KeyboardInterrupt), prefetched_steps(server.plan(), MemoryBudget(100)) as steps:  # noqa: PT012
        for _ in range(taken):
            next(steps)
        raise KeyboardInterrupt

    assert threading.active_count() == before


def test_prefetched_pages_stay_within_the_budget() -> None:
    """No page is fetched while the memory budget is used up."""
    feed = MovingFeed(dict(enumerate(range(1, 1000))), 3)
    size = Server(MovingFeed({0: 1, 1: 2, 2: 3}, 3)).fetch(0).size

    with prefetched_steps(Server(feed).plan(), MemoryBudget(4 * size)) as steps:
        next(steps)
        while len(feed.requested) < 5:
            threading.Event().wait(0.001)
        threading.Event().wait(0.05)
        assert len(feed.requested) <= 6 + prefetch.CONNECTIONS


def test_a_long_feed_is_divided_after_its_first_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A long feed is divided from its second page on, also if its numbers begin at a billion."""
    monkeypatch.setattr(prefetch, "MIN_PAGES_TO_SPLIT", 20)
    server = Server(MovingFeed(dict(enumerate(range(10**9, 10**9 + 300))), 3))
    calls, second_and_third = count(), threading.Barrier(2, timeout=20)

    def fetch(after: int) -> Page:
        if next(calls) in (1, 2):
            second_and_third.wait()
        return server.fetch(after)

    steps = all_steps(ReadPlan(ChangeFeed(fetch, server.maximum, 3), 0))

    assert set(highest_numbers(steps).values()) == set(range(10**9, 10**9 + 300))


def test_a_short_or_sparse_feed_is_read_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """A short or sparse feed is read page by page, without additional calls."""
    monkeypatch.setattr(prefetch, "MIN_PAGES_TO_SPLIT", 20)
    feed = MovingFeed({0: 1, 1: 10**9, 2: 2 * 10**9, 3: 3 * 10**9}, 1)

    all_steps(Server(feed).plan())

    assert sorted(feed.requested) == feed.requested
    assert len(feed.requested) <= 6


def test_a_maximum_that_is_far_too_high_costs_few_calls() -> None:
    """If the maximum is far too high, it is requested again instead of searching for the end."""
    feed = MovingFeed(dict(enumerate(range(1, 301))), 3)
    server = Server(feed)
    plan = ReadPlan(ChangeFeed(server.fetch, 2**62, 3, fetch_maximum=lambda: feed.maximum), 0)

    steps = all_steps(plan)

    assert highest_numbers(steps) == feed.visible
    assert steps[-1].is_end
    assert len(feed.requested) < 100 + 3 * prefetch.CONNECTIONS * 3


def test_a_maximum_that_stays_far_too_high_ends_the_walk() -> None:
    """Ranges above the feed's end are dropped after the first page without records there."""
    feed = MovingFeed(dict(enumerate(range(1, 301))), 3)
    server = Server(feed)

    steps = all_steps(ReadPlan(ChangeFeed(server.fetch, 2**62, 3), 0))

    assert highest_numbers(steps) == feed.visible
    assert not steps[-1].is_end
    assert len(feed.requested) < 800


class TestPrefetchFirstPage:
    """The first page is fetched while other requests are made."""

    def test_it_is_fetched_in_the_background_and_used_once(self) -> None:
        """The page is fetched before it is needed, and a second request for the same number fetches it again."""
        server, under_way = Server(MovingFeed(dict(enumerate(range(1, 10))), 3)), threading.Event()

        def fetch(after: int) -> Page:
            under_way.set()
            return server.fetch(after)

        with prefetch_first_page(fetch, 0) as fetch_page:
            assert under_way.wait(20)
            pages = [fetch_page(0), fetch_page(3), fetch_page(0)]

        assert [page.numbers for page in pages] == [(1, 2, 3), (4, 5, 6), (1, 2, 3)]
        assert sorted(server.feed.requested) == [0, 0, 3]

    def test_its_error_is_raised_when_it_is_needed(self) -> None:
        """The error of the request is raised where the page is taken, and nowhere if it is not taken."""
        failing = Server(MovingFeed({0: 1}, 3), failing_after=0)

        with prefetch_first_page(failing.fetch, 0) as fetch, pytest.raises(BusyError):
            fetch(0)
        with prefetch_first_page(failing.fetch, 0):
            pass

    def test_a_pause_before_a_retry_ends_with_the_block(self) -> None:
        """A request that pauses before a retry ends with the block, however the block ends."""
        before, pausing = threading.active_count(), threading.Event()

        def fetch(_: int) -> Page:
            pausing.set()
            pause(600)
            raise AssertionError("the pause was not ended")

        with pytest.raises(BusyError), prefetch_first_page(fetch, 0):  # noqa: PT012
            assert pausing.wait(20)
            raise BusyError("busy")

        assert threading.active_count() == before
