"""What is going to happen, and the clock that stands still in between."""

from __future__ import annotations

import datetime as dt
import heapq
import itertools
from collections.abc import Callable

Action = Callable[[], object]


class EventQueue:
    """Actions and their moments. Actions of one moment happen in the order in which they were noted.

    Args:
        now: where the clock begins.
    """

    def __init__(self, now: dt.datetime) -> None:
        self.now = now
        self._order = itertools.count()
        self._noted: list[tuple[dt.datetime, int, Action]] = []

    def at(self, moment: dt.datetime, action: Action) -> None:
        """Note an action; one for a moment that has passed happens next."""
        heapq.heappush(self._noted, (moment, next(self._order), action))

    def run(self, until: dt.datetime) -> None:
        """Let everything happen up to a moment, and move the clock there."""
        while self._noted and self._noted[0][0] <= until:
            moment, _, action = heapq.heappop(self._noted)
            self.now = max(self.now, moment)
            action()
        self.now = max(self.now, until)
