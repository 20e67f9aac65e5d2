"""Opening the DuckDB file: for one batch, with patience, and for nobody else's eyes.

DuckDB lets one process in. So a writer opens the file for one transaction and closes it, readers do the same, and
whoever comes second tries again.
"""

from __future__ import annotations

import fcntl
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TypeVar

import duckdb

from pipelines.errors import WarehouseBusyError, WarehouseError
from pipelines.interruption import recorded
from pipelines.paths import real_path
from pipelines.private_files import private_files
from pipelines.warehouse.file.duckdb_errors import (
    RESOURCE_ERRORS,
    busy_message,
    check_file,
    damage_message,
    is_busy,
    is_resource_error,
    open_error_message,
)
from pipelines.warehouse.file.interruptible import commit, connect
from pipelines.warehouse.file.session_settings import BASIC, LOCKED, WRITING, low_memory
from pipelines.warehouse.file.waiters import waiting_to_read, waiting_to_write, yield_to_readers, yield_to_writers

STORAGE_VERSION = "v1.4.0"
"""Named, so that the file does not change with the library; it is the first that later DuckDB 1.x tools all read."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.1

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Warehouse:
    """A DuckDB file and the patience with which it is opened. Of several threads, one at a time has it open.

    Args:
        path: where the file is, or will be; a link is followed at once, so that its other files stand beside it.
        lock_timeout: seconds to wait while another process holds it.
        sleep: how to wait.
    """

    path: Path
    lock_timeout: float = 60.0
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    _in_use: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", real_path(self.path))

    def exists(self) -> bool:
        """Whether there is a file to read."""
        return self.path.exists()

    def require(self) -> None:
        """Go no further without a file.

        Raises:
            WarehouseError: there is none.
        """
        if not self.exists():
            raise WarehouseError(
                f"there is no warehouse at {self.path} yet: run `floriday sync` first, or restore a backup there"
            )

    @property
    def log(self) -> Path:
        """The write-ahead log: there while a process writes, and after one that was killed."""
        return self.path.with_name(f"{self.path.name}.wal")

    @contextmanager
    def writing(self, goes_on: Callable[[], bool] = lambda: False) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that may write; whatever was not committed when it ends is undone.

        Args:
            goes_on: asked at the end, whether this process is about to write again at once.

        Raises:
            WarehouseBusyError: another process held the file for longer than the timeout.
            WarehouseError: the file cannot be opened.
        """
        check_file(self.path)
        with self._in_use, private_files(), _told_plainly(self.path), ExitStack() as closing:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = self._opened_for_writing()
            closing.callback(connection.close)
            yield connection
            if self._keeps(connection, goes_on):
                closing.pop_all()

    def _opened_for_writing(self) -> duckdb.DuckDBPyConnection:
        return self._open(read_only=False, settings=(*WRITING, *low_memory(self.path)))

    def _keeps(self, connection: duckdb.DuckDBPyConnection, goes_on: Callable[[], bool]) -> bool:  # noqa: ARG002 - asked where it may
        """Whether a connection that has written stays open."""
        return False

    def rest(self) -> None:
        """Nothing is written for now: others may open the file."""

    @contextmanager
    def reading(self, *, locked: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that only reads.

        Args:
            locked: for SQL of others: no files, no network, and no setting can be changed.

        Raises:
            WarehouseBusyError: another process held the file for longer than the timeout.
            WarehouseError: there is no file, it cannot be opened, or it is damaged.
        """
        self.require()
        check_file(self.path)
        with self._in_use, private_files():
            connection = self._opened_for_reading(locked=locked)
            try:
                with self._read_plainly():
                    yield connection
            finally:
                connection.close()

    def _opened_for_reading(self, *, locked: bool = False) -> duckdb.DuckDBPyConnection:
        return self._open(read_only=True, settings=LOCKED if locked else BASIC)

    @contextmanager
    def _read_plainly(self) -> Iterator[None]:
        """What cannot be read, as an error for a person."""
        try:
            yield
        except (duckdb.IOException, duckdb.FatalException) as error:
            said = str(error).splitlines()[0]
            told = damage_message(self.path, error) or f"{self.path} cannot be read, it may be damaged: {said}"
            raise WarehouseError(told) from None

    def recover(self) -> None:
        """Wait until nobody writes, and fold in what a killed process left in the write-ahead log.

        Raises:
            WarehouseBusyError: another process held the file for longer than the timeout.
            WarehouseError: there is no file, or it cannot be used.
        """
        with self.reading():
            # Nobody writes now, so a log that is there has no owner any more.
            left = self.log.exists()
        if left:
            with self.writing():
                pass  # whoever writes takes it in first

    @contextmanager
    def committed_bytes(self) -> Iterator[BinaryIO]:
        """The bytes of the file as one commit left it; meanwhile other processes may read it, and writers wait.

        Not while this process has the file open: POSIX takes all locks of a process on a file away, DuckDB's among
        them, as soon as the process closes any of its descriptors of that file. The locks of other processes are
        untouched by what happens here.

        Raises:
            WarehouseBusyError: other processes wrote for longer than the timeout.
            WarehouseError: there is no file, or it cannot be used.
        """
        ends = time.monotonic() + self.lock_timeout
        while True:
            self.recover()
            with self.path.open("rb") as stream:
                if _shares_lock(stream) and not self.log.exists():
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
                _fold(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _connect_with_retries(self, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        (yield_to_writers if read_only else yield_to_readers)(self.path, self.sleep)
        ends = time.monotonic() + self.lock_timeout
        with ExitStack() as waiting:
            for pause in _pauses():
                try:
                    return self._connect(read_only=read_only)
                except duckdb.Error as error:
                    if not is_busy(error):
                        raise WarehouseError(open_error_message(self.path, error)) from None
                    if time.monotonic() >= ends or recorded():
                        raise WarehouseBusyError(busy_message(self.path, self.lock_timeout, error)) from None
                if pause == _FIRST_PAUSE:
                    waiting.enter_context((waiting_to_read if read_only else waiting_to_write)(self.path))
                self.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
        raise AssertionError("there is no last pause")

    def _connect(self, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        return connect(
            str(self.path),
            read_only=read_only,
            config={"storage_compatibility_version": STORAGE_VERSION, "autoinstall_known_extensions": "false"},
        )


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All or nothing: committed at the end, rolled back on any error."""
    connection.execute("BEGIN TRANSACTION")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    commit(connection)


def _fold(connection: duckdb.DuckDBPyConnection) -> None:
    """Take what a killed process left in the write-ahead log into the file, so that the log goes.

    DuckDB leaves one that ends in the middle of a transaction where it is, until something small is committed. A large
    commit passes it by, and then file and log do not belong together any more, and nobody can open them.
    """
    with transaction(connection):
        connection.execute("CREATE SCHEMA something_small")
        connection.execute("DROP SCHEMA something_small")
    connection.execute("CHECKPOINT")


@contextmanager
def _told_plainly(path: Path) -> Iterator[None]:
    """What the disk or the memory refuses, as an error for a person; anything else is a defect and stays one."""
    try:
        yield
    except OSError as error:
        raise WarehouseError(f"{path} cannot be written: {error.strerror}") from None
    except RESOURCE_ERRORS as error:
        if not is_resource_error(error):
            raise
        said = str(error).splitlines()[0]
        told = damage_message(path, error) or f"writing {path} failed, and nothing of this batch was stored: {said}"
        raise WarehouseError(told) from None


def run_interruptible(connection: duckdb.DuckDBPyConnection, work: Callable[[], _Value]) -> _Value:
    """The result of ``work``, done in a thread: in the main one DuckDB would let Ctrl-C wait for its end."""
    with ThreadPoolExecutor(1) as thread:
        future = thread.submit(work)
        try:
            return future.result()
        except BaseException:
            # DuckDB forgets an interruption that comes just before it begins.
            while not future.done():
                connection.interrupt()
                wait([future], _LONGEST_PAUSE)
            raise


def _shares_lock(stream: BinaryIO) -> bool:
    """Take the lock that DuckDB takes for a reader, on our own descriptor; False while another process writes."""
    try:
        fcntl.lockf(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _pauses() -> Iterator[float]:
    """Seconds between two attempts, without an end."""
    pause = _FIRST_PAUSE
    while True:
        yield pause
        pause = min(pause * 1.5, _LONGEST_PAUSE)
