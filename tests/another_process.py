"""Another process that keeps a file open during a test."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context


@contextmanager
def another_process(code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run a Python program that prints a line when it is ready, and ends when its standard input is closed."""
    command = [sys.executable, "-c", f"import sys\n{code}\nprint('ready', flush=True)\nsys.stdin.read()"]
    with subprocess.Popen(
        [*command, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        end(process)


def end(process: subprocess.Popen[str]) -> None:
    """Let another process end, and wait for it."""
    process.communicate("")


FORKED = get_context("forkserver")
"""Starts processes quickly, because their modules are imported in advance."""
FORKED.set_forkserver_preload(["tests.killed_syncs", "tests.concurrent_readers"])

READER = "import duckdb\nheld = duckdb.connect(sys.argv[1], read_only=True)"
WRITER = "import duckdb\nheld = duckdb.connect(sys.argv[1])"
