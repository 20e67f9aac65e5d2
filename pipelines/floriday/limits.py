"""Rate limits: a token bucket for each limit that Floriday states (docs/floriday.md: Rate limits)."""

from __future__ import annotations

from threading import Lock

from pipelines.floriday.endpoints import RateLimit
from pipelines.floriday.patience import Clock


class TokenBucket:
    """Calls that may be made now, refilled as time passes; starts full. Threads may share one.

    Whoever finds it empty takes a call of the future and waits for it, so that calls are made in the order in
    which they were asked for.
    """

    def __init__(self, rate: RateLimit, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._calls = float(rate.burst)
        self._counted_at = clock.now()
        self._lock = Lock()

    def take(self) -> None:
        """Waits until a call may be made."""
        with self._lock:
            self._refill()
            self._calls -= 1
            wait = -self._calls / self._rate.per_second
        if wait > 0:
            self._clock.sleep(wait)

    def empty(self, seconds: float = 0.0) -> None:
        """The server said that the limit is reached: nothing is left, and nothing comes for ``seconds``."""
        with self._lock:
            self._refill()
            self._calls = min(self._calls, -seconds * self._rate.per_second)

    def _refill(self) -> None:
        now = self._clock.now()
        self._calls = min(self._calls + (now - self._counted_at) * self._rate.per_second, self._rate.burst)
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
