"""Token buckets: how often one key may call one operation (docs/floriday.md: Rate limits)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable

from pipelines.floriday.endpoints import RateLimit
from pipelines.sandbox.switches import Switches


class RateLimits:
    """One bucket for each caller and operation.

    Args:
        switches: tell what the stated limits are multiplied with.
        clock: seconds that only move forward.
    """

    def __init__(self, switches: Switches, clock: Callable[[], float] = time.monotonic) -> None:
        self._switches = switches
        self._clock = clock
        self._buckets: dict[Hashable, tuple[float, float]] = {}

    def wait(self, bucket: Hashable, rate: RateLimit) -> int:
        """Take one call out of a bucket; returns 0, or the whole seconds until the next one if it is empty."""
        factor = self._switches.rate_limits
        if factor is None:
            return 0
        now = self._clock()
        per_second, size = rate.per_second * factor, max(1.0, rate.burst * factor)
        held, since = self._buckets.get(bucket, (size, now))
        held = min(size, held + (now - since) * per_second)
        if held < 1:
            self._buckets[bucket] = (held, now)
            return math.ceil((1 - held) / per_second)
        self._buckets[bucket] = (held - 1, now)
        return 0
