"""Being asked to stop: Ctrl-C, SIGTERM, and a terminal that was closed."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pipelines.interruption import SIGNALS, left_to

_LOOK_AGAIN = 0.1


@dataclass
class StopSignals:
    """How often this process was asked to stop: once begins it, and again hastens it."""

    count: int = 0

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
    """Within the block, the process is not ended by what asks it to; it counts."""
    told = StopSignals()

    def count(*_: object) -> None:
        told.count += 1

    # A terminal that is gone means nothing to who was started with nohup.
    hangup = () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)
    with left_to(count, (*SIGNALS, *hangup)):
        yield told
