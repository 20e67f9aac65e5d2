"""When trade takes place: the time zone of Amsterdam, busy weekdays, and the holidays of the year."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from pipelines.sandbox.records.entries import Document

AMSTERDAM = ZoneInfo("Europe/Amsterdam")

_WEEKDAYS = (1.25, 1.0, 1.05, 1.3, 1.05, 0.3, 0.1)
_FEASTS = {6: 1.6, 7: 1.5, 9: 1.2, 10: 1.5, 18: 1.5, 19: 1.7, 43: 1.2, 44: 1.4, 49: 1.3, 50: 1.5, 51: 1.7, 52: 0.8}
_SUMMER = range(27, 34)
_FULL_DAYS = range(4)
"""Weekdays, counted from Monday, that are followed by another working day."""


def moment(day: dt.date, hour: int, minute: int = 0) -> dt.datetime:
    """A time of day in Amsterdam, in UTC."""
    return dt.datetime.combine(day, dt.time(hour, minute), AMSTERDAM).astimezone(dt.UTC)


def day_of(when: dt.datetime) -> dt.date:
    """The date of a moment in Amsterdam."""
    return when.astimezone(AMSTERDAM).date()


def week_of(day: dt.date) -> int:
    """The ISO week of a day."""
    return day.isocalendar().week


def rhythm(day: dt.date) -> float:
    """Volume of trade on a day; 1.0 for an ordinary day."""
    week = week_of(day)
    return _WEEKDAYS[day.weekday()] * (0.7 if week in _SUMMER else _FEASTS.get(week, 1.0))


def workday_after(day: dt.date, days: int) -> dt.date:
    """The date ``days`` later; a Sunday becomes the next Monday."""
    later = day + dt.timedelta(days=days)
    return later + dt.timedelta(days=later.weekday() == 6)


def start_of_trade(now: dt.datetime) -> dt.datetime:
    """The latest morning from which a nursery trades fully for 24 hours, all of them in the past.

    Args:
        now: any moment, with a time zone.

    Returns:
        9:00 in Amsterdam on a Monday, Tuesday, Wednesday or Thursday, 1 to 5 days before ``now``.
    """
    day = day_of(now) - dt.timedelta(days=1)
    while day.weekday() not in _FULL_DAYS or moment(day + dt.timedelta(days=1), 9) > now:
        day -= dt.timedelta(days=1)
    return moment(day, 9)


def period(start: dt.datetime, end: dt.datetime) -> Document:
    """A period in Floriday's form."""
    return {"startDateTime": start, "endDateTime": end}


def days(day: dt.date, first: int, beyond: int) -> Document:
    """The period from ``first`` days after ``day`` until just before ``beyond`` days after it."""
    start, end = (moment(day + dt.timedelta(days=count), 0) for count in (first, beyond))
    return period(start, end - dt.timedelta(seconds=1))
