"""Run ``floriday`` on a pseudo-terminal, in its own session, as a person does."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

from pipelines.orchestration.serving import sessions
from tests.command_line import command, without_coverage

CTRL_C = b"\x03"

# The descriptor is closed when the command has replaced this program, which is the command's moment 0.
_LAUNCH = (
    "import fcntl, os, signal, sys, termios\n"
    "os.setsid()\n"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    "os.set_inheritable(int(sys.argv[1]), False)\n"
    "signal.signal(signal.SIGINT, signal.SIG_DFL)\n"
    "os.execv(sys.argv[2], sys.argv[2:])"
)


@dataclass
class TerminalCommand:
    """A running command.

    Args:
        process: process of the command, which leads its session.
        leader: file descriptor of the terminal's controlling end.
        errors: file that receives the standard error.
        printed: what the terminal received so far.
    """

    process: subprocess.Popen[bytes]
    leader: int
    errors: Path
    printed: bytearray = field(default_factory=bytearray)

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> None:
        """Press Ctrl-C for SIGINT; send any other signal to the process only."""
        if number == signal.SIGINT:
            os.write(self.leader, CTRL_C)
        else:
            self.process.send_signal(number)

    def ended(self, seconds: float) -> int | None:
        """Return the exit code, or None if the command does not end within this time."""
        with suppress(subprocess.TimeoutExpired):
            return self.process.wait(seconds)
        return None

    def until_printed(self, text: str, seconds: float = 60) -> None:
        """Wait until the terminal has received a text."""
        ends = time.monotonic() + seconds
        while text.encode() not in self.printed:
            assert self.process.poll() is None, (bytes(self.printed), self.stderr)
            assert time.monotonic() < ends, bytes(self.printed)
            time.sleep(0.005)

    @property
    def stderr(self) -> str:
        """What the command wrote to standard error."""
        return self.errors.read_text(errors="replace")

    @property
    def processes(self) -> set[int]:
        """The processes of its session that are still running."""
        return sessions.members(self.process.pid)

    def drain(self) -> None:
        """Read the terminal until it is closed."""
        with suppress(OSError):
            while chunk := os.read(self.leader, 65536):
                self.printed += chunk


@contextmanager
def run_in_terminal(*arguments: str, folder: Path, **variables: str) -> Iterator[TerminalCommand]:
    """Start a command, and end all its processes when the block ends.

    Args:
        arguments: arguments of the command.
        folder: working directory; the file for standard error is created beside it.
        variables: environment variables to add.
    """
    leader, follower = pty.openpty()
    began, beginning = os.pipe()
    errors = folder.with_name(f"{folder.name}.err")
    with errors.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-S", "-c", _LAUNCH, str(beginning), *command(*arguments)],
            cwd=folder,
            env=without_coverage(TERM="xterm", **variables),
            stdin=follower,
            stdout=follower,
            stderr=stream,
            pass_fds=(beginning,),
        )
    os.close(follower)
    os.close(beginning)
    os.read(began, 1)
    os.close(began)
    running = TerminalCommand(process, leader, errors)
    reader = Thread(target=running.drain, daemon=True)
    reader.start()
    try:
        yield running
    finally:
        process.kill()
        process.wait()
        sessions.end(process.pid, signal.SIGKILL, 10, lambda: False)
        reader.join(10)
        os.close(leader)
