"""A connection to DuckDB that Ctrl-C and SIGTERM end in order.

DuckDB's Python module lets a signal's exception break off a statement in the main thread, and leaves the query behind
half executed: the next statement, mostly a ROLLBACK, executes the rest of it first, for minutes, deaf to all further
signals. So no exception is raised within a call, and DuckDB is asked to end the statement instead.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any, cast

import duckdb

from pipelines.interruption import at_stop, undisturbed

_open: set[duckdb.DuckDBPyConnection] = set()
_open_guard = threading.RLock()
"""Held while one is interrupted, for it must not be closed meanwhile."""


class _Guarded:
    """The connection, with every call undisturbed."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._connection, name)
        return partial(undisturbed, attribute) if callable(attribute) else attribute

    def execute(self, *arguments: Any, **named: Any) -> _Guarded:
        undisturbed(self._connection.execute, *arguments, **named)
        return self

    def executemany(self, *arguments: Any, **named: Any) -> _Guarded:
        undisturbed(self._connection.executemany, *arguments, **named)
        return self

    def interrupt(self) -> None:
        self._connection.interrupt()

    def close(self) -> None:
        _forget(self._connection)
        undisturbed(self._connection.close)

    @contextmanager
    def uninterrupted(self) -> Iterator[None]:
        """Within the block, a stop does not end what the connection executes."""
        _forget(self._connection)
        try:
            yield
        finally:
            _remember(self._connection)


def connect(path: str, **settings: Any) -> duckdb.DuckDBPyConnection:
    """As ``duckdb.connect``.

    Raises:
        duckdb.Error: DuckDB cannot open it.
    """
    connection = undisturbed(duckdb.connect, path, **settings)
    _remember(connection)
    return cast("duckdb.DuckDBPyConnection", _Guarded(connection))


def commit(connection: duckdb.DuckDBPyConnection) -> None:
    """Commit; a stop does not end it, for DuckDB may take a commit that fails for a damaged file."""
    guarded: object = connection
    with guarded.uninterrupted() if isinstance(guarded, _Guarded) else nullcontext():
        connection.execute("COMMIT")


def _remember(connection: duckdb.DuckDBPyConnection) -> None:
    with _open_guard:
        _open.add(connection)


def _forget(connection: duckdb.DuckDBPyConnection) -> None:
    with _open_guard:
        _open.discard(connection)


def _interrupt_all() -> None:
    with _open_guard:
        for connection in _open:
            connection.interrupt()


at_stop(_interrupt_all)
