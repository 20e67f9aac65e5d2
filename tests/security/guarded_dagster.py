"""Dagster's web server behind the web guard, over one job that does nothing, for tests of who may command it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

ROOT = Path(__file__).parents[2]
PROXY = "floriday.example.com"
"""The host name of a proxy that is allowed."""

CODE = """
import dagster as dg


@dg.op
def nothing() -> None:
    pass


@dg.job
def harmless() -> None:
    nothing()


defs = dg.Definitions(jobs=[harmless])
"""
LAUNCH = (
    'mutation {launchRun(executionParams: {mode: "default", selector: {pipelineName: "harmless",'
    ' repositoryName: "__repository__", repositoryLocationName: "harmless.py"}})'
    " {__typename ... on PythonError {message}}}"
)
RUNS = "{runsOrError {... on Runs {results {runId}}}}"


@dataclass(frozen=True)
class Answer:
    """The answer to a request.

    Args:
        status: its HTTP status; 0 where the connection was closed without one.
        head: the status line and headers, in lower case.
        body: what follows.
    """

    status: int
    head: str
    body: str

    @property
    def is_refused(self) -> bool:
        """Whether it is the guard's: 403 with one line that says what to do."""
        return self.status == 403 and self.body.startswith("Refused: ") and self.body.count("\n") == 1


@dataclass(frozen=True)
class GuardedDagster:
    """A running server.

    Args:
        port: where it listens, on the loopback.
    """

    port: int

    @property
    def address(self) -> str:
        """Its origin."""
        return f"http://127.0.0.1:{self.port}"

    def send(self, request: str) -> Answer:
        """Send a request as it is written, header by header; line ends are made CR LF."""
        return send(self.port, request)

    def runs(self) -> int:
        """How many runs were launched so far, as a program of this machine asks it."""
        told = requests.post(f"{self.address}/graphql", json={"query": RUNS}, timeout=30).json()
        return len(told["data"]["runsOrError"]["results"])


def send(port: int, request: str) -> Answer:
    """Send a request to a server on the loopback as it is written; read until the server has answered it."""
    head, _, body = request.partition("\n\n")
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(f"{head}\n\n".replace("\n", "\r\n").encode("latin-1") + body.encode())
        with connection.makefile("rb") as answer:
            head = "".join(iter(lambda: answer.readline().decode("latin-1").rstrip("\r\n") + "\n", "\n")).lower()
            status = int(head.split()[1]) if head else 0
            length = head.partition("\ncontent-length: ")[2].partition("\n")[0]
            return Answer(status, head, answer.read(int(length or 0)).decode())


@contextmanager
def guarded_dagster(folder: Path) -> Iterator[GuardedDagster]:
    """Start it in an empty folder, wait until it serves, and end it with all that it started."""
    (folder / "harmless.py").write_text(CODE)
    (folder / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with socket.create_server(("127.0.0.1", 0)) as free:
        server = GuardedDagster(free.getsockname()[1])
    module = "pipelines.orchestration.serving.guarded_webserver"
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            (sys.executable, "-m", module, "--allow-host", PROXY, "-p", str(server.port), "-f", "harmless.py"),
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "DAGSTER_HOME": str(folder)},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _wait(process, server.port, folder / "output")
        yield server
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, output: Path) -> None:
    ends = time.monotonic() + 120
    while True:
        assert process.poll() is None, output.read_text()
        assert time.monotonic() < ends, output.read_text()
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
