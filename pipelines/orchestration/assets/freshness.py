"""How fresh feeds ought to be, and which of them are not, or may lose changes to Floriday's retention.

What counts is when a feed was last proven read to its end, not when its table last changed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import dagster as dg

from pipelines.catalogue.types import Retention, Tier
from pipelines.text_format import moment, span
from pipelines.warehouse.read.feed_status import FeedStatus


class Limits(NamedTuple):
    """How long a feed may go without having been current: until a warning, and until it is stale."""

    warn: dt.timedelta
    fail: dt.timedelta


FRESHNESS: Mapping[Tier, Limits] = {
    "fast": Limits(dt.timedelta(minutes=90), dt.timedelta(hours=3)),
    "hourly": Limits(dt.timedelta(minutes=90), dt.timedelta(hours=3)),
    "daily": Limits(dt.timedelta(hours=26), dt.timedelta(hours=49)),
}
"""By tier; feeds of all tiers are read at least once an hour or once a day, with room for one run that failed."""


def policy(tier: Tier) -> dg.FreshnessPolicy:
    """The same limits as Dagster shows them; there the newest materialization counts."""
    limits = FRESHNESS[tier]
    return dg.FreshnessPolicy.time_window(fail_window=limits.fail, warn_window=limits.warn)


A_DAY = dt.timedelta(days=1)


class Concern(StrEnum):
    """What may be wrong with a feed, worst first, as the end of a sentence about it."""

    LOST = "may have lost changes"
    ENDING = "about to lose changes"
    STALE = "stale"


@dataclass(frozen=True)
class Trouble:
    """One thing that is wrong with one feed of one account.

    Args:
        concern: what.
        account: the account's name.
        feed: ``schema.table``.
        line: the same for a person, with times.
    """

    concern: Concern
    account: str
    feed: str
    line: str


def warns_at(retention: Retention) -> dt.timedelta:
    """How long before Floriday may stop serving something unread a person is told: a quarter of the retention.

    That is at least a day, which somebody needs to do something about it.
    """
    return max(retention.keeps / 4, A_DAY)


def troubles(standing: Iterable[FeedStatus], now: dt.datetime) -> Iterator[Trouble]:
    """What is wrong with feeds; one whose scope is not granted is skipped on purpose, and not looked at."""
    for feed in standing:
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
