"""The calendar of Floriday's API versions, and notices about the version in the settings (docs/floriday.md).

There are two versions a year. Each goes from Alpha over Beta to Main, is deprecated while the next one is Main, and is
then removed.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from enum import StrEnum

from pipelines import setting_hints

URGENT = dt.timedelta(days=91)
"""A notice is urgent if less time than this is left."""


_PAGE = "docs/new-api-version.md"


class State(StrEnum):
    """The state of a version. No date separates Alpha from Beta."""

    PREVIEW = "Alpha or Beta"
    MAIN = "Main"
    DEPRECATED = "Deprecated"
    REMOVED = "removed"


@dataclass(frozen=True)
class LifeCycle:
    """The life cycle of a version. Floriday announces months; a state begins after the month.

    Args:
        main_from: first day in state Main.
        deprecated_from: first day in state Deprecated.
        removed_from: first day on which it no longer works.
        is_stated: whether Floriday announced these dates; otherwise they follow from the usual rhythm.
    """

    main_from: dt.date
    deprecated_from: dt.date
    removed_from: dt.date
    is_stated: bool = True

    def state(self, today: dt.date) -> State:
        """The state on a day."""
        if today >= self.removed_from:
            return State.REMOVED
        if today >= self.deprecated_from:
            return State.DEPRECATED
        return State.MAIN if today >= self.main_from else State.PREVIEW


CALENDAR = {
    "2026v1": LifeCycle(dt.date(2026, 5, 1), dt.date(2026, 11, 1), dt.date(2027, 5, 1)),
}
"""The dates that Floriday announced, in the text at the top of each specification."""


@dataclass(frozen=True)
class Notice:
    """A line about the API's version.

    Args:
        text: one line for the user.
        is_urgent: whether the version stops working soon, or has stopped.
    """

    text: str
    is_urgent: bool = False


def life_cycle(version: str) -> LifeCycle | None:
    """The life cycle of a version: as announced, else by the usual rhythm; None for a name of another form."""
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
    """The notices about a version; none for the catalogue's version if it is not deprecated.

    Args:
        version: version in the settings.
        known: version that the catalogue describes.
        today: day for which the notices are made.
    """
    lines = (another_version(version, known), end_of_life(version, known, today))
    return tuple(line for line in lines if line)


def another_version(version: str, known: str) -> Notice | None:
    """A notice if the catalogue describes another version."""
    if version == known:
        return None
    return Notice(
        f"{setting_hints.BASE_URL} is for version {version} of the API, this program supports {known}: fields that are"
        f" not in {known} are kept in the raw log and reported, but have no column"
    )


def end_of_life(version: str, known: str, today: dt.date) -> Notice | None:
    """A notice if the version is deprecated or removed; arguments as of :func:`notices`."""
    life = life_cycle(version)
    if life is None or life.state(today) not in (State.DEPRECATED, State.REMOVED):
        return None
    last, step = life.removed_from - dt.timedelta(days=1), _next_step(version, known)
    presumably = "" if life.is_stated else "presumably "
    if life.state(today) is State.REMOVED:
        return Notice(
            f"version {version} of the API was {presumably}removed after {_month(last)}; {step}",
            is_urgent=True,
        )
    left = life.removed_from - today
    if left < URGENT:
        days = f"{left.days} {'day' if left.days == 1 else 'days'}"
        return Notice(
            f"only {days} left: version {version} of the API is {presumably}removed after {_month(last)}; {step}",
            is_urgent=True,
        )
    return Notice(
        f"version {version} of the API is {presumably}deprecated: it works until the end of {_month(last)}; {step}"
    )


def _next_step(version: str, known: str) -> str:
    """What to do about a version that ends; the newest version that the program supports is ``known``."""
    if known > version:
        return f"set {known} in {setting_hints.BASE_URL} before then ({_PAGE})"
    return f"no newer one for {setting_hints.BASE_URL} is supported yet: {_PAGE} shows how to try one"


def _month(day: dt.date) -> str:
    return f"{day:%B %Y}"
