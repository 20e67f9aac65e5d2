"""Queries on the warehouse, each executed in a process that can do nothing else.

One session serves the command line, reports and whatever else executes SQL that others wrote. It may be limited in time
and memory. A query that ends its process, by a defect of DuckDB for instance, costs the session alone.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines import errors
from pipelines.errors import PipelineError, QueryTimeoutError, UsageError
from pipelines.warehouse.read.query_messages import ARROW, OpenRequest, QueryRequest
from pipelines.warehouse.read.query_result import Column, Result

if TYPE_CHECKING:
    import pyarrow as pa

LOCK_TIMEOUT = 60.0
"""Seconds to wait while another process writes the file."""

_SECRETS = "FLORIDAY_"
"""What the names of settings begin with; a query needs none of them."""


@dataclass(frozen=True)
class Limits:
    """What one query may use.

    Args:
        seconds: from the start of a query until its last row was read, whoever is slow; None for no limit.
        memory: as DuckDB reads it, such as ``4GB``; None for DuckDB's default, four fifths of the machine's.
    """

    seconds: float | None = None
    memory: str | None = None


@contextmanager
def query_session(path: Path, limits: Limits | None = None) -> Iterator[QuerySession]:
    """A session on a warehouse: all its queries see the same state.

    Args:
        path: the warehouse file; another process reads it until the end of the block, and writers wait meanwhile.
        limits: for each query; by default none.

    Raises:
        WarehouseBusyError: another process wrote the file for longer than :data:`PATIENCE`.
        WarehouseError: there is no file, it cannot be opened, or it is damaged.
    """
    with closing(QuerySession()) as session:
        session.open(path, limits)
        yield session


@contextmanager
def single_query(
    path: Path, sql: str, values: Mapping[str, object] | None = None, limits: Limits | None = None
) -> Iterator[Result]:
    """The result of one query, in a session of its own.

    Raises:
        UsageError: the text is not one statement that only reads.
        QueryTimeoutError: it took longer than the limits allow.
        QueryMemoryError: it needs more memory than the limits allow.
        PipelineError: DuckDB refuses it; the message is DuckDB's.
    """
    with query_session(path, limits) as session:
        yield session.execute(sql, values)


class QuerySession:
    """A process that executes queries, started at once; for one thread at a time, and to be closed."""

    def __init__(self) -> None:
        self._limits = Limits()
        self._is_expired = False
        self._timer = threading.Timer(0, self._expire)
        self._unread: Iterator[pa.RecordBatch] = iter(())
        self._channel, self._process = _started()

    def open(self, path: Path, limits: Limits | None = None) -> None:
        """Open the warehouse, as :func:`query_session` does."""
        self._limits = limits or self._limits
        timeout = min(LOCK_TIMEOUT, self._limits.seconds or LOCK_TIMEOUT)
        self._send(OpenRequest(path.absolute(), timeout, self._limits.memory))
        self._receive()

    def execute(self, sql: str, values: Mapping[str, object] | None = None) -> Result:
        """The result of one query; what was not read of the result before it is read now and dropped.

        Args:
            sql: one statement that only reads.
            values: of its named parameters.

        Raises:
            PipelineError: as for :func:`single_query`.
        """
        import pyarrow as pa  # noqa: PLC0415 - loaded while the process starts

        for _ in self._unread:
            pass
        self._start_timer()
        self._send(QueryRequest(_in_utf8(sql), dict(values or {})))
        columns = tuple(Column(*each) for each in self._receive()["columns"])
        schema = pa.ipc.read_schema(pa.py_buffer(self._receive_arrow()))
        self._unread = self._batches()
        return Result(columns, schema, self._unread)

    def rows(self, sql: str, values: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        """All rows of a query, as Python values."""
        return [
            row
            for batch in self.execute(sql, values).batches
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)
        ]

    def close(self) -> None:
        """End the process, whatever it does."""
        self._timer.cancel()
        self._process.kill()
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._channel.close()

    def _batches(self) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa  # noqa: PLC0415 - as above

        while isinstance(message := self._message(), memoryview):
            yield from pa.ipc.open_stream(pa.py_buffer(message))
        self._timer.cancel()

    def _start_timer(self) -> None:
        """End the process when the time of a query is over, even while nobody reads its rows."""
        self._timer.cancel()
        if self._limits.seconds is not None:
            self._timer = threading.Timer(self._limits.seconds, self._expire)
            self._timer.daemon = True
            self._timer.start()

    def _expire(self) -> None:
        self._is_expired = True
        self._process.kill()

    def _receive(self) -> dict[str, Any]:
        message = self._message()
        assert isinstance(message, dict), "the process sends JSON here"
        return message

    def _receive_arrow(self) -> memoryview:
        message = self._message()
        assert isinstance(message, memoryview), "the process sends Arrow here"
        return message

    def _message(self) -> dict[str, Any] | memoryview:
        """The next message; an error that it carries is raised."""
        message = memoryview(self._received())
        if message[:1] == ARROW:
            return message[1:]
        told: dict[str, Any] = json.loads(bytes(message[1:]))
        if "error" in told:
            raise _error(told["error"])(told["message"])
        return told

    def _received(self) -> bytes:
        try:
            return self._channel.recv_bytes()
        except (EOFError, ConnectionError):
            raise self._ended() from None

    def _send(self, request: OpenRequest | QueryRequest) -> None:
        try:
            self._channel.send(request)
        except ConnectionError:
            raise self._ended() from None

    def _ended(self) -> PipelineError:
        """Why the process is gone."""
        if self._is_expired:
            return QueryTimeoutError(f"the query took longer than {self._limits.seconds:g} s and was ended")
        code = self._process.wait()
        how = f"by signal {signal.Signals(-code).name}" if code < 0 else f"with code {code}"
        return PipelineError(
            f"the process that executes the query ended {how}, and nothing was changed: it may have had too little"
            " memory, or the query meets a defect of DuckDB"
        )


def _in_utf8(sql: str) -> str:
    """The text, if it can be written in UTF-8.

    Raises:
        UsageError: it holds halves of characters.
    """
    try:
        return os.fsencode(sql).decode()  # in a locale of ASCII, arguments come with their bytes escaped
    except UnicodeError:
        raise UsageError("the SQL is not valid UTF-8") from None


def _error(name: str) -> type[PipelineError]:
    """The error of that name; those of the process are all made of a message alone."""
    found = getattr(errors, name, None)
    return found if isinstance(found, type) and issubclass(found, PipelineError) else PipelineError


def _started() -> tuple[Connection, subprocess.Popen[bytes]]:
    """A new process, and the connection to it; it ends by itself when this process does."""
    ours, theirs = Pipe()
    with theirs:
        command = (sys.executable, "-P", "-m", "pipelines.warehouse.read.query_process", str(theirs.fileno()))
        process = subprocess.Popen(  # noqa: S603 - this interpreter, and a module of this package
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
            env={name: value for name, value in os.environ.items() if not name.startswith(_SECRETS)},
        )
    return ours, process
