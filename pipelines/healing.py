"""Rejected records asked for again: they may have healed, or moved on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from pipelines.floriday.changes import ASKED_AGAIN, repeats
from pipelines.floriday.pages import Page
from pipelines.warehouse import rejected
from pipelines.warehouse.connection import Warehouse, transaction
from pipelines.warehouse.ledger import FeedPart


class Reader(Protocol):
    """What reads a feed, or a part of it, and stores what it read."""

    warehouse: Warehouse
    part: FeedPart

    def fetch(self, after: int) -> Page:
        """The page of records above a number."""

    def store_again(self, records: list[bytes]) -> None:
        """Store records that stand before the cursor, which stays."""


def ask_again(readers: Sequence[Reader], numbers: list[int], pages: int | None = None) -> frozenset[int]:
    """Ask for rejected records by their numbers; those that no part of the feed has there any more are resolved.

    Args:
        readers: of all parts of the feed.
        numbers: of the rejected records, in order.
        pages: how many pages to ask each part for at most; as many as it takes by default.

    Returns:
        The numbers at which nothing stands any more.
    """
    if not readers or not numbers:
        return frozenset()
    gone = set(numbers)
    for reader in readers:
        gone &= _vanished(reader, numbers, pages)
    if gone:
        with readers[0].warehouse.writing() as connection, transaction(connection):
            rejected.resolve_vanished(connection, readers[0].part, sorted(gone), datetime.now(UTC))
    return frozenset(gone)


def _page_above(reader: Reader, number: int) -> Page | None:
    """The page of records above a number; None where the server goes on with what lies before, which proves nothing."""
    for _ in range(ASKED_AGAIN):
        page = reader.fetch(number)
        if page.highest > number or not repeats(page, number):
            return page
    return None


def _vanished(reader: Reader, numbers: list[int], pages: int | None) -> set[int]:
    """Store what still stands at the numbers; returns those at which nothing does."""
    vanished: set[int] = set()
    pending = numbers
    while pending and pages != 0:
        page = _page_above(reader, pending[0] - 1)
        if page is None:
            break
        # A filter may have emptied the page: then it tells only of what lies up to its maximum.
        reach = page.highest if page.highest >= pending[0] else pending[-1]
        asked = {number for number in pending if number <= reach}
        standing = [raw for raw, number in zip(page.records, page.numbers, strict=True) if number in asked]
        if standing:
            reader.store_again(standing)
        vanished |= asked.difference(page.numbers)
        pending = [number for number in pending if number > reach]
        pages = None if pages is None else pages - 1
    return vanished
