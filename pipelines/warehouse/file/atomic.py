"""A folder written aside and put in place in one step, so that nobody ever sees half of it."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.errors import WarehouseBusyError
from pipelines.private_files import new_or_left_folder, remove_leftover

_HERE = -100
_EXCHANGE = 2
"""`AT_FDCWD` and `RENAME_EXCHANGE` of Linux."""


@contextmanager
def staging_folder(target: Path) -> Iterator[Path]:
    """An empty folder beside ``target``, for this process alone; what is left at its name in the end is removed.

    Raises:
        WarehouseBusyError: another process writes there.
        ForeignFileError: something of another user has the temporary folder's name.
    """
    part = target.with_name(f".{target.name}.part")
    descriptor = new_or_left_folder(part)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WarehouseBusyError(f"another process writes {target}: try again when it is done") from None
        _empty(part)
        try:
            yield part
        finally:
            shutil.rmtree(part, ignore_errors=True)
    finally:
        os.close(descriptor)


def _empty(folder: Path) -> None:
    """Remove what a killed process left."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def replace_folder(part: Path, target: Path) -> None:
    """Give a finished folder the name of another, which has the finished one's name afterwards, or is gone.

    Where the system cannot exchange two folders in one step, there is a moment in which none has the name.
    """
    if not target.exists() or not any(target.iterdir()):
        part.replace(target)
    elif not _exchange(part, target):
        old = target.with_name(f".{target.name}.old")
        remove_leftover(old)
        target.replace(old)
        part.replace(target)
        shutil.rmtree(old, ignore_errors=True)
    flush_to_disk(target.parent)


def _exchange(one: Path, other: Path) -> bool:
    """Let two folders change names, if the system can.

    Raises:
        OSError: it could, and refuses.
    """
    exchange = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if exchange is None:
        return False
    if exchange(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0:
        return True
    if ctypes.get_errno() in (errno.ENOSYS, errno.EINVAL):
        return False
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def replace_file(part: Path, target: Path) -> None:
    """Give a finished file the name of another; after a power cut one of the two stands there, whole."""
    flush_to_disk(part)
    part.replace(target)
    flush_to_disk(target.parent)


def flush_to_disk(path: Path) -> None:
    """Have a file or a folder written to the disk, so that a power cut cannot take it away."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
