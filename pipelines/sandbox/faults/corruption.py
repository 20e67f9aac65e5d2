"""Pages as a fault spoils them."""

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

FAR_ABOVE = 1000
"""How many times as high a number is that is far too high."""


def spoiled_maximum(maximum: int, kind: Kind) -> int:
    """A feed's maximum with which something is wrong."""
    return {Kind.LOWER_MAXIMUM: maximum // 2, Kind.HIGHER_MAXIMUM: FAR_ABOVE * maximum}.get(kind, maximum)


@dataclass(frozen=True)
class Asked:
    """The page that was asked for.

    Args:
        book: whose page it is.
        after: the number asked for.
        limit: the page's size.
        view: what of the feed is asked for.
        readable: JSON names of the fields in which a text that says nothing cannot be read.
    """

    book: Book
    after: int
    limit: int
    view: View
    readable: Sequence[str] = ()


def readable_fields(source: types.Source) -> tuple[str, ...]:
    """The JSON names of a record's own fields that are neither text nor part of what identifies it."""
    return tuple(
        column.path[0]
        for column in tables_of(source).columns
        if column.path
        and len(column.path) == 1
        and column.kind not in (types.Kind.TEXT, types.Kind.UUID)
        and column.name not in (*source.key, "sequence_number")
        and not column.repeated
    )


def spoiled_page(asked: Asked, kind: Kind) -> bytes:
    """The body of a page with which something is wrong."""
    page = asked.book.page(asked.after, asked.limit, asked.view, inclusive=kind is Kind.INCLUSIVE)
    if kind is Kind.NULL_RESULTS:
        return b'{"maximumSequenceNumber":%d,"results":null}' % page.maximum
    spoil = _WAYS.get(kind)
    return (spoil(asked, page) if spoil else page).encode()


def _before(asked: Asked, _: Page) -> Page:
    return asked.book.page_before(asked.after, asked.limit)


def _overlapping(asked: Asked, page: Page) -> Page:
    return Page(page.maximum, (*asked.book.page_before(asked.after, 3).entries, *page.entries))


def _page_of_the_gap(asked: Asked, page: Page) -> Page:
    following = asked.book.page(asked.after, 1).maximum
    return Page(following - 1, ()) if following - 1 > asked.after else page


def _first_garbled(asked: Asked, page: Page) -> Page:
    garbled = (_garbled(entry, asked.readable) for entry in page.entries[:1])
    return Page(page.maximum, (*garbled, *page.entries[1:]))


def _first_far_above(_: Asked, page: Page) -> Page:
    far_above = (_renumbered(entry, FAR_ABOVE * page.maximum) for entry in page.entries[:1])
    return Page(page.maximum, (*far_above, *page.entries[1:]))


def _second_like_first(_: Asked, page: Page) -> Page:
    alike = (_renumbered(entry, page.entries[0].number) for entry in page.entries[1:2])
    return Page(page.maximum, (*page.entries[:1], *alike, *page.entries[2:]))


def _renumbered(entry: Entry, number: int) -> Entry:
    members: dict[str, Any] = msgspec.json.decode(entry.body, type=dict[str, msgspec.Raw])
    members["sequenceNumber"] = number
    return Entry(entry.key, number, msgspec.json.encode(members))


def _garbled(entry: Entry, readable: Sequence[str]) -> Entry:
    """The record with text where a flag, a number or a moment belongs; its key and its number stay."""
    members: dict[str, Any] = msgspec.json.decode(entry.body, type=dict[str, msgspec.Raw])
    names = [name for name in members if name in readable] or readable
    for name in names[:1]:
        members[name] = "garbled in transit"
    return Entry(entry.key, entry.number, msgspec.json.encode(members))


def _first_moves(asked: Asked, page: Page) -> Page:
    for entry in page.entries[:1]:
        asked.book.renumber(*entry.key)
    return page


def _one_is_late(asked: Asked, page: Page) -> Page:
    if page.maximum < asked.book.maximum:
        return page
    return Page(page.maximum, (*page.entries[:-2], *page.entries[-1:]))


_WAYS: dict[Kind, Callable[[Asked, Page], Page]] = {
    Kind.LOWER_MAXIMUM: lambda asked, page: Page(max(0, asked.after - 1), page.entries),
    Kind.HIGHER_MAXIMUM: lambda _, page: Page(FAR_ABOVE * page.maximum, page.entries),
    Kind.FEED_WIDE_MAXIMUM: lambda asked, page: Page(max(asked.after, asked.book.maximum), page.entries),
    Kind.REPEATED_PAGE: _before,
    Kind.OVERLAP: _overlapping,
    Kind.EMPTY_PAGE: _page_of_the_gap,
    Kind.EMPTY_END: lambda asked, _: Page(asked.after, ()),
    Kind.UNORDERED: lambda _, page: Page(page.maximum, page.entries[::-1]),
    Kind.GARBLED_RECORD: _first_garbled,
    Kind.GARBLED_NUMBER: _first_far_above,
    Kind.SHARED_NUMBER: _second_like_first,
    Kind.MOVING_RECORD: _first_moves,
    Kind.LATE_RECORD: _one_is_late,
}
