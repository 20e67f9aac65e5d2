"""Rate limits: a token bucket for each limit that Floriday states (docs/floriday.md: Rate limits)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Condition, Lock, RLock

from pipelines.floriday.endpoints import RateLimit
from pipelines.floriday.http.retry import Clock

_SLACK = 1.0
"""Calls that are left unused after a refusal: one that travels faster than the one before must not come too early."""


@dataclass
class Outcome:
    """What came of a call.

    Args:
        passed: whether the server let it through, whatever it answered.
        refused_for: seconds for which the server asked to wait when it said 429, 0 where it did not say; else None.
    """

    passed: bool = False
    refused_for: float | None = None


class TokenBucket:
    """Calls that may be made now, refilled as time passes; starts full. Threads may share one.

    Whoever finds it empty takes a call of the future and waits for it, so that calls are made in the order in
    which they were asked for.
    """

    def __init__(self, rate: RateLimit, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._calls = float(rate.burst)
        # What the server's bucket surely holds, for nobody knows who has called before this process began.
        self._sure = 0.0
        self._counted_at = clock.now()
        self._risky = 0
        self._risked_at_once = 1
        self._lock = RLock()
        self._one_ended = Condition(self._lock)

    @contextmanager
    def call(self) -> Iterator[Outcome]:
        """The time of one call: begins when it may be made, and ends with what came of it.

        A call beyond what surely refilled since the beginning is risky: the burst may have been spent by others. The
        first of them goes alone, and with each one that was let through twice as many may be under way. So an empty
        bucket costs one refusal, not one for each connection.
        """
        risky = self._enter()
        outcome = Outcome()
        try:
            yield outcome
        finally:
            with self._lock:
                if outcome.refused_for is not None:
                    self.empty(max(outcome.refused_for, _SLACK / self._rate.per_second))
                elif risky and outcome.passed:
                    self._risked_at_once = min(2 * self._risked_at_once, self._rate.burst)
                self._risky -= risky
                self._one_ended.notify_all()

    def empty(self, seconds: float = 0.0) -> None:
        """The server said that the limit is reached: nothing is left, and nothing comes for ``seconds``."""
        with self._lock:
            self._refill()
            self._calls = min(self._calls, -seconds * self._rate.per_second)
            self._sure = min(self._sure, self._calls)

    def _enter(self) -> bool:
        """Wait until a call may be made; whether it is a risky one."""
        with self._lock:
            self._refill()
            while self._is_risky() and self._risky >= self._risked_at_once:
                self._one_ended.wait()
                self._refill()
            risky = self._is_risky()
            self._risky += risky
            wait = self._take()
        try:
            if wait > 0:
                self._clock.sleep(wait)
        except BaseException:
            with self._lock:
                self._risky -= risky
                self._one_ended.notify_all()
            raise
        return risky

    def _is_risky(self) -> bool:
        return self._sure < 1 <= self._calls

    def _take(self) -> float:
        """Take a call; how many seconds it is away."""
        self._calls -= 1
        self._sure = max(self._sure - 1, min(self._calls, 0.0))
        return -self._calls / self._rate.per_second

    def _refill(self) -> None:
        now = self._clock.now()
        refilled = (now - self._counted_at) * self._rate.per_second
        self._calls = min(self._calls + refilled, self._rate.burst)
        self._sure = min(self._sure + refilled, self._calls)
        self._counted_at = now


class Buckets:
    """The buckets of one API key, made when they are first asked for."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[str, TokenBucket] = {}
        self._lock = Lock()

    def of(self, name: str, rate: RateLimit) -> TokenBucket:
        """The bucket ``name``; ``rate`` counts when it is first asked for."""
        with self._lock:
            if name not in self._buckets:
                self._buckets[name] = TokenBucket(rate, self._clock)
            return self._buckets[name]
