"""Replace a file or a folder in one step, so that no reader sees an incomplete one."""

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
from pipelines.private_files import open_private_folder, remove_leftover

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2  # both constants are those of Linux's ``renameat2``


@contextmanager
def staging_folder(target: Path) -> Iterator[Path]:
    """An empty, private folder beside ``target``, locked by this process; removed at the end of the block.

    Raises:
        WarehouseBusyError: another process writes there.
        ForeignFileError: another user's file or folder has the temporary name.
    """
    part = target.with_name(f".{target.name}.part")
    descriptor = open_private_folder(part)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WarehouseBusyError(f"another process writes {target}: try again when it has finished") from None
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


def replace_file(part: Path, target: Path) -> None:
    """Rename a finished file to ``target``; after a power cut, ``target`` is either the old or the new file."""
    flush_to_disk(part)
    part.replace(target)
    flush_to_disk(target.parent)


def replace_folder(part: Path, target: Path) -> None:
    """Rename a finished folder to ``target``; an older folder there gets the name ``part``, or is removed.

    Where the system cannot exchange two folders in one step, ``target`` does not exist for a moment.
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


def _exchange(first: Path, second: Path) -> bool:
    """Exchange the names of two folders; False where the system or the file system does not support it."""
    exchange = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if exchange is None:
        return False
    if exchange(_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE) == 0:
        return True
    if ctypes.get_errno() in (errno.ENOSYS, errno.EINVAL):
        return False
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def flush_to_disk(path: Path) -> None:
    """Call ``fsync`` on a file or folder, so that it survives a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
