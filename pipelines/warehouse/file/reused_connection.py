"""A warehouse whose connection is reused by successive reads and writes.

To open the file and to close it costs a tenth of a second of processor time with three hundred tables in it, and DuckDB
must allocate the memory again that it released. A run over all feeds reads the file for each of them, and mostly has
nothing to write; a load writes one batch after the other; the feeds of a run commit one shortly after the other.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from typing import BinaryIO

import duckdb

from pipelines.errors import WarehouseBusyError
from pipelines.private_files import private_files
from pipelines.warehouse.file.connection import Warehouse, WriteSession
from pipelines.warehouse.file.waiters import has_waiters

LONGEST_WRITING = 5.0  # seconds until the file is closed for processes without waiter files, as other DuckDB tools are
LONGEST_IDLE = 0.1  # seconds that the file stays open after a transaction, for the next one of this process


@dataclass
class _Connections:
    """What is open: at most one of the two, because DuckDB opens a file either for reading or for writing."""

    reading: duckdb.DuckDBPyConnection | None = None
    writing: duckdb.DuckDBPyConnection | None = None
    writing_since: float = 0.0
    kept_times: int = 0  # how often a connection for writing was kept, so that a timer knows the one it belongs to
    busy_error: WarehouseBusyError | None = None

    def close(self) -> None:
        for connection in (self.reading, self.writing):
            if connection is not None:
                connection.close()
        self.reading = self.writing = None


@dataclass(frozen=True)
class ReusingWarehouse(Warehouse):
    """A warehouse that keeps its connection open, for reading until :meth:`close`.

    For writing it stays open while transactions follow one another within :data:`LONGEST_IDLE`, and no other process
    waits. The process holds the lock of ``sync_lock``, so no other sync can write at the same time.
    """

    _kept: _Connections = field(default_factory=_Connections, init=False, repr=False)

    def _connect_with_retries(self, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        """As in the base class, but after one timeout the file must be free at once.

        So a run waits once for a program that keeps the file open, and not once for each feed.
        """
        known = self._kept.busy_error
        try:
            connection = self._base()._connect_with_retries(read_only=read_only)  # noqa: SLF001 - of the base class
        except WarehouseBusyError as error:
            self._kept.busy_error = known or error
            raise copy(self._kept.busy_error) from None
        self._kept.busy_error = None
        return connection

    def _base(self) -> Warehouse:
        return Warehouse(self.path, 0.0 if self._kept.busy_error else self.lock_timeout, self.sleep)

    def _opened_for_writing(self) -> duckdb.DuckDBPyConnection:
        kept, self._kept.writing = self._kept.writing, None
        if kept is not None:
            return kept
        self.close()
        self._kept.writing_since = time.monotonic()
        return super()._opened_for_writing()

    def _keeps_open(self, connection: duckdb.DuckDBPyConnection, session: WriteSession | None) -> bool:
        is_long = time.monotonic() - self._kept.writing_since > LONGEST_WRITING
        if is_long or has_waiters(self.path):
            return False
        self._kept.writing = connection
        self._kept.kept_times += 1
        if session is None or not session.expects_more:
            self._close_when_idle()
        return True

    def release(self) -> None:
        """As in the base class; a connection for reading stays open, because others can read too."""
        with self._in_use:
            if self._kept.writing is not None:
                self._close_when_idle()

    def _close_when_idle(self) -> None:
        timer = threading.Timer(LONGEST_IDLE, self._close_if_idle, [self._kept.kept_times])
        timer.daemon = True
        timer.start()

    def _close_if_idle(self, kept_times: int) -> None:
        with self._in_use:
            if self._kept.writing is not None and self._kept.kept_times == kept_times:
                self.close()

    @contextmanager
    def reading(self, *, locked: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """As in the base class; a locked connection is never reused."""
        with self._in_use, private_files():
            if locked or not self.exists():
                self.close()
                with super().reading(locked=locked) as connection:
                    yield connection
                return
            try:
                with self._plain_read_errors():
                    yield from self._reading_with_kept()
            except BaseException:
                self.close()  # DuckDB may have invalidated the connection; the next feed opens the file again
                raise

    def _reading_with_kept(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield the open connection; one for writing within a transaction in which DuckDB refuses to write."""
        if self._kept.writing is not None:
            self._kept.writing.execute("BEGIN TRANSACTION READ ONLY")
            yield self._kept.writing
            self._kept.writing.execute("COMMIT")
            return
        if self._kept.reading is None:
            self._kept.reading = self._opened_for_reading()
        yield self._kept.reading

    @contextmanager
    def committed_bytes(self) -> Iterator[BinaryIO]:
        """As in the base class, after this process has closed its connection."""
        with self._in_use:
            self.close()
            with self._base().committed_bytes() as stream:
                yield stream

    def finish(self) -> None:
        """As in the base class; the next run waits for the file again if another process has it open."""
        self.close()
        self._kept.busy_error = None

    def close(self) -> None:
        """Close the open connection, if there is one; DuckDB may write files for the checkpoint then."""
        with self._in_use, private_files():
            self._kept.close()
