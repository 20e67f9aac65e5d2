"""Whose turn it is: readers that come while a writer waits let it go first.

DuckDB lets many readers in at once and a writer only alone, so that readers who relieve one another would keep a writer
out for ever. This is a courtesy among processes of ours, never a lock that anything relies on: it ends with the process
that waits, and after a few seconds nobody gives way any longer.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

GIVING_WAY = 5.0
"""Seconds that a reader gives way at most: who has the file open may read for long, and others may read meanwhile."""

_PAUSE = 0.02
_ATTEMPTS = 50


@contextmanager
def waiting_to_write(path: Path) -> Iterator[None]:
    """Let readers of the file know that a writer waits, until the block ends."""
    sign = _sign(path)
    try:
        descriptor = os.open(sign, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError:
        yield
        return
    try:
        _hold(descriptor)
        yield
    finally:
        sign.unlink(missing_ok=True)
        os.close(descriptor)


def give_way(path: Path, sleep: Callable[[float], None]) -> None:
    """Wait while a writer waits for the file, but not for long."""
    ends = time.monotonic() + GIVING_WAY
    while _a_writer_waits(path) and time.monotonic() < ends:
        sleep(_PAUSE)


def _hold(descriptor: int) -> None:
    """Take the sign's lock; readers that look at it hold it for a moment, another writer that waits for longer."""
    for _ in range(_ATTEMPTS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            time.sleep(0.001)


def _a_writer_waits(path: Path) -> bool:
    try:
        descriptor = os.open(_sign(path), os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _sign(path: Path) -> Path:
    return path.with_name(f"{path.name}.turn")
