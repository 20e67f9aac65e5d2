"""The queue of planned events, and the simulated clock, which jumps from event to event."""

from __future__ import annotations

import datetime as dt
import heapq
import itertools
from collections.abc import Callable

Action = Callable[[], object]


class EventQueue:
    """Planned actions in order of time; actions of the same time run in the order in which they were added.

    Args:
        now: simulated time at the start.
    """

    def __init__(self, now: dt.datetime) -> None:
        self.now = now
        self._order = itertools.count()
        self._noted: list[tuple[dt.datetime, int, Action]] = []

    def at(self, moment: dt.datetime, action: Action) -> None:
        """Plan an action; one for a time in the past runs next."""
        heapq.heappush(self._noted, (moment, next(self._order), action))

    def run(self, until: dt.datetime) -> None:
        """Run all actions up to a time, and set the clock to it."""
        while self._noted and self._noted[0][0] <= until:
            moment, _, action = heapq.heappop(self._noted)
            self.now = max(self.now, moment)
            action()
        self.now = max(self.now, until)
