"""Ranges of sequence numbers: which are read, and which unread range a connection reads next.

Numbers are sparse and come in clusters, so the number of records in a range is unknown. An idle connection takes the
upper half of the largest range that another one still reads; a range that turns out to be empty costs one call.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Condition
from typing import NamedTuple

MIN_PAGES_TO_SHARE = 4  # estimated number of pages that a range must still have to be shared with an idle connection


END_OF_FEED = 2**63  # the end of a range that reaches to the end of its feed: no sequence number is as high


class SequenceRange(NamedTuple):
    """The sequence numbers above ``after``, up to ``up_to`` inclusive."""

    after: int
    up_to: int = END_OF_FEED


@dataclass
class Coverage:
    """The sequence numbers that are read."""

    ranges: list[SequenceRange] = field(default_factory=list)  # disjoint ranges in ascending order

    @classmethod
    def of(cls, ranges: Iterable[tuple[int, int]]) -> Coverage:
        """The coverage of ranges in any order, which may overlap."""
        coverage = cls()
        for after, up_to in ranges:
            coverage.add(after, up_to)
        return coverage

    def add(self, after: int, up_to: int) -> None:
        """Add a range that is read, and merge it with those that it touches."""
        touching = [each for each in self.ranges if each.after <= up_to and each.up_to >= after]
        apart = [each for each in self.ranges if each not in touching]
        first, last = min([after, *(each.after for each in touching)]), max([up_to, *(each.up_to for each in touching)])
        self.ranges = sorted([*apart, SequenceRange(first, last)])

    def reached_from(self, cursor: int) -> int:
        """The number up to which everything above the cursor is read without a gap."""
        return max([cursor, *(each.up_to for each in self.ranges if each.after <= cursor)])

    def gaps(self, after: int, up_to: int) -> list[SequenceRange]:
        """The ranges above ``after`` up to ``up_to`` that are not read."""
        gaps = []
        for each in self.ranges:
            if after < each.after < up_to:
                gaps.append(SequenceRange(after, each.after))
            after = max(after, each.up_to)
        return [*gaps, SequenceRange(after, up_to)] if after < up_to else gaps

    def unread(self, after: int, up_to: int) -> int:
        """How many sequence numbers above ``after`` up to ``up_to`` are not read."""
        return sum(gap.up_to - gap.after for gap in self.gaps(after, up_to))


@dataclass(eq=False)
class Assignment:
    """The range that one connection reads; it shrinks while pages arrive and when it is shared."""

    after: int  # number up to which the range is read
    up_to: int  # last number of the range


class RangePool:
    """Assigns ranges to connections. It is thread-safe; ``numbers_per_page`` is an estimate."""

    def __init__(self, gaps: Iterable[SequenceRange], numbers_per_page: int) -> None:
        self._waiting = [Assignment(*gap) for gap in gaps]
        self._in_progress: list[Assignment] = []
        self._numbers, self._pages = max(numbers_per_page, 1), 1
        self._changed = Condition()
        self._is_closed = False

    def take(self) -> Assignment | None:
        """A range to read, None when all are read; waits while a range that another connection reads may be shared."""
        with self._changed:
            while not self._is_closed:
                assignment = self._waiting.pop(0) if self._waiting else self._split_largest()
                if assignment is not None:
                    self._in_progress.append(assignment)
                    return assignment
                if not self._in_progress:
                    return None
                self._changed.wait()
            return None

    def advance(self, assignment: Assignment, reached: int) -> SequenceRange:
        """Record that a page covers an assignment up to a number; returns the part of the assignment that it covers."""
        with self._changed:
            covered = SequenceRange(assignment.after, min(reached, assignment.up_to))
            self._numbers += reached - assignment.after
            self._pages += 1
            assignment.after = covered.up_to
            self._changed.notify_all()
            return covered

    def end_at(self, number: int) -> None:
        """Cut all ranges off at a number, because nothing is served above it."""
        with self._changed:
            self._waiting = [each for each in self._waiting if each.after < number]
            for each in (*self._waiting, *self._in_progress):
                each.up_to = max(each.after, min(each.up_to, number))
            self._changed.notify_all()

    def finish(self, assignment: Assignment) -> None:
        """Record that a connection no longer reads its assignment."""
        with self._changed:
            self._in_progress.remove(assignment)
            self._changed.notify_all()

    def close(self) -> None:
        """Assign nothing more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _split_largest(self) -> Assignment | None:
        """The upper half of the largest range in progress; None if no range is large enough."""
        largest = max(self._in_progress, key=lambda each: each.up_to - each.after, default=None)
        if largest is None or largest.up_to - largest.after < MIN_PAGES_TO_SHARE * self._numbers // self._pages:
            return None
        middle = (largest.after + largest.up_to) // 2
        upper = Assignment(middle, largest.up_to)
        largest.up_to = middle
        return upper
