"""The model over real HTTP on the loopback; one server for all examples, each of which has its own world."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from urllib.parse import parse_qs, urlsplit

from pipelines.catalogue import catalogue_of
from tests.model.faults import Fault, Kind
from tests.model.feeds import SHAPES
from tests.model.floriday import Account, Book, World

BASE = "/customers-api-2026v1"
FACTOR = 1000


@dataclass
class Reply:
    """One HTTP response."""

    status: int = 200
    body: bytes = b""
    cut: bool = False


@dataclass
class ModelServer:
    """An HTTP server that answers from the current world."""

    world: World = field(default_factory=lambda: World({}))
    requests: list[str] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        feeds = [catalogue_of("customers").feed(name) for name in SHAPES]
        self._maxima = {feed.endpoint.max_sequence: feed.name for feed in feeds}
        self._pages = {feed.endpoint.sync.removesuffix("{sequenceNumber}"): feed.name for feed in feeds}
        self._server = _Server(self)
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def environment(self) -> dict[str, str]:
        """Return the settings for this server."""
        return {
            "FLORIDAY_CLIENT_ID": "client",
            "FLORIDAY_CLIENT_SECRET": "secret-of-the-model",
            "FLORIDAY_AUTH_URL": f"{self.address}/v1/token",
            "FLORIDAY_BASE_URL": f"{self.address}{BASE}",
            "FLORIDAY_API_KEYS": json.dumps({name: f"key-of-{name}" for name in self.world.accounts}),
        }

    def start(self) -> None:
        """Serve from a thread."""
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, target: str, key: str | None) -> Reply:
        """Return the response to a request."""
        parts = urlsplit(target)
        if parts.path == "/v1/token":
            return _json({"access_token": "token", "token_type": "Bearer", "expires_in": 10**9})
        account = self.world.accounts.get((key or "").removeprefix("key-of-"))
        path = parts.path.removeprefix(BASE)
        if account is None:
            return Reply(403, b'{"title": "The specified api key is invalid."}')
        if path == "/identities":
            return _json({"customerOrganization": {"organizationId": account.organization, "name": account.name}})
        with self.lock:
            return self._of_feed(account, path, parse_qs(parts.query))

    def _of_feed(self, account: Account, path: str, query: dict[str, list[str]]) -> Reply:
        if path in self._maxima:
            book = account.books[self._maxima[path]]
            reply = self._maximum(book)
            self.requests.append(
                f"{book.name}: maximum → {reply.body.decode() if reply.status == 200 else reply.status}"
            )
            return reply
        prefix, _, number = path.rpartition("/")
        book = account.books[self._pages[f"{prefix}/"]]
        part = query.get("supplierOrganizationId", [None])[0]
        reply = self._page(book, int(number), part)
        self.requests.append(f"{book.name}: after {number} → {_brief(reply)}")
        return reply

    def _maximum(self, book: Book) -> Reply:
        if book.locked:
            return _locked()
        fault = _struck(book, book.maximum_faults)
        match fault:
            case Kind.STATUS_500:
                return Reply(500)
            case Kind.MAXIMUM_REFUSED:
                return Reply(403)
            case Kind.MAXIMUM_HIGH:
                return _json(book.maximum() * FACTOR + FACTOR)
            case Kind.MAXIMUM_OLD:
                return _json(book.maximum() // 2)
        return _json(book.maximum())

    def _page(self, book: Book, after: int, part: str | None) -> Reply:
        if book.locked:
            return _locked()
        if book.shape.in_parts and part not in book.account.connected:
            return Reply(403, b'{"title": "There is no connection with this supplier."}')
        fault = _struck(book, book.page_faults)
        return _FAILURES[fault] if fault in _FAILURES else self._valid_page(book, after, part, fault)

    def _valid_page(self, book: Book, after: int, part: str | None, fault: Kind | None) -> Reply:
        answer = book.page(0 if fault is Kind.FIRST_PAGE else after, part, inclusive=self.world.inclusive)
        empty = 0 if self.world.empty_maximum_is_zero else after
        if fault is Kind.EMPTY or (not answer.entries and answer.maximum <= after):
            return _json({"maximumSequenceNumber": empty, "results": []})
        results = [book.body(entry) for entry in answer.entries]
        if fault is Kind.NUMBER and results:
            results[-1]["sequenceNumber"] = answer.entries[-1].place * FACTOR + FACTOR
        if fault is Kind.NUMBER_WITHIN and results:
            results[-1]["sequenceNumber"] = book.maximum()
        factor = FACTOR if fault is Kind.PAGE_MAXIMUM else 1
        return _json({"maximumSequenceNumber": answer.maximum * factor, "results": results})


def _struck(book: Book, faults: list[Fault]) -> Kind | None:
    """Return the fault of this response, or None."""
    if not faults:
        return None
    fault = faults[0]
    if fault.after:
        fault.after -= 1
        return None
    fault.times -= 1
    if not fault.times:
        faults.pop(0)
    book.struck += 1
    return fault.kind


def _json(value: object) -> Reply:
    return Reply(200, json.dumps(value).encode())


def _locked() -> Reply:
    return Reply(423, b'{"title": "The custom supply is being rebuilt."}')


def _brief(reply: Reply) -> str:
    if reply.status != 200 or not reply.body.startswith(b"{"):
        return "cut" if reply.cut else str(reply.status) if reply.status != 200 else reply.body.decode()
    page = json.loads(reply.body)
    numbers = [record["sequenceNumber"] for record in page["results"]]
    return f"{numbers} up to {page['maximumSequenceNumber']}"


_FAILURES = {
    Kind.STATUS_500: Reply(500),
    Kind.CUT: Reply(cut=True),
    Kind.GARBAGE: Reply(200, b"<html>maintenance</html>"),
    Kind.REFUSED: Reply(403, b'{"title": "Forbidden"}'),
}
"""Responses that are not pages."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, model: ModelServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.model = model


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def do_GET(self) -> None:
        reply = self.server.model.answer(self.path, self.headers.get("X-Api-Key"))
        if reply.cut:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response_only(reply.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def model_server() -> Iterator[ModelServer]:
    """Run a server for the duration of a block."""
    server = ModelServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()
