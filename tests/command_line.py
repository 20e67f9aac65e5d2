"""The command ``floriday`` as a process of its own: what it prints, and how it ends."""

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
"""Runs a command in this process; gives its exit code, and what stood on standard output and on standard error."""


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Args:
        code: its exit code.
        out: what stood on standard output.
        err: what stood on standard error.
    """

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line that a failed command leaves on standard error."""
        assert self.err.endswith("\n")
        assert self.err.count("\n") == 1, self.err
        assert self.err.startswith("floriday: ")
        return self.err.removeprefix("floriday: ").strip()


def command(*arguments: str) -> list[str]:
    """The process's arguments."""
    return [sys.executable, "-m", "pipelines.cli", *arguments]


def surroundings(**variables: str) -> dict[str, str]:
    """The process's environment: that of the tests, and the given variables."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80", **variables}


def unmeasured(**variables: str) -> dict[str, str]:
    """The same without what measures coverage.

    A signal's exception may leave its lock held for ever, and a limit on the size of files holds for its file too.
    """
    return {name: value for name, value in surroundings(**variables).items() if not name.startswith("COVERAGE")}


def floriday(*arguments: str, folder: Path, **variables: str) -> Ended:
    """Run a command to its end.

    Args:
        arguments: of the command.
        folder: the working directory.
        variables: of the environment.
    """
    ended = subprocess.run(
        command(*arguments),
        cwd=folder,
        env=surroundings(**variables),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert "Traceback" not in ended.stderr
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def on_a_terminal(*arguments: str, columns: int, **variables: str) -> str:
    """What a command prints on a terminal of so many columns."""
    leader, follower = pty.openpty()
    environment = surroundings(**{"TERM": "xterm-256color", "COLUMNS": str(columns), **variables})
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
