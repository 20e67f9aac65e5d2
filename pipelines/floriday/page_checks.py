"""What speaks against a page of a change feed: what it says contradicts itself, the question, or the feed's maximum.

One answer that contradicts itself proves nothing (docs/floriday.md: Change feeds). Numbers are unique in a feed, a page
holds what follows the number that was asked with, and its maximum is the highest of its numbers before filtering.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from pipelines.floriday.pages import Page


@dataclass(frozen=True)
class Doubts:
    """What speaks against a page; two pages with the same doubts agree.

    Args:
        above: numbers above the page's own maximum.
        below: numbers before the one that was asked with.
        shared: numbers that several records carry.
        unsupported: whether the page claims more than its records and the feed's maximum support.
        stands_still: whether it does not advance although it cannot be the feed's end.
    """

    above: frozenset[int] = frozenset()
    below: frozenset[int] = frozenset()
    shared: frozenset[int] = frozenset()
    unsupported: bool = False
    stands_still: bool = False

    def __bool__(self) -> bool:
        return self != _NONE


_NONE = Doubts()


def doubts_about(page: Page, after: int, reached: int, maximum: int | None, *, stands_still: bool) -> Doubts:
    """What speaks against a page.

    Args:
        page: the answer.
        after: the number that was asked with.
        reached: the number that the walk would go on from.
        maximum: what the max-sequence operation said, None where it is unknown.
        stands_still: whether it does not advance although it cannot be the feed's end.
    """
    numbers = [number for number in page.numbers if number is not None and number > 0]
    supported = max([after, *numbers, *([] if maximum is None else [maximum])])
    return Doubts(
        above=frozenset(number for number in numbers if number > max(page.maximum, after)),
        below=_below(page, after),
        shared=shared_numbers(page),
        unsupported=reached > supported,
        stands_still=stands_still,
    )


def repeats(page: Page, cursor: int) -> bool:
    """Whether the page holds what lies before the cursor; at the cursor itself an inclusive server repeats one.

    The number 0 says nothing: it stands for defaults that were never stored.
    """
    return bool(_below(page, cursor))


def shared_numbers(page: Page) -> frozenset[int]:
    """The numbers that several records of the page carry; 0 stands for defaults that were never stored."""
    counts = Counter(number for number in page.numbers if number)
    return frozenset(number for number, count in counts.items() if count > 1)


def _below(page: Page, after: int) -> frozenset[int]:
    return frozenset(number for number in page.numbers if number is not None and 0 < number < after)
