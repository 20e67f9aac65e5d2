"""Rate limiter: one token bucket for each limit that Floriday states (docs/floriday.md: Rate limits)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Condition, Lock

from pipelines.floriday.endpoints import RateLimit
from pipelines.floriday.http.retry import Clock

_MARGIN = 1.0  # tokens that stay unused after a 429, in case a call travels faster than the one before it


@dataclass
class Outcome:
    """What happened to a call; the caller fills it in."""

    passed: bool = False  # whether the server let the call through, whatever it answered
    refused_for: float | None = None  # seconds to wait after a 429, 0 where it named none; None for other answers


class TokenBucket:
    """Tokens for calls, refilled as time passes. It starts full. Threads may share one.

    A call that finds the bucket empty takes a future token and waits for it, so calls are made in the order in which
    they were requested.
    """

    def __init__(self, rate: RateLimit, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._tokens = float(rate.burst)
        # Lower bound of the tokens in the server's bucket: other processes may have used some before this one began.
        self._certain_tokens = 0.0
        self._counted_at = clock.now()
        self._risky_calls = 0
        self._max_risky_calls = 1
        self._call_ended = Condition()

    @contextmanager
    def call(self) -> Iterator[Outcome]:
        """Wait for a token and make one call within the block.

        A call that uses more than the certain tokens is risky, because other processes may have used up the burst. The
        first risky call is made alone; each one that passes doubles the number of concurrent ones. So an empty bucket
        on the server costs one 429, not one for each connection.
        """
        is_risky = self._acquire()
        outcome = Outcome()
        try:
            yield outcome
        finally:
            with self._call_ended:
                if outcome.refused_for is not None:
                    self.drain(max(outcome.refused_for, _MARGIN / self._rate.per_second))
                elif is_risky and outcome.passed:
                    self._max_risky_calls = min(2 * self._max_risky_calls, self._rate.burst)
                self._release(is_risky=is_risky)

    def drain(self, seconds: float = 0.0) -> None:
        """Remove all tokens, and those of the next ``seconds``: the server answered 429."""
        with self._call_ended:
            self._refill()
            self._tokens = min(self._tokens, -seconds * self._rate.per_second)
            self._certain_tokens = min(self._certain_tokens, self._tokens)

    def _acquire(self) -> bool:
        """Wait until a call may be made; returns whether it is risky."""
        with self._call_ended:
            self._refill()
            while self._is_risky() and self._risky_calls >= self._max_risky_calls:
                self._call_ended.wait()
                self._refill()
            is_risky = self._is_risky()
            self._risky_calls += is_risky
            wait = self._take_token()
        try:
            if wait > 0:
                self._clock.sleep(wait)
        except BaseException:
            with self._call_ended:
                self._release(is_risky=is_risky)
            raise
        return is_risky

    def _release(self, *, is_risky: bool) -> None:
        self._risky_calls -= is_risky
        self._call_ended.notify_all()

    def _is_risky(self) -> bool:
        return self._certain_tokens < 1 <= self._tokens

    def _take_token(self) -> float:
        """Take a token; returns the seconds until it is refilled."""
        self._tokens -= 1
        self._certain_tokens = max(self._certain_tokens - 1, min(self._tokens, 0.0))
        return -self._tokens / self._rate.per_second

    def _refill(self) -> None:
        now = self._clock.now()
        refilled = (now - self._counted_at) * self._rate.per_second
        self._tokens = min(self._tokens + refilled, self._rate.burst)
        self._certain_tokens = min(self._certain_tokens + refilled, self._tokens)
        self._counted_at = now


class Buckets:
    """The token buckets of one API key, created at first use."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[str, TokenBucket] = {}
        self._lock = Lock()

    def of(self, name: str, rate: RateLimit) -> TokenBucket:
        """The bucket with a name; ``rate`` has an effect at first use only."""
        with self._lock:
            if name not in self._buckets:
                self._buckets[name] = TokenBucket(rate, self._clock)
            return self._buckets[name]
