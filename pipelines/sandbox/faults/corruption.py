"""Corrupts pages and maxima, each in the way of a fault's kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from pipelines.catalogue import types
from pipelines.catalogue.tables import tables_of
from pipelines.sandbox.faults.fault import Kind
from pipelines.sandbox.records.books import Book
from pipelines.sandbox.records.entries import Entry, Page, View

TOO_HIGH = 1000
"""The factor of a number that is far too high."""


def corrupt_maximum(maximum: int, kind: Kind) -> int:
    """A feed's maximum, changed by a fault."""
    return {Kind.LOWER_MAXIMUM: maximum // 2, Kind.HIGHER_MAXIMUM: TOO_HIGH * maximum}.get(kind, maximum)


@dataclass(frozen=True)
class PageRequest:
    """The request for a page.

    Args:
        book: book that the page is read from.
        after: sequence number that was requested.
        limit: maximum number of records on the page.
        view: part of the feed, and filters, that were requested.
        typed_fields: JSON names of the fields in which text is an invalid value.
    """

    book: Book
    after: int
    limit: int
    view: View
    typed_fields: Sequence[str] = ()


def typed_fields(source: types.Source) -> tuple[str, ...]:
    """The JSON names of a record's own fields that are neither text nor part of its key."""
    return tuple(
        column.path[0]
        for column in tables_of(source).columns
        if column.path
        and len(column.path) == 1
        and column.kind not in (types.Kind.TEXT, types.Kind.UUID)
        and column.name not in (*source.key, "sequence_number")
        and not column.repeated
    )


def corrupt_page(request: PageRequest, kind: Kind) -> bytes:
    """The body of a page, changed by a fault."""
    page = request.book.page(request.after, request.limit, request.view, inclusive=kind is Kind.INCLUSIVE)
    if kind is Kind.NULL_RESULTS:
        return b'{"maximumSequenceNumber":%d,"results":null}' % page.maximum
    corrupt = _CORRUPTIONS.get(kind)
    return (corrupt(request, page) if corrupt else page).encode()


def _previous_page(request: PageRequest, _: Page) -> Page:
    return request.book.page_before(request.after, request.limit)


def _overlapping(request: PageRequest, page: Page) -> Page:
    return Page(page.maximum, (*request.book.page_before(request.after, 3).entries, *page.entries))


def _empty_in_gap(request: PageRequest, page: Page) -> Page:
    next_number = request.book.page(request.after, 1).maximum
    return Page(next_number - 1, ()) if next_number - 1 > request.after else page


def _first_garbled(request: PageRequest, page: Page) -> Page:
    garbled = (_garbled(entry, request.typed_fields) for entry in page.entries[:1])
    return Page(page.maximum, (*garbled, *page.entries[1:]))


def _first_too_high(_: PageRequest, page: Page) -> Page:
    too_high = (_renumbered(entry, TOO_HIGH * page.maximum) for entry in page.entries[:1])
    return Page(page.maximum, (*too_high, *page.entries[1:]))


def _shared_number(_: PageRequest, page: Page) -> Page:
    second = (_renumbered(entry, page.entries[0].number) for entry in page.entries[1:2])
    return Page(page.maximum, (*page.entries[:1], *second, *page.entries[2:]))


def _renumbered(entry: Entry, number: int) -> Entry:
    members: dict[str, Any] = msgspec.json.decode(entry.body, type=dict[str, msgspec.Raw])
    members["sequenceNumber"] = number
    return Entry(entry.key, number, msgspec.json.encode(members))


def _garbled(entry: Entry, typed: Sequence[str]) -> Entry:
    """The record with text in place of a boolean, a number or a time; its key and its number stay."""
    members: dict[str, Any] = msgspec.json.decode(entry.body, type=dict[str, msgspec.Raw])
    names = [name for name in members if name in typed] or typed
    for name in names[:1]:
        members[name] = "garbled in transit"
    return Entry(entry.key, entry.number, msgspec.json.encode(members))


def _first_moved(request: PageRequest, page: Page) -> Page:
    for entry in page.entries[:1]:
        request.book.renumber(*entry.key)
    return page


def _without_last_but_one(request: PageRequest, page: Page) -> Page:
    if page.maximum < request.book.maximum:
        return page
    return Page(page.maximum, (*page.entries[:-2], *page.entries[-1:]))


_CORRUPTIONS: dict[Kind, Callable[[PageRequest, Page], Page]] = {
    Kind.LOWER_MAXIMUM: lambda request, page: Page(max(0, request.after - 1), page.entries),
    Kind.HIGHER_MAXIMUM: lambda _, page: Page(TOO_HIGH * page.maximum, page.entries),
    Kind.FEED_WIDE_MAXIMUM: lambda request, page: Page(max(request.after, request.book.maximum), page.entries),
    Kind.REPEATED_PAGE: _previous_page,
    Kind.OVERLAP: _overlapping,
    Kind.EMPTY_PAGE: _empty_in_gap,
    Kind.EMPTY_END: lambda request, _: Page(request.after, ()),
    Kind.UNORDERED: lambda _, page: Page(page.maximum, page.entries[::-1]),
    Kind.GARBLED_RECORD: _first_garbled,
    Kind.GARBLED_NUMBER: _first_too_high,
    Kind.SHARED_NUMBER: _shared_number,
    Kind.MOVING_RECORD: _first_moved,
    Kind.LATE_RECORD: _without_last_but_one,
}
