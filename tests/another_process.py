"""Another process that holds something while a test looks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context


@contextmanager
def another_process(code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A Python program that prints when it is ready, and ends with its standard input."""
    command = [sys.executable, "-c", f"import sys\n{code}\nprint('ready', flush=True)\nsys.stdin.read()"]
    with subprocess.Popen(
        [*command, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        end(process)


def end(process: subprocess.Popen[str]) -> None:
    """Let another process come to its end."""
    process.communicate("")


FORKED = get_context("forkserver")
"""Processes that begin with everything imported, and so at once."""
FORKED.set_forkserver_preload(["tests.killings", "tests.shared_reading"])

READER = "import duckdb\nheld = duckdb.connect(sys.argv[1], read_only=True)"
WRITER = "import duckdb\nheld = duckdb.connect(sys.argv[1])"
