"""Only one `floriday up` runs for each project, and processes of a killed one are ended."""

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

SLEEPING_PROGRAM = [sys.executable, "-c", "import time; time.sleep(60)"]


@contextmanager
def orphaned_dagster(home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A `dagster dev` whose `floriday up` was killed; only it holds the second lock file."""
    lock = LockFile(home / "dagster.lock")
    assert lock.take()
    process = subprocess.Popen(SLEEPING_PROGRAM, pass_fds=(lock.descriptor,), start_new_session=True)
    lock.write(process.pid, "http://127.0.0.1:3000")
    lock.close()
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_second_start_names_the_running_process(tmp_path: Path) -> None:
    """A second `floriday up` fails with the process id of the first one, and its address once it serves."""
    with one_at_a_time(tmp_path, print) as lock:
        with pytest.raises(DagsterError, match=rf"runs here already \(process {os.getpid()}\)"), second_start(tmp_path):
            pass
        lock.write(4711, "http://127.0.0.1:3001")
        with (
            pytest.raises(DagsterError, match=rf"process {os.getpid()}, at http://127.0.0.1:3001"),
            second_start(tmp_path),
        ):
            pass


@contextmanager
def second_start(home: Path) -> Iterator[None]:
    """Start a second `floriday up`."""
    with one_at_a_time(home, print):
        yield


def test_locks_are_released(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After the first `floriday up` has ended, another one starts; the lock files are readable only by their owner."""
    for _ in range(2):
        with one_at_a_time(tmp_path, print):
            pass

    assert capsys.readouterr().out == ""
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_orphaned_processes_are_ended(tmp_path: Path) -> None:
    """The Dagster processes of a killed `floriday up` are found by their lock and ended, with a message."""
    messages: list[str] = []
    with orphaned_dagster(tmp_path) as process, one_at_a_time(tmp_path, messages.append):
        ended = process.wait(10)

    assert ended in (-15, -9)  # killed if it does not end in time
    assert len(messages) == 1
    assert f"(process {process.pid})" in messages[0]


def test_a_read_only_folder_is_an_error(tmp_path: Path) -> None:
    """A folder that cannot be written to raises an error in one line."""
    with pytest.raises(DagsterError, match="cannot be written"), one_at_a_time(tmp_path / "missing", print):
        pass
