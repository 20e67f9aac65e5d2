"""Exponential back-off of the feeds that fail, or whose syncs make no progress."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipelines.sync.follow.poller import Key


def doubled(first: float, times: int, longest: float) -> float:
    """The wait after the ``times``-th failure: ``first`` seconds, then twice as long each time up to ``longest``."""
    return max(first, min(first * 2.0 ** min(times - 1, 32), longest))


@dataclass
class Backoff:
    """When each failing feed is tried again.

    Args:
        first: seconds until the second attempt, that of the next round.
        longest: most seconds between two attempts, unless ``first`` is longer.
    """

    first: float
    longest: float
    _failures: dict[Key, tuple[int, float]] = field(default_factory=dict)

    def is_due(self, key: Key, now: float) -> bool:
        """Whether a feed is to be tried at a time of the monotonic clock."""
        return key not in self._failures or now >= self._failures[key][1]

    def failed(self, key: Key, now: float) -> None:
        """Delay the next attempt of a feed. It may begin half an interval early: rounds are not exactly regular."""
        times = self._failures.get(key, (0, 0.0))[0] + 1
        wait = doubled(self.first, times, self.longest)
        self._failures[key] = (times, now + wait - self.first / 2)

    def succeeded(self, key: Key) -> None:
        """Try a feed in each round again."""
        self._failures.pop(key, None)
