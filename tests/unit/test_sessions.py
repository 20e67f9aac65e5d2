"""All processes of a session are found and ended, also those that left their process group."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.orchestration import processes
from pipelines.orchestration.serving import sessions

PARENT_PROGRAM = """
import os, signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN if "stubborn" in sys.argv else signal.SIG_DFL)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], process_group=0)
print(child.pid, flush=True)
if "orphan" not in sys.argv:
    child.wait()
    signal.pause()
"""
"""A process with a child in a group of its own."""


@pytest.fixture(params=["proc", "ps"])
def listing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Lists processes as on Linux (`/proc`) or as on macOS (`ps`)."""
    if request.param == "ps":
        monkeypatch.setattr(processes, "PROC", tmp_path)
    return str(request.param)


def session(*options: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Yield the parent process of a session of two, and the child's process id."""
    command = [sys.executable, "-c", PARENT_PROGRAM, *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        try:
            yield parent, child
        finally:
            sessions.end(parent.pid, signal.SIGKILL, 10, lambda: False)


@pytest.mark.usefixtures("listing")
def test_a_child_that_left_its_group_is_found() -> None:
    """A child in another process group is found in the session, also after its parent has ended."""
    for parent, child in session("orphan"):
        parent.wait(10)

        assert sessions.members(parent.pid) == {child}


@pytest.mark.usefixtures("listing")
def test_all_processes_are_ended() -> None:
    """After the end of a session none of its processes is left."""
    for parent, child in session():
        assert sessions.members(parent.pid) == {parent.pid, child}

        ended = sessions.end(parent.pid, signal.SIGTERM, 10, lambda: False)

        assert ended
        assert sessions.members(parent.pid) == set()


def test_waiting_for_a_process_ends_after_the_timeout() -> None:
    """A process that ignores the signal is waited for until the timeout, and not at all in a hurry."""
    for parent, child in session("stubborn"):
        ended_in_time = sessions.end(parent.pid, signal.SIGTERM, 0.5, lambda: False)
        ended_in_a_hurry = sessions.end(parent.pid, signal.SIGTERM, 600, lambda: True)

        assert (ended_in_time, ended_in_a_hurry) == (False, False)
        assert sessions.members(parent.pid) == {parent.pid, child}
        assert sessions.end(parent.pid, signal.SIGKILL, 10, lambda: False)
