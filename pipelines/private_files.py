"""Files and folders for their owner alone, and temporary names that no other user has prepared.

Every process that the project starts calls :func:`protect_process` first, so the umask also covers what libraries
create: spill files, write-ahead logs, SQLite files. :func:`private_files` does the same for a block, where the package
is used as a library.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

UMASK = 0o077
"""Leaves 0600 of a file's mode and 0700 of a folder's."""


class ForeignFileError(PermissionError):
    """A temporary name is taken by something that an earlier run of this user did not leave there.

    ``strerror`` is a phrase for a person that names the path and says what to do.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(
            errno.EPERM,
            f"{path} belongs to another user, or is no plain file or folder of yours: remove it, or name another place",
        )


def protect_process() -> None:
    """Set the umask of this process and its children, for good."""
    os.umask(UMASK)


class _Blocks:
    """How many blocks need the umask; the last one that ends restores it."""

    guard = threading.Lock()
    open = 0
    before = 0


@contextmanager
def private_files() -> Iterator[None]:
    """Create files for their owner alone during a block; blocks may nest and run in several threads."""
    with _Blocks.guard:
        if not _Blocks.open:
            _Blocks.before = os.umask(UMASK)
        _Blocks.open += 1
    try:
        yield
    finally:
        with _Blocks.guard:
            _Blocks.open -= 1
            if not _Blocks.open:
                os.umask(_Blocks.before)


def is_own(found: os.stat_result, kind: int) -> bool:
    """Whether a file or folder can be what an earlier run of this user left.

    Args:
        found: of the thing itself, not of what a link points to.
        kind: the type that it must have, such as ``stat.S_IFREG``. A file with further names (hard links) is none.
    """
    has_one_name = kind != stat.S_IFREG or found.st_nlink == 1
    return stat.S_IFMT(found.st_mode) == kind and found.st_uid == os.geteuid() and has_one_name


@contextmanager
def replaced_file(path: Path) -> Iterator[BinaryIO]:
    """A private file that has the path when the block has ended; after an error, what stood there is as it was.

    It is written in the same folder, under a hidden name that nothing has.

    Raises:
        OSError: the file cannot be created, written or put in place.
    """
    descriptor, part = _new_file_beside(path)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _new_file_beside(path: Path) -> tuple[int, Path]:
    while True:
        new = path.with_name(f".floriday-{secrets.token_hex(6)}.part")
        with suppress(FileExistsError):
            return os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), new


def new_or_left_file(path: Path) -> int:
    """A descriptor to read and write a private file: a new one, or the one that an earlier run left, as it is.

    Raises:
        ForeignFileError: something else has the name.
        OSError: the file cannot be opened.
    """
    while True:
        try:
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        except FileExistsError:
            pass
        try:
            return _left(path, os.O_RDWR | os.O_NONBLOCK, stat.S_IFREG)  # a named pipe is not waited for
        except FileNotFoundError:
            continue  # whoever wrote it has just put it in place


def new_or_left_folder(path: Path) -> int:
    """A descriptor of a private folder: a new one, or the one that an earlier run left, with what is in it.

    Raises:
        ForeignFileError: something else has the name.
        OSError: the folder cannot be created or opened.
    """
    try:
        path.mkdir(mode=0o700, exist_ok=True)
    except FileExistsError:
        raise ForeignFileError(path) from None
    return _left(path, os.O_RDONLY | os.O_DIRECTORY, stat.S_IFDIR)


_FOREIGN = {errno.EACCES, errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENXIO}
"""What opening a link, another user's file or another kind of file ends with."""


def _left(path: Path, flags: int, kind: int) -> int:
    """A descriptor of what stands at a temporary name, if it is our own and nobody else can use it."""
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW)
    except OSError as error:
        raise (ForeignFileError(path) if error.errno in _FOREIGN else error) from None
    try:
        if not is_own(os.fstat(descriptor), kind):
            raise ForeignFileError(path)
        os.fchmod(descriptor, 0o600 if kind == stat.S_IFREG else 0o700)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def remove_leftover(path: Path) -> None:
    """Remove the file or folder that an earlier run left at a temporary name, if there is one.

    Raises:
        ForeignFileError: something else has the name.
        OSError: it cannot be removed.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if is_own(found, stat.S_IFDIR):
        shutil.rmtree(path)
    elif is_own(found, stat.S_IFREG):
        path.unlink(missing_ok=True)
    else:
        raise ForeignFileError(path)
