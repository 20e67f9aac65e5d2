"""A loopback mail server that takes whatever it is given, for tests of alerts by e-mail."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread


class MailServer(ThreadingTCPServer):
    """Keeps the messages that came in."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.messages: list[EmailMessage] = []


class _Session(StreamRequestHandler):
    """As much of RFC 5321 as a client needs that has one mail to deliver."""

    server: MailServer

    def handle(self) -> None:
        self._say(220, "ready")
        while command := self.rfile.readline().split(maxsplit=1):
            if command[0].upper() == b"DATA":
                self._say(354, "go on")
                self._take()
            self._say(221 if command[0].upper() == b"QUIT" else 250, "fine")

    def _take(self) -> None:
        lines = [line.removeprefix(b".") for line in iter(self.rfile.readline, b".\r\n")]
        message = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
        self.server.messages.append(message)

    def _say(self, code: int, text: str) -> None:
        self.wfile.write(f"{code} {text}\r\n".encode())


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """A running one."""
    with MailServer() as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
