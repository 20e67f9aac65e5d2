"""When the maximum of each feed of a sandbox rose, to measure how long a change takes to its commit."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from pipelines.sandbox import Sandbox


@dataclass
class MaximumLog:
    """Records when the maximum of each feed of a sandbox rose.

    Args:
        sandbox: the sandbox that is observed.
        feeds: names of the feeds whose maximum is recorded.
        moves: for each feed, times in seconds since 1970 and the maximum from that time on.
    """

    sandbox: Sandbox
    feeds: Sequence[str]
    moves: dict[str, list[tuple[float, int]]] = field(default_factory=lambda: defaultdict(list))

    @contextmanager
    def recording(self, every: float = 0.25) -> Iterator[MaximumLog]:
        """Record in a background thread."""
        stopped = threading.Event()
        thread = threading.Thread(target=self._record, args=(stopped, every), daemon=True)
        thread.start()
        yield self
        stopped.set()
        thread.join()

    def _record(self, stopped: threading.Event, every: float) -> None:
        while not stopped.wait(every):
            for feed in self.feeds:
                number = self.sandbox.book(feed).maximum
                if not self.moves[feed] or self.moves[feed][-1][1] < number:
                    self.moves[feed].append((time.time(), number))
