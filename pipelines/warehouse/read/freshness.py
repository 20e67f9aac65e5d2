"""How current a warehouse is as a whole, from the status of its feeds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from pipelines.warehouse.read.feed_status import FeedStatus


@dataclass(frozen=True)
class Freshness:
    """Until when the warehouse is complete. Feeds whose scope is not granted do not count.

    Args:
        current_at: time until which all feeds are complete; None if one of them was never read to its end.
        feeds: for each feed, by name, the time until which it is complete for all accounts; None if it never was.
        rejected: number of records that Floriday served and that could not be stored so far.
    """

    current_at: dt.datetime | None
    feeds: dict[str, dt.datetime | None]
    rejected: int

    def age(self, now: dt.datetime) -> dt.timedelta | None:
        """The time since the warehouse was complete; None if it never was."""
        return None if self.current_at is None else now - self.current_at


def freshness_of(statuses: Iterable[FeedStatus]) -> Freshness:
    """The freshness of the feeds of all accounts."""
    feeds: dict[str, dt.datetime | None] = {}
    rejected = 0
    for each in statuses:
        rejected += each.rejected
        if each.granted:
            feeds[each.source.name] = _earlier(feeds.get(each.source.name, each.current_at), each.current_at)
    times = [at for at in feeds.values() if at is not None]
    return Freshness(min(times) if times and len(times) == len(feeds) else None, feeds, rejected)


def _earlier(first: dt.datetime | None, second: dt.datetime | None) -> dt.datetime | None:
    return None if first is None or second is None else min(first, second)
