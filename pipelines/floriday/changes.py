"""Reading a change feed exactly: from a cursor to what is proven to be its end (docs/floriday.md: Change feeds).

The rules: a page's maximum is the page's own; an empty page is no end; the next cursor is the highest number that
the page vouches for, never one more; a feed that cannot advance ends with an error. What is in a record, and where
it goes, does not belong here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from pipelines.errors import StuckFeedError
from pipelines.floriday.pages import Page

Fetch = Callable[[int], Page]
"""Asks for the page of records above a number."""

ASKED_AGAIN = 3
"""How often a page that contradicts itself is asked for again before the walk gives up."""


@dataclass(frozen=True)
class Step:
    """A page and what it moves.

    Args:
        page: the answer.
        after: the number that was asked with.
        reached: the number to go on from.
        current: whether this page, or the maximum, proves that the feed ends here.
    """

    page: Page
    after: int
    reached: int
    current: bool


def walk(fetch: Fetch, start: int, *, maximum: int | None, page_maximum: int, complete: bool = False) -> Iterator[Step]:
    """Yield the pages above ``start`` until the feed is proven current.

    Args:
        fetch: asks for a page.
        start: the number to start from, exclusive.
        maximum: what the max-sequence operation said before the walk, or None where it is unknown.
        page_maximum: the records that a full page holds.
        complete: whether to go on until nothing follows, past the maximum: a record that moved beyond it meanwhile
            would be missing otherwise.

    Raises:
        StuckFeedError: the server goes on answering with what was read already although there is more.
    """
    cursor = start
    while True:
        page = answer(fetch, cursor, maximum, page_maximum)
        reached = next_cursor(page, cursor, maximum, page_maximum)
        ended = not complete and maximum is not None and reached >= maximum and len(page.records) < page_maximum
        if reached == cursor:
            yield Step(page, cursor, cursor, current=maximum is None or cursor >= maximum)
            return
        yield Step(page, cursor, reached, current=ended)
        if ended:
            return
        cursor = reached


def next_cursor(page: Page, cursor: int, maximum: int | None, page_maximum: int) -> int:
    """The number to go on from: the highest that the page vouches for, or ``cursor`` if it does not advance.

    A full page lost nothing to a filter, so only its records vouch: a maximum above them would be the feed's. A number
    above both the page's maximum and the feed's counts only if nothing else advances: one stray number must not carry
    the cursor past records that were never read.
    """
    if len(page.records) >= page_maximum and None not in page.numbers:
        own = (number for number in page.numbers if number is not None and number <= page.maximum)
        page = replace(page, maximum=max(own, default=page.maximum))
    vouched = [number for number in page.numbers if number is not None and (maximum is None or number <= maximum)]
    reached = max([page.maximum, *vouched])
    return reached if reached > cursor else max(page.highest, cursor)


def answer(fetch: Fetch, cursor: int, maximum: int | None, page_maximum: int) -> Page:
    """The page above ``cursor``; one that answers another question is asked for again.

    Raises:
        StuckFeedError: it goes on doing so.
    """
    page = fetch(cursor)
    for _ in range(ASKED_AGAIN - 1):
        if not _contradicts(page, cursor, maximum, page_maximum):
            return page
        page = fetch(cursor)
    full = len(page.records) >= page_maximum
    if _contradicts(page, cursor, maximum, page_maximum) and (full or repeats(page, cursor)):
        raise StuckFeedError(
            f"the feed does not advance: asked for what follows {cursor}, the server goes on sending records up to"
            f" {page.highest}. Nothing is lost, the cursor stays; try again later, and tell Floriday if it lasts",
            number=cursor,
        )
    return page


def _contradicts(page: Page, cursor: int, maximum: int | None, page_maximum: int) -> bool:
    """Whether a page does not advance although it cannot be the feed's end."""
    if next_cursor(page, cursor, maximum, page_maximum) > cursor:
        return False
    unproven = len(page.records) >= page_maximum if maximum is None else maximum > cursor
    return unproven or repeats(page, cursor)


def repeats(page: Page, cursor: int) -> bool:
    """Whether the page holds what lies before the cursor; at the cursor itself an inclusive server repeats one.

    The number 0 says nothing: it stands for defaults that were never stored.
    """
    return any(number is not None and 0 < number < cursor for number in page.numbers)


def restarted(fetch: Fetch, cursor: int, stored_numbers: Callable[[Page], Mapping[int, int | None]]) -> bool:
    """Whether a feed whose maximum fell below the cursor has begun a new series (docs/floriday.md: Change feeds).

    Proven only if nothing stands after ``cursor - 1`` and the first page from 0 serves a known record under a lower
    number than ours, or none that is known.

    Args:
        fetch: asks for a page.
        cursor: the last number that was committed.
        stored_numbers: for a page, the stored number of each known record, by its place in the page.
    """
    beyond = fetch(cursor - 1)
    if beyond.highest >= cursor or any(number is None for number in beyond.numbers):
        return False
    first = fetch(0)
    if not first.records:
        return False
    known = stored_numbers(first)
    return not known or any(_is_lower(first.numbers[place], stored) for place, stored in known.items())


def _is_lower(served: int | None, stored: int | None) -> bool:
    return served is not None and stored is not None and served < stored
