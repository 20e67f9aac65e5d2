"""What a sync reads: one value, from the command line's options or a Dagster run's config down to the feed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from pipelines.errors import UsageError
from pipelines.settings.values import today
from pipelines.warehouse.load.days_to_sequence import Days


@dataclass(frozen=True)
class Changes:
    """What is new since the last sync: from the cursor to the end of the feed."""


@dataclass(frozen=True)
class Everything:
    """All that Floriday still serves, from sequence number 0; harmless, and it repairs what was lost here."""


@dataclass(frozen=True)
class RejectedOnly:
    """The rejected records alone, by their sequence numbers, however many there are."""


WhatToRead = Changes | Everything | Days | RejectedOnly
"""Days: what is numbered in them now, which is as harmless; everything where the feed was never read."""


def past_days(first: dt.date, last: dt.date | None, names: tuple[str, str]) -> Days:
    """The days from one to another.

    Args:
        first: the first day, in Amsterdam.
        last: the last day, inclusive; None for today.
        names: what the user calls the two, for error messages.

    Raises:
        UsageError: the first day is in the future, or after the last one.
    """
    if first > today():
        raise UsageError(f"{names[0]} {first} is still to come: today is {today()}")
    last = last or today()
    if last < first:
        raise UsageError(f"{names[1]} {last} is before {names[0]} {first}")
    return Days(first, last)
