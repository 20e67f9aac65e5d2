"""Run many commands on pseudo-terminals of any width, each in a child process that has the modules already imported.

``tests.pseudo_terminal`` runs one command in a new process, and interrupts it at any moment.
"""

from __future__ import annotations

import json
import os
import pty
import selectors
import shutil
import signal
import subprocess
import sys
import termios
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pipelines.cli.entry
import pipelines.cli.output
import pipelines.dashboard
import pipelines.sync.session
import pipelines.warehouse.read.parquet_export  # noqa: F401 - imported once for all children
from pipelines.cli import main
from tests.command_line import process_environment

CONCURRENT = 2
"""Commands that run at a time."""


@dataclass(frozen=True)
class Job:
    """A command to run in a new folder, which is removed at its end.

    Args:
        arguments: arguments of the command.
        columns: width of the terminal; None for a pipe.
        folder: the new folder, which is the working directory.
        files: files to copy into the folder, by their names in it.
        variables: environment variables to add.
        until: text after which the command is stopped by Ctrl-C; None to let it end.
    """

    arguments: tuple[str, ...]
    columns: int | None
    folder: str
    files: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    until: str | None = None


def run_jobs(jobs: Sequence[Job], seconds: float = 300) -> list[str]:
    """Run commands; return what each printed, on standard output and standard error."""
    environment = process_environment(TERM="xterm-256color")
    del environment["COLUMNS"]
    ended = subprocess.run(
        [sys.executable, "-m", "tests.terminal_commands"],
        input=json.dumps([asdict(job) for job in jobs]),
        env=environment,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    printed: list[str] = json.loads(ended.stdout)
    return printed


class _Running:
    """A command that runs in a child process."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.printed = b""
        self._is_stopped = False
        Path(job.folder).mkdir(parents=True)
        for name, file in job.files.items():
            shutil.copyfile(file, Path(job.folder, name))
        self.leader, follower = os.pipe() if job.columns is None else pty.openpty()
        if job.columns is not None:
            termios.tcsetwinsize(follower, (50, job.columns))
        self._process = os.fork()
        if not self._process:
            _replace_by_command(job, follower)
        os.close(follower)

    def read(self) -> bool:
        """Read what it printed; returns False at its end."""
        try:
            chunk = os.read(self.leader, 65536)
        except OSError:  # the terminal was closed
            chunk = b""
        self.printed += chunk
        if self.job.until is not None and self.job.until.encode() in self.printed and not self._is_stopped:
            os.kill(self._process, signal.SIGINT)
            self._is_stopped = True
        return bool(chunk)

    def end(self) -> str:
        """Wait for the process; returns what it printed."""
        os.close(self.leader)
        os.waitpid(self._process, 0)
        shutil.rmtree(self.job.folder)
        return self.printed.decode().replace("\r\n", "\n")


def _replace_by_command(job: Job, output: int) -> None:
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(job.folder)
    os.environ.update(job.variables)
    sys.argv = ["floriday", *job.arguments]
    main()


def _main() -> None:
    jobs = [Job(**job) for job in json.load(sys.stdin)]
    printed = [""] * len(jobs)
    waiting = list(enumerate(jobs))[::-1]
    with selectors.DefaultSelector() as selector:
        while waiting or selector.get_map():
            while waiting and len(selector.get_map()) < CONCURRENT:
                number, job = waiting.pop()
                running = _Running(job)
                selector.register(running.leader, selectors.EVENT_READ, (number, running))
            for key, _ in selector.select():
                number, running = key.data
                if not running.read():
                    selector.unregister(running.leader)
                    printed[number] = running.end()
    json.dump(printed, sys.stdout)


if __name__ == "__main__":
    _main()
