"""Execute queries in a separate process that can only read the warehouse.

The command line, reports and everything else that executes SQL of users work through a session. Its queries may be
limited in time and memory. A query that crashes the process, by a defect of DuckDB for instance, ends only the session.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines import errors
from pipelines.errors import PipelineError, QueryTimeoutError, UsageError
from pipelines.lake_address import WarehouseAddress
from pipelines.warehouse.read.query_types import ARROW, Column, Limits, OpenRequest, QueryRequest, Result

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Limits", "QuerySession", "query_session", "single_query"]

_LOG = logging.getLogger(__name__)
Params = Mapping[str, object] | None  # the named parameters of a query
LOCK_TIMEOUT = 60.0  # seconds to wait while another process writes the file
_SECRETS = "FLORIDAY_"  # prefix of the environment variables that the process does not get


@contextmanager
def query_session(address: WarehouseAddress, limits: Limits | None = None) -> Iterator[QuerySession]:
    """A session on a warehouse, whose queries all read the same state: writers wait until the end of the block.

    Raises:
        WarehouseBusyError: another process had the file open for longer than :data:`LOCK_TIMEOUT`.
        WarehouseError: there is no file, it cannot be opened, or it is damaged.
    """
    with closing(QuerySession()) as session:
        session.open(address, limits)
        yield session


@contextmanager
def single_query(
    address: WarehouseAddress, sql: str, params: Params = None, limits: Limits | None = None
) -> Iterator[Result]:
    """The result of one query, in a session of its own.

    Raises:
        UsageError: the text is not one statement that only reads.
        QueryTimeoutError: it took longer than the limits allow.
        QueryMemoryError: it needs more memory than the limits allow.
        PipelineError: DuckDB reports an error; the message is DuckDB's.
    """
    with query_session(address, limits) as session:
        yield session.execute(sql, params)


class QuerySession:
    """A process that executes queries. Use it in one thread at a time, and close it."""

    def __init__(self) -> None:
        self._limits = Limits()
        self._is_expired = False
        self._timer = threading.Timer(0, self._expire)
        self._unread: Iterator[pa.RecordBatch] = iter(())
        self._channel, self._process = _started()

    def open(self, address: WarehouseAddress, limits: Limits | None = None) -> None:
        """Open a warehouse, as in :func:`query_session`."""
        self._limits = limits or self._limits
        timeout = min(LOCK_TIMEOUT, self._limits.seconds or LOCK_TIMEOUT)
        self._send(OpenRequest(address.absolute() if isinstance(address, Path) else address, timeout, self._limits))
        opened = self._message()
        assert isinstance(opened, dict), "the process sends its warnings as JSON"
        for warning in opened["warnings"]:
            _LOG.warning("%s", warning)

    def execute(self, sql: str, params: Params = None) -> Result:
        """The result of one query; unread rows of the previous result are dropped.

        Raises:
            PipelineError: as for :func:`single_query`.
        """
        import pyarrow as pa  # noqa: PLC0415 - loaded while the process starts

        for _ in self._unread:
            pass
        self._start_timer()
        self._send(QueryRequest(_in_utf8(sql), {name: _plain(value) for name, value in (params or {}).items()}))
        header, schema = self._message(), self._message()
        assert isinstance(header, dict), "the process sends the columns as JSON"
        columns = tuple(Column(*column) for column in header["columns"])
        self._unread = self._batches()
        return Result(columns, pa.ipc.read_schema(pa.py_buffer(schema)), self._unread)

    def rows(self, sql: str, params: Params = None) -> list[tuple[Any, ...]]:
        """All rows of a query, as Python values."""
        return [
            row
            for batch in self.execute(sql, params).batches
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)
        ]

    def close(self) -> None:
        """Kill the process, even while it executes a query."""
        self._timer.cancel()
        self._process.kill()
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._channel.close()

    def cancel(self) -> None:
        """Kill the process from any thread; the thread that uses the session gets a PipelineError."""
        self._process.kill()

    def _batches(self) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa  # noqa: PLC0415 - as above

        while isinstance(message := self._message(), memoryview):
            yield from pa.ipc.open_stream(pa.py_buffer(message))
        self._timer.cancel()

    def _start_timer(self) -> None:
        """Kill the process at the time limit of a query, even while its rows are not read."""
        self._timer.cancel()
        if self._limits.seconds is not None:
            self._timer = threading.Timer(self._limits.seconds, self._expire)
            self._timer.daemon = True
            self._timer.start()

    def _expire(self) -> None:
        self._is_expired = True
        self._process.kill()

    def _message(self) -> dict[str, Any] | memoryview:
        message = memoryview(self._received())
        if message[-1:] == ARROW:
            return message[:-1]
        content: dict[str, Any] = json.loads(bytes(message[:-1]))
        if "error" in content:
            raise _error_class(content["error"])(content["message"])
        return content

    def _received(self) -> bytes:
        try:
            return self._channel.recv_bytes()
        except (EOFError, OSError):  # an end within a message is a plain OSError
            raise self._ended() from None

    def _send(self, request: OpenRequest | QueryRequest) -> None:
        try:
            self._channel.send(request)
        except ConnectionError:
            raise self._ended() from None

    def _ended(self) -> PipelineError:
        if self._is_expired:
            return QueryTimeoutError(f"the query took longer than {self._limits.seconds:g} s and was ended")
        code = self._process.wait()
        how = f"by signal {signal.Signals(-code).name}" if code < 0 else f"with code {code}"
        return PipelineError(
            f"the process that executes the query ended {how}, and nothing was changed: it may have had too little"
            " memory, or the query meets a defect of DuckDB"
        )


def _plain(value: object) -> object:
    """A time without a time zone of a library, and nothing of pandas: the process can import no module any more."""
    if not isinstance(value, dt.datetime):
        return value
    utc = value.astimezone(dt.UTC) if value.tzinfo else value
    return dt.datetime(
        *(utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second, utc.microsecond),
        tzinfo=dt.UTC if value.tzinfo else None,
    )


def _in_utf8(sql: str) -> str:
    try:
        return os.fsencode(sql).decode()  # in an ASCII locale, arguments contain escaped bytes
    except UnicodeError:
        raise UsageError("the SQL is not valid UTF-8") from None


def _error_class(name: str) -> type[PipelineError]:
    """The error class of that name; the process sends only errors that consist of a message."""
    error = getattr(errors, name, None)
    return error if isinstance(error, type) and issubclass(error, PipelineError) else PipelineError


def _started() -> tuple[Connection, subprocess.Popen[bytes]]:
    """A new process, which ends when this process ends, and the connection to it."""
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
