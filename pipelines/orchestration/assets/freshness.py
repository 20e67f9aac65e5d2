"""How fresh feeds have to be, which ones are stale, and which ones may lose changes to Floriday's retention.

What counts is when a feed was last proven read to its end, not when its table last changed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

import dagster as dg

from pipelines.catalogue.types import Retention, Tier
from pipelines.text_format import moment, span
from pipelines.warehouse.read.feed_status import FeedStatus


class Limits(NamedTuple):
    """Time since a feed was current after which there is a warning, and after which it is stale."""

    warn: dt.timedelta
    fail: dt.timedelta


FRESHNESS: Mapping[Tier, Limits] = {
    "fast": Limits(dt.timedelta(minutes=90), dt.timedelta(hours=3)),
    "hourly": Limits(dt.timedelta(minutes=90), dt.timedelta(hours=3)),
    "daily": Limits(dt.timedelta(hours=26), dt.timedelta(hours=49)),
}
"""By tier. The schedules read feeds at least hourly or daily; the limits allow for one run that fails."""


def policy(tier: Tier) -> dg.FreshnessPolicy:
    """The same limits for Dagster's UI, which compares them with the newest materialization."""
    limits = FRESHNESS[tier]
    return dg.FreshnessPolicy.time_window(fail_window=limits.fail, warn_window=limits.warn)


class Concern(StrEnum):
    """The kinds of trouble, worst first; each is the end of a sentence about a feed."""

    LOST = "may have lost changes"
    ENDING = "about to lose changes"
    STALE = "stale"


class Trouble(NamedTuple):
    """One problem of one feed of one account; ``line`` has it in words, with times."""

    concern: Concern
    account: str
    feed: str
    line: str


def warns_at(retention: Retention) -> dt.timedelta:
    """Time before a possible loss from which a person is warned: a quarter of the retention, but at least a day."""
    return max(retention.keeps / 4, dt.timedelta(days=1))


def troubles(feeds: Iterable[FeedStatus], now: dt.datetime) -> Iterator[Trouble]:
    """The problems of feeds; a feed whose scope is not granted is skipped on purpose and has none."""
    for feed in feeds:
        if feed.granted:
            yield from _stale(feed, now)
            yield from _losing(feed, now)


def _stale(feed: FeedStatus, now: dt.datetime) -> Iterator[Trouble]:
    limit, since = FRESHNESS[feed.source.tier].fail, feed.current_at or feed.requested_since
    if since is None or now - since <= limit:
        return
    state = f"current until {moment(since)}" if feed.current_at else f"not read to its end since {moment(since)}"
    yield _trouble(Concern.STALE, feed, f"{state}, {span(now - since)} ago; stale after {span(limit)}")


def _losing(feed: FeedStatus, now: dt.datetime) -> Iterator[Trouble]:
    left = feed.time_until_loss(now)
    if left is None or feed.source.retention is None or left > warns_at(feed.source.retention):
        return
    kept = f"Floriday keeps them for {span(feed.source.retention.keeps)} or longer"
    if left > dt.timedelta(0):
        yield _trouble(Concern.ENDING, feed, f"in {span(left)} the first unread changes may be gone; {kept}")
    else:
        yield _trouble(Concern.LOST, feed, f"the first unread changes may be gone since {span(-left)}; {kept}")


def _trouble(concern: Concern, feed: FeedStatus, line: str) -> Trouble:
    return Trouble(concern, feed.account, feed.source.name, f"{feed.account} {feed.source.name}: {line}")
