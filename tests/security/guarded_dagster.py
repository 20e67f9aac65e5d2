"""Dagster's web server behind the web guard, with one job that does nothing."""

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
"""The host name of a proxy that is allowed to forward requests."""

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
        status: HTTP status; 0 if the connection was closed without an answer.
        head: status line and headers, in lower case.
        body: text after the headers.
    """

    status: int
    head: str
    body: str

    @property
    def is_refused(self) -> bool:
        """Whether the guard refused the request: status 403 and one line with a remedy."""
        return self.status == 403 and self.body.startswith("Refused: ") and self.body.count("\n") == 1


@dataclass(frozen=True)
class GuardedDagster:
    """A running web server behind the guard.

    Args:
        port: port on the loopback where the server listens.
    """

    port: int

    @property
    def address(self) -> str:
        """The origin of the server."""
        return f"http://127.0.0.1:{self.port}"

    def send(self, request: str) -> Answer:
        """Send a request exactly as given, with CR LF as line ends."""
        return send(self.port, request)

    def runs(self) -> int:
        """Number of runs, requested as a local program requests it."""
        response = requests.post(f"{self.address}/graphql", json={"query": RUNS}, timeout=30).json()
        return len(response["data"]["runsOrError"]["results"])


def send(port: int, request: str) -> Answer:
    """Send a request exactly as given to a server on the loopback, and return the complete answer."""
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
    """Start the server in an empty folder, wait until it serves, and end it with its child processes."""
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
