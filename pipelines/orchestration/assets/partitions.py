"""Weeks of change: the partitions of every feed and snapshot.

A week's partition stands for what changed at Floriday from its Monday to its Sunday in Amsterdam. Which sequence
numbers that are is known to ``warehouse.days``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import dagster as dg

from pipelines.sync.outcome import FeedOutcome
from pipelines.warehouse.load.days_to_sequence import AMSTERDAM, Days

TIME_ZONE = AMSTERDAM.key
"""Where the trade's days and weeks begin."""

_MONDAY = 1
_A_WEEK = dt.timedelta(weeks=1)


def weeks(start: dt.date) -> dg.WeeklyPartitionsDefinition:
    """A partition a week, from that of ``start`` to this one."""
    return dg.WeeklyPartitionsDefinition(
        start_date=start.isoformat(), timezone=TIME_ZONE, day_offset=_MONDAY, end_offset=1
    )


def week_of(moment: dt.datetime) -> str:
    """The partition in which a moment lies: the date of its Monday."""
    day = moment.astimezone(AMSTERDAM).date()
    return (day - dt.timedelta(days=day.weekday())).isoformat()


def days_of(range_: dg.PartitionKeyRange) -> Days:
    """The days of a range of weeks."""
    first, last = dt.date.fromisoformat(range_.start), dt.date.fromisoformat(range_.end)
    return Days(first, last + _A_WEEK - dt.timedelta(days=1))


def weeks_between(first: dt.datetime | None, last: dt.datetime, start: dt.date) -> list[str]:
    """The partitions from that of one moment to that of another, the oldest first.

    Args:
        first: None for the beginning of time; one after the last moment, told by a clock that was ahead, counts as it.
        last: a later moment.
        start: where the partitions begin.
    """
    monday = dt.date.fromisoformat(week_of(min(first, last))) if first is not None else start
    end = dt.date.fromisoformat(week_of(last))
    found = []
    monday = max(monday, start)
    while monday <= end:
        found.append(monday.isoformat())
        monday += _A_WEEK
    return found


def covered(outcomes: Sequence[FeedOutcome], now: dt.datetime, start: dt.date) -> list[str]:
    """The weeks that a sync completes; none unless every account's feed was read to its end.

    They reach back to where the account that was least far had been; what lies before was complete already.

    Args:
        outcomes: of one feed, one for each account.
        now: when it ended.
        start: where the partitions begin.
    """
    if not outcomes or not all(outcome.current for outcome in outcomes):
        return []
    before = [outcome.current_before for outcome in outcomes]
    known = [moment for moment in before if moment is not None]
    from_the_beginning = len(known) < len(before) or all(outcome.whole for outcome in outcomes)
    return weeks_between(None if from_the_beginning else min(known), now, start)
