"""How fresh feeds ought to be: stale by their tier, and warned of before Floriday's retention ends."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.types import Retention, Source, Tier
from pipelines.orchestration.assets.freshness import FRESHNESS, Concern, troubles, warns_at
from pipelines.warehouse.read.feed_status import FeedStatus

NOW = dt.datetime(2026, 11, 20, 9, tzinfo=dt.UTC)
SECOND, HOUR, DAY = dt.timedelta(seconds=1), dt.timedelta(hours=1), dt.timedelta(days=1)
SOURCES = catalogue_of("suppliers").sources


def of_tier(tier: Tier, retention: Retention | None = None) -> Source:
    """A feed of a tier."""
    return replace(next(source for source in SOURCES if source.tier == tier), retention=retention)


def standing(source: Source, age: dt.timedelta | None) -> FeedStatus:
    """A feed that was last current so long ago; None: never."""
    return FeedStatus("main", source, rows=1, cursor=1, current_at=None if age is None else NOW - age, rejected=0)


def concerns(feed: FeedStatus) -> list[Concern]:
    """What is wrong with it."""
    return [trouble.concern for trouble in troubles([feed], NOW)]


def test_a_warning_comes_before_staleness() -> None:
    """Whatever the tier; every tier of the catalogue has its limits."""
    assert {source.tier for source in SOURCES} == FRESHNESS.keys()
    assert all(limits.warn < limits.fail for limits in FRESHNESS.values())


@pytest.mark.parametrize(
    ("tier", "limit"), [("fast", dt.timedelta(hours=3)), ("hourly", 3 * HOUR), ("daily", dt.timedelta(hours=49))]
)
def test_a_feed_is_stale_by_its_tier(tier: Tier, limit: dt.timedelta) -> None:
    """From the moment on at which it was not current for longer than the limit."""
    assert concerns(standing(of_tier(tier), limit)) == []
    assert concerns(standing(of_tier(tier), limit + SECOND)) == [Concern.STALE]


def test_a_feed_that_was_never_current_is_stale_too() -> None:
    """Counted from when it was first to be synced; not at all, where it never was."""
    feed = standing(of_tier("fast"), None)

    assert concerns(feed) == []
    assert concerns(replace(feed, requested_since=NOW - 2 * HOUR)) == []
    (trouble,) = troubles([replace(feed, requested_since=NOW - 4 * HOUR)], NOW)
    assert trouble.line.endswith(": not read to its end since 2026-11-20 05:00:00 UTC, 4 h ago; stale after 3 h")


def test_a_feed_without_its_scope_is_not_looked_at() -> None:
    """It is skipped on purpose."""
    feed = standing(of_tier("fast", Retention(DAY)), 10 * DAY)

    assert concerns(replace(feed, granted=False)) == []


@pytest.mark.parametrize(("keeps", "before"), [(14, 3.5), (30, 7.5), (365, 91.25), (2, 1)])
def test_the_warning_leaves_time_to_do_something(keeps: int, before: float) -> None:
    """A quarter of the retention before its end, and a day at least."""
    assert warns_at(Retention(keeps * DAY)) == before * DAY


def test_changes_that_may_be_lost() -> None:
    """First it is said that they will, then that they may be; each time with how long."""
    feed = of_tier("daily", Retention(14 * DAY))

    assert concerns(standing(feed, 10.5 * DAY - SECOND)) == [Concern.STALE]
    assert concerns(standing(feed, 10.5 * DAY)) == [Concern.STALE, Concern.ENDING]
    assert concerns(standing(feed, 14 * DAY)) == [Concern.STALE, Concern.LOST]
    lines = [trouble.line for age in (12, 15) for trouble in troubles([standing(feed, age * DAY)], NOW)]
    assert lines[1].endswith(
        ": in 2 days the first unread changes may be gone; Floriday keeps them for 14 days or longer"
    )
    assert lines[3].endswith(
        ": the first unread changes may be gone since 24 h; Floriday keeps them for 14 days or longer"
    )
    assert all(line.startswith(f"main {feed.name}: ") for line in lines)
