"""Whose turn it is: who waits for the file leaves a sign, and whoever comes or stays lets it go first.

DuckDB lets many readers in at once and a writer only alone, so that readers who relieve one another would keep a writer
out for ever, and a writer who hardly ever closes the file would keep readers out. This is a courtesy among processes of
ours, never a lock that anything relies on: it ends with the process that waits, and after a while nobody gives way any
longer.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LONGEST_YIELD_TO_WRITERS = 5.0
"""Seconds that a reader gives way at most: who has the file open may read for long, and others may read meanwhile."""

LONGEST_YIELD_TO_READERS = 0.3
"""Seconds that a writer gives way at most: who waits to read tries again within half of that."""

_PAUSE = 0.02
_ATTEMPTS = 50


@contextmanager
def waiting_to_write(path: Path) -> Iterator[None]:
    """Let readers of the file know that a writer waits, until the block ends."""
    with _shown(_sign(path, "turn"), fcntl.LOCK_EX):
        yield


@contextmanager
def waiting_to_read(path: Path) -> Iterator[None]:
    """Let a writer of the file know that somebody waits to read, until the block ends."""
    with _shown(_sign(path, "read"), fcntl.LOCK_SH):
        yield


def yield_to_writers(path: Path, sleep: Callable[[float], None]) -> None:
    """Wait while a writer waits for the file, but not for long."""
    _wait_while(_a_writer_waits, path, LONGEST_YIELD_TO_WRITERS, sleep)


def yield_to_readers(path: Path, sleep: Callable[[float], None]) -> None:
    """Wait while somebody waits to read the file, but hardly at all."""
    _wait_while(_a_reader_waits, path, LONGEST_YIELD_TO_READERS, sleep)


def has_waiters(path: Path) -> bool:
    """Whether another process of ours waits for the file."""
    return _a_reader_waits(path) or _a_writer_waits(path)


def _wait_while(waits: Callable[[Path], bool], path: Path, longest: float, sleep: Callable[[float], None]) -> None:
    ends = time.monotonic() + longest
    while waits(path) and time.monotonic() < ends:
        sleep(_PAUSE)


@contextmanager
def _shown(sign: Path, how: int) -> Iterator[None]:
    try:
        descriptor = os.open(sign, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError:
        yield
        return
    try:
        _hold(descriptor, how)
        yield
    finally:
        with suppress(BlockingIOError):  # others wait too, and the sign is theirs as well
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            sign.unlink(missing_ok=True)
        os.close(descriptor)


def _hold(descriptor: int, how: int) -> None:
    """Take the sign's lock; those who look at it hold it for a moment, another one that waits for longer."""
    for _ in range(_ATTEMPTS):
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            time.sleep(0.001)


def _a_writer_waits(path: Path) -> bool:
    return _is_held(_sign(path, "turn"), fcntl.LOCK_SH)


def _a_reader_waits(path: Path) -> bool:
    return _is_held(_sign(path, "read"), fcntl.LOCK_EX)


def _is_held(sign: Path, how: int) -> bool:
    """Whether a sign's lock cannot be had."""
    try:
        descriptor = os.open(sign, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _sign(path: Path, name: str) -> Path:
    return path.with_name(f"{path.name}.{name}")
