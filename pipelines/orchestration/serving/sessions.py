"""The processes of a session, including those that outlive the process that began it.

When `dagster dev` is stopped, it does not stop the code servers and the runs in progress. These stay in its session,
even when their parents end or their process groups change.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress

from pipelines.orchestration.processes import all_processes

_POLL_SECONDS = 0.1


def members(session: int) -> set[int]:
    """The ids of the live processes in a session, or in the process group of the same number."""
    return {process.pid for process in all_processes() if session in (process.group, _session_of(process.pid))}


def end(session: int, number: int, timeout: float, hurry: Callable[[], bool]) -> bool:
    """Send a signal to the processes of a session, once to each, and wait for their end; returns whether all ended.

    The wait ends after ``timeout`` seconds, or when ``hurry`` returns True.
    """
    ends = time.monotonic() + timeout
    signalled: set[int] = set()
    while alive := members(session):
        for process in alive - signalled:
            with suppress(ProcessLookupError):
                os.kill(process, number)
        signalled |= alive
        if hurry() or time.monotonic() > ends:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def stop(session: int, term_seconds: float, kill_seconds: float, hurry: Callable[[], bool] = lambda: False) -> None:
    """Stop the processes of a session: with SIGTERM, then with SIGKILL those that have not ended in time.

    Each time is the longest wait after a signal; ``hurry`` returns whether to send SIGKILL at once.
    """
    if not end(session, signal.SIGTERM, term_seconds, hurry):
        end(session, signal.SIGKILL, kill_seconds, lambda: False)


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:  # the process has ended, or belongs to another user
        return None
