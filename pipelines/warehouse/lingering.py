"""A warehouse that stays open for reading between two writes.

Opening and closing the file costs fifty milliseconds with some three hundred tables in it. A run over all feeds looks
into it for each of them, and mostly finds nothing to write.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO

import duckdb

from pipelines.warehouse.connection import Warehouse


@dataclass(frozen=True)
class LingeringWarehouse(Warehouse):
    """The same file; a reading connection is used again until somebody writes, or until :meth:`close`.

    Whoever holds one keeps the lock of ``warehouse.lock``: other syncs could not write meanwhile. Readers can read.
    """

    _open_for_reading: list[duckdb.DuckDBPyConnection] = field(default_factory=list, init=False, repr=False)

    @contextmanager
    def writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """As of the base class; DuckDB opens a file either for reading or for writing, so that reading ends here."""
        with self._in_use:
            self.close()
            with super().writing() as connection:
                yield connection

    @contextmanager
    def reading(self, *, locked: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """As of the base class; a connection for SQL of others is never shared."""
        with self._in_use:
            if locked or not self.exists():
                self.close()
                with super().reading(locked=locked) as connection:
                    yield connection
                return
            if not self._open_for_reading:
                self._open_for_reading.append(self._opened_for_reading())
            with self._read_plainly():
                yield self._open_for_reading[0]

    @contextmanager
    def at_rest(self) -> Iterator[BinaryIO]:
        """As of the base class, after closing what is open in this process."""
        with self._in_use:
            self.close()
            with Warehouse(self.path, self.patience, self.sleep).at_rest() as stream:
                yield stream

    def close(self) -> None:
        """Close what is open."""
        with self._in_use:
            while self._open_for_reading:
                self._open_for_reading.pop().close()
