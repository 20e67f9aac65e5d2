"""Deadlines of HTTP calls: the socket of a call that takes too long is shut down, whatever the server sends.

A socket's timeout restarts with each byte, and the parsers above it (TLS, HTTP, chunks, gzip) may read on without ever
returning to their caller. So one thread of the process shuts the socket down at the deadline. The parser then meets
the end of the connection, wherever it is.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

CALL_SECONDS = 300.0
"""Seconds for one call: connect, TLS, request and the whole answer.

The largest accepted answer, 128 MB unpacked, arrives in time over a line of 4 Mbit/s, or of 0.5 Mbit/s where gzip packs
it to an eighth; usual pages, of some megabytes, over far slower lines. Retries of a call end after this time too.
"""

SocketOptions = Sequence[tuple[int, int, int | bytes]]

_this_thread = threading.local()


class Call:
    """One HTTP call: its deadline, some seconds from now, and the connection that is shut down then."""

    def __init__(self, seconds: float) -> None:
        self.ends = time.monotonic() + seconds
        self.expired = False
        self._connection: socket.socket | None = None

    def watch(self, descriptor: int) -> None:
        """Shut down the connection behind a descriptor at the deadline, instead of an earlier connection.

        The descriptor is duplicated, so the socket may be wrapped in TLS or closed meanwhile, and a new connection with
        the number of a closed descriptor is not affected.
        """
        with _watcher.lock:
            self._forget()
            self._connection = socket.socket(fileno=os.dup(descriptor))
            if self.expired:
                self.expire()

    def release(self) -> None:
        """End the deadline: the connection returns to the pool, for another call."""
        with _watcher.lock:
            _watcher.calls.discard(self)
            self._forget()

    def connect(self, host: str, port: int, timeout: float | None, options: SocketOptions) -> socket.socket:
        """A watched connection to the first address of ``host`` that accepts one.

        ``timeout`` is in seconds for each address; None stands for the remaining time.

        Raises:
            OSError: no address accepts a connection in time, or the name has no address.
        """
        failure = OSError("the name has no address")
        for *kind, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            try:
                return self._connected(kind, address, timeout, options)
            except OSError as problem:
                failure = problem
            if time.monotonic() >= self.ends:
                self.expired = True
                break
        raise failure

    def expire(self) -> None:
        """Shut the connection down; the caller holds the lock of the watcher."""
        self.expired = True
        if self._connection is not None:
            with suppress(OSError):  # the server has closed it already
                self._connection.shutdown(socket.SHUT_RDWR)

    def _connected(self, kind: list[Any], address: Any, timeout: float | None, options: SocketOptions) -> socket.socket:
        left = max(0.001, self.ends - time.monotonic())  # 0 would make the socket non-blocking
        connection = socket.socket(*kind)
        try:
            for option in options:
                connection.setsockopt(*option)
            connection.settimeout(left if timeout is None else min(left, timeout))
            connection.connect(address)
            connection.settimeout(timeout)
            self.watch(connection.fileno())
        except BaseException:
            connection.close()
            raise
        return connection

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _Watcher:
    """The thread that ends calls: it starts with the first call, and ends when it wakes and there is none."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.calls: set[Call] = set()
        self._changed = threading.Condition(self.lock)
        self._wakes = 0.0
        self._thread: threading.Thread | None = None

    def add(self, call: Call) -> None:
        """Watch a call until it is released or its deadline has passed."""
        with self.lock:
            self.calls.add(call)
            if self._thread is None or not self._thread.is_alive():
                self._wakes = call.ends
                self._thread = threading.Thread(target=self._watch, name="floriday deadlines", daemon=True)
                self._thread.start()
            elif call.ends < self._wakes:
                self._changed.notify()

    def _watch(self) -> None:
        with self.lock:
            while self.calls:
                now = time.monotonic()
                for call in [call for call in self.calls if call.ends <= now]:
                    self.calls.remove(call)
                    call.expire()
                if self.calls:
                    self._wakes = min(call.ends for call in self.calls)
                    self._changed.wait(self._wakes - now)
            self._thread = None


def _replace_watcher() -> None:
    """Replace the watcher in a forked process, which has no copy of the thread and may hold the lock for ever."""
    global _watcher  # noqa: PLW0603 - one for each process
    _watcher = _Watcher()


_watcher = _Watcher()
os.register_at_fork(after_in_child=_replace_watcher)


@contextmanager
def deadline(seconds: float) -> Iterator[Call]:
    """Limit the one HTTP call that this thread makes within the block to so many seconds.

    The deadline raises nothing. The caller finds the connection closed, possibly where an answer could end too, and
    checks ``expired`` after the block.
    """
    call = Call(seconds)
    _watcher.add(call)
    _this_thread.call = call
    try:
        yield call
    finally:
        del _this_thread.call
        call.release()


def current_call() -> Call:
    """The HTTP call that this thread makes.

    Raises:
        RuntimeError: there is none, so nothing would end a connection.
    """
    call: Call | None = getattr(_this_thread, "call", None)
    if call is None:
        raise RuntimeError("a connection is used outside of a call, so no deadline would end it")
    return call
