"""Time for tests: it stands still until somebody sleeps or a test moves it on."""

from __future__ import annotations

from threading import Lock

from pipelines.floriday.http.retry import Clock


class HandMovedTime:
    """Seconds that both clocks show, and what was slept."""

    def __init__(self, seconds: float = 1_800_000_000.0) -> None:
        self.seconds = seconds
        self.slept: list[float] = []
        self._lock = Lock()

    def sleep(self, seconds: float) -> None:
        """Passes at once."""
        with self._lock:
            self.slept.append(seconds)
            self.seconds += seconds

    @property
    def clock(self) -> Clock:
        """This time, as the client takes it."""
        return Clock(now=lambda: self.seconds, wall=lambda: self.seconds, sleep=self.sleep)
