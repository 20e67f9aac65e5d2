"""The processes of a session: all are found, wherever they went, and all are ended."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.orchestration import processes
from pipelines.orchestration.serving import sessions

FAMILY = """
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
    """How the system tells of its processes: as Linux does, or as macOS."""
    if request.param == "ps":
        monkeypatch.setattr(processes, "PROC", tmp_path)
    return str(request.param)


def family(*manner: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A session of two processes, and the number of the second one."""
    command = [sys.executable, "-c", FAMILY, *manner]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        try:
            yield parent, child
        finally:
            sessions.end(parent.pid, signal.SIGKILL, 10, lambda: False)


@pytest.mark.usefixtures("listing")
def test_a_child_that_left_its_group_is_found() -> None:
    """It stays in the session, also when its parent has ended and nobody took note of that yet."""
    for parent, child in family("orphan"):
        parent.wait(10)

        assert sessions.members(parent.pid) == {child}


@pytest.mark.usefixtures("listing")
def test_all_are_told_to_end() -> None:
    """Once they have, there is nobody left."""
    for parent, child in family():
        assert sessions.members(parent.pid) == {parent.pid, child}

        ended = sessions.end(parent.pid, signal.SIGTERM, 10, lambda: False)

        assert ended
        assert sessions.members(parent.pid) == set()


def test_who_does_not_listen_is_left_after_a_while() -> None:
    """It is not waited for longer than was said, and not at all in a hurry."""
    for parent, child in family("stubborn"):
        waited = sessions.end(parent.pid, signal.SIGTERM, 0.5, lambda: False)
        hurried = sessions.end(parent.pid, signal.SIGTERM, 600, lambda: True)

        assert (waited, hurried) == (False, False)
        assert sessions.members(parent.pid) == {parent.pid, child}
        assert sessions.end(parent.pid, signal.SIGKILL, 10, lambda: False)
