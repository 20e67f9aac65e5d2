"""Prefetch: threads fetch pages of a feed while earlier ones are stored, over several connections where that helps.

One thread walks the feed (``change_feed``) and queues its steps. If many pages remain, it has other threads read ranges
of sequence numbers concurrently, up to the maximum that was known at the beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock, Thread

from pipelines.floriday.change_feed import ChangeFeed, Fetch, Step, walk
from pipelines.floriday.page_queue import MemoryBudget, PageQueue
from pipelines.floriday.pages import Page
from pipelines.floriday.sequence_ranges import END_OF_FEED, Assignment, Coverage, RangePool, SequenceRange
from pipelines.floriday.stoppable_threads import StoppedError, stoppable_by, stoppable_pool
from pipelines.interruption import wait_limit

CONNECTIONS = 12  # calls for one feed: a server that takes 300 ms for a call then delivers a page every 25 ms
MIN_PAGES_TO_SPLIT = 20  # estimated number of remaining pages from which a feed is read over several connections
MIN_RECORDS_TO_SPLIT = 2000  # estimated number of remaining records from which a feed is read over several connections
_JOIN_SECONDS = 10.0  # how long to wait at the end for threads that still receive an answer


@dataclass(frozen=True)
class ReadPlan:
    """What to read of a feed."""

    feed: ChangeFeed
    start: int  # sequence number to start from, exclusive
    up_to: int = END_OF_FEED  # last sequence number to read; the walk ends with its page
    covered: Coverage = field(default_factory=Coverage)  # not read again, such as ranges of an interrupted load
    complete: bool = False  # as for ``walk``; pages are then fetched one after the other


@contextmanager
def prefetch_first_page(fetch: Fetch, after: int) -> Iterator[Fetch]:
    """Request one page in the background; the fetch function that is returned takes it at its first call for ``after``.

    A first load needs the feed's maximum and its first page: over a slow connection, that is one wait instead of two.
    An error of the request is raised by the call that takes the page, and ignored if there is none.
    """
    with stoppable_pool(1, "floriday first page") as pool:
        pending = {after: pool.submit(fetch, after)}

        def fetch_or_take(number: int) -> Page:
            prefetched = pending.pop(number, None)
            return fetch(number) if prefetched is None else prefetched.result()

        yield fetch_or_take


@contextmanager
def prefetched_steps(plan: ReadPlan, budget: MemoryBudget) -> Iterator[Iterator[Step]]:
    """The steps of a walk, fetched by threads that end with the block.

    An error of a thread is raised after the steps that were fetched before it. Queued pages are limited by the budget,
    which all feeds share.
    """
    with budget.shared():
        queue = PageQueue(budget)
        walker = Thread(target=_Prefetcher(plan, queue).run, name="floriday walk", daemon=True)
        walker.start()
        try:
            yield iter(queue.get, None)
        finally:
            queue.stop()
            walker.join(wait_limit(_JOIN_SECONDS))


class _Prefetcher:
    """Reads a feed: first over one connection, long ranges over several, and to the proven end over one again."""

    def __init__(self, plan: ReadPlan, queue: PageQueue) -> None:
        self._plan = plan
        self._feed = plan.feed
        self._queue = queue
        self._covered = Coverage.of(plan.covered.ranges)
        self._late_steps: list[Step] = []
        self._highest_step: Step | None = None
        self._lock = Lock()

    def run(self) -> None:
        """Fetch all pages and add their steps to the queue, then finish it."""
        failure: BaseException | None = None
        try:
            with stoppable_by(self._queue.stopped):
                self._queue_steps()
        except StoppedError:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that takes the steps
            failure = error
        self._queue.finish(failure)

    def _queue_steps(self) -> None:
        for step in self._walk(self._plan.start):
            self._queue.put(step)
            if self._is_done(step.reached):
                return
            gaps = self._gaps_to_split(step)
            if gaps:
                break
        else:
            return
        self._read_concurrently(gaps, self._numbers_per_page(step))
        for late in self._late_steps:
            self._queue.put(late)
        reached = self._covered.reached_from(step.reached)
        if self._is_done(reached):
            return
        # The highest page is read again, because its records may become visible late. Records that have moved above the
        # maximum since then follow here, after everything that had a number before them.
        for last in self._walk(min(reached, self._highest_step.after) if self._highest_step else reached):
            self._queue.put(last)
            if self._is_done(last.reached):
                return

    def _walk(self, start: int) -> Iterator[Step]:
        return walk(self._feed, start, complete=self._plan.complete)

    def _is_done(self, reached: int) -> bool:
        return reached >= self._plan.up_to

    def _gaps_to_split(self, step: Step) -> list[SequenceRange]:
        maximum, numbers_per_page = self._feed.maximum, self._numbers_per_page(step)
        if maximum is None or self._plan.complete:
            return []
        end = min(maximum, self._plan.up_to)
        if not 0 < numbers_per_page < end - step.reached:
            return []
        gaps = self._covered.gaps(step.reached, end)
        is_resumed = gaps != [(step.reached, end)]
        pages = (end - step.reached) // numbers_per_page
        is_long = pages >= MIN_PAGES_TO_SPLIT and pages * self._feed.page_maximum >= MIN_RECORDS_TO_SPLIT
        return gaps if is_resumed or is_long else []

    def _numbers_per_page(self, step: Step) -> int:
        """How many sequence numbers a page covers; a feed's first number may be high, so a full page counts from it."""
        numbers = [number for number in step.page.numbers if number is not None and number > step.after]
        is_full = len(numbers) >= (step.page.limit or self._feed.page_maximum)
        return step.reached - (min(numbers) - 1 if is_full else step.after)

    def _read_concurrently(self, gaps: Sequence[SequenceRange], numbers_per_page: int) -> None:
        pool = RangePool(gaps, numbers_per_page)
        failures: list[BaseException] = []

        def read() -> None:
            try:
                with stoppable_by(self._queue.fetching_stopped):
                    while (assignment := pool.take()) is not None:
                        self._read(assignment, pool)
            except BaseException as error:  # noqa: BLE001 - raised again by the thread of the walk
                failures.append(error)
                pool.close()
                self._queue.fetching_stopped.set()

        readers = [Thread(target=read, name="floriday range", daemon=True) for _ in range(CONNECTIONS)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        if failures:
            raise next((error for error in failures if not isinstance(error, StoppedError)), failures[0])

    def _read(self, assignment: Assignment, pool: RangePool) -> None:
        try:
            while assignment.after < assignment.up_to and not self._queue.fetching_stopped.is_set():
                after = assignment.after
                with self._queue.page_in_flight():
                    page = self._feed.confirmed_page(after)
                reached = self._feed.next_cursor(page, after)
                if reached == after:
                    # Nothing is served above this number; the walk from here on decides what that means. If the maximum
                    # was wrong, the ranges up to the right one suffice.
                    maximum = self._feed.fetch_maximum() if self._feed.fetch_maximum else None
                    pool.end_at(after if maximum is None else min(after, maximum))
                    return
                self._queue_page(page, pool.advance(assignment, reached))
        finally:
            pool.finish(assignment)

    def _queue_page(self, page: Page, covered: SequenceRange) -> None:
        """Queue the records of a page that belong to the range that it covers.

        Records above the range are left out of a sorted page, because the next range contains them. Records above the
        maximum are queued at the end, after everything that had a number before them.
        """
        maximum, numbers = self._feed.maximum, [number for number in page.numbers if number is not None]
        assert maximum is not None
        last = covered.up_to if numbers == sorted(numbers) else maximum
        in_range = _selected(page, lambda number: number is None or number <= last)
        late = _selected(page, lambda number: number is not None and number > maximum)
        step = Step(in_range, *covered, is_end=False)
        with self._lock:
            self._covered.add(*covered)
            if self._highest_step is None or self._highest_step.after < step.after:
                self._highest_step = step
            if late.records:
                self._late_steps.append(Step(late, covered.up_to, covered.up_to, is_end=False))
        self._queue.put(step)


def _selected(page: Page, is_selected: Callable[[int | None], bool]) -> Page:
    return page.only([index for index, number in enumerate(page.numbers) if is_selected(number)])
