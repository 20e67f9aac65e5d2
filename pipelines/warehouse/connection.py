"""Opening the DuckDB file: for one batch, with patience, and for nobody else's eyes.

DuckDB lets one process in. So a writer opens the file for one transaction and closes it, readers do the same, and
whoever comes second tries again.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from pipelines.errors import WarehouseBusyError, WarehouseError

STORAGE_VERSION = "v1.4.0"
"""Named, so that the file does not change with the library; it is the first that later DuckDB 1.x tools all read."""

_QUIET = ("SET TimeZone = 'UTC'", "SET enable_progress_bar = false")
"""Every session; DuckDB would draw a bar into whatever reads the output."""
_WRITING = (*_QUIET, "SET memory_limit = '300MB'", "SET threads = 1", "SET wal_autocheckpoint = '1GB'")
"""More memory or threads make a batch no faster: one thread of two is the normalizer's."""
_LOCKED = (*_QUIET, "SET enable_external_access = false", "SET lock_configuration = true")
_LOCK_CONFLICT = "Could not set lock"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.1
_umask_guard = threading.Lock()


@dataclass(frozen=True)
class Warehouse:
    """A DuckDB file and the patience with which it is opened.

    Args:
        path: where the file is, or will be.
        patience: seconds to wait while another process holds it.
        sleep: how to wait.
    """

    path: Path
    patience: float = 60.0
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def exists(self) -> bool:
        """Whether there is a file to read."""
        return self.path.exists()

    @contextmanager
    def writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that may write; whatever was not committed when it ends is undone.

        Raises:
            WarehouseBusyError: another process held the file for longer than the patience.
            WarehouseError: the file cannot be opened.
        """
        with _umask_guard, _private_files(), _told_plainly(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = self._open(read_only=False, settings=_WRITING)
            try:
                yield connection
            finally:
                connection.close()

    @contextmanager
    def reading(self, *, locked: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that only reads.

        Args:
            locked: for SQL of others: no files, no network, and no setting can be changed.

        Raises:
            WarehouseBusyError: another process held the file for longer than the patience.
            WarehouseError: there is no file, it cannot be opened, or it is damaged.
        """
        if not self.exists():
            raise WarehouseError(f"there is no warehouse at {self.path} yet: run `floriday sync` first")
        connection = self._open(read_only=True, settings=_LOCKED if locked else _QUIET)
        try:
            yield connection
        except (duckdb.IOException, duckdb.FatalException) as error:
            said = str(error).splitlines()[0]
            raise WarehouseError(f"{self.path} cannot be read, it may be damaged: {said}") from None
        finally:
            connection.close()

    def _open(self, *, read_only: bool, settings: tuple[str, ...]) -> duckdb.DuckDBPyConnection:
        connection = self._patiently(read_only=read_only)
        for setting in settings:
            connection.execute(setting)
        return connection

    def _patiently(self, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        ends, pause = time.monotonic() + self.patience, _FIRST_PAUSE
        while True:
            try:
                return self._connect(read_only=read_only)
            except duckdb.Error as error:
                if not _is_busy(error):
                    raise WarehouseError(_explain(self.path, error)) from None
                if time.monotonic() >= ends:
                    raise WarehouseBusyError(_busy(self.path, self.patience, error)) from None
            self.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def _connect(self, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        return duckdb.connect(
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
    connection.execute("COMMIT")


@contextmanager
def _told_plainly(path: Path) -> Iterator[None]:
    """What the disk or the memory refuses, as an error for a person; anything else is a defect and stays one."""
    try:
        yield
    except OSError as error:
        raise WarehouseError(f"{path} cannot be written: {error.strerror}") from None
    except (duckdb.IOException, duckdb.OutOfMemoryException, duckdb.FatalException) as error:
        said = str(error).splitlines()[0]
        raise WarehouseError(f"writing {path} failed, and nothing of this batch was stored: {said}") from None


@contextmanager
def _private_files() -> Iterator[None]:
    """DuckDB creates its files, the write-ahead log of each session too, as the umask says."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _is_busy(error: duckdb.Error) -> bool:
    return _LOCK_CONFLICT in str(error) or "different configuration than existing connections" in str(error)


def _busy(path: Path, patience: float, error: duckdb.Error) -> str:
    text = str(error)
    holder = text[text.find("held in") + 8 : text.find("See also")].strip(" .") if "held in" in text else "another one"
    return f"{path} is open in another process ({holder}) for more than {patience:.0f} s: close it there and try again"


def _explain(path: Path, error: duckdb.Error) -> str:
    text = str(error).splitlines()[0].strip()
    if "version number" in text:
        return (
            f"{path} was written by a newer DuckDB than this one ({duckdb.__version__}): use the version that wrote it"
        )
    if "not a valid DuckDB database" in text or "Corrupt database file" in text:
        return f"{path} is no DuckDB file, or a damaged one: move it away, or restore a backup; nothing was changed"
    return f"{path} cannot be opened: {text}"
