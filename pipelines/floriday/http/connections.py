"""Connections of urllib3 that end at the deadline of the current call, and limit the size of an answer's head."""

from __future__ import annotations

import http
import http.client
import io
import socket
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.poolmanager import PoolManager

from pipelines.errors import SettingError
from pipelines.floriday.http.deadlines import current_call

HEAD_BYTES = 2**18
"""Maximum number of bytes before an answer's body: status line and headers, interim answers (1xx) included."""


_LINE_BYTES = 2**16


class HeadTooLargeError(http.client.HTTPException):
    """A server sends more than :data:`HEAD_BYTES` before a body."""


class DeadlineAdapter(HTTPAdapter):
    """Opens the connections of a session, direct or through a proxy; each may be used only within a ``deadline``."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Create the pools of direct connections."""
        super().init_poolmanager(*arguments, **options)
        _use_our_pools(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """The pools of connections through a proxy.

        Raises:
            SettingError: the proxy is of a kind whose connections do not end at a deadline.
        """
        if not proxy.lower().startswith(("http://", "https://")):
            raise SettingError("HTTPS_PROXY: only a proxy at an http:// or https:// address can be used")
        manager = super().proxy_manager_for(proxy, **options)
        _use_our_pools(manager)
        return manager


def _use_our_pools(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}


class _Head:
    """Reads the lines before a body, up to a total size."""

    def __init__(self, lines: io.BufferedReader) -> None:
        self.lines = lines
        self._left = HEAD_BYTES

    def readline(self, limit: int) -> bytes:
        line = self.lines.readline(limit)
        if not line:
            # Python's parsers would take an empty line for the end of the head, and continue.
            raise http.client.RemoteDisconnected("the connection ended before a body")
        self._left -= len(line)
        if self._left < 0:
            raise HeadTooLargeError
        return line

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.lines.close()


class _Response(http.client.HTTPResponse):
    """An answer, also of a proxy to CONNECT, whose head has a maximum size; Python limits single lines only.

    Interim answers (1xx) are skipped. Python skips 100 alone: after another one, the final answer would stay on the
    connection, and the next call would take it for its own.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._head = _Head(self.fp)
        self.fp = self._head  # type: ignore[assignment]

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]  # not in the library's stubs
            if status == http.HTTPStatus.SWITCHING_PROTOCOLS:
                raise http.client.UnknownProtocol(f"{status} {reason}")
            if not 100 <= status < 200:
                return version, status, reason
            while self._head.readline(_LINE_BYTES).strip():
                pass

    def begin(self) -> None:
        super().begin()
        if self.fp is not None:  # there is a body
            self.fp = self._head.lines


class _Connection(HTTPConnection):
    response_class = _Response

    def _new_conn(self) -> socket.socket:
        try:
            host = self._dns_host.strip("[]")
            return current_call().connect(host, self.port, self.timeout, self.socket_options or ())
        except (socket.gaierror, UnicodeError) as problem:
            raise NameResolutionError(self.host, self, socket.gaierror(str(problem))) from problem
        except TimeoutError as problem:
            raise ConnectTimeoutError(self, "no connection in time") from problem
        except OSError as problem:
            raise NewConnectionError(self, str(problem)) from problem

    def request(self, *arguments: Any, **options: Any) -> None:
        if self.sock is not None:
            current_call().watch(self.sock.fileno())
        super().request(*arguments, **options)


class _TLSConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection

    def _put_conn(self, conn: Any) -> None:
        # Before another thread can take the connection: the deadline of this call must not end the other call.
        current_call().release()
        super()._put_conn(conn)


class _TLSPool(_Pool, HTTPSConnectionPool):
    ConnectionCls = _TLSConnection
