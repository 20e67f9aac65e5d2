"""What may go wrong in one answer, and the losses that are known, each of which a test may leave out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Loss(StrEnum):
    """A way to lose records that was found once; without it the machine plays what never lost anything."""

    WIDENED = "connections are synced by name, or the sync dies or fails before the feeds that they widen"
    GARBLED_NUMBER = "one answer gives a record a far higher number"
    PAGE_MAXIMUM = "one answer gives a far higher page maximum"
    UNSEEN_RESTART = "a restart shows neither in the maximum nor in the first page"
    EMPTY_ANSWER = "one answer is an empty page while records are rejected"
    UNKNOWN_PARTS = "a feed in parts is synced while the connections are not known"
    SELECTION_CUT = "a sync dies in the complete walk after a restart"
    DEFAULTS = "a record returns to its defaults, which carry the number 0"


EVERY_LOSS = frozenset(Loss)


class Kind(StrEnum):
    """What happens to one answer."""

    BUSY = "status 500"
    CUT = "the connection is cut"
    GARBAGE = "200 with HTML"
    REFUSED = "status 403"
    NUMBER = "a record's number is far too high"
    NUMBER_WITHIN = "a record's number is the feed's highest"
    PAGE_MAXIMUM = "the page's maximum is a thousand times too high"
    EMPTY = "an empty page"
    AGAIN = "the page from the beginning once more"
    MAXIMUM_HIGH = "the feed's maximum is far too high"
    MAXIMUM_OLD = "the feed's maximum is an older one"
    MAXIMUM_REFUSED = "the feed's maximum is refused with 403"


IN_PAGES = (
    *(Kind.BUSY, Kind.CUT, Kind.GARBAGE, Kind.REFUSED),
    *(Kind.NUMBER, Kind.NUMBER_WITHIN, Kind.PAGE_MAXIMUM, Kind.EMPTY, Kind.AGAIN),
    *(Kind.NUMBER, Kind.NUMBER_WITHIN, Kind.PAGE_MAXIMUM, Kind.PAGE_MAXIMUM, Kind.EMPTY),
)
"""What is wrong in a page; what looks right at first comes more often."""
IN_MAXIMA = (Kind.BUSY, Kind.MAXIMUM_HIGH, Kind.MAXIMUM_OLD, Kind.MAXIMUM_REFUSED)

LASTING = (Kind.BUSY, Kind.CUT, Kind.GARBAGE)
"""What may strike twice in a row, and is a failure then."""


@dataclass
class Fault:
    """A fault that waits for its answer.

    Args:
        kind: what happens.
        after: answers of this kind that pass before it strikes.
        times: answers in a row that it strikes.
    """

    kind: Kind
    after: int = 0
    times: int = 1
