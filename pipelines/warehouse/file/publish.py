"""Copy the file, and keep a published copy for readers that stay connected, such as BI tools and notebooks.

A copy is written beside its target, then renamed in one step. A reader that has the old copy open keeps reading it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

import duckdb

from pipelines import setting_hints
from pipelines.errors import PipelineError, UsageError, WarehouseBusyError, WarehouseError
from pipelines.paths import real_path
from pipelines.private_files import open_private_file, private_files
from pipelines.warehouse.file.atomic import replace_file
from pipelines.warehouse.file.connection import Warehouse

_BYTES_AT_ONCE = 1 << 20

_LAST_CHANGE = (
    "SELECT (SELECT (committed_at, feed, run_id) FROM sync.windows"
    " WHERE rowid = (SELECT max(rowid) FROM sync.windows)), (SELECT sum(records) FROM sync.windows),"
    " (SELECT max(first_seen) FROM sync.rejected_records), (SELECT max(resolved_at) FROM sync.rejected_records),"
    " (SELECT list(account ORDER BY account) FROM sync.accounts), (SELECT max(layout_version) FROM sync.settings)"
)
"""Values that differ after a sync that changed something, and are equal after one that found nothing new."""


def copy_warehouse(warehouse: Warehouse, target: Path) -> None:
    """Copy the file to ``target``, readable by its owner alone; an older file there is replaced, links are followed.

    Writers wait while the file is read, about half a second a gigabyte. This process must not have the file open.

    Raises:
        UsageError: the target is the warehouse itself, a folder or a device.
        WarehouseBusyError: other processes write without a pause, or another process writes the same copy.
        WarehouseError: there is no warehouse, or it cannot be used.
        OSError: the target cannot be written; an older file there is unchanged, and nothing is left beside it.
    """
    target = real_path(target)
    if target == warehouse.path:
        raise UsageError(f"{target} is the warehouse itself: copy it to another path")
    if target.exists() and not target.is_file():
        raise UsageError(f"{target} exists and is no file: name another path")
    warehouse.require()
    with private_files():
        target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    with _exclusive(part) as stream:
        try:
            with warehouse.committed_bytes() as source:
                shutil.copyfileobj(source, stream, _BYTES_AT_ONCE)
            stream.flush()
            # DuckDB would apply a write-ahead log that was left beside the old copy to the new one.
            Warehouse(target).log.unlink(missing_ok=True)
            replace_file(part, target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


@contextmanager
def _exclusive(path: Path) -> Iterator[BinaryIO]:
    """The file, empty and locked by this process; one that a killed process left is reused."""
    while True:
        with os.fdopen(open_private_file(path), "r+b") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise WarehouseBusyError(f"another process writes {path}: try again when it has finished") from None
            if _is_at(path, stream):
                stream.truncate()
                yield stream
                return


def _is_at(path: Path, stream: BinaryIO) -> bool:
    """Whether the opened file still has the name; another process may just have renamed it."""
    try:
        return os.path.samestat(path.stat(), os.fstat(stream.fileno()))
    except FileNotFoundError:
        return False


def publish(warehouse: Warehouse, target: Path) -> None:
    """Renew the published copy. The sync lock is not needed: DuckDB's own lock keeps writers out meanwhile.

    Raises:
        PipelineError: the copy could not be renewed; the old one is unchanged, and nothing is left beside it.
    """
    try:
        copy_warehouse(warehouse, target)
    except PipelineError as error:
        raise WarehouseError(f"{setting_hints.PUBLISHED}: {error.message}") from None
    except OSError as error:
        raise WarehouseError(
            f"{setting_hints.PUBLISHED}: {target} cannot be renewed ({error.strerror}), and is unchanged: make room or"
            " make it writable, or set another path, or off"
        ) from None


def is_copy_due(warehouse: Warehouse, target: Path, every: timedelta) -> bool:
    """Whether the copy is missing, or is older than ``every`` and lacks the last change of the warehouse.

    Raises:
        WarehouseBusyError: another process had the warehouse open for longer than the lock timeout.
        WarehouseError: there is no warehouse, or it cannot be used.
    """
    if not target.exists():
        return True
    return not is_copy_young(target, every) and _last_change(warehouse) != _last_change_of_copy(target)


def is_copy_young(target: Path, every: timedelta) -> bool:
    """Whether the copy exists and was written less than ``every`` ago."""
    try:
        age = time.time() - target.stat().st_mtime
    except OSError:
        return False
    return 0 <= age < every.total_seconds()


def _last_change_of_copy(target: Path) -> tuple[Any, ...] | None:
    try:
        return _last_change(Warehouse(target, lock_timeout=0.0))
    except (PipelineError, duckdb.Error):
        return None


def _last_change(warehouse: Warehouse) -> tuple[Any, ...]:
    with warehouse.reading() as connection:
        (change,) = connection.execute(_LAST_CHANGE).fetchall()
    return tuple(change)
