"""Faults of single responses, and the known causes of losses, each of which a test can exclude."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Loss(StrEnum):
    """A cause of lost records that was found and fixed; without it the state machine avoids that situation."""

    NEW_CONNECTION = "connections are synced by name, or the sync crashes or fails before the feeds that depend on them"
    GARBLED_NUMBER = "one response gives a record a much higher number"
    PAGE_MAXIMUM = "one response gives a much higher page maximum"
    UNSEEN_RESTART = "neither the maximum nor the first page shows a restart"
    EMPTY_ANSWER = "one response is an empty page while there are rejected records"
    UNKNOWN_PARTS = "a feed with sub-feeds is synced while the connections are unknown"
    SELECTION_CUT = "a sync crashes during the complete walk after a restart"
    DEFAULTS = "a record is reset to its defaults, which have the number 0"


EVERY_LOSS = frozenset(Loss)


class Kind(StrEnum):
    """A fault of one response."""

    STATUS_500 = "status 500"
    CUT = "the connection is cut"
    GARBAGE = "200 with HTML"
    REFUSED = "status 403"
    NUMBER = "a record's number is much too high"
    NUMBER_WITHIN = "a record's number is the feed's highest"
    PAGE_MAXIMUM = "the page's maximum is 1,000 times too high"
    EMPTY = "an empty page"
    FIRST_PAGE = "the first page instead of the requested one"
    MAXIMUM_HIGH = "the feed's maximum is much too high"
    MAXIMUM_OLD = "the feed's maximum is an older one"
    MAXIMUM_REFUSED = "the feed's maximum is refused with 403"


IN_PAGES = (
    *(Kind.STATUS_500, Kind.CUT, Kind.GARBAGE, Kind.REFUSED),
    *(Kind.NUMBER, Kind.NUMBER_WITHIN, Kind.PAGE_MAXIMUM, Kind.EMPTY, Kind.FIRST_PAGE),
    *(Kind.NUMBER, Kind.NUMBER_WITHIN, Kind.PAGE_MAXIMUM, Kind.PAGE_MAXIMUM, Kind.EMPTY),
)
"""Faults of pages; those that look valid at first are chosen more often."""
IN_MAXIMA = (Kind.STATUS_500, Kind.MAXIMUM_HIGH, Kind.MAXIMUM_OLD, Kind.MAXIMUM_REFUSED)

LASTING = (Kind.STATUS_500, Kind.CUT, Kind.GARBAGE)
"""Faults that may occur twice in a row, which makes the call fail."""


@dataclass
class Fault:
    """A fault that is planned for a response.

    Args:
        kind: kind of the fault.
        after: number of responses before the first wrong one.
        times: number of consecutive wrong responses.
    """

    kind: Kind
    after: int = 0
    times: int = 1
