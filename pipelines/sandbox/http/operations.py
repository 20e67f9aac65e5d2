"""The API's operations, made from the catalogue: pages, maxima and records by their ids, and whole lists."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import Feed, Snapshot, Source
from pipelines.floriday.endpoints import RateLimit
from pipelines.sandbox.accounts import Account
from pipelines.sandbox.faults.corruption import Asked, readable_fields, spoiled_maximum, spoiled_page
from pipelines.sandbox.faults.fault import Fault
from pipelines.sandbox.http import answers, parameters
from pipelines.sandbox.http.fault_injection import FAULT
from pipelines.sandbox.http.parameters import InvalidParameterError
from pipelines.sandbox.http.snapshots import listed
from pipelines.sandbox.rate_limits import RateLimits
from pipelines.sandbox.records.books import Book, Books
from pipelines.sandbox.switches import Switches
from pipelines.sandbox.tokens import Grant

Handler = Callable[[Request], Awaitable[Response]]
Operation = Callable[[Request, Book], Response]

BY_ID_SCOPES = {"orders.contract_trade_item_groups": "catalog:read"}
"""Scopes of the operations for single records that ask for another one than their feed (docs/floriday.md: Access)."""


@dataclass(frozen=True)
class Caller:
    """Whose key and which token a request carries; the gate leaves it in the request's state.

    Args:
        account: the account whose key it is.
        grant: what the token allows.
    """

    account: Account
    grant: Grant


def key_of(source: Source) -> tuple[str, ...]:
    """The JSON names of a record's key."""
    columns = {column.name: column for column in tables_of(source).columns if column.path}
    return tuple((columns[name].path or ("",))[-1] for name in source.key)


class Operations:
    """Serves feeds and snapshots from their books.

    Args:
        books: the records.
        limits: the rate limits.
        switches: how the server behaves.
    """

    def __init__(self, books: Books, limits: RateLimits, switches: Switches) -> None:
        self._books = books
        self._limits = limits
        self._switches = switches

    def routes(self, feeds: tuple[Feed, ...], snapshots: tuple[Snapshot, ...]) -> list[Route]:
        """All operations. Fixed paths come first: some look like a page's or a record's."""
        maxima = [Route(path, self._maximum(feed)) for feed in feeds if (path := feed.endpoint.max_sequence)]
        lists = [Route(snapshot.path, self._list(snapshot)) for snapshot in snapshots]
        pages = [Route(feed.endpoint.sync, self._page(feed)) for feed in feeds]
        single = [Route(path, self._by_id(feed)) for feed in feeds if (path := feed.endpoint.by_id)]
        return [*maxima, *lists, *pages, *single]

    def _page(self, feed: Feed) -> Handler:
        readable = readable_fields(feed)

        def page(request: Request, book: Book) -> Response:
            after = parameters.sequence_number(request)
            limit = parameters.page_size(request, feed)
            view = parameters.view(request, feed.endpoint)
            if fault := _fault(request):
                return answers.answer(spoiled_page(Asked(book, after, limit, view, readable), fault.kind))
            return answers.answer(book.page(after, limit, view, inclusive=self._switches.inclusive).encode())

        return self._handler(feed, feed.scope, feed.endpoint.rate, feed.endpoint.sync, page)

    def _maximum(self, feed: Feed) -> Handler:
        scope = feed.endpoint.max_sequence_scope or feed.scope

        def maximum(request: Request, book: Book) -> Response:
            fault = _fault(request)
            return answers.answer(spoiled_maximum(book.maximum, fault.kind) if fault else book.maximum)

        return self._handler(feed, scope, feed.endpoint.max_sequence_rate, f"{feed.endpoint.max_sequence}", maximum)

    def _by_id(self, feed: Feed) -> Handler:
        key = key_of(feed)
        name = feed.table.replace("_", " ").removesuffix("s")

        def by_id(request: Request, book: Book) -> Response:
            entry = book.get(*(request.path_params[part].lower() for part in key))
            return answers.answer(entry.body) if entry else answers.unknown_record(name)

        scope = BY_ID_SCOPES.get(feed.name, feed.scope)
        return self._handler(feed, scope, feed.endpoint.rate, f"{feed.endpoint.by_id}", by_id)

    def _list(self, snapshot: Snapshot) -> Handler:
        def whole(request: Request, book: Book) -> Response:
            return answers.answer(b"[%b]" % b",".join(listed(request, snapshot, book)))

        return self._handler(snapshot, snapshot.scope, snapshot.rate, snapshot.path, whole)

    def _handler(self, source: Source, scope: str, rate: RateLimit, bucket: str, operation: Operation) -> Handler:
        """An operation behind what all have in common: the scope, the rate limit, and words for what is wrong."""

        async def handle(request: Request) -> Response:
            caller: Caller = request.state.caller
            book = self._books.book(caller.account.organization_id, source.name)
            refusal = self._refusal(caller, scope, rate, bucket)
            if refusal or book.is_locked:
                return refusal or answers.locked()
            try:
                return operation(request, book)
            except InvalidParameterError as problem:
                return answers.invalid(problem.parameter, str(problem))

        return handle

    def _refusal(self, caller: Caller, scope: str, rate: RateLimit, bucket: str) -> Response | None:
        if scope not in caller.grant.scopes:
            return answers.missing_scope(scope)
        wait = self._limits.wait((caller.account.api_key, bucket), rate)
        if wait:
            return answers.too_many(wait if self._switches.tells_retry_after else None)
        return None


def _fault(request: Request) -> Fault | None:
    fault: Fault | None = request.scope["state"].get(FAULT)
    return fault
