"""What Floriday stops serving some time after it was of use (docs/floriday.md: Retention)."""

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
"""The feeds whose records are served for days only, with the ways to the moment from which the catalogue's time is
counted; the first that leads to one counts."""

ENDED_ONLY = frozenset({"organizations.connections"})
"""The feeds of which only deleted records go."""


def expire(book: Book, source: Source, now: dt.datetime) -> int:
    """Take out of a book what is due; returns how many records went."""
    if source.name not in COUNTED_FROM or source.retention is None:
        return 0
    last = now - source.retention.keeps
    due = [entry for entry in book.entries() if _is_due(entry.document, source, last)]
    for entry in due:
        book.remove(*entry.key)
    return len(due)


def _is_due(record: Document, source: Source, last: dt.datetime) -> bool:
    if source.name in ENDED_ONLY and not record.get("isDeleted"):
        return False
    return _is_before(record, COUNTED_FROM[source.name], last)


def _is_before(record: Document, paths: tuple[Path, ...], last: dt.datetime) -> bool:
    """Whether the record's moment lies before ``last``; a record without one stays."""
    moment = next((moment for path in paths if (moment := _moment(record, path))), None)
    return moment is not None and moment < last


def _moment(record: Document, path: Path) -> dt.datetime | None:
    value: object = record
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    try:
        return dt.datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
