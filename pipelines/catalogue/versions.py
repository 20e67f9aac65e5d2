"""The calendar of Floriday's API versions, and what there is to say about the version that is asked (docs/floriday.md).

Two versions a year. Each goes from Alpha over Beta to Main, is deprecated while the next one is Main, and is removed.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from enum import StrEnum

URGENT = dt.timedelta(days=91)
"""With less time left than this, a notice is urgent."""


class State(StrEnum):
    """Where in its life a version is. Alpha and Beta differ in how much still changes, which no date tells."""

    PREVIEW = "Alpha or Beta"
    MAIN = "Main"
    DEPRECATED = "Deprecated"
    REMOVED = "removed"


@dataclass(frozen=True)
class LifeCycle:
    """The life of a version; Floriday names months, and a state begins when the month is over.

    Args:
        main_from: the first day as Main.
        deprecated_from: the first day as Deprecated.
        removed_from: the first day on which it no longer works.
        is_stated: whether Floriday says so; otherwise it is what the versions before it lead to expect.
    """

    main_from: dt.date
    deprecated_from: dt.date
    removed_from: dt.date
    is_stated: bool = True

    def state(self, today: dt.date) -> State:
        """Where in its life it is on a day."""
        if today >= self.removed_from:
            return State.REMOVED
        if today >= self.deprecated_from:
            return State.DEPRECATED
        return State.MAIN if today >= self.main_from else State.PREVIEW


CALENDAR = {
    "2026v1": LifeCycle(dt.date(2026, 5, 1), dt.date(2026, 11, 1), dt.date(2027, 5, 1)),
}
"""What Floriday states of each version, in the top text of its specification."""


@dataclass(frozen=True)
class Notice:
    """A line about the API's version.

    Args:
        text: the line.
        is_urgent: whether something stops working soon, or has.
    """

    text: str
    is_urgent: bool = False


def life_cycle(version: str) -> LifeCycle | None:
    """The life of a version: as stated, else as two versions a year make it; None for a name of another form."""
    if version in CALENDAR:
        return CALENDAR[version]
    match = re.fullmatch(r"(\d{4})v([12])", version)
    if match is None:
        return None
    year, spring = int(match[1]), match[2] == "1"
    may, november, next_may = dt.date(year, 5, 1), dt.date(year, 11, 1), dt.date(year + 1, 5, 1)
    return (
        LifeCycle(may, november, next_may, is_stated=False)
        if spring
        else LifeCycle(november, next_may, dt.date(year + 1, 11, 1), is_stated=False)
    )


def notices(version: str, known: str, today: dt.date) -> tuple[Notice, ...]:
    """What there is to say about the version that is asked; nothing about a known one that is not deprecated.

    Args:
        version: the settings' version.
        known: the catalogue's version.
        today: the day on which it is said.
    """
    lines = (another_version(version, known), end_of_life(version, today))
    return tuple(line for line in lines if line)


def another_version(version: str, known: str) -> Notice | None:
    """That the version that is asked is not the one that the catalogue describes."""
    if version == known:
        return None
    return Notice(
        f"FLORIDAY_BASE_URL asks for version {version} of the API, this program knows {known}: what it does not know is"
        " kept in the raw log and reported, but has no column"
    )


def end_of_life(version: str, today: dt.date) -> Notice | None:
    """That the version is deprecated, ends soon, or is gone."""
    life = life_cycle(version)
    if life is None or life.state(today) not in (State.DEPRECATED, State.REMOVED):
        return None
    last = life.removed_from - dt.timedelta(days=1)
    presumably = "" if life.is_stated else "presumably "
    if life.state(today) is State.REMOVED:
        return Notice(
            f"version {version} of the API was {presumably}removed after {_month(last)}: set a newer one in"
            " FLORIDAY_BASE_URL",
            is_urgent=True,
        )
    left = life.removed_from - today
    if left < URGENT:
        days = f"{left.days} {'day' if left.days == 1 else 'days'}"
        return Notice(
            f"only {days} left: version {version} of the API is {presumably}removed after {_month(last)}; move"
            " FLORIDAY_BASE_URL to a newer one now",
            is_urgent=True,
        )
    return Notice(f"version {version} of the API is {presumably}deprecated: it works until the end of {_month(last)}")


def _month(day: dt.date) -> str:
    return f"{day:%B %Y}"
