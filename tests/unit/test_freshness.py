"""A feed is stale after the limit of its tier, and a warning comes before Floriday's retention ends."""

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


def source_of_tier(tier: Tier, retention: Retention | None = None) -> Source:
    """Return a source of a tier."""
    return replace(next(source for source in SOURCES if source.tier == tier), retention=retention)


def feed_status(source: Source, age: dt.timedelta | None) -> FeedStatus:
    """Return the status of a feed that was last current this long ago; None: never."""
    return FeedStatus("main", source, rows=1, cursor=1, current_at=None if age is None else NOW - age, rejected=0)


def concerns(feed: FeedStatus) -> list[Concern]:
    """Return the concerns about a feed."""
    return [trouble.concern for trouble in troubles([feed], NOW)]


def test_a_warning_comes_before_staleness() -> None:
    """Every tier has limits, and its warning comes before its failure."""
    assert {source.tier for source in SOURCES} == FRESHNESS.keys()
    assert all(limits.warn < limits.fail for limits in FRESHNESS.values())


@pytest.mark.parametrize(
    ("tier", "limit"), [("fast", dt.timedelta(hours=3)), ("hourly", 3 * HOUR), ("daily", dt.timedelta(hours=49))]
)
def test_a_feed_is_stale_after_its_tiers_limit(tier: Tier, limit: dt.timedelta) -> None:
    """A feed is stale when it was not current for longer than the limit of its tier."""
    assert concerns(feed_status(source_of_tier(tier), limit)) == []
    assert concerns(feed_status(source_of_tier(tier), limit + SECOND)) == [Concern.STALE]


def test_a_feed_that_was_never_current_becomes_stale() -> None:
    """A feed that was never current becomes stale after it was first requested, and is not stale before."""
    feed = feed_status(source_of_tier("fast"), None)

    assert concerns(feed) == []
    assert concerns(replace(feed, requested_since=NOW - 2 * HOUR)) == []
    (trouble,) = troubles([replace(feed, requested_since=NOW - 4 * HOUR)], NOW)
    assert trouble.line.endswith(": not read to its end since 2026-11-20 05:00:00 UTC, 4 h ago; stale after 3 h")


def test_a_feed_without_its_scope_is_not_checked() -> None:
    """A feed whose scope is not granted is not checked, because it is skipped on purpose."""
    feed = feed_status(source_of_tier("fast", Retention(DAY)), 10 * DAY)

    assert concerns(replace(feed, granted=False)) == []


@pytest.mark.parametrize(("retention_days", "days_before"), [(14, 3.5), (30, 7.5), (365, 91.25), (2, 1)])
def test_the_retention_warning_comes_early(retention_days: int, days_before: float) -> None:
    """The warning comes a quarter of the retention before its end, and at least a day before."""
    assert warns_at(Retention(retention_days * DAY)) == days_before * DAY


def test_the_end_of_the_retention_is_reported() -> None:
    """A feed that was not read first gets a warning before its retention ends, and then a report of possible loss."""
    feed = source_of_tier("daily", Retention(14 * DAY))

    assert concerns(feed_status(feed, 10.5 * DAY - SECOND)) == [Concern.STALE]
    assert concerns(feed_status(feed, 10.5 * DAY)) == [Concern.STALE, Concern.ENDING]
    assert concerns(feed_status(feed, 14 * DAY)) == [Concern.STALE, Concern.LOST]
    lines = [trouble.line for age in (12, 15) for trouble in troubles([feed_status(feed, age * DAY)], NOW)]
    assert lines[1].endswith(
        ": in 2 days the first unread changes may be gone; Floriday keeps them for 14 days or longer"
    )
    assert lines[3].endswith(
        ": the first unread changes may be gone since 24 h; Floriday keeps them for 14 days or longer"
    )
    assert all(line.startswith(f"main {feed.name}: ") for line in lines)
