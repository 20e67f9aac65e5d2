"""A warehouse that stays open between two reads, and between two writes that follow one another.

Opening and closing the file costs fifty milliseconds with some three hundred tables in it, and the memory that DuckDB
gave back must be asked for again. A run over all feeds looks into the file for each of them, and mostly finds nothing
to write; a load writes one batch after the other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from typing import BinaryIO

import duckdb

from pipelines.errors import WarehouseBusyError
from pipelines.private_files import private_files
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.file.waiters import has_waiters

LONGEST_WRITING = 5.0
"""Seconds after which others get a chance to open the file, whoever they are; those of ours that wait for it need not
wait so long."""


@dataclass
class _Kept:
    """What is open; one of the two at most, for DuckDB opens a file either for reading or for writing."""

    reading: duckdb.DuckDBPyConnection | None = None
    writing: duckdb.DuckDBPyConnection | None = None
    since: float = 0.0
    refusal: WarehouseBusyError | None = None

    def close(self) -> None:
        for connection in (self.reading, self.writing):
            if connection is not None:
                connection.close()
        self.reading = self.writing = None


@dataclass(frozen=True)
class LingeringWarehouse(Warehouse):
    """The same file; a connection is used again until another kind is asked for, or until :meth:`close`.

    Whoever holds one keeps the lock of ``warehouse.lock``: other syncs could not write meanwhile. Readers can read, but
    while batch follows batch.
    """

    _kept: _Kept = field(default_factory=_Kept, init=False, repr=False)

    def _connect_with_retries(self, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        """As of the base class; after another process was waited for in vain, the file must be free at once.

        So a run waits for a program that keeps the file open once, and not once for each feed.
        """
        known = self._kept.refusal
        try:
            if known is None:
                connection = super()._connect_with_retries(read_only=read_only)
            else:
                connection = self._without_waiting()._connect_with_retries(read_only=read_only)  # noqa: SLF001 - of the same class
        except WarehouseBusyError as refusal:
            self._kept.refusal = known or refusal
            raise copy(self._kept.refusal) from None
        self._kept.refusal = None
        return connection

    def _without_waiting(self) -> Warehouse:
        return Warehouse(self.path, 0.0, self.sleep)

    def _opened_for_writing(self) -> duckdb.DuckDBPyConnection:
        kept, self._kept.writing = self._kept.writing, None
        if kept is not None:
            return kept
        self.close()
        self._kept.since = time.monotonic()
        return super()._opened_for_writing()

    def _keeps(self, connection: duckdb.DuckDBPyConnection, goes_on: Callable[[], bool]) -> bool:
        is_long = time.monotonic() - self._kept.since > LONGEST_WRITING
        if is_long or not goes_on() or has_waiters(self.path):
            return False
        self._kept.writing = connection
        return True

    def rest(self) -> None:
        """As of the base class; what is open for reading keeps nobody out."""
        with self._in_use:
            if self._kept.writing is not None:
                self.close()

    @contextmanager
    def reading(self, *, locked: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """As of the base class; a connection for SQL of others is never shared."""
        with self._in_use, private_files():
            if locked or not self.exists():
                self.close()
                with super().reading(locked=locked) as connection:
                    yield connection
                return
            if self._kept.reading is None:
                self.close()
                self._kept.reading = self._opened_for_reading()
            try:
                with self._read_plainly():
                    yield self._kept.reading
            except BaseException:
                self.close()  # DuckDB may have given the file up; the next feed opens it again
                raise

    @contextmanager
    def committed_bytes(self) -> Iterator[BinaryIO]:
        """As of the base class, after closing what is open in this process."""
        with self._in_use:
            self.close()
            timeout = 0.0 if self._kept.refusal else self.lock_timeout
            with Warehouse(self.path, timeout, self.sleep).committed_bytes() as stream:
                yield stream

    def close(self) -> None:
        """Close what is open."""
        with self._in_use:
            self._kept.close()
