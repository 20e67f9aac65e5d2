"""One `floriday up` a project: who holds the lock files, and what becomes of those who were killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.errors import DagsterError
from pipelines.orchestration.serving.lock_files import LockFile, one_at_a_time

WAITS = [sys.executable, "-c", "import time; time.sleep(60)"]


@contextmanager
def left_behind(home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A `dagster dev` whose `floriday up` is gone: it alone holds the second lock file."""
    lock = LockFile(home / "dagster.lock")
    assert lock.take()
    process = subprocess.Popen(WAITS, pass_fds=(lock.descriptor,), start_new_session=True)
    lock.write(process.pid, "http://127.0.0.1:3000")
    lock.close()
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_second_one_is_told_who_is_first(tmp_path: Path) -> None:
    """The process, and where it serves once it does."""
    with one_at_a_time(tmp_path, print) as lock:
        with pytest.raises(DagsterError, match=rf"runs here already \(process {os.getpid()}\)"), enter(tmp_path):
            pass
        lock.write(4711, "http://127.0.0.1:3001")
        with pytest.raises(DagsterError, match=rf"process {os.getpid()}, at http://127.0.0.1:3001"), enter(tmp_path):
            pass


@contextmanager
def enter(home: Path) -> Iterator[None]:
    """A second `floriday up`."""
    with one_at_a_time(home, print):
        yield


def test_the_next_one_may(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Once the first has ended, its files are free and for nobody else's eyes."""
    for _ in range(2):
        with one_at_a_time(tmp_path, print):
            pass

    assert capsys.readouterr().out == ""
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_what_a_killed_one_left_is_ended(tmp_path: Path) -> None:
    """Its Dagster still holds the lock, so it is known for sure; it is told to end, and that is said."""
    said: list[str] = []
    with left_behind(tmp_path) as process, one_at_a_time(tmp_path, said.append):
        ended = process.wait(10)

    assert ended in (-15, -9)  # killed where it does not end within its patience
    assert len(said) == 1
    assert f"(process {process.pid})" in said[0]


def test_a_folder_that_takes_no_files(tmp_path: Path) -> None:
    """It is told in a line."""
    with pytest.raises(DagsterError, match="cannot be written"), one_at_a_time(tmp_path / "not there", print):
        pass
