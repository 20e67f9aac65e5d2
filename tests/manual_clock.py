"""A clock for tests: its time changes only when the code sleeps or a test changes it."""

from __future__ import annotations

from threading import Lock

from pipelines.floriday.http.retry import Clock


class ManualClock:
    """The time of both clocks in seconds, and the durations of all sleeps."""

    def __init__(self, seconds: float = 1_800_000_000.0) -> None:
        self.seconds = seconds
        self.slept: list[float] = []
        self._lock = Lock()

    def sleep(self, seconds: float) -> None:
        """Advance the time at once."""
        with self._lock:
            self.slept.append(seconds)
            self.seconds += seconds

    @property
    def clock(self) -> Clock:
        """The clock that the client accepts."""
        return Clock(now=lambda: self.seconds, wall=lambda: self.seconds, sleep=self.sleep)
