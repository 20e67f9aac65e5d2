"""The partitions of every feed and snapshot: weeks of change.

A partition stands for what changed at Floriday from a Monday to a Sunday in Amsterdam. ``warehouse.load`` maps these
days to sequence numbers.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import dagster as dg

from pipelines.settings.values import AMSTERDAM
from pipelines.sync.outcome import FeedOutcome
from pipelines.warehouse.load.days_to_sequence import Days

TIME_ZONE = AMSTERDAM.key  # the time zone of days and weeks, and of schedules
_MONDAY = 1
_A_WEEK = dt.timedelta(weeks=1)


def weeks(start: dt.date) -> dg.WeeklyPartitionsDefinition:
    """One partition for each week, from that of ``start`` to the present one."""
    return dg.WeeklyPartitionsDefinition(
        start_date=start.isoformat(), timezone=TIME_ZONE, day_offset=_MONDAY, end_offset=1
    )


def week_of(moment: dt.datetime) -> str:
    """The partition of a time: the date of its Monday."""
    day = moment.astimezone(AMSTERDAM).date()
    return (day - dt.timedelta(days=day.weekday())).isoformat()


def days_of(range_: dg.PartitionKeyRange) -> Days:
    """The days of a range of weeks."""
    first, last = dt.date.fromisoformat(range_.start), dt.date.fromisoformat(range_.end)
    return Days(first, last + _A_WEEK - dt.timedelta(days=1))


def weeks_between(first: dt.datetime | None, last: dt.datetime, start: dt.date) -> list[str]:
    """The partitions from one time to another, oldest first; ``start`` is the first day of all partitions.

    ``first`` is None for the first partition; a time after ``last``, from a clock that was fast, counts as ``last``.
    """
    monday = dt.date.fromisoformat(week_of(min(first, last))) if first is not None else start
    monday, end = max(monday, start), dt.date.fromisoformat(week_of(last))
    return [(monday + week * _A_WEEK).isoformat() for week in range((end - monday) // _A_WEEK + 1)]


def proven_weeks(current_at: dt.datetime | None, now: dt.datetime, start: dt.date) -> list[str]:
    """The weeks that are complete because a feed was current for all accounts at a time (None: never), oldest first."""
    return [] if current_at is None else weeks_between(None, min(current_at, now), start)


def covered(outcomes: Sequence[FeedOutcome], now: dt.datetime, start: dt.date) -> list[str]:
    """The weeks that a sync of one feed completes at ``now``; none unless each account's feed was read to its end.

    They begin when the account that was furthest behind was last current; earlier weeks were complete before.
    """
    if not outcomes or not all(outcome.current for outcome in outcomes):
        return []
    before = [outcome.current_before for outcome in outcomes]
    known = [moment for moment in before if moment is not None]
    is_complete = len(known) < len(before) or all(outcome.whole for outcome in outcomes)
    return weeks_between(None if is_complete else min(known), now, start)
