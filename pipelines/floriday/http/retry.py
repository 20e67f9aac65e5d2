"""How long to insist: attempts, back-off and the clock they are measured by."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential, wait_random

from pipelines.errors import RetriableError
from pipelines.interruption import limited

_Result = TypeVar("_Result")

_here = threading.local()


class StoppedError(Exception):
    """Ends the pause of a thread that is not wanted any more; caught where the thread began."""


@contextmanager
def pauses_until(stop: threading.Event) -> Iterator[None]:
    """Within the block, a pause of this thread ends early, with StoppedError, as soon as ``stop`` is set."""
    _here.stop = stop
    try:
        yield
    finally:
        del _here.stop


@contextmanager
def threads(count: int, name: str) -> Iterator[ThreadPoolExecutor]:
    """Threads whose pauses end with the block, as with ``pauses_until``; what has not begun by then never does.

    They have ended with the block, unless the process was asked to stop and one waits for an answer for too long.

    Args:
        count: how many there are at most.
        name: what they are called.
    """
    stop = threading.Event()
    begun: list[threading.Thread] = []
    pool = ThreadPoolExecutor(count, name, initializer=partial(_begin, stop, begun))
    try:
        yield pool
    finally:
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)
        for thread in begun:
            thread.join(limited(None))


def _begin(stop: threading.Event, begun: list[threading.Thread]) -> None:
    _here.stop = stop
    begun.append(threading.current_thread())


def stopping() -> bool:
    """Whether this thread is to end."""
    stop: threading.Event | None = getattr(_here, "stop", None)
    return stop is not None and stop.is_set()


def pause(seconds: float) -> None:
    """Let so many seconds pass."""
    stop: threading.Event | None = getattr(_here, "stop", None)
    if stop is None:
        time.sleep(seconds)
    elif stop.wait(seconds):
        raise StoppedError


@dataclass(frozen=True)
class Clock:
    """Time as the API's modules see it.

    Args:
        now: seconds that only go forward.
        wall: seconds since 1970.
        sleep: waits for a number of seconds.
    """

    now: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], None] = pause


@dataclass(frozen=True)
class Patience:
    """How often and how long a call is tried again.

    Args:
        attempts: the most calls, the first included.
        seconds: a wait that would end later than this after the first call is not begun.
        first_wait: seconds before the second attempt; each further wait doubles, with jitter.
        longest_wait: seconds that the doubling ends at.
    """

    attempts: int = 8
    seconds: float = 300.0
    first_wait: float = 0.5
    longest_wait: float = 60.0

    def persist(self, call: Callable[[], _Result], clock: Clock) -> _Result:
        """The result of ``call``, tried again as long as it raises RetriableError.

        A server's ``retry_after`` makes a wait longer, never shorter.

        Raises:
            RetriableError: the last one, which then tells the number of attempts.
        """
        started = clock.now()

        def spent(state: RetryCallState) -> bool:
            return state.attempt_number >= self.attempts or clock.now() - started + state.upcoming_sleep > self.seconds

        retrying = Retrying(
            retry=retry_if_exception_type(RetriableError),
            stop=spent,
            wait=self._wait,
            sleep=clock.sleep,
            reraise=True,
        )
        try:
            return retrying(call)
        except RetriableError as problem:
            raise _told(problem, retrying.statistics["attempt_number"])  # noqa: B904 - it is the same error

    def _wait(self, state: RetryCallState) -> float:
        backoff = wait_exponential(self.first_wait, self.longest_wait)(state) + wait_random(0, self.first_wait)(state)
        problem = state.outcome.exception() if state.outcome else None
        return max(backoff, getattr(problem, "retry_after", None) or 0.0)


def _told(problem: RetriableError, attempts: int) -> RetriableError:
    asked = f", asked to wait {problem.retry_after:.0f} s" if problem.retry_after else ""
    problem.message += f" (gave up after {attempts} {'attempt' if attempts == 1 else 'attempts'}{asked})"
    return problem
