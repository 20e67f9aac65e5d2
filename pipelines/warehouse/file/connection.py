"""Open the DuckDB file with retries and owner-only permissions.

DuckDB admits one writing process at a time. So a writer opens the file for one transaction and closes it, readers open
it for a short time, and a process that finds it locked tries again.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, ClassVar, TypeVar

import duckdb

from pipelines.errors import ConflictError, WarehouseBusyError, WarehouseError
from pipelines.interruption import is_stopping
from pipelines.lake_address import WarehouseAddress
from pipelines.paths import real_path
from pipelines.private_files import private_files
from pipelines.warehouse.file.duckdb_errors import (
    busy_message,
    check_file,
    damage_message,
    first_line,
    is_busy,
    open_error_message,
    plain_write_errors,
)
from pipelines.warehouse.file.interruptible import commit, connect
from pipelines.warehouse.file.session_settings import BASIC, CONFIG, CONFINED, LOCKED, WRITING, low_memory
from pipelines.warehouse.file.waiters import (
    FIRST_PAUSE,
    pauses,
    take_read_lock,
    waiting_to_read,
    waiting_to_write,
    yield_to_readers,
    yield_to_writers,
)
from pipelines.warehouse.storage import ALL_TABLES, FilledTables

_Value = TypeVar("_Value")
_MOST_ATTEMPTS = 10  # to commit a transaction of a lake; a file has one writer at a time, and no conflicts


@dataclass(frozen=True)
class Warehouse:
    """A DuckDB file, which need not exist. Only one thread of this process has it open at a time."""

    path: Path  # a link is resolved, so that the files beside it share a folder
    lock_timeout: float = 60.0  # seconds to wait while another process has the file open
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    _in_use: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", real_path(self.path))

    @property
    def name(self) -> str:
        """The warehouse in messages."""
        return str(self.path)

    @property
    def address(self) -> WarehouseAddress:
        """The address that opens the same warehouse."""
        return self.path

    def exists(self) -> bool:
        """Whether the file exists."""
        return self.path.exists()

    def require(self) -> None:
        """Raise a WarehouseError if the file does not exist."""
        if not self.exists():
            hint = "run `floriday sync` first (`floriday demo` shows an invented nursery), or restore a backup there"
            raise WarehouseError(f"there is no warehouse at {self.path} yet: {hint}{self._others()}")

    def _others(self) -> str:
        """The end of a sentence that names the warehouses beside the missing one; empty without any."""
        others = sorted(each.name for each in self.path.parent.glob("*.duckdb") if ".published" not in each.name)
        return f". In that folder: {', '.join(others[:3])}; --warehouse FILE opens one of them" if others else ""

    @property
    def log(self) -> Path:
        """The write-ahead log, which exists while a process writes, and after a writer was killed."""
        return self.path.with_name(f"{self.path.name}.wal")

    @contextmanager
    def writing(self, session: WriteSession | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that may write; what is not committed at the end of the block is rolled back.

        Raises:
            WarehouseBusyError: another process had the file open for longer than the lock timeout.
            WarehouseError: the file cannot be opened or written.
        """
        check_file(self.path)
        with self._in_use, private_files(), plain_write_errors(self.path), ExitStack() as closing:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = self._opened_for_writing()
            closing.callback(connection.close)
            yield connection
            if self._keeps_open(connection, session):
                closing.pop_all()

    def _opened_for_writing(self) -> duckdb.DuckDBPyConnection:
        return self._open(read_only=False, settings=(*WRITING, *low_memory(self.path)))

    def _keeps_open(self, connection: duckdb.DuckDBPyConnection, session: WriteSession | None) -> bool:  # noqa: ARG002 - for subclasses
        """Whether a connection is kept for the next block."""
        return False

    def release(self) -> None:
        """Close a connection that stayed open after writing."""

    def finish(self) -> None:
        """Close every connection that stayed open, at the end of a run; the next run may open the file again."""

    @contextmanager
    def reading(self, *, locked: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that only reads; if locked, without other files, the network and changes of settings.

        Raises:
            WarehouseBusyError: another process had the file open for longer than the lock timeout.
            WarehouseError: there is no file, it cannot be opened, or it is damaged.
        """
        self.require()
        check_file(self.path)
        with self._in_use, private_files(), ExitStack() as closing:
            connection = self._opened_for_reading(locked=locked)
            closing.callback(connection.close)
            with self._plain_read_errors():
                yield connection

    def filled_tables(self, connection: duckdb.DuckDBPyConnection) -> FilledTables:  # noqa: ARG002 - see lakes
        """The tables that have ever had rows by the last commit; of a file all: to read an empty one is fast."""
        return ALL_TABLES

    may_conflict: ClassVar[bool] = False
    """Whether several processes may write at the same time, so that a transaction may have to be repeated."""
    opens_files: ClassVar[bool] = False
    """Whether a query opens further files, so that a process that reads must not be denied them."""

    @property
    def confinement(self) -> tuple[str, ...]:
        """Settings for a connection that executes SQL of users: they deny it all other files and the network."""
        return CONFINED

    def reading_for_users(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A connection for SQL of users, on which the settings of :attr:`confinement` are still to be made."""
        return self.reading()

    def _opened_for_reading(self, *, locked: bool = False) -> duckdb.DuckDBPyConnection:
        return self._open(read_only=True, settings=LOCKED if locked else BASIC)

    @contextmanager
    def _plain_read_errors(self) -> Iterator[None]:
        """Raise errors of reading as a ``WarehouseError`` that says what to do."""
        try:
            yield
        except (duckdb.IOException, duckdb.FatalException) as error:
            text = f"{self.path} cannot be read, it may be damaged: {first_line(error)}"
            raise WarehouseError(damage_message(self.path, error) or text) from None

    def as_file(self) -> AbstractContextManager[Warehouse]:
        """A file with this content during the block, which need not exist; the caller holds the sync lock."""
        return nullcontext(self)

    def recover(self) -> None:
        """Wait until no process writes, and apply the write-ahead log that a killed process left.

        Raises:
            PipelineError: as for :meth:`reading`.
        """
        with self.reading():
            # No process writes now, so a log that exists was left by a killed one.
            is_log_left = self.log.exists()
        if is_log_left:
            with self.writing():
                pass  # opening the file for writing applies the log

    @contextmanager
    def committed_bytes(self) -> Iterator[BinaryIO]:
        """The bytes of the file after one commit. Other processes may read it during the block, and writers wait.

        This process must not have the file open: when a process closes any descriptor of a file, POSIX releases all of
        its locks on that file, DuckDB's among them. The locks of other processes are not affected.

        Raises:
            WarehouseBusyError: other processes wrote for longer than the lock timeout.
            WarehouseError: there is no file, or it cannot be used.
        """
        ends = time.monotonic() + self.lock_timeout
        while True:
            self.recover()
            with self.path.open("rb") as stream:
                if take_read_lock(stream) and not self.log.exists():
                    yield stream
                    return
            if time.monotonic() >= ends:
                raise WarehouseBusyError(f"{self.path} is written to without a pause: try again later")

    def _open(self, *, read_only: bool, settings: tuple[str, ...]) -> duckdb.DuckDBPyConnection:
        connection = self._connect_with_retries(read_only=read_only)
        try:
            for setting in settings:
                connection.execute(setting)
            if not read_only and self.log.exists():
                _apply_log(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _connect_with_retries(self, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        (yield_to_writers if read_only else yield_to_readers)(self.path, self.sleep)
        ends = time.monotonic() + self.lock_timeout
        with ExitStack() as waiting:
            for pause in pauses():
                try:
                    return self._connect(read_only=read_only)
                except duckdb.Error as error:
                    if not is_busy(error):
                        raise WarehouseError(open_error_message(self.path, error)) from None
                    if time.monotonic() >= ends or is_stopping():
                        raise WarehouseBusyError(busy_message(self.path, self.lock_timeout, error)) from None
                if pause == FIRST_PAUSE:
                    waiting.enter_context((waiting_to_read if read_only else waiting_to_write)(self.path))
                self.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
        raise AssertionError("there is no last pause")

    def _connect(self, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        return connect(str(self.path), read_only=read_only, config=CONFIG)


class WriteSession:
    """Transactions that follow one another, in one thread; the file may stay open between two of them."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self.expects_more = False
        """Whether the next transaction follows immediately; set by another thread, and read at the end of each one."""

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection within a transaction, which ends with the block."""
        with self._warehouse.writing(self) as connection, transaction(connection):
            yield connection

    def execute(self, work: Callable[[duckdb.DuckDBPyConnection], _Value]) -> _Value:
        """The result of ``work``, which is one transaction; it is repeated where another one of a lake was first."""
        for _ in range(_MOST_ATTEMPTS - 1):
            with suppress(ConflictError), self.transaction() as connection:
                return work(connection)
        with self.transaction() as connection:
            return work(connection)

    def close(self) -> None:
        """Close the file if it stayed open."""
        self._warehouse.release()


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit at the end of the block; roll back on any error."""
    connection.execute("BEGIN TRANSACTION")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    commit(connection)


def _apply_log(connection: duckdb.DuckDBPyConnection) -> None:
    """Write what a killed process left in the write-ahead log to the file, so that the log is removed.

    DuckDB keeps a log that ends within a transaction until something small is committed. A large commit would bypass
    it; file and log would no longer match then, and nobody could open them.
    """
    with transaction(connection):
        connection.execute("CREATE SCHEMA something_small")
        connection.execute("DROP SCHEMA something_small")
    connection.execute("CHECKPOINT")
