"""The processes of a session, to end those that outlive the one that began it.

`dagster dev` that is told to stop leaves the servers of the code and the runs that are under way to themselves. They
stay in its session, whatever else becomes of their parents and groups.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_LOOK_AGAIN = 0.1


def members(session: int) -> set[int]:
    """The processes that live in a session, or in the process group of the same number.

    One that has ended, and of which its parent has not yet taken note, lives no more.
    """
    return {process for process, group in _processes() if session in (group, _session_of(process))}


def end(session: int, number: int, patience: float, hurry: Callable[[], bool]) -> bool:
    """Send a signal to the processes of a session, once to each, and wait until they have ended.

    Args:
        session: its number, that of the process that began it.
        number: the signal's.
        patience: seconds to wait.
        hurry: whether to wait no longer.

    Returns:
        Whether none is left.
    """
    ends = time.monotonic() + patience
    told: set[int] = set()
    while living := members(session):
        for process in living - told:
            with suppress(ProcessLookupError):
                os.kill(process, number)
        told |= living
        if hurry() or time.monotonic() > ends:
            return False
        time.sleep(_LOOK_AGAIN)
    return True


def _session_of(process: int) -> int | None:
    try:
        return os.getsid(process)
    except OSError:  # it has ended, or is none of ours
        return None


def _processes() -> Iterator[tuple[int, int]]:
    """Number and group of every process that lives."""
    told = _told_by_proc() if _PROC.joinpath("self/stat").exists() else _told_by_ps()
    for process, state, group in told:
        if not state.startswith("Z"):
            yield process, group


def _told_by_proc() -> Iterator[tuple[int, str, int]]:
    for folder in _PROC.glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            # The name, in parentheses, may itself hold spaces and parentheses.
            state, _, group = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
            yield int(folder.name), state, int(group)


def _told_by_ps() -> Iterator[tuple[int, str, int]]:
    listing = subprocess.run(("ps", "-A", "-o", "pid=,stat=,pgid="), capture_output=True, text=True, check=True).stdout  # noqa: S607 - every system has its own place for it
    for line in listing.splitlines():
        process, state, group = line.split()
        yield int(process), state, int(group)
