"""Files and folders with owner-only permissions, and temporary files that no other user has prepared.

Every process of the project calls :func:`protect_process` first, so the umask also covers files that libraries create:
spill files, write-ahead logs, SQLite files. :func:`private_files` does the same for a block, where the package is used
as a library.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

UMASK = 0o077  # limits the mode of a file to 0600, and that of a folder to 0700


class ForeignFileError(PermissionError):
    """A temporary file or folder was not left by an earlier run of this user.

    ``strerror`` is a phrase for a person, with the path and the next step.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(
            errno.EPERM,
            f"{path} belongs to another user, or is no plain file or folder of yours: remove it, or name another place",
        )


def protect_process() -> None:
    """Set the umask of this process and its children."""
    os.umask(UMASK)


class _Blocks:
    """The number of open blocks; the last one that ends restores the umask."""

    guard = threading.Lock()
    open = 0
    before = 0


@contextmanager
def private_files() -> Iterator[None]:
    """Create files with owner-only permissions during a block; blocks may nest and run in several threads."""
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
    """Whether a file or folder, given by its own status, may have been left by an earlier run of this user.

    ``kind`` is the expected type, such as ``stat.S_IFREG``. A file with several names (hard links) does not count.
    """
    has_one_name = kind != stat.S_IFREG or found.st_nlink == 1
    return stat.S_IFMT(found.st_mode) == kind and found.st_uid == os.geteuid() and has_one_name


def create_folder_of(file: Path) -> None:
    """Create the folder of a file, and the folders above it, with owner-only permissions unless they exist.

    Raises:
        OSError: it cannot be created; ``strerror`` is a phrase for a person that names the folder.
    """
    try:
        with private_files():
            file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or os.strerror(error.errno or 0)
        raise OSError(error.errno, f"its folder {file.parent} cannot be created: {reason}") from None


@contextmanager
def replaced_file(path: Path) -> Iterator[BinaryIO]:
    """A private file that replaces ``path`` at the end of the block; after an error, ``path`` is unchanged.

    It is written in the same folder under a new hidden name.

    Raises:
        OSError: the file cannot be created, written or renamed.
    """
    part = path.with_name(f".floriday-{secrets.token_hex(12)}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def open_private_file(path: Path) -> int:
    """A descriptor to read and write a private file: a new one, or the unchanged one of an earlier run.

    Raises:
        ForeignFileError: the path belongs to something else.
        OSError: the file cannot be opened.
    """
    while True:
        try:
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        except FileExistsError:
            pass
        try:
            return _open_own(path, os.O_RDWR | os.O_NONBLOCK, stat.S_IFREG)  # does not wait for a named pipe
        except FileNotFoundError:
            continue  # another process has just renamed it


def open_private_folder(path: Path) -> int:
    """A descriptor of a private folder: a new one, or the one of an earlier run with its contents.

    Raises:
        ForeignFileError: the path belongs to something else.
        OSError: the folder cannot be created or opened.
    """
    try:
        path.mkdir(mode=0o700, exist_ok=True)
    except FileExistsError:
        raise ForeignFileError(path) from None
    return _open_own(path, os.O_RDONLY | os.O_DIRECTORY, stat.S_IFDIR)


# When a link, a file of another user or a file of another type is opened.
_FOREIGN = {errno.EACCES, errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENXIO}


def _open_own(path: Path, flags: int, kind: int) -> int:
    """A descriptor of an existing file or folder, if it is this user's; its permissions become owner-only."""
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
    """Remove the temporary file or folder of an earlier run, if it exists.

    Raises:
        ForeignFileError: the path belongs to something else.
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
