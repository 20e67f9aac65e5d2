"""Retries with exponential back-off, and the clock that waits and rate limits use."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential, wait_random

from pipelines.errors import RetriableError
from pipelines.floriday.stoppable_threads import pause
from pipelines.text_format import counted

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Clock:
    """Functions of time, which tests replace."""

    now: Callable[[], float] = time.monotonic  # returns seconds that never go back
    wall: Callable[[], float] = time.time  # returns seconds since 1970
    sleep: Callable[[float], None] = pause  # waits for a number of seconds


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how long a call is retried."""

    attempts: int = 8  # maximum number of calls, the first included
    seconds: float = 300.0  # no wait begins that would end later than this after the first call
    first_wait: float = 0.5  # seconds before the second attempt; each further wait doubles, with jitter
    longest_wait: float = 60.0  # maximum of a doubled wait, in seconds

    def call(self, function: Callable[[], _Result], clock: Clock) -> _Result:
        """The result of ``function``, which is called again while it raises RetriableError.

        A server's ``retry_after`` makes a wait longer, never shorter. An error that ended other retries, such as those
        of a token, is not retried.

        Raises:
            RetriableError: the last one, with the number of attempts in its message.
        """
        started = clock.now()

        def is_exhausted(state: RetryCallState) -> bool:
            return state.attempt_number >= self.attempts or clock.now() - started + state.upcoming_sleep > self.seconds

        retrying = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, RetriableError) and error.attempts is None),
            stop=is_exhausted,
            wait=self._wait,
            sleep=clock.sleep,
            reraise=True,
        )
        try:
            return retrying(function)
        except RetriableError as problem:
            if problem.attempts is None:
                problem.attempts = int(retrying.statistics["attempt_number"])
                wait = f", asked to wait {problem.retry_after:.0f} s" if problem.retry_after else ""
                problem.message += f" (gave up after {counted(problem.attempts, 'attempt')}{wait})"
            raise

    def _wait(self, state: RetryCallState) -> float:
        backoff = wait_exponential(self.first_wait, self.longest_wait)(state) + wait_random(0, self.first_wait)(state)
        problem = state.outcome.exception() if state.outcome else None
        return max(backoff, getattr(problem, "retry_after", None) or 0.0)
