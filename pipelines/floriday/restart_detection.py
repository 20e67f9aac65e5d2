"""Whether a feed still has the numbering that it was read in: what its maximum, its end and its first records say.

A series of numbers may begin anew (docs/floriday.md: Change feeds), a maximum may be cached, and a cursor may have been
moved by a wrong answer. One answer alone tells these apart in no case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from pipelines.floriday.change_feed import ChangeFeed, walk
from pipelines.floriday.pages import Page

StoredNumbers = Callable[[Page], Mapping[int, int | None] | None]
"""For a page, the stored number of each record that is known, by its place; None where the page has no valid record."""


class Numbering(StrEnum):
    """What was found of a feed's numbering."""

    SAME = "same"
    RESTARTED = "restarted"
    """A new series has begun."""
    UNPROVEN_CURSOR = "unproven cursor"
    """Nothing stands at the cursor or beyond, and no series has begun: some answer has moved it too far."""
    UNDECIDED = "undecided"
    """Nothing stands at the cursor or beyond, and nothing that is valid is served below it."""


def is_supported(feed: ChangeFeed, cursor: int) -> bool:
    """Whether anything stands at the cursor or beyond: then the cursor is right, and an older maximum is cached.

    A record without a readable number may stand there. What one page claims above its records and the maximum counts
    only if a second one agrees.

    Raises:
        PipelineError: no two answers agree.
    """
    page = feed.answer(cursor - 1)
    return page.highest >= cursor or None in page.numbers


def numbering_of(
    feed: ChangeFeed, stored_numbers: StoredNumbers, *, read_up_to: int = 0, thorough: bool = False
) -> Numbering:
    """What the first records from 0 say, of a feed of which something casts doubt on the cursor.

    A series has begun if a known record is served under a lower number than ours, or if none of the first valid records
    is known. Pages that a filter emptied, and those of invalid records alone, say nothing: the next one is asked for.

    Args:
        feed: what is known of it.
        stored_numbers: what is stored of a page's records.
        read_up_to: the number up to which the feed was surely read: below it a known record under a higher number than
            ours proves a new series too. 0 where the cursor itself is in doubt.
        thorough: whether to look at all pages, since new numbers may be the old ones by chance.
    """
    found = Numbering.UNDECIDED
    for step in walk(feed, 0):
        known = stored_numbers(step.page)
        if known is None:
            continue
        served = step.page.numbers
        if not known or any(_has_moved(served[place], stored, read_up_to) for place, stored in known.items()):
            return Numbering.RESTARTED
        found = Numbering.UNPROVEN_CURSOR
        if not thorough:
            break
    return found


def _has_moved(served: int | None, stored: int | None, read_up_to: int) -> bool:
    if served is None or stored is None:
        return False
    return served < stored or stored < served <= read_up_to
