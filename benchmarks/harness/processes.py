"""Whole processes, measured from outside: wall time, processor time and the most memory that they held."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_LOOK_AGAIN = 0.02


@dataclass(frozen=True)
class Cost:
    """What a process cost.

    Args:
        wall: seconds from its start to its end.
        cpu: seconds of processors, of all its threads and children.
        peak: megabytes that it and its children held at most, together; what they share counts for each.
    """

    wall: float
    cpu: float
    peak: float


def measured(command: Sequence[str], **environment: str) -> Cost:
    """Run a command to its end.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    began = time.perf_counter()
    with subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL) as process:
        with ThreadPoolExecutor(1) as thread:
            watched = thread.submit(_watch, process.pid)
            _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    peak = max(watched.result() / 2**20, used.ru_maxrss / 1024)
    return Cost(time.perf_counter() - began, used.ru_utime + used.ru_stime, peak)


def _watch(pid: int) -> int:
    """The most bytes that a process and its children were seen to hold at once, until it ended."""
    most = 0
    while (now := _held(pid)) is not None:
        most = max(most, now)
        time.sleep(_LOOK_AGAIN)
    return most


def _held(pid: int) -> int | None:
    """Bytes of a process and its children; None where there is no such process any more."""
    place = Path("/proc") / str(pid)
    try:
        pages = int((place / "statm").read_text().split()[1])
        children = [child for one in place.glob("task/*/children") for child in one.read_text().split()]
    except (OSError, IndexError):
        return None
    return pages * resource.getpagesize() + sum(_held(int(child)) or 0 for child in children)


@dataclass
class Served:
    """A running server.

    Args:
        process: it.
        port: where it listens.
    """

    process: subprocess.Popen[str]
    port: int

    @property
    def environment(self) -> dict[str, str]:
        """The settings that point at it."""
        return {
            "FLORIDAY_BASE_URL": f"http://127.0.0.1:{self.port}/suppliers-api-2026v1",
            "FLORIDAY_AUTH_URL": f"http://127.0.0.1:{self.port}/token",
            "FLORIDAY_CLIENT_ID": "bench",
            "FLORIDAY_CLIENT_SECRET": "bench",
            "FLORIDAY_API_KEY": "bench",
            "FLORIDAY_PUBLISHED": "off",
        }

    def show(self, records: int) -> Mapping[str, int]:
        """Let so many records be seen; returns the calls that were made before, by endpoint."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{records}\n")
        self.process.stdin.flush()
        calls: dict[str, int] = json.loads(self.process.stdout.readline())
        return calls


@contextmanager
def served(books: Path, **options: Any) -> Iterator[Served]:
    """A server of records, ended in the end."""
    command = [sys.executable, "-m", "harness.server", str(books)]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'benchmarks'}"}
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as one:
        assert one.stdin
        assert one.stdout
        try:
            yield Served(one, int(one.stdout.readline()))
        finally:
            one.stdin.close()
            one.wait(10)


def floriday(*arguments: str) -> list[str]:
    """The command line of this project, in the interpreter that runs."""
    return [sys.executable, "-m", "pipelines.cli", *arguments]
