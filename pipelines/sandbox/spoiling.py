"""Pages as a fault spoils them."""

from __future__ import annotations

from typing import Any

import msgspec

from pipelines.sandbox.books import Book
from pipelines.sandbox.entries import Entry, Page, View
from pipelines.sandbox.faults import Kind


def spoiled_page(book: Book, after: int, limit: int, view: View, kind: Kind) -> bytes:
    """The body of a page with which something is wrong."""
    page = book.page(after, limit, view, inclusive=kind is Kind.INCLUSIVE)
    match kind:
        case Kind.LOWER_MAXIMUM:
            page = Page(max(0, after - 1), page.entries)
        case Kind.FEED_WIDE_MAXIMUM:
            page = Page(max(after, book.maximum), page.entries)
        case Kind.REPEATED_PAGE:
            page = book.page_before(after, limit)
        case Kind.OVERLAP:
            page = Page(page.maximum, (*book.page_before(after, 3).entries, *page.entries))
        case Kind.EMPTY_PAGE:
            page = _page_of_the_gap(book, after) or page
        case Kind.UNORDERED:
            page = Page(page.maximum, page.entries[::-1])
        case Kind.GARBLED_RECORD:
            page = Page(page.maximum, (*map(_garbled, page.entries[:1]), *page.entries[1:]))
        case Kind.NULL_RESULTS:
            return b'{"maximumSequenceNumber":%d,"results":null}' % page.maximum
        case _:
            pass
    return page.encode()


def _page_of_the_gap(book: Book, after: int) -> Page | None:
    following = book.page(after, 1).maximum
    return Page(following - 1, ()) if following - 1 > after else None


def _garbled(entry: Entry) -> Entry:
    """The record with text where a flag or a moment belongs; its key and its number stay."""
    members: dict[str, Any] = msgspec.json.decode(entry.body, type=dict[str, msgspec.Raw])
    for name in members:
        if name.startswith(("is", "creation", "order", "lastModified")):
            members[name] = "garbled in transit"
            break
    return Entry(entry.key, entry.number, msgspec.json.encode(members))
