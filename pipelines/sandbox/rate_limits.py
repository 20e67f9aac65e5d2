"""Token buckets that limit how often one key may call one operation (docs/floriday.md: Rate limits)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable

from pipelines.floriday.endpoints import RateLimit
from pipelines.sandbox.switches import Switches


class RateLimits:
    """One token bucket for each key and operation.

    Args:
        switches: settings of the server's behaviour; ``rate_limits`` is used.
        clock: monotonic clock that returns seconds.
    """

    def __init__(self, switches: Switches, clock: Callable[[], float] = time.monotonic) -> None:
        self._switches = switches
        self._clock = clock
        self._buckets: dict[Hashable, tuple[float, float]] = {}

    def take(self, bucket: Hashable, rate: RateLimit) -> int:
        """Take one token from a bucket; returns 0, or the whole seconds until the next token if it is empty."""
        factor = self._switches.rate_limits
        if factor is None:
            return 0
        now = self._clock()
        per_second, size = rate.per_second * factor, max(1.0, rate.burst * factor)
        available, updated_at = self._buckets.get(bucket, (size, now))
        available = min(size, available + (now - updated_at) * per_second)
        if available < 1:
            self._buckets[bucket] = (available, now)
            return math.ceil((1 - available) / per_second)
        self._buckets[bucket] = (available - 1, now)
        return 0
