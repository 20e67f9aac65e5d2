"""Measure whole processes from outside: wall time, processor time and peak memory."""

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
_POLL_INTERVAL = 0.02


@dataclass(frozen=True)
class Cost:
    """The resources that a process used.

    Args:
        wall: seconds from its start to its end.
        cpu: processor seconds of all its threads and children.
        peak: peak memory of it and its children together, in MB; shared memory is counted for each of them.
    """

    wall: float
    cpu: float
    peak: float


def measure_process(command: Sequence[str], **environment: str) -> Cost:
    """Run a command to its end.

    Raises:
        subprocess.CalledProcessError: the command failed.
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
    """Sample the memory of a process and its children until it ends; returns the peak in bytes."""
    most = 0
    while (now := _memory(pid)) is not None:
        most = max(most, now)
        time.sleep(_POLL_INTERVAL)
    return most


def _memory(pid: int) -> int | None:
    """Bytes of a process and its children; ``None`` after its end."""
    folder = Path("/proc") / str(pid)
    try:
        pages = int((folder / "statm").read_text().split()[1])
        children = [child for file in folder.glob("task/*/children") for child in file.read_text().split()]
    except (OSError, IndexError):
        return None
    return pages * resource.getpagesize() + sum(_memory(int(child)) or 0 for child in children)


@dataclass
class RunningServer:
    """A running server of records.

    Args:
        process: process of the server.
        port: TCP port on the loopback interface.
    """

    process: subprocess.Popen[str]
    port: int

    @property
    def environment(self) -> dict[str, str]:
        """The settings for this server."""
        return {
            "FLORIDAY_BASE_URL": f"http://127.0.0.1:{self.port}/suppliers-api-2026v1",
            "FLORIDAY_AUTH_URL": f"http://127.0.0.1:{self.port}/token",
            "FLORIDAY_CLIENT_ID": "bench",
            "FLORIDAY_CLIENT_SECRET": "bench",
            "FLORIDAY_API_KEY": "bench",
            "FLORIDAY_PUBLISHED": "off",
        }

    def show(self, records: int) -> Mapping[str, int]:
        """Serve the first ``records`` records from now on; returns the numbers of calls so far, by endpoint."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{records}\n")
        self.process.stdin.flush()
        calls: dict[str, int] = json.loads(self.process.stdout.readline())
        return calls


@contextmanager
def run_server(records: Path, **options: Any) -> Iterator[RunningServer]:
    """Run a server of records within the block."""
    command = [sys.executable, "-m", "harness.server", str(records)]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'benchmarks'}"}
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield RunningServer(process, int(process.stdout.readline()))
        finally:
            process.stdin.close()
            process.wait(10)


def floriday(*arguments: str) -> list[str]:
    """The command ``floriday`` with these arguments, in the current interpreter."""
    return [sys.executable, "-m", "pipelines.cli", *arguments]
