"""Count stop signals of a command that runs until it is stopped: Ctrl-C, SIGTERM, SIGHUP."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pipelines.interruption import handled_by, record_stop

_POLL_INTERVAL = 0.1


@dataclass
class StopSignals:
    """The stop signals that this process received, and the first one's number: another one stops it faster."""

    count: int = 0
    number: int = 0

    def is_stopping(self) -> bool:
        """Whether a signal was received."""
        return self.count > 0

    def is_urgent(self) -> bool:
        """Whether a second signal was received."""
        return self.count > 1

    def wait(self, seconds: float) -> bool:
        """Wait for a signal, at most this long; returns whether one was received."""
        ends = time.monotonic() + seconds
        while not self.is_stopping() and time.monotonic() < ends:
            time.sleep(_POLL_INTERVAL)
        return self.is_stopping()


@contextmanager
def counted_signals() -> Iterator[StopSignals]:
    """Within the block, stop signals are counted and do not end the process; its exit code shows them later."""
    signals = StopSignals()

    def count(number: int, _: object) -> None:
        signals.count += 1
        signals.number = signals.number or number

    with handled_by(count):
        yield signals
    if signals.is_stopping():
        record_stop(signals.number)
