"""A copy of the file as one commit left it: written aside, then put in place in one step.

Whoever has the old copy open keeps reading it: a rename gives the name to another file and leaves that one alone.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pipelines.errors import UsageError, WarehouseBusyError
from pipelines.paths import real_path
from pipelines.private_files import new_or_left_file, private_files
from pipelines.warehouse.file.atomic import to_disk
from pipelines.warehouse.file.connection import Warehouse

_BYTES_AT_ONCE = 1 << 20


def copy(warehouse: Warehouse, target: Path) -> None:
    """Copy the file to where a link may point, readable by its owner alone; what stood there before is replaced.

    Writers wait while it is read, about half a second for each gigabyte. Not while this process has it open.

    Raises:
        UsageError: the target is the warehouse itself, or no file but a folder or a device.
        WarehouseBusyError: others write without a pause, or another process writes the same copy.
        WarehouseError: there is no warehouse, or it cannot be used.
        OSError: the target cannot be written; what stood there is as it was, and nothing is left beside it.
    """
    target = real_path(target)
    if target == warehouse.path:
        raise UsageError(f"{target} is the warehouse itself: copy it to another path")
    if target.exists() and not target.is_file():
        raise UsageError(f"{target} is there and no file: name another path")
    warehouse.require()
    with private_files():
        target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    with _alone(part) as stream:
        try:
            with warehouse.at_rest() as file:
                shutil.copyfileobj(file, stream, _BYTES_AT_ONCE)
            stream.flush()
            # DuckDB would apply what somebody left in the old copy's write-ahead log to the new copy.
            Warehouse(target).log.unlink(missing_ok=True)
            put_in_place(part, target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


def put_in_place(part: Path, target: Path) -> None:
    """Give a finished file the name of another; after a power cut one of the two stands there, whole."""
    to_disk(part)
    part.replace(target)
    to_disk(target.parent)


@contextmanager
def _alone(path: Path) -> Iterator[BinaryIO]:
    """The file, empty and for this process alone; one that a killed process left is taken over.

    Raises:
        WarehouseBusyError: another process writes it.
        ForeignFileError: something else than a file of this user has the name.
    """
    while True:
        with os.fdopen(new_or_left_file(path), "r+b") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise WarehouseBusyError(f"another process writes {path}: try again when it is done") from None
            if _stands_at(path, stream):
                stream.truncate()
                yield stream
                return


def _stands_at(path: Path, stream: BinaryIO) -> bool:
    """Whether the opened file still has the name; another process may just have put it in place."""
    try:
        return os.path.samestat(path.stat(), os.fstat(stream.fileno()))
    except FileNotFoundError:
        return False
