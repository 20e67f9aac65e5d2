"""Waiter files: a process that waits for the database file creates one, and others yield to it briefly.

DuckDB admits many readers at once, but a writer only alone. Without this, successive readers could keep a writer out
for ever, and a writer that hardly ever closes the file could keep readers out. The waiter files are advisory; nothing
depends on them for correctness. A waiter file is locked by the process that waits, so it ends with that process, and
nobody yields longer than the limits below.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

LONGEST_YIELD_TO_WRITERS = 5.0  # seconds; the process that has the file open may read for long, and others meanwhile
LONGEST_YIELD_TO_READERS = 0.3  # seconds; a process that waits to read tries again within half of that
_WRITER, _READER = "turn", "read"  # suffixes of the waiter files
_POLL_INTERVAL = 0.02
FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.1  # seconds between two attempts to open the file
_LOCK_ATTEMPTS = 50


def waiting_to_write(path: Path) -> AbstractContextManager[None]:
    """Show readers of the file that a writer waits, until the block ends."""
    return _held(_beside(path, _WRITER), fcntl.LOCK_EX)


def waiting_to_read(path: Path) -> AbstractContextManager[None]:
    """Show a writer of the file that a reader waits, until the block ends."""
    return _held(_beside(path, _READER), fcntl.LOCK_SH)


def yield_to_writers(path: Path, sleep: Callable[[float], None]) -> None:
    """Wait while a writer waits for the file, for :data:`LONGEST_YIELD_TO_WRITERS` at most."""
    _wait_while(_has_waiting_writer, path, LONGEST_YIELD_TO_WRITERS, sleep)


def yield_to_readers(path: Path, sleep: Callable[[float], None]) -> None:
    """Wait while a reader waits for the file, for :data:`LONGEST_YIELD_TO_READERS` at most."""
    _wait_while(_has_waiting_reader, path, LONGEST_YIELD_TO_READERS, sleep)


def has_waiters(path: Path) -> bool:
    """Whether another process of this project waits for the file."""
    return _has_waiting_reader(path) or _has_waiting_writer(path)


def _wait_while(waits: Callable[[Path], bool], path: Path, longest: float, sleep: Callable[[float], None]) -> None:
    ends = time.monotonic() + longest
    while waits(path) and time.monotonic() < ends:
        sleep(_POLL_INTERVAL)


@contextmanager
def _held(file: Path, lock: int) -> Iterator[None]:
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError:
        yield
        return
    try:
        _lock(descriptor, lock)
        yield
    finally:
        with suppress(BlockingIOError):  # other processes wait too and hold the same file
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.unlink(missing_ok=True)
        os.close(descriptor)


def _lock(descriptor: int, lock: int) -> None:
    """Lock a waiter file; a process that checks it holds it for a moment, another waiter for longer."""
    for _ in range(_LOCK_ATTEMPTS):
        try:
            fcntl.flock(descriptor, lock | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            time.sleep(0.001)


def _has_waiting_writer(path: Path) -> bool:
    return _is_held(_beside(path, _WRITER), fcntl.LOCK_SH)


def _has_waiting_reader(path: Path) -> bool:
    return _is_held(_beside(path, _READER), fcntl.LOCK_EX)


def _is_held(file: Path, lock: int) -> bool:
    """Whether another process holds a lock that conflicts with this one."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, lock | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(f"{path.name}.{suffix}")


def pauses() -> Iterator[float]:
    """Seconds to wait between two attempts to open the file, without an end."""
    pause = FIRST_PAUSE
    while True:
        yield pause
        pause = min(pause * 1.5, _LONGEST_PAUSE)


def take_read_lock(stream: BinaryIO) -> bool:
    """Take the lock that DuckDB takes for a reader, on our own descriptor; False while another process writes."""
    try:
        fcntl.lockf(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True
