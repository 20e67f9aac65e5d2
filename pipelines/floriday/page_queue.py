"""The pipe between the threads that fetch pages and the one that takes them, and the memory that pages may fill."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition, Event

from pipelines.floriday.change_feed import Step
from pipelines.floriday.http.retry import StoppedError, stopping

_LOOK_AGAIN = 0.5
"""Seconds after which a waiting thread looks whether it is still wanted."""


BYTES_UNDER_WAY = 64_000_000
"""Bytes of pages of one feed that may be under way at once, as far as the last page tells; one page always may."""


@dataclass
class Budget:
    """Bytes of pages that all feeds together may hold, in equal shares.

    Args:
        total: for all.
        sharers: feeds that are being read.
    """

    total: int
    sharers: int = 0
    _changed: Condition = field(default_factory=Condition, repr=False)

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Within the block there is one feed more."""
        with self._changed:
            self.sharers += 1
        try:
            yield
        finally:
            with self._changed:
                self.sharers -= 1

    @property
    def share(self) -> int:
        """What one feed may hold of pages that wait."""
        return self.shared_out(self.total)

    def shared_out(self, total: int) -> int:
        """What one feed may hold of something else that the feeds hold together."""
        return total // max(self.sharers, 1)


class Pipe:
    """Steps between the threads that fetch them and the one that takes them.

    ``stopped`` says that nobody takes them any more, ``halted`` that nobody should fetch any more.
    """

    def __init__(self, budget: Budget) -> None:
        self.stopped = Event()
        self.halted = Event()
        self._budget = budget
        self._steps: deque[Step] = deque()
        self._bytes = 0
        self._under_way = 0
        self._last_size = 0
        self._ended = False
        self._failure: BaseException | None = None
        self._changed = Condition()

    @contextmanager
    def room(self) -> Iterator[None]:
        """Within the block a page is under way; waits before while others fill the share.

        What fills it is what waits for the taker and what is under way. Where no page waits, nobody has to, unless
        pages are so large that memory would not bear many of them.

        Raises:
            StoppedError: nobody should fetch any more.
        """
        with self._changed:
            while self._is_full:
                if self.halted.is_set():
                    raise StoppedError
                self._changed.wait(_LOOK_AGAIN)
            self._under_way += 1
        try:
            yield
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    @property
    def _is_full(self) -> bool:
        if self._under_way and (self._under_way + 1) * self._last_size > BYTES_UNDER_WAY:
            return True
        return bool(self._steps) and self._bytes + self._under_way * self._last_size > self._budget.share

    def put(self, step: Step) -> None:
        """Hand a step over; waits while others fill the share.

        Raises:
            StoppedError: nobody takes it any more.
        """
        with self._changed:
            while self._steps and self._bytes + step.page.size > self._budget.share and not self.stopped.is_set():
                self._changed.wait(_LOOK_AGAIN)  # the share may have grown
            if self.stopped.is_set():
                raise StoppedError
            self._steps.append(step)
            self._bytes += step.page.size
            self._last_size = step.page.size
            self._changed.notify_all()

    def get(self) -> Step | None:
        """The next step; None after the last one.

        Raises:
            BaseException: what ended the walk too early.
            StoppedError: the thread that takes them is to end.
        """
        with self._changed:
            while not self._steps and not self._ended:
                self._changed.wait(_LOOK_AGAIN)
                if stopping():
                    raise StoppedError
            if self._steps:
                step = self._steps.popleft()
                self._bytes -= step.page.size
                self._changed.notify_all()
                return step
            if self._failure is not None:
                raise self._failure
            return None

    def end(self, failure: BaseException | None) -> None:
        """Say that there is nothing more, and why."""
        with self._changed:
            self._ended, self._failure = True, failure
            self._changed.notify_all()

    def stop(self) -> None:
        """Say that nobody takes anything any more."""
        with self._changed:
            self.stopped.set()
            self.halted.set()
            self._changed.notify_all()
