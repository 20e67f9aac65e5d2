"""Removes the records that Floriday no longer serves after a time (docs/floriday.md: Retention)."""

from __future__ import annotations

import datetime as dt

from pipelines.catalogue.types import Source
from pipelines.sandbox.records.books import Book
from pipelines.sandbox.records.entries import Document

Path = tuple[str, ...]


COUNTED_FROM: dict[str, tuple[Path, ...]] = {
    "supply.supply_lines": (("deliveryPeriod", "endDateTime"), ("orderPeriod", "endDateTime")),
    "supply.batches": (("creationDateTime",),),
    "fulfillment.customer_stickers": (("deliveryDateTime",),),
    "organizations.connections": (("lastModifiedDateTime",),),
}
"""The feeds with a retention of days only, and the JSON paths of the time from which the catalogue's retention counts.
The first path with a value is used."""

DELETED_ONLY = frozenset({"organizations.connections"})
"""The feeds of which only deleted records expire."""


def expire(book: Book, source: Source, now: dt.datetime) -> int:
    """Remove the expired records of a book; returns how many."""
    if source.name not in COUNTED_FROM or source.retention is None:
        return 0
    limit = now - source.retention.keeps
    expired = [entry for entry in book.entries() if _is_expired(entry.document, source, limit)]
    for entry in expired:
        book.remove(*entry.key)
    return len(expired)


def _is_expired(record: Document, source: Source, limit: dt.datetime) -> bool:
    """Whether the record's time is before ``limit``; a record without a time never expires."""
    if source.name in DELETED_ONLY and not record.get("isDeleted"):
        return False
    times = (_time(record, path) for path in COUNTED_FROM[source.name])
    time = next((time for time in times if time), None)
    return time is not None and time < limit


def _time(record: Document, path: Path) -> dt.datetime | None:
    value: object = record
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    try:
        return dt.datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
