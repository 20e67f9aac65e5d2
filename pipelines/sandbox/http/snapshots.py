"""Selects the records of a snapshot that a call requests (specification)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from starlette.requests import Request

from pipelines.catalogue.types import Snapshot
from pipelines.sandbox.http import parameters
from pipelines.sandbox.records.books import Book
from pipelines.sandbox.records.entries import Document


def snapshot_records(request: Request, snapshot: Snapshot, book: Book) -> Iterator[bytes]:
    """The requested records as JSON: those of a week, or those that can be ordered at a moment."""
    if snapshot.asked_by == "moment":
        (name,) = snapshot.parameters
        return _open_at(book, parameters.moment(request, name))
    values = {name: str(parameters.integer(request, name)) for name in snapshot.parameters}
    return _with_key_values(book, values)


def _with_key_values(book: Book, values: dict[str, str]) -> Iterator[bytes]:
    wanted = [(book.key.index(name), value) for name, value in values.items()]
    return (entry.body for entry in book.entries() if all(entry.key[index] == value for index, value in wanted))


def _open_at(book: Book, moment: dt.datetime) -> Iterator[bytes]:
    return (entry.body for entry in book.entries() if _is_open(entry.document["orderPeriod"], moment))


def _is_open(period: Document, moment: dt.datetime) -> bool:
    start, end = (dt.datetime.fromisoformat(period[name]) for name in ("startDateTime", "endDateTime"))
    return start <= moment <= end
