"""Restart detection: whether a feed still has the numbering in which it was read.

Floriday may restart the numbering of a feed (docs/floriday.md: Change feeds), a maximum may be cached, and a wrong
answer may have moved the cursor. No single answer distinguishes these cases.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from pipelines.floriday.change_feed import ChangeFeed, walk
from pipelines.floriday.pages import Page

StoredNumbers = Callable[[Page], Mapping[int, int | None] | None]
"""Returns, by index in the page, the stored sequence number of each known record; None without any valid record."""


class Numbering(StrEnum):
    """Result of the restart detection."""

    SAME = "same"
    RESTARTED = "restarted"
    """A new series has begun."""
    UNPROVEN_CURSOR = "unproven cursor"
    """No record has the cursor's number or a higher one, and no series has begun: a wrong answer moved the cursor."""
    UNDECIDED = "undecided"
    """No record has the cursor's number or a higher one, and no valid record is served below it."""


def is_cursor_supported(feed: ChangeFeed, cursor: int) -> bool:
    """Whether a record has the cursor's number or a higher one; then the cursor is right, and the maximum is cached.

    A record without a readable number counts too. A page that claims more than its records and the maximum support
    counts only if a second answer agrees.

    Raises:
        PipelineError: no two answers agree.
    """
    page = feed.confirmed_page(cursor - 1)
    return page.highest >= cursor or None in page.numbers


def detect_numbering(
    feed: ChangeFeed, stored_numbers: StoredNumbers, *, read_up_to: int = 0, thorough: bool = False
) -> Numbering:
    """The numbering of a feed with a doubtful cursor, according to the first records of the feed.

    A series has begun if a known record is served under a lower number than the stored one, or if none of the first
    valid records is known. Empty pages and pages of invalid records prove nothing: the next page is requested.

    ``read_up_to`` is the number up to which the feed was certainly read, 0 where the cursor itself is in doubt. Below
    it, a known record under a higher number than the stored one proves a new series too. ``thorough`` checks all pages,
    because new numbers may equal the old ones by chance.
    """
    numbering = Numbering.UNDECIDED
    for step in walk(feed, 0):
        known = stored_numbers(step.page)
        if known is None:
            continue
        served = step.page.numbers
        if not known or any(_has_moved(served[index], stored, read_up_to) for index, stored in known.items()):
            return Numbering.RESTARTED
        numbering = Numbering.UNPROVEN_CURSOR
        if not thorough:
            break
    return numbering


def _has_moved(served: int | None, stored: int | None, read_up_to: int) -> bool:
    if served is None or stored is None:
        return False
    return served < stored or stored < served <= read_up_to
