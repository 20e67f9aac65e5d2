"""Prefetch over several connections: nothing is lost, whatever the numbers are and whichever thread fails."""

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
def early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small feeds are worth several connections here."""
    monkeypatch.setattr(prefetch, "MIN_PAGES_TO_SPLIT", 2)
    monkeypatch.setattr(prefetch, "MIN_RECORDS_TO_SPLIT", 1)


class Server:
    """A moving feed that several threads may ask."""

    def __init__(self, feed: MovingFeed, failing_after: int | None = None) -> None:
        self.feed = feed
        self.maximum = feed.maximum
        self._failing_after = failing_after
        self._lock = threading.Lock()

    def fetch(self, after: int) -> Page:
        """One page."""
        with self._lock:
            if self._failing_after is not None and len(self.feed.requested) >= self._failing_after:
                raise BusyError("busy")
            return self.feed.fetch(after)

    def plan(self, start: int = 0, **more: object) -> ReadPlan:
        """From a number to the end."""
        return replace(ReadPlan(ChangeFeed(self.fetch, self.maximum, self.feed.page_size), start), **more)  # type: ignore[arg-type]


def known(steps: list[Step]) -> dict[int, int]:
    """The highest number of each record that came, by its identity."""
    found: dict[int, int] = {}
    for step in steps:
        for raw in step.page.records:
            record = json.loads(raw)
            found[record["id"]] = max(found.get(record["id"], 0), record["sequenceNumber"])
    return found


def read(plan: ReadPlan, budget: int = 10_000) -> list[Step]:
    """All steps."""
    with prefetched_steps(plan, MemoryBudget(budget)) as steps:
        return list(steps)


def clusters(seed: int) -> list[int]:
    """Numbers that come close together here and far apart there."""
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
    hiding=st.sampled_from((0, 0, 3, 10)),
    moving=st.booleans(),
)
def test_everything_is_read_and_claimed_once(
    *, seed: int, inclusive: bool, backwards: bool, hiding: int, moving: bool
) -> None:
    """All records at their newest numbers, in windows without a gap or an overlap, in a bounded number of calls.

    What moves past the maximum meanwhile is there after the next sync at the latest, as in any walk.
    """
    numbers = clusters(seed)
    random = Random(seed)
    hidden = frozenset(place for place in range(len(numbers)) if random.randrange(10) < hiding)
    moves = {call: [random.randrange(len(numbers))] for call in range(1, 9, 3)} if moving else {}
    feed = MovingFeed(dict(enumerate(numbers)), 3, hidden, inclusive=inclusive, backwards=backwards, moves=moves)
    server = Server(feed)

    steps = read(server.plan())

    ((begins, reached),) = claims(steps)
    assert begins == 0
    assert reached >= server.maximum
    assert steps[-1].is_end
    assert len(feed.requested) <= 60 + 3 * len(numbers)
    server.maximum = feed.maximum
    assert known([*steps, *read(server.plan(reached))]) == feed.visible


def claims(steps: list[Step], start: int = 0) -> list[tuple[int, int]]:
    """What the steps cover, after it was seen that no number is claimed by two of them."""
    batching = WindowBuilder(start, start, Coverage())
    pieces: list[Piece] = []
    for step in steps:
        batching.add(step)
        pieces += batching.take().pieces
    spans = sorted((piece.begins, piece.ends) for piece in pieces if piece.ends > piece.begins)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    return [*batching.claimed.ranges]


def test_the_cursor_moves_only_over_what_is_read_without_a_gap() -> None:
    """Whatever order the pages come in."""
    feed = MovingFeed(dict(enumerate(range(1, 200))), 3)
    steps = read(Server(feed).plan())
    batching = WindowBuilder(0, 0, Coverage())
    seen: set[int] = set()

    for step in steps:
        batching.add(step)
        seen.update(json.loads(raw)["sequenceNumber"] for raw in step.page.records)
        reached = batching.take().reached
        assert set(range(1, reached + 1)) <= seen

    assert batching.take().reached == 199


def test_an_interrupted_load_asks_only_for_what_is_missing() -> None:
    """And for the page that was its head."""
    feed = MovingFeed(dict(enumerate(range(1, 301))), 3)
    done = Coverage.of([(30, 200), (210, 290)])

    steps = read(Server(feed).plan(start=9, covered=done))

    assert set(range(10, 31)) | set(range(201, 211)) | set(range(291, 301)) <= set(known(steps).values())
    assert len(feed.requested) < 35
    assert steps[-1].is_end


def test_what_was_fetched_comes_before_the_failure() -> None:
    """Over one connection and over several."""
    for pages in (1, 40):
        server = Server(MovingFeed(dict(enumerate(range(1, 301))), 3), failing_after=pages)
        taken: list[Step] = []

        with pytest.raises(BusyError):
            take_all(server.plan(), taken)

        assert len(taken) == pages


def take_all(plan: ReadPlan, taken: list[Step]) -> None:
    """Put all steps into a list, one by one."""
    with prefetched_steps(plan, MemoryBudget(10_000)) as coming:
        for step in coming:
            taken.append(step)  # noqa: PERF402 - what came before a failure counts


@pytest.mark.parametrize("taken", [0, 1, 20])
def test_no_thread_is_left_behind(taken: int) -> None:
    """Whoever stops taking steps, with a full queue or an empty one."""
    before = threading.active_count()
    server = Server(MovingFeed(dict(enumerate(range(1, 1000))), 3))

    with pytest.raises(KeyboardInterrupt), prefetched_steps(server.plan(), MemoryBudget(100)) as steps:  # noqa: PT012
        for _ in range(taken):
            next(steps)
        raise KeyboardInterrupt

    assert threading.active_count() == before


def test_pages_wait_within_the_budget() -> None:
    """Nobody fetches on while the share is full."""
    feed = MovingFeed(dict(enumerate(range(1, 1000))), 3)
    size = Server(MovingFeed({0: 1, 1: 2, 2: 3}, 3)).fetch(0).size

    with prefetched_steps(Server(feed).plan(), MemoryBudget(4 * size)) as steps:
        next(steps)
        while len(feed.requested) < 5:
            threading.Event().wait(0.001)
        threading.Event().wait(0.05)
        assert len(feed.requested) <= 6 + prefetch.CONNECTIONS


def test_a_long_feed_is_shared_from_its_second_page_on_whatever_its_first_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A feed that begins at a billion is as long as one that begins at 1."""
    monkeypatch.setattr(prefetch, "MIN_PAGES_TO_SPLIT", 20)
    server = Server(MovingFeed(dict(enumerate(range(10**9, 10**9 + 300))), 3))
    calls, second_and_third = count(), threading.Barrier(2, timeout=20)

    def fetch(after: int) -> Page:
        if next(calls) in (1, 2):
            second_and_third.wait()
        return server.fetch(after)

    steps = read(ReadPlan(ChangeFeed(fetch, server.maximum, 3), 0))

    assert set(known(steps).values()) == set(range(10**9, 10**9 + 300))


