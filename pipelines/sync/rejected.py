"""Rejected records asked for again: they may have healed, or moved on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from pipelines.errors import ContradictingAnswersError, StuckFeedError
from pipelines.floriday.change_feed import ChangeFeed
from pipelines.floriday.pages import Page
from pipelines.warehouse.file.connection import Warehouse, transaction
from pipelines.warehouse.load import rejected_records
from pipelines.warehouse.load.cursors import FeedPart


class Reader(Protocol):
    """What reads a feed, or a part of it, and stores what it read."""

    warehouse: Warehouse
    part: FeedPart

    def known_feed(self) -> ChangeFeed:
        """The feed, with what is known of it."""

    def store_again(self, records: list[bytes]) -> None:
        """Store records that stand before the cursor, which stays."""


def ask_again(readers: Sequence[Reader], numbers: list[int], pages: int | None = None) -> frozenset[int]:
    """Ask for rejected records by their numbers; those that no part of the feed has there any more are resolved.

    Args:
        readers: of all parts of the feed.
        numbers: of the rejected records, in the order in which they should be asked for.
        pages: how many pages to ask each part for at most; as many as it takes by default.

    Returns:
        The numbers at which nothing stands any more.
    """
    asked = [number for number in numbers if number > 0]  # nothing can be asked for below, and 0 stands for defaults
    if not readers or not asked:
        return frozenset()
    gone = set(asked)
    for reader in readers:
        gone &= _vanished(reader, asked, pages)
    if gone:
        with readers[0].warehouse.writing() as connection, transaction(connection):
            rejected_records.resolve_vanished(connection, readers[0].part, sorted(gone), datetime.now(UTC))
    return frozenset(gone)


def _page_above(feed: ChangeFeed, number: int) -> Page | None:
    """The page of records above a number; None where no answer can be relied on, which proves nothing."""
    try:
        return feed.confirmed_page(number)
    except (ContradictingAnswersError, StuckFeedError):
        return None


def _vanished(reader: Reader, numbers: list[int], pages: int | None) -> set[int]:
    """Store what still stands at the numbers; returns those at which nothing does.

    A number is proven to be vacant by a page that was asked for below it and holds a record above it, but none at it.
    An empty page proves nothing, nor does one with a record whose number cannot be read.
    """
    feed = reader.known_feed()
    vacant: set[int] = set()
    pending = numbers
    while pending and pages != 0:
        page = _page_above(feed, pending[0] - 1)
        if page is None:
            break
        first, reach = pending[0], page.highest
        if reach < first:
            break  # nothing is served there or beyond, as far as this page says
        asked = {number for number in pending if first <= number <= reach}
        standing = [raw for raw, number in zip(page.records, page.numbers, strict=True) if number in asked]
        if standing:
            reader.store_again(standing)
        vacant |= _proven_vacant(page, asked)
        pending = [number for number in pending if number not in asked]
        pages = None if pages is None else pages - 1
    return vacant


def _proven_vacant(page: Page, asked: set[int]) -> set[int]:
    numbers = [number for number in page.numbers if number is not None]
    if len(numbers) < len(page.numbers):
        return set()
    last = max(numbers, default=0)
    return {number for number in asked if number < last}.difference(numbers)
