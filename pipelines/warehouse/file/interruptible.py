"""DuckDB connections that Ctrl-C and SIGTERM stop in an orderly way.

DuckDB's Python module lets a signal's exception break off a statement in the main thread, and leaves the query half
executed: the next statement, usually a ROLLBACK, executes the rest of it first, for minutes, and ignores all further
signals. So no exception is raised within a call; DuckDB is requested to end the statement instead.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any, TypeVar, cast

import duckdb

from pipelines.interruption import on_stop, without_interruption

_Value = TypeVar("_Value")
_NO_TRANSACTION = "no transaction is active"  # in DuckDB's message
_REPEAT_AFTER = 0.1  # seconds between two interrupt requests

_open: set[duckdb.DuckDBPyConnection] = set()
_open_guard = threading.RLock()  # held while a connection is interrupted, because it must not be closed then


class _Guarded:
    """A connection of which no call is broken off by a signal."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._connection, name)
        return partial(without_interruption, attribute) if callable(attribute) else attribute

    def execute(self, *arguments: Any, **named: Any) -> _Guarded:
        without_interruption(self._connection.execute, *arguments, **named)
        return self

    def executemany(self, *arguments: Any, **named: Any) -> _Guarded:
        without_interruption(self._connection.executemany, *arguments, **named)
        return self

    def interrupt(self) -> None:
        self._connection.interrupt()

    def close(self) -> None:
        _unregister(self._connection)
        without_interruption(self._connection.close)

    def abandon(self) -> None:
        """Leave the connection open until the process ends."""
        _unregister(self._connection)
        # Without this, Python would close it when nothing refers to it, at the latest before the process ends.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._connection))

    @contextmanager
    def uninterrupted(self) -> Iterator[None]:
        """During the block, a stop does not end the running statement."""
        _unregister(self._connection)
        try:
            yield
        finally:
            _register(self._connection)


def connect(path: str, **settings: Any) -> duckdb.DuckDBPyConnection:
    """The same as ``duckdb.connect``.

    Raises:
        duckdb.Error: DuckDB cannot open the file.
    """
    connection = without_interruption(duckdb.connect, path, **settings)
    _register(connection)
    return cast("duckdb.DuckDBPyConnection", _Guarded(connection))


def close(connection: duckdb.DuckDBPyConnection) -> None:
    """Close a connection after an error, within a transaction or not.

    DuckDB rolls an open transaction back when the connection is closed. Where it fails to, because the session of
    PostgreSQL was ended, or because DuckDB refuses to use a database at all after an error, it would end the process.
    So it is rolled back first, and a connection for which that fails is left open.
    """
    try:
        connection.execute("ROLLBACK")
    except duckdb.Error as error:
        guarded: object = connection
        if _NO_TRANSACTION not in str(error) and isinstance(guarded, _Guarded):
            guarded.abandon()
            return
    connection.close()


def commit(connection: duckdb.DuckDBPyConnection) -> None:
    """Commit without interruption: DuckDB may take a commit that fails for a damaged file."""
    guarded: object = connection
    with guarded.uninterrupted() if isinstance(guarded, _Guarded) else nullcontext():
        connection.execute("COMMIT")


def run_interruptible(connection: duckdb.DuckDBPyConnection, work: Callable[[], _Value]) -> _Value:
    """The result of ``work``, executed in a thread: in the main thread, DuckDB would delay Ctrl-C until its end."""
    with ThreadPoolExecutor(1) as thread:
        future = thread.submit(work)
        try:
            return future.result()
        except BaseException:
            # DuckDB ignores an interrupt request that comes just before the statement begins.
            while not future.done():
                connection.interrupt()
                wait([future], _REPEAT_AFTER)
            raise


def _register(connection: duckdb.DuckDBPyConnection) -> None:
    with _open_guard:
        _open.add(connection)


def _unregister(connection: duckdb.DuckDBPyConnection) -> None:
    with _open_guard:
        _open.discard(connection)


def _interrupt_all() -> None:
    with _open_guard:
        for connection in _open:
            connection.interrupt()


on_stop(_interrupt_all)
