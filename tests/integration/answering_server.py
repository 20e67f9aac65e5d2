"""A loopback HTTP server that answers as a test tells it to, and remembers what it was asked."""

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


@dataclass(frozen=True)
class Reply:
    """One answer.

    Args:
        status: the HTTP status.
        body: bytes as they are, anything else as JSON.
        headers: besides Content-Length.
        missing: bytes that are announced and not sent; the connection is cut instead.
        dropped: cuts the connection without an answer.
        stalled: never answers.
        after: answers when this has happened.
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
class Question:
    """One request as it came in."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    form: dict[str, list[str]]
    body: str = ""


class AnsweringServer:
    """Replies by path, in the order given; the last one for ever. Unknown paths get 404, ``revoked`` tokens 401."""

    def __init__(self, tls: SSLContext | None = None) -> None:
        self.questions: list[Question] = []
        self.connections = 0
        self.revoked: set[str] = set()
        self.stopped = Event()
        self._replies: dict[str, list[Reply]] = defaultdict(list)
        self._lock = Lock()
        self._server = _Server(self)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def will_answer(self, path: str, *replies: Reply) -> None:
        """What ``path`` is answered with from now on."""
        with self._lock:
            self._replies[path] = list(replies)

    def asked(self, path: str) -> list[Question]:
        """The requests for ``path``."""
        with self._lock:
            return [question for question in self.questions if question.path == path]

    def next_reply(self, question: Question) -> Reply:
        """Remembers the question and takes the reply."""
        with self._lock:
            self.questions.append(question)
            if question.headers.get("Authorization", "").removeprefix("Bearer ") in self.revoked:
                return Reply(401, {"title": "Unauthorized", "status": "401"})
            replies = self._replies[question.path]
            if not replies:
                return Reply(404, {"title": "Not Found", "status": "404"})
            return replies.pop(0) if len(replies) > 1 else replies[0]

    def start(self) -> None:
        """Answers from a thread of its own."""
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Lets go of whoever still waits."""
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    """Knows what to answer."""

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
        question = Question(self.command, parts.path, parse_qs(parts.query), headers, parse_qs(body), body)
        self._send(self.server.answering.next_reply(question))

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
    """The TLS of a server at localhost that nobody vouches for."""
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        (
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-days", "2", "-subj", "/CN=localhost", "-keyout", str(private), "-out", str(certificate)),
        ),
        check=True,
        capture_output=True,
    )
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)
    return context


@contextmanager
def answering_server(tls: SSLContext | None = None) -> Iterator[AnsweringServer]:
    """A server for the duration of a block."""
    server = AnsweringServer(tls)
    server.start()
    try:
        yield server
    finally:
        server.stop()