def test_a_short_or_sparse_feed_is_read_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """No call more than it takes."""
    monkeypatch.setattr(prefetch, "MIN_PAGES_TO_SPLIT", 20)
    feed = MovingFeed({0: 1, 1: 10**9, 2: 2 * 10**9, 3: 3 * 10**9}, 1)

    read(Server(feed).plan())

    assert sorted(feed.requested) == feed.requested
    assert len(feed.requested) <= 6


def test_a_maximum_that_is_far_too_high_costs_few_calls() -> None:
    """Nobody looks for the feed's end in the trillions of numbers before it: the maximum is asked for again."""
    feed = MovingFeed(dict(enumerate(range(1, 301))), 3)
    server = Server(feed)
    plan = ReadPlan(ChangeFeed(server.fetch, 2**62, 3, fetch_maximum=lambda: feed.maximum), 0)

    steps = read(plan)

    assert known(steps) == feed.visible
    assert steps[-1].is_end
    assert len(feed.requested) < 100 + 3 * prefetch.CONNECTIONS * 3


def test_a_maximum_that_stays_far_too_high_ends_all_the_same() -> None:
    """The ranges above the feed's end are given up with the first page that shows nothing there."""
    feed = MovingFeed(dict(enumerate(range(1, 301))), 3)
    server = Server(feed)

    steps = read(ReadPlan(ChangeFeed(server.fetch, 2**62, 3), 0))

    assert known(steps) == feed.visible
    assert not steps[-1].is_end
    assert len(feed.requested) < 800


class TestFirstPageAsked:
    """A page that is asked for while something else is."""

    def test_it_comes_meanwhile_and_only_once(self) -> None:
        """It is under way before anybody wants it; the next call for the same number asks again."""
        server, under_way = Server(MovingFeed(dict(enumerate(range(1, 10))), 3)), threading.Event()

        def fetch(after: int) -> Page:
            under_way.set()
            return server.fetch(after)

        with prefetch_first_page(fetch, 0) as fetch_or_take:
            assert under_way.wait(20)
            pages = [fetch_or_take(0), fetch_or_take(3), fetch_or_take(0)]

        assert [page.numbers for page in pages] == [(1, 2, 3), (4, 5, 6), (1, 2, 3)]
        assert sorted(server.feed.requested) == [0, 0, 3]

    def test_its_failure_is_told_where_it_is_wanted(self) -> None:
        """And whoever does not want it hears nothing of it."""
        failing = Server(MovingFeed({0: 1}, 3), failing_after=0)

        with prefetch_first_page(failing.fetch, 0) as fetch, pytest.raises(BusyError):
            fetch(0)
        with prefetch_first_page(failing.fetch, 0):
            pass

    def test_nobody_waits_until_it_is_tried_again(self) -> None:
        """A call that pauses before its next attempt ends with the block, however the block ends."""
        before, pausing = threading.active_count(), threading.Event()

        def fetch(_: int) -> Page:
            pausing.set()
            pause(600)
            raise AssertionError("it went on")

        with pytest.raises(BusyError), prefetch_first_page(fetch, 0):  # noqa: PT012
            assert pausing.wait(20)
            raise BusyError("busy")

        assert threading.active_count() == before
