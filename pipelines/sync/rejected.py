"""Rejected records requested again: they may be valid now, or have another sequence number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from pipelines.errors import ContradictingAnswersError, StuckFeedError
from pipelines.floriday.change_feed import ChangeFeed
from pipelines.floriday.pages import Page
from pipelines.sync.sub_feed import SubFeedSync
from pipelines.warehouse.file.connection import transaction
from pipelines.warehouse.load import rejected_records


def retry_rejected(syncs: Sequence[SubFeedSync], numbers: list[int], pages: int | None = None) -> frozenset[int]:
    """Request rejected records by their numbers; those that no sub-feed has there any more are resolved and returned.

    At most so many pages of each sub-feed are requested; None for as many as it takes.
    """
    requested = [number for number in numbers if number > 0]  # nothing is served below, and 0 stands for defaults
    if not syncs or not requested:
        return frozenset()
    vacant = set(requested)
    for sync in syncs:
        vacant &= _store_served(sync, requested, pages)
    if vacant:
        target = syncs[0].target
        with target.warehouse.writing() as connection, transaction(connection):
            rejected_records.resolve_vacant(connection, target.part, sorted(vacant), datetime.now(UTC))
    return frozenset(vacant)


def _page_above(feed: ChangeFeed, number: int) -> Page | None:
    """The page of records above a number; None where no answer is reliable, which proves nothing."""
    try:
        return feed.confirmed_page(number)
    except (ContradictingAnswersError, StuckFeedError):
        return None


def _store_served(sync: SubFeedSync, numbers: list[int], pages: int | None) -> set[int]:
    """Store what is still served at the numbers, those unseen for the longest time first; returns the vacant ones.

    A number is proven to be vacant by a page that was requested below it and holds a record above it, but none at it.
    An empty page proves nothing, nor does one with a record whose number cannot be read.
    """
    feed = sync.change_feed()
    vacant: set[int] = set()
    pending = numbers
    while pending and pages != 0:
        first = pending[0]
        page = _page_above(feed, first - 1)
        if page is None:
            break  # a server that sends such answers sends them for other numbers too
        pages = None if pages is None else pages - 1
        reach = page.highest
        if reach < first:
            # Nothing is served there or beyond, as far as this page shows. Lower numbers may be served: they are not
            # in front, because the order is that of the time since a record was last seen.
            pending = [number for number in pending if number < first]
            continue
        covered = {number for number in pending if first <= number <= reach}
        served = [raw for raw, number in zip(page.records, page.numbers, strict=True) if number in covered]
        if served:
            sync.writer.store_again(served)
        vacant |= _proven_vacant(page, covered)
        pending = [number for number in pending if number not in covered]
    return vacant


def _proven_vacant(page: Page, requested: set[int]) -> set[int]:
    numbers = [number for number in page.numbers if number is not None]
    if len(numbers) < len(page.numbers):
        return set()
    last = max(numbers, default=0)
    return {number for number in requested if number < last}.difference(numbers)
