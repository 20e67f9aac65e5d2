"""The API's operations, made from the catalogue's feeds: pages, maxima and records by their ids."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import Feed
from pipelines.floriday.endpoints import RateLimit
from pipelines.sandbox import answers
from pipelines.sandbox.accounts import Account
from pipelines.sandbox.books import Book, Books, Entry, Page
from pipelines.sandbox.faults import Fault, Kind
from pipelines.sandbox.injection import FAULT
from pipelines.sandbox.limits import RateLimits
from pipelines.sandbox.switches import Switches
from pipelines.sandbox.tokens import Grant

Handler = Callable[[Request], Awaitable[Response]]

MAXIMUM_SCOPES = {"/delivery-orders": "supply:read", "/fulfillment-orders": "supply:read"}
"""Scopes of the max-sequence operations that ask for another one than their feed (R§1.5)."""


@dataclass(frozen=True)
class Caller:
    """Whose key and which token a request carries; the gate leaves it in the request's state.

    Args:
        account: the account whose key it is.
        grant: what the token allows.
    """

    account: Account
    grant: Grant


def key_of(feed: Feed) -> tuple[str, ...]:
    """The JSON names of a feed's key."""
    columns = {column.name: column for column in tables_of(feed).columns if column.path}
    return tuple((columns[name].path or ("",))[-1] for name in feed.key)


class FeedRoutes:
    """Serves feeds from their books.

    Args:
        books: the records.
        limits: the rate limits.
        switches: how the server behaves.
    """

    def __init__(self, books: Books, limits: RateLimits, switches: Switches) -> None:
        self._books = books
        self._limits = limits
        self._switches = switches

    def routes(self, feeds: tuple[Feed, ...]) -> list[Route]:
        """The operations of all feeds, those with fixed paths first."""
        maxima = [Route(path, self._maximum(feed)) for feed in feeds if (path := feed.endpoint.max_sequence)]
        pages = [Route(f"{feed.endpoint.path}/sync/{{after}}", self._page(feed)) for feed in feeds]
        single = [Route(path, self._by_id(feed)) for feed in feeds if (path := feed.endpoint.by_id)]
        return [*maxima, *pages, *single]

    def _page(self, feed: Feed) -> Handler:
        endpoint = feed.endpoint

        async def page(request: Request) -> Response:
            if refusal := self._refusal(request, feed.scope, endpoint.rate, f"{endpoint.path}/sync"):
                return refusal
            after = _number(request.path_params["after"])
            limit = _number(request.query_params.get(endpoint.page_parameter, str(endpoint.page_maximum)))
            if after is None:
                return answers.invalid("sequenceNumber", "The sequence number must be a whole number.")
            if limit is None or not 1 <= limit <= endpoint.page_maximum:
                message = f"The page size must be between 1 and {endpoint.page_maximum}."
                return answers.invalid(endpoint.page_parameter, message)
            return answers.answer(self._serve(self._book(request, feed), after, limit, _fault(request)))

        return page

    def _serve(self, book: Book, after: int, limit: int, fault: Fault | None) -> bytes:
        if fault:
            return _faulty_page(book, after, limit, fault.kind)
        return book.page(after, limit, inclusive=self._switches.inclusive).encode()

    def _maximum(self, feed: Feed) -> Handler:
        path = feed.endpoint.path
        scope, rate = MAXIMUM_SCOPES.get(path, feed.scope), feed.endpoint.max_sequence_rate

        async def maximum(request: Request) -> Response:
            if refusal := self._refusal(request, scope, rate, f"{path}/maximum"):
                return refusal
            number, fault = self._book(request, feed).maximum, _fault(request)
            return answers.answer(number // 2 if fault and fault.kind is Kind.LOWER_MAXIMUM else number)

        return maximum

    def _by_id(self, feed: Feed) -> Handler:
        key = key_of(feed)
        name = feed.table.replace("_", " ").removesuffix("s")

        async def by_id(request: Request) -> Response:
            if refusal := self._refusal(request, feed.scope, feed.endpoint.rate, f"{feed.endpoint.path}/by-id"):
                return refusal
            entry = self._book(request, feed).get(*(request.path_params[part].lower() for part in key))
            return answers.answer(entry.body) if entry else answers.unknown_record(name)

        return by_id

    def _refusal(self, request: Request, scope: str, rate: RateLimit, bucket: str) -> Response | None:
        caller: Caller = request.state.caller
        if scope not in caller.grant.scopes:
            return answers.missing_scope(scope)
        wait = self._limits.wait((caller.account.api_key, bucket), rate)
        if wait:
            return answers.too_many(wait if self._switches.tells_retry_after else None)
        return None

    def _book(self, request: Request, feed: Feed) -> Book:
        caller: Caller = request.state.caller
        return self._books.book(caller.account.organization_id, feed.name)


def _number(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _fault(request: Request) -> Fault | None:
    fault: Fault | None = request.scope["state"].get(FAULT)
    return fault


def _faulty_page(book: Book, after: int, limit: int, kind: Kind) -> bytes:
    """A page as a fault spoils it."""
    page = book.page(after, limit, inclusive=kind is Kind.INCLUSIVE)
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
