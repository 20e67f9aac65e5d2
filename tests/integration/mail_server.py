"""A loopback mail server that accepts every message, for tests of alerts by e-mail."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread


class MailServer(ThreadingTCPServer):
    """A server that stores the received messages."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.messages: list[EmailMessage] = []


class _Session(StreamRequestHandler):
    """The part of RFC 5321 that a client needs to deliver one mail."""

    server: MailServer

    def handle(self) -> None:
        self._reply(220, "ready")
        while command := self.rfile.readline().split(maxsplit=1):
            if command[0].upper() == b"DATA":
                self._reply(354, "send the message")
                self._receive()
            self._reply(221 if command[0].upper() == b"QUIT" else 250, "ok")

    def _receive(self) -> None:
        lines = [line.removeprefix(b".") for line in iter(self.rfile.readline, b".\r\n")]
        message = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
        self.server.messages.append(message)

    def _reply(self, code: int, text: str) -> None:
        self.wfile.write(f"{code} {text}\r\n".encode())


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """Run a mail server until the block ends."""
    with MailServer() as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
