"""Lists that no feed serves: what they hold, as they are asked for (the specification)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from starlette.requests import Request

from pipelines.catalogue.types import Snapshot
from pipelines.sandbox.http import parameters
from pipelines.sandbox.records.books import Book
from pipelines.sandbox.records.entries import Document


def listed(request: Request, snapshot: Snapshot, book: Book) -> Iterator[bytes]:
    """The records that a call asks for, as JSON: those of a week, or those that can be ordered at a moment."""
    if snapshot.asked_by == "moment":
        (name,) = snapshot.parameters
        return _orderable(book, parameters.moment(request, name))
    asked = {name: str(parameters.integer(request, name)) for name in snapshot.parameters}
    return _with_key(book, asked)


def _with_key(book: Book, asked: dict[str, str]) -> Iterator[bytes]:
    places = [(book.key.index(name), value) for name, value in asked.items()]
    return (entry.body for entry in book.entries() if all(entry.key[place] == value for place, value in places))


def _orderable(book: Book, moment: dt.datetime) -> Iterator[bytes]:
    return (entry.body for entry in book.entries() if _is_open(entry.document["orderPeriod"], moment))


def _is_open(period: Document, moment: dt.datetime) -> bool:
    start, end = (dt.datetime.fromisoformat(period[name]) for name in ("startDateTime", "endDateTime"))
    return start <= moment <= end
