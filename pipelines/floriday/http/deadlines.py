"""Deadlines of HTTP calls: a call that takes too long loses its socket, whatever the server sends.

A socket's timeout starts anew with each byte, and the parsers above it (TLS, HTTP, chunks, gzip) may read on without
ever returning to their caller. So one thread of the process shuts the socket down when the time of the call is over.
The parser then meets the end of the connection, wherever it is.
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

The largest answer that is taken, 128 MB unpacked, arrives in time over a line of 4 Mbit/s, or of 0.5 Mbit/s where gzip
packs it to an eighth; usual pages, of some megabytes, over far slower lines. A call is not retried for longer either.
"""

SocketOptions = Sequence[tuple[int, int, int | bytes]]

_here = threading.local()


class Call:
    """One HTTP call: the time that is left, and the connection that is shut down when it is over.

    Args:
        seconds: from now on.
    """

    def __init__(self, seconds: float) -> None:
        self.ends = time.monotonic() + seconds
        self.expired = False
        self._connection: socket.socket | None = None

    def watch(self, descriptor: int) -> None:
        """Have the connection behind a descriptor shut down at the deadline, instead of an earlier one.

        The call duplicates the descriptor. So the socket may be wrapped in TLS or closed meanwhile, and no other
        connection can be met that got the number of a closed descriptor.
        """
        with _watcher.lock:
            self._forget()
            self._connection = socket.socket(fileno=os.dup(descriptor))
            if self.expired:
                self.expire()

    def release(self) -> None:
        """Leave the connection alone from now on: it goes back to the pool, for another call."""
        with _watcher.lock:
            _watcher.calls.discard(self)
            self._forget()

    def connect(self, host: str, port: int, timeout: float | None, options: SocketOptions) -> socket.socket:
        """A watched connection to the first address of ``host`` that accepts one.

        Args:
            host: a name or an address.
            port: of the host.
            timeout: seconds for each address; None for the time that is left.
            options: set on the socket before it connects.

        Raises:
            OSError: no address accepts a connection in time, or the name has none.
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
        """Shut the connection down; under the lock of the watcher."""
        self.expired = True
        if self._connection is not None:
            with suppress(OSError):  # the server was faster
                self._connection.shutdown(socket.SHUT_RDWR)

    def _connected(self, kind: list[Any], address: Any, timeout: float | None, options: SocketOptions) -> socket.socket:
        left = max(0.001, self.ends - time.monotonic())  # 0 would mean: without waiting
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
    """The thread that ends calls: begun with the first one, gone when it wakes and none is under way."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.calls: set[Call] = set()
        self._changed = threading.Condition(self.lock)
        self._wakes = 0.0
        self._thread: threading.Thread | None = None

    def add(self, call: Call) -> None:
        """Begin to watch a call."""
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


def _start_anew() -> None:
    """In a forked process: the thread is not in it, and the lock may be held for ever."""
    global _watcher  # noqa: PLW0603 - one of each process
    _watcher = _Watcher()


_watcher = _Watcher()
os.register_at_fork(after_in_child=_start_anew)


@contextmanager
def deadline(seconds: float) -> Iterator[Call]:
    """Within the block, this thread makes one HTTP call that ends after so many seconds at the latest.

    Nothing is raised for that: the caller finds the connection closed, maybe where an answer could end as well, and
    looks at ``expired`` after the block.
    """
    call = Call(seconds)
    _watcher.add(call)
    _here.call = call
    try:
        yield call
    finally:
        del _here.call
        call.release()


def current_call() -> Call:
    """The call that this thread makes; there is no connection without one.

    Raises:
        RuntimeError: there is none.
    """
    call: Call | None = getattr(_here, "call", None)
    if call is None:
        raise RuntimeError("a connection is used outside of a call, where nothing would ever end it")
    return call
