"""Ranges of sequence numbers: which are read, and which of the others a connection reads next.

Numbers are sparse and come in clusters, so nobody knows how many records a range holds. Whoever has nothing to do
takes the upper half of the largest range that others still read; a range that turns out to be empty costs one call.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Condition

Interval = tuple[int, int]
"""From after the first number up to and with the second one."""

WORTH_SHARING = 4
"""Pages that a range must still have, as far as one can tell, to be shared with an idle connection."""


@dataclass
class Coverage:
    """The numbers that are read, as far as they lie beyond each other.

    Args:
        intervals: disjoint, ascending.
    """

    intervals: list[Interval] = field(default_factory=list)

    @classmethod
    def of(cls, intervals: Iterable[Interval]) -> Coverage:
        """That of intervals in any order, which may lie over each other."""
        coverage = cls()
        for begins, ends in intervals:
            coverage.add(begins, ends)
        return coverage

    def add(self, begins: int, ends: int) -> None:
        """Note that an interval is read."""
        apart = [one for one in self.intervals if one[1] < begins or one[0] > ends]
        touching = [one for one in self.intervals if not (one[1] < begins or one[0] > ends)]
        whole = (min([begins, *(low for low, _ in touching)]), max([ends, *(high for _, high in touching)]))
        self.intervals = sorted([*apart, whole])

    def reached_from(self, cursor: int) -> int:
        """How far everything beyond the cursor is read without a gap."""
        return max([cursor, *(high for low, high in self.intervals if low <= cursor)])

    def gaps(self, begins: int, ends: int) -> list[Interval]:
        """What is not read between two numbers."""
        found = []
        for low, high in self.intervals:
            if low > begins and low < ends:
                found.append((begins, low))
            begins = max(begins, high)
        return [*found, (begins, ends)] if begins < ends else found

    def left(self, begins: int, ends: int) -> int:
        """How many numbers are not read between two."""
        return sum(high - low for low, high in self.gaps(begins, ends))


@dataclass(eq=False)
class Range:
    """What one connection reads.

    Args:
        after: the number up to which it is read.
        up_to: the last number that belongs to it.
    """

    after: int
    up_to: int


class Sharing:
    """Ranges dealt out to connections. Threads may share one.

    Args:
        gaps: what is to be read.
        span: how many numbers a page covers, as far as is known.
    """

    def __init__(self, gaps: Iterable[Interval], span: int) -> None:
        self._waiting = [Range(*gap) for gap in gaps]
        self._read_now: list[Range] = []
        self._numbers, self._pages = max(span, 1), 1
        self._changed = Condition()
        self._closed = False

    def take(self) -> Range | None:
        """A range to read; waits while it may be that others share theirs. None when there is nothing left."""
        with self._changed:
            while not self._closed:
                mine = self._waiting.pop(0) if self._waiting else self._half_of_another()
                if mine is not None:
                    self._read_now.append(mine)
                    return mine
                if not self._read_now:
                    return None
                self._changed.wait()
            return None

    def advance(self, mine: Range, reached: int) -> Interval:
        """Note that a page covers the range up to a number; returns what of it belongs to the range."""
        with self._changed:
            covered = (mine.after, min(reached, mine.up_to))
            self._numbers += reached - mine.after
            self._pages += 1
            mine.after = covered[1]
            self._changed.notify_all()
            return covered

    def end_at(self, number: int) -> None:
        """Deal out nothing above a number: nothing is served there."""
        with self._changed:
            self._waiting = [one for one in self._waiting if one.after < number]
            for one in (*self._waiting, *self._read_now):
                one.up_to = max(one.after, min(one.up_to, number))
            self._changed.notify_all()

    def finish(self, mine: Range) -> None:
        """Note that nobody reads the range any more."""
        with self._changed:
            self._read_now.remove(mine)
            self._changed.notify_all()

    def close(self) -> None:
        """Deal out nothing more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _half_of_another(self) -> Range | None:
        largest = max(self._read_now, key=lambda one: one.up_to - one.after, default=None)
        if largest is None or largest.up_to - largest.after < WORTH_SHARING * self._numbers // self._pages:
            return None
        middle = (largest.after + largest.up_to) // 2
        upper = Range(middle, largest.up_to)
        largest.up_to = middle
        return upper
