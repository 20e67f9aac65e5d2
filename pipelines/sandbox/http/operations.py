"""The API's operations, made from the catalogue: pages, maxima, single records by id, and snapshots."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipelines.catalogue.tables import json_key
from pipelines.catalogue.types import Feed, Snapshot, Source
from pipelines.floriday.endpoints import RateLimit
from pipelines.sandbox.faults.corruption import PageRequest, corrupt_maximum, corrupt_page, typed_fields
from pipelines.sandbox.http import answers, parameters
from pipelines.sandbox.http.parameters import InvalidParameterError
from pipelines.sandbox.http.request_state import Caller, caller_of, fault_of
from pipelines.sandbox.http.snapshots import snapshot_records
from pipelines.sandbox.records.books import Book
from pipelines.sandbox.state import SandboxState

Handler = Callable[[Request], Awaitable[Response]]
Operation = Callable[[Request, Book], Response]

BY_ID_SCOPES = {"orders.contract_trade_item_groups": "catalog:read"}
"""Scopes of the operations for single records that differ from their feed's scope (docs/floriday.md: Access)."""


class Operations:
    """Serves feeds and snapshots from their books.

    Args:
        state: sandbox with the books, the rate limits and the switches.
    """

    def __init__(self, state: SandboxState) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        """All operations. Fixed paths come first, because some also match the pattern of a page or a record."""
        feeds, snapshots = self._state.feeds.values(), self._state.snapshots.values()
        maxima = [Route(path, self._maximum(feed)) for feed in feeds if (path := feed.endpoint.max_sequence)]
        lists = [Route(snapshot.path, self._snapshot(snapshot)) for snapshot in snapshots]
        pages = [Route(feed.endpoint.sync, self._page(feed)) for feed in feeds]
        single = [Route(path, self._by_id(feed)) for feed in feeds if (path := feed.endpoint.by_id)]
        return [*maxima, *lists, *pages, *single]

    def _page(self, feed: Feed) -> Handler:
        typed = typed_fields(feed)

        def page(request: Request, book: Book) -> Response:
            after = parameters.sequence_number(request)
            limit = parameters.page_size(request, feed)
            view = parameters.view(request, feed.endpoint)
            if fault := fault_of(request):
                return answers.answer(corrupt_page(PageRequest(book, after, limit, view, typed), fault.kind))
            return answers.answer(book.page(after, limit, view, inclusive=self._state.switches.inclusive).encode())

        return self._handler(feed, feed.scope, feed.endpoint.rate, feed.endpoint.sync, page)

    def _maximum(self, feed: Feed) -> Handler:
        scope = feed.endpoint.max_sequence_scope or feed.scope

        def maximum(request: Request, book: Book) -> Response:
            fault = fault_of(request)
            return answers.answer(corrupt_maximum(book.maximum, fault.kind) if fault else book.maximum)

        return self._handler(feed, scope, feed.endpoint.max_sequence_rate, f"{feed.endpoint.max_sequence}", maximum)

    def _by_id(self, feed: Feed) -> Handler:
        key = json_key(feed)
        name = feed.table.replace("_", " ").removesuffix("s")

        def by_id(request: Request, book: Book) -> Response:
            entry = book.get(*(request.path_params[part].lower() for part in key))
            return answers.answer(entry.body) if entry else answers.unknown_record(name)

        scope = BY_ID_SCOPES.get(feed.name, feed.scope)
        return self._handler(feed, scope, feed.endpoint.rate, f"{feed.endpoint.by_id}", by_id)

    def _snapshot(self, snapshot: Snapshot) -> Handler:
        def records(request: Request, book: Book) -> Response:
            return answers.answer(b"[%b]" % b",".join(snapshot_records(request, snapshot, book)))

        return self._handler(snapshot, snapshot.scope, snapshot.rate, snapshot.path, records)

    def _handler(self, source: Source, scope: str, rate: RateLimit, bucket: str, operation: Operation) -> Handler:
        """An operation with the checks of all operations: scope, rate limit, lock, and valid parameters."""

        async def handle(request: Request) -> Response:
            caller = caller_of(request)
            book = self._state.books.book(caller.account.organization_id, source.name)
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
        seconds = self._state.rate_limits.take((caller.account.api_key, bucket), rate)
        if seconds:
            return answers.too_many(seconds if self._state.switches.sends_retry_after else None)
        return None
