"""Pages fetched ahead of those who store them, within a budget of bytes, and over several connections where that helps.

The rules of a feed are those of ``changes``; here is only who asks for which page when. A thread walks the feed and
hands its steps over. Where many pages are to come, it has others read ranges of it side by side, up to the maximum
that was asked for at the beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock, Thread

from pipelines.floriday.change_feed import ChangeFeed, Fetch, Step, walk
from pipelines.floriday.http.retry import StoppedError, pauses_until, threads
from pipelines.floriday.page_queue import Budget, Pipe
from pipelines.floriday.pages import Page
from pipelines.floriday.sequence_ranges import Coverage, Interval, Range, Sharing
from pipelines.interruption import limited

CONNECTIONS = 12
"""Calls for one feed under way at once: a server that takes 300 ms for each gives a page every 40 ms then."""

WORTH_SPLITTING = 20
"""Pages that must be left, as far as the last one tells, to read them over several connections."""

RECORDS_WORTH_SPLITTING = 2000
"""Records that must be left, as far as the last page tells, for the same."""

_PATIENCE_AT_THE_END = 10.0
"""Seconds to wait for threads that are in the middle of an answer when nobody wants it any more."""


@dataclass(frozen=True)
class Way:
    """What is to be read of a feed.

    Args:
        feed: what is known of it.
        start: the number to start from, exclusive.
        up_to: the last number that is of interest; the walk goes on to the end of its page. None for the feed's end.
        read: intervals that need not be read again, such as an interrupted load left them.
        complete: as of ``walk``; one page after the other then.
    """

    feed: ChangeFeed
    start: int
    up_to: int | None = None
    read: Coverage = field(default_factory=Coverage)
    complete: bool = False


@contextmanager
def first_page_asked(fetch: Fetch, after: int) -> Iterator[Fetch]:
    """Ask for the page above a number while the caller asks for something else; the first call for it takes that one.

    A first load has to wait for its maximum and for its first page: over a slow connection that is one wait instead of
    two. What fails is told by the call that takes it, and never if there is none.

    Args:
        fetch: asks for a page.
        after: the number to start from, exclusive.
    """
    with threads(1, "floriday first page") as asking:
        asked = [asking.submit(fetch, after)]
        yield lambda number: asked.pop().result() if asked and number == after else fetch(number)


@contextmanager
def fetched_ahead(way: Way, budget: Budget) -> Iterator[Iterator[Step]]:
    """The steps of a walk, fetched by threads while the last ones are stored; none of them is left behind.

    What was fetched before a failure comes before the failure.

    Args:
        way: what is to be read.
        budget: how much may wait.
    """
    with budget.shared():
        pipe = Pipe(budget)
        walker = Thread(target=_run, args=(_Walk(way, pipe).steps, pipe), name="floriday walk", daemon=True)
        walker.start()
        try:
            yield iter(pipe.get, None)
        finally:
            pipe.stop()
            walker.join(limited(_PATIENCE_AT_THE_END))


def _run(work: Callable[[], None], pipe: Pipe) -> None:
    failure: BaseException | None = None
    try:
        with pauses_until(pipe.stopped):
            work()
    except StoppedError:
        pass
    except BaseException as error:  # noqa: BLE001 - it is raised again where the steps are taken
        failure = error
    pipe.end(failure)


class _Walk:
    """One walk: alone at first, with others over the long middle, alone to the proven end."""

    def __init__(self, way: Way, pipe: Pipe) -> None:
        self._way = way
        self._pipe = pipe
        self._held_back: list[Step] = []
        self._top: Step | None = None
        self._lock = Lock()

    def steps(self) -> None:
        """Hand over all steps."""
        for step in self._walk(self._way.start):
            self._pipe.put(step)
            if self._is_over(step):
                return
            gaps = self._gaps_worth_splitting(step)
            if gaps:
                break
        else:
            return
        self._read_side_by_side(gaps, self._span(step))
        for later in self._held_back:
            self._pipe.put(later)
        reached = self._way.read.reached_from(step.reached)
        if self._way.up_to is not None and reached >= self._way.up_to:
            return
        # The page that was the head when the load began is read again, for numbers may become visible late. What got
        # a number above the maximum since then is met here as well, after everything that was numbered before it.
        for last in self._walk(reached if self._top is None else min(reached, self._top.after)):
            self._pipe.put(last)
            if self._is_over(last):
                return

    def _walk(self, start: int) -> Iterator[Step]:
        return walk(self._way.feed, start, complete=self._way.complete)

    def _is_over(self, step: Step) -> bool:
        return self._way.up_to is not None and step.reached >= self._way.up_to

    @property
    def _end(self) -> int | None:
        """The last number that is surely of interest and was there at the beginning; None where that is unknown."""
        maximum = self._way.feed.maximum
        if maximum is None or self._way.up_to is None:
            return maximum
        return min(maximum, self._way.up_to)

    def _gaps_worth_splitting(self, step: Step) -> list[Interval]:
        end, span = self._end, self._span(step)
        if end is None or self._way.complete or not 0 < span < end - step.reached:
            return []
        gaps = self._way.read.gaps(step.reached, end)
        is_resumed = gaps != [(step.reached, end)]
        pages = (end - step.reached) // span
        many = pages >= WORTH_SPLITTING and pages * self._way.feed.page_maximum >= RECORDS_WORTH_SPLITTING
        return gaps if is_resumed or many else []

    def _span(self, step: Step) -> int:
        """How many numbers a page covers, as far as this one tells: a feed's first number may be any, however large."""
        numbers = [number for number in step.page.numbers if number is not None and number > step.after]
        is_full = len(numbers) >= (step.page.limit or self._way.feed.page_maximum)
        return step.reached - (min(numbers) - 1 if is_full else step.after)

    def _read_side_by_side(self, gaps: Sequence[Interval], span: int) -> None:
        sharing = Sharing(gaps, span)
        failures: list[BaseException] = []

        def read() -> None:
            try:
                with pauses_until(self._pipe.halted):
                    while (mine := sharing.take()) is not None:
                        self._read(mine, sharing)
            except BaseException as error:  # noqa: BLE001 - it is raised again by the walk
                failures.append(error)
                sharing.close()
                self._pipe.halted.set()

        readers = [Thread(target=read, name="floriday range", daemon=True) for _ in range(CONNECTIONS)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        if failures:
            raise next((one for one in failures if not isinstance(one, StoppedError)), failures[0])

    def _read(self, mine: Range, sharing: Sharing) -> None:
        feed = self._way.feed
        try:
            while mine.after < mine.up_to and not self._pipe.halted.is_set():
                asked = mine.after
                with self._pipe.room():
                    page = feed.answer(asked)
                reached = feed.next_cursor(page, asked)
                if reached == asked:
                    # Nothing is served there any more; the walk from there on says what that means. Where the maximum
                    # that was said is wrong, nobody needs to look for the feed's end in all that lies before it.
                    maximum = None if feed.ask_maximum is None else feed.ask_maximum()
                    sharing.end_at(asked if maximum is None else min(asked, maximum))
                    return
                self._hand_over(page, sharing.advance(mine, reached))
        finally:
            sharing.finish(mine)

    def _hand_over(self, page: Page, covered: Interval) -> None:
        """Hand over what a page holds of a range.

        Records beyond it are left out where the page is in order, for they are met again in the next range. What was
        numbered after the beginning is held back, so that it comes after everything that was numbered before it.
        """
        maximum, numbers = self._way.feed.maximum, [number for number in page.numbers if number is not None]
        assert maximum is not None
        last = covered[1] if numbers == sorted(numbers) else maximum
        own = _those(page, lambda number: number is None or number <= last)
        later = _those(page, lambda number: number is not None and number > maximum)
        step = Step(own, *covered, current=False)
        with self._lock:
            self._way.read.add(*covered)
            if self._top is None or self._top.after < step.after:
                self._top = step
            if later.records:
                self._held_back.append(Step(later, covered[1], covered[1], current=False))
        self._pipe.put(step)


def _those(page: Page, wanted: Callable[[int | None], bool]) -> Page:
    """The page with those records only whose numbers are wanted."""
    return page.only([place for place, number in enumerate(page.numbers) if wanted(number)])
