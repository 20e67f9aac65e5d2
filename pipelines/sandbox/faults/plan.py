"""The planned faults, and the decision whether one strikes a request.

A seed makes the decisions repeatable. ``http.fault_injection`` and ``corruption`` carry the faults out.
"""

from __future__ import annotations

import itertools
import random
import threading
from dataclasses import dataclass, field

from pipelines.sandbox.faults.fault import Fault


@dataclass
class PlannedFault:
    """A fault and its counters.

    Args:
        id: number by which the fault can be removed.
        fault: the fault that is planned.
        met: number of matching requests so far.
        struck: number of strikes so far.
    """

    id: int
    fault: Fault
    met: int = field(default=0)
    struck: int = field(default=0)

    @property
    def is_over(self) -> bool:
        """Whether it has struck as often as planned."""
        return self.fault.times is not None and self.struck >= self.fault.times

    def count(self, generator: random.Random) -> bool:
        """Count a matching request; returns whether the fault strikes it."""
        self.met += 1
        position = self.met - self.fault.after - 1
        if self.is_over or position < 0 or position % self.fault.every:
            return False
        if self.fault.probability < 1 and generator.random() >= self.fault.probability:
            return False
        self.struck += 1
        return True


class Faults:
    """All planned faults. Safe to use from several threads.

    Args:
        seed: seed of the random decisions.
    """

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(f"faults/{seed}")
        self._ids = itertools.count(1)
        self._planned: list[PlannedFault] = []
        self._lock = threading.Lock()

    def add(self, *faults: Fault) -> tuple[int, ...]:
        """Plan faults; returns their ids."""
        with self._lock:
            added = [PlannedFault(next(self._ids), fault) for fault in faults]
            self._planned.extend(added)
        return tuple(planned.id for planned in added)

    def remove(self, id: int) -> None:
        """Remove the fault with this id, if there is one."""
        with self._lock:
            self._planned = [planned for planned in self._planned if planned.id != id]

    def clear(self, seed: int | None = None) -> None:
        """Remove all faults; with a seed, restart the random decisions."""
        with self._lock:
            self._planned.clear()
            if seed is not None:
                self._random = random.Random(f"faults/{seed}")

    def planned(self) -> tuple[PlannedFault, ...]:
        """All faults, those that are over included, in the order in which they were added."""
        with self._lock:
            return tuple(self._planned)

    def strike(self, path: str, account: str | None = None) -> Fault | None:
        """The first fault that strikes this request; those after it do not count the request."""
        with self._lock:
            for planned in self._planned:
                if planned.fault.matches(path, account) and planned.count(self._random):
                    return planned.fault
        return None
