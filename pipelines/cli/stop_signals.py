"""Being asked to stop: Ctrl-C, SIGTERM, and a terminal that was closed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pipelines.interruption import left_to, stopped_by

_LOOK_AGAIN = 0.1


@dataclass
class StopSignals:
    """How often this process was asked to stop: once begins it, and again hastens it.

    Args:
        count: how often.
        number: of the first signal, 0 before it.
    """

    count: int = 0
    number: int = 0

    @property
    def asked(self) -> bool:
        """Whether to stop."""
        return self.count > 0

    def hurry(self) -> bool:
        """Whether to wait for nothing any more."""
        return self.count > 1

    def wait(self, seconds: float) -> bool:
        """Let so much time pass, or less if asked to stop; whether that was asked."""
        ends = time.monotonic() + seconds
        while not self.asked and time.monotonic() < ends:
            time.sleep(_LOOK_AGAIN)
        return self.asked


@contextmanager
def counted_signals() -> Iterator[StopSignals]:
    """Within the block, the process is not ended by what asks it to; it counts. The exit code tells of it later."""
    told = StopSignals()

    def count(number: int, _: object) -> None:
        told.count += 1
        told.number = told.number or number

    with left_to(count):
        yield told
    if told.asked:
        stopped_by(told.number)
