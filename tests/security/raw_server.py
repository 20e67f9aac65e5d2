"""A loopback server that sends raw bytes, and repeats some of them, as a hostile server would.

For whole HTTP responses, use ``tests.integration.answering_server``.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from ssl import SSLContext
from threading import Event, Thread

from tests.integration.answering_server import CERTIFICATE, self_signed


@dataclass(frozen=True)
class Drip:
    """The answer to one request.

    Args:
        beginning: bytes that are sent at once.
        reply: bytes that are sent after the client has sent more.
        again: bytes that are sent repeatedly afterwards; empty for none.
        pause: seconds between two repetitions.
        times: maximum number of repetitions, so that a failing test ends.
        cut: whether the connection is closed afterwards.
    """

    beginning: bytes
    again: bytes = b""
    reply: bytes = b""
    pause: float = 0.002
    times: int = 2_000
    cut: bool = False


Answers = Callable[[bytes], Drip]
"""The answer to a request, by the first line of the request."""


class RawServer:
    """Answers each request of a connection, or sends ``greeting`` without a request."""

    def __init__(self, answers: Answers, *, greeting: Drip | None = None, tls: SSLContext | None = None) -> None:
        self.connections = 0
        self._answers = answers
        self._greeting = greeting
        self._tls = tls
        self._stopped = Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        """Stop accepting and end the repetitions."""
        self._stopped.set()
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._greeting is not None:
                self._send(connection, self._greeting)
                return
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection:
                while request := _request(connection):
                    self._send(connection, self._answers(request))

    def _send(self, connection: socket.socket, drip: Drip) -> None:
        connection.sendall(drip.beginning)
        if drip.reply:
            connection.recv(65536)
            connection.sendall(drip.reply)
        for _ in range(drip.times if drip.again else 0):
            connection.sendall(drip.again)
            if drip.pause and self._stopped.wait(drip.pause):
                return
        if drip.cut:
            connection.shutdown(socket.SHUT_RDWR)


def _request(connection: socket.socket) -> bytes:
    """Read the next request completely, and return its first line; empty when the connection ends."""
    head = b""
    while b"\r\n\r\n" not in head:
        received = connection.recv(65536)
        if not received:
            return b""
        head += received
    head, _, body = head.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    missing = int(lengths[0]) - len(body) if lengths else 0
    while missing > 0:
        missing -= len(connection.recv(65536))
    return head.split(b"\r\n")[0]


@contextmanager
def raw_server(answers: Answers, *, greeting: Drip | None = None, tls: SSLContext | None = None) -> Iterator[RawServer]:
    """Run a raw server for the duration of the block."""
    server = RawServer(answers, greeting=greeting, tls=tls)
    try:
        yield server
    finally:
        server.stop()


def trusted_tls(folder: Path) -> tuple[SSLContext, Path]:
    """The TLS context of a server at localhost, and the certificate that a client must trust."""
    return self_signed(folder), folder / CERTIFICATE
