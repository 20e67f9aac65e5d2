"""Run the command ``floriday`` as a process of its own."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]

Printed = Callable[..., tuple[int, str, str]]
"""Runs a command in this process; returns the exit code, the standard output and the standard error."""


@dataclass(frozen=True)
class FinishedCommand:
    """Exit code, standard output and standard error of a command."""

    code: int
    out: str
    err: str

    @property
    def error_line(self) -> str:
        """The single line of a failed command on standard error, without its prefix."""
        assert self.err.endswith("\n")
        assert self.err.count("\n") == 1, self.err
        assert self.err.startswith("floriday: ")
        return self.err.removeprefix("floriday: ").strip()


def command(*arguments: str) -> list[str]:
    """Return the arguments of the process."""
    return [sys.executable, "-m", "pipelines.cli", *arguments]


def process_environment(**variables: str) -> dict[str, str]:
    """Return the environment of the tests with additional variables."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80", **variables}


def without_coverage(**variables: str) -> dict[str, str]:
    """Return the environment without the measuring of coverage.

    A signal's exception could leave coverage's lock held, and a limit on file sizes would also apply to its file.
    """
    return {name: value for name, value in process_environment(**variables).items() if not name.startswith("COVERAGE")}


def floriday(*arguments: str, folder: Path, **variables: str) -> FinishedCommand:
    """Run a command to its end.

    Args:
        arguments: arguments of the command.
        folder: working directory of the process.
        variables: environment variables to add.
    """
    finished = subprocess.run(
        command(*arguments),
        cwd=folder,
        env=process_environment(**variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert "Traceback" not in finished.stderr
    return FinishedCommand(finished.returncode, finished.stdout, finished.stderr)


def run_on_terminal(*arguments: str, columns: int, **variables: str) -> str:
    """Return what a command prints on a terminal with this number of columns."""
    leader, follower = pty.openpty()
    environment = process_environment(**{"TERM": "xterm-256color", "COLUMNS": str(columns), **variables})
    process = subprocess.Popen(command(*arguments), env=environment, stdout=follower, stderr=follower)
    os.close(follower)
    printed = b""
    while chunk := _read(leader):
        printed += chunk
    os.close(leader)
    assert process.wait(60) == 0
    return printed.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end was closed
        return b""
