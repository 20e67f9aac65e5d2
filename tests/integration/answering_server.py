"""A loopback HTTP server with responses that a test defines; it records the requests.

For bytes that are no valid HTTP, use ``tests.security.raw_server``.
"""

from __future__ import annotations

import json
import socket
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from threading import Event, Lock, Thread
from urllib.parse import parse_qs, urlsplit

CERTIFICATE = "certificate.pem"  # file of a certificate in its folder


@dataclass(frozen=True)
class Reply:
    """One HTTP response.

    Args:
        status: HTTP status of the answer.
        body: body as bytes; any other value is sent as JSON.
        headers: HTTP headers in addition to Content-Length.
        missing: number of announced bytes that are not sent, because the connection is closed before.
        dropped: whether the connection is closed without a response.
        stalled: whether the server never responds.
        after: event to wait for before the response.
    """

    status: int = 200
    body: object = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    missing: int = 0
    dropped: bool = False
    stalled: bool = False
    after: Event | None = None

    @property
    def content(self) -> bytes:
        """The body as bytes."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Request:
    """A received request."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    form: dict[str, list[str]]
    body: str = ""


class AnsweringServer:
    """Sends the responses of each path in order, and then repeats the last one.

    An unknown path gets 404, and a request with a token in ``revoked`` gets 401.
    """

    def __init__(self, tls: SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self.revoked: set[str] = set()
        self.stopped = Event()
        self._replies: dict[str, list[Reply]] = defaultdict(list)
        self._lock = Lock()
        self._server = _Server(self)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def respond(self, path: str, *replies: Reply) -> None:
        """Set the responses of a path."""
        with self._lock:
            self._replies[path] = list(replies)

    def requests_to(self, path: str) -> list[Request]:
        """Return the received requests for a path."""
        with self._lock:
            return [request for request in self.requests if request.path == path]

    def next_reply(self, request: Request) -> Reply:
        """Record a request, and return its response."""
        with self._lock:
            self.requests.append(request)
            if request.headers.get("Authorization", "").removeprefix("Bearer ") in self.revoked:
                return Reply(401, {"title": "Unauthorized", "status": "401"})
            replies = self._replies[request.path]
            if not replies:
                return Reply(404, {"title": "Not Found", "status": "404"})
            return replies.pop(0) if len(replies) > 1 else replies[0]

    def start(self) -> None:
        """Serve from a thread."""
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Stop, and release the requests that still wait."""
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    """The HTTP server with a reference to the responses."""

    def __init__(self, answering: AnsweringServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answering = answering


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.answering.connections += 1

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        headers = dict(self.headers.items())
        request = Request(self.command, parts.path, parse_qs(parts.query), headers, parse_qs(body), body)
        self._send(self.server.answering.next_reply(request))

    def _send(self, reply: Reply) -> None:
        if reply.after is not None:
            reply.after.wait(30)
        if reply.stalled:
            self.server.answering.stopped.wait(30)
        if reply.stalled or reply.dropped:
            self._cut()
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.content) + reply.missing))
        self.end_headers()
        self.wfile.write(reply.content)
        if reply.missing:
            self._cut()

    def _cut(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)


def self_signed(folder: Path) -> SSLContext:
    """Return a TLS context with a self-signed certificate for localhost, which is written to the folder."""
    certificate, private = folder / CERTIFICATE, folder / "key.pem"
    subprocess.run(
        (
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(private), "-out", str(certificate)),
        ),
        check=True,
        capture_output=True,
    )
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)
    return context


@contextmanager
def answering_server(tls: SSLContext | None = None) -> Iterator[AnsweringServer]:
    """Run a server for the duration of a block."""
    server = AnsweringServer(tls)
    server.start()
    try:
        yield server
    finally:
        server.stop()
