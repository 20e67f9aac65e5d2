"""Checks of a page of a change feed against itself, the request, and the feed's maximum.

One answer that contradicts itself proves nothing (docs/floriday.md: Change feeds). Sequence numbers are unique in a
feed, a page holds records above the requested number, and its maximum is the highest of its numbers before filtering.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from pipelines.floriday.pages import Page


@dataclass(frozen=True)
class Doubts:
    """The contradictions of a page; false if there are none. Two pages with equal doubts agree."""

    above_maximum: frozenset[int] = frozenset()  # sequence numbers above the page's own maximum
    before_cursor: frozenset[int] = frozenset()  # sequence numbers below the requested one
    duplicates: frozenset[int] = frozenset()  # sequence numbers of several records
    is_unsupported: bool = False  # whether the page would move the cursor above its records and the feed's maximum
    is_stuck: bool = False  # whether the page does not advance although it cannot be the feed's end

    def __bool__(self) -> bool:
        return self != _NONE


_NONE = Doubts()


def find_doubts(page: Page, after: int, reached: int, maximum: int | None, *, is_stuck: bool) -> Doubts:
    """The contradictions of a page that was requested for ``after``, and from which the cursor ``reached`` follows."""
    numbers = [number for number in page.numbers if number is not None and number > 0]
    supported = max([after, *numbers, *([] if maximum is None else [maximum])])
    return Doubts(
        above_maximum=frozenset(number for number in numbers if number > max(page.maximum, after)),
        before_cursor=_before(page, after),
        duplicates=shared_numbers(page),
        is_unsupported=reached > supported,
        is_stuck=is_stuck,
    )


def repeats_records(page: Page, cursor: int) -> bool:
    """Whether the page holds records from before the cursor; an inclusive server repeats the one at the cursor.

    The number 0 does not count: Floriday sends it for defaults that were never stored.
    """
    return bool(_before(page, cursor))


def shared_numbers(page: Page) -> frozenset[int]:
    """The sequence numbers of several records of the page, without 0."""
    counts = Counter(number for number in page.numbers if number)
    return frozenset(number for number, count in counts.items() if count > 1)


def _before(page: Page, cursor: int) -> frozenset[int]:
    return frozenset(number for number in page.numbers if number is not None and 0 < number < cursor)
