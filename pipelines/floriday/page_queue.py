"""The queue between the threads that fetch pages and the thread that stores them, within a budget of memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition, Event, Lock

from pipelines.floriday.change_feed import Step
from pipelines.floriday.stoppable_threads import StoppedError, is_stopped

_CHECK_INTERVAL = 0.5
"""Seconds after which a waiting thread checks whether it should end and whether its share of memory has grown."""

MAX_BYTES_IN_FLIGHT = 64_000_000  # estimated bytes of pages of one feed that may be requested at once; one always may


@dataclass
class MemoryBudget:
    """Bytes of queued pages that all feeds together may hold, in equal shares."""

    total: int  # bytes of queued pages of all feeds
    feeds: int = 0  # number of feeds that are being read
    _lock: Lock = field(default_factory=Lock, repr=False)

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Count one more feed within the block."""
        with self._lock:
            self.feeds += 1
        try:
            yield
        finally:
            with self._lock:
                self.feeds -= 1

    @property
    def share(self) -> int:
        """Bytes of queued pages that one feed may hold."""
        return self.share_of(self.total)

    def share_of(self, total: int) -> int:
        """The share of one feed in another total that all feeds share."""
        return total // max(self.feeds, 1)


class PageQueue:
    """Steps of a walk, from the threads that fetch them (producers) to the thread that stores them (the consumer).

    ``stopped`` is set when the consumer has ended, ``fetching_stopped`` when no producer should fetch another page.
    """

    def __init__(self, budget: MemoryBudget) -> None:
        self.stopped = Event()
        self.fetching_stopped = Event()
        self._budget = budget
        self._steps: deque[Step] = deque()
        self._queued_bytes = 0
        self._in_flight = 0
        self._last_size = 0
        self._is_finished = False
        self._failure: BaseException | None = None
        self._changed = Condition()

    @contextmanager
    def page_in_flight(self) -> Iterator[None]:
        """Wait while the feed's share of memory is full, then count a page as in flight within the block.

        Queued pages and pages in flight fill the share. While no page is queued, no producer waits, unless pages are
        so large that many of them would not fit into memory.

        Raises:
            StoppedError: no producer should fetch another page.
        """
        with self._changed:
            while self._is_full:
                if self.fetching_stopped.is_set():
                    raise StoppedError
                self._changed.wait(_CHECK_INTERVAL)
            self._in_flight += 1
        try:
            yield
        finally:
            with self._changed:
                self._in_flight -= 1
                self._changed.notify_all()

    @property
    def _is_full(self) -> bool:
        if self._in_flight and (self._in_flight + 1) * self._last_size > MAX_BYTES_IN_FLIGHT:
            return True
        return bool(self._steps) and self._queued_bytes + self._in_flight * self._last_size > self._budget.share

    def put(self, step: Step) -> None:
        """Add a step; waits while the feed's share of memory is full.

        Raises:
            StoppedError: the consumer has ended.
        """
        size = step.page.size
        with self._changed:
            while self._steps and self._queued_bytes + size > self._budget.share and not self.stopped.is_set():
                self._changed.wait(_CHECK_INTERVAL)
            if self.stopped.is_set():
                raise StoppedError
            self._steps.append(step)
            self._queued_bytes += size
            self._last_size = size
            self._changed.notify_all()

    def get(self) -> Step | None:
        """The next step; None after the last one.

        Raises:
            BaseException: the error that ended the producers.
            StoppedError: the consumer should end.
        """
        with self._changed:
            while not self._steps and not self._is_finished:
                self._changed.wait(_CHECK_INTERVAL)
                if is_stopped():
                    raise StoppedError
            if self._steps:
                step = self._steps.popleft()
                self._queued_bytes -= step.page.size
                self._changed.notify_all()
                return step
            if self._failure is not None:
                raise self._failure
            return None

    def finish(self, failure: BaseException | None) -> None:
        """Record that the producers have ended: by an error, or None after the last step."""
        with self._changed:
            self._is_finished, self._failure = True, failure
            self._changed.notify_all()

    def stop(self) -> None:
        """Record that the consumer has ended."""
        with self._changed:
            self.stopped.set()
            self.fetching_stopped.set()
            self._changed.notify_all()
