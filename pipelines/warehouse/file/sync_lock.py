"""The sync lock: only one sync at a time writes to a warehouse. Its lock file is released when the holder dies."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout

from pipelines import setting_hints
from pipelines.errors import WarehouseBusyError, WarehouseError
from pipelines.interruption import last_resort
from pipelines.paths import real_path
from pipelines.private_files import private_files
from pipelines.warehouse.file.duckdb_errors import check_file

RESIDENT = "floriday sync --follow"  # the holder that releases the lock after each round
LONGEST_ROUND = 15.0  # seconds that others wait for one


@contextmanager
def hold_sync_lock(warehouse: Path, holder: str, *, timeout: float = 0.0) -> Iterator[None]:
    """Hold the lock file of a warehouse, ``<real path>.lock``, during the block.

    Others are shown the name of the holder, a command or run; ``timeout`` is how long to wait for one, in seconds. A
    round of the resident sync is waited for in any case, because it mostly takes a second.

    Raises:
        WarehouseBusyError: another sync holds it; the message names it.
        WarehouseError: the folder is not writable, or the file cannot be a warehouse.
    """
    check_file(real_path(warehouse))
    path, note = _files(warehouse)
    try:
        with private_files():
            path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, timeout=timeout, mode=0o600)
        _acquire(lock, note, timeout)
    except Timeout:
        message = f"another sync holds {warehouse}: {_holder(note)}. Try again when it has finished"
        raise WarehouseBusyError(message) from None
    except OSError as error:
        raise WarehouseError(
            f"no file can be created in {path.parent} ({error.strerror}): make the folder writable, or set"
            f" {setting_hints.WAREHOUSE}"
        ) from None
    try:
        with last_resort(partial(note.unlink, missing_ok=True)):
            _write(note, holder)
            yield
    finally:
        note.unlink(missing_ok=True)
        lock.release()


def _acquire(lock: FileLock, note: Path, timeout: float) -> None:
    try:
        lock.acquire()
    except Timeout:
        if not _holder(note).startswith(f"{RESIDENT},"):
            raise
        lock.acquire(timeout=max(timeout, LONGEST_ROUND))


def _write(note: Path, holder: str) -> None:
    content = {"holder": holder, "pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
    with os.fdopen(os.open(note, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w") as stream:
        json.dump(content, stream)


def lock_holder(warehouse: Path) -> str | None:
    """A phrase that names the current holder of the lock file; None if it is free."""
    path, note = _files(warehouse)
    if not path.exists():
        return None
    lock = FileLock(path, timeout=0, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        return _holder(note)
    except OSError:
        return None
    lock.release()
    return None


def _files(warehouse: Path) -> tuple[Path, Path]:
    """The lock file, and the note beside it that names the holder; the same for every link to the warehouse."""
    warehouse = real_path(warehouse)
    return warehouse.with_name(f"{warehouse.name}.lock"), warehouse.with_name(f"{warehouse.name}.holder")


def _holder(note: Path) -> str:
    try:
        content = json.loads(note.read_text())
        return f"{content['holder']}, process {content['pid']}, since {content['since']}"
    except (OSError, ValueError, KeyError):
        return "its name is not known"
