"""Dagster on several machines, as `deploy/celery` sets it up: PostgreSQL, a broker, the daemon and Celery's workers.

All of them are real processes of this machine; the test is skipped where one of their programs is missing.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import pytest

from tests.lakes import postgres

DEPLOY = Path(__file__).parents[1] / "deploy" / "celery"


def require_programs() -> None:
    """Skip the test where a program or package is missing."""
    for package in ("dagster_celery", "dagster_postgres"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    postgres()


def wait_for(condition: Callable[[], object], what: str, timeout: float = 60.0) -> None:
    """Wait until a condition holds; fail with what was expected after ``timeout`` seconds."""
    ends = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < ends, f"not within {timeout:g} s: {what}"
        time.sleep(0.1)


@dataclass
class Deployment:
    """The processes of one deployment.

    Args:
        home: the folder of `dagster.yaml`, and of the logs of the processes.
        workspace: the file that names the code location.
        variables: the environment of all processes.
    """

    home: Path
    workspace: Path
    variables: dict[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment of a process."""
        return {**os.environ, **self.variables}

    def start(self, name: str, *command: str) -> None:
        """Start a process, whose output is written to a log."""
        with (self.home / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command, env=self.environment, cwd=self.home, stdout=log, stderr=log, start_new_session=True
            )

    def start_daemon(self) -> None:
        """Start Dagster's daemon."""
        self.start("daemon", sys.executable, "-m", "dagster._daemon", "run", "--workspace", str(self.workspace))

    def start_worker(self, name: str) -> None:
        """Start a worker that executes one run at a time."""
        app = "pipelines.celery_app"
        options = ("--loglevel", "INFO", "--concurrency", "1", "--queues", "dagster", "--hostname", f"{name}@%h")
        self.start(name, sys.executable, "-m", "celery", "--app", app, "worker", *options)

    def log(self, name: str) -> str:
        """What a process has written."""
        path = self.home / f"{name}.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def kill(self, name: str) -> None:
        """End a process and all that it started with ``kill -9``."""
        process = self.processes.pop(name)
        with suppress(ProcessLookupError):  # it has ended
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def close(self) -> None:
        """End all processes."""
        for name in reversed([*self.processes]):
            self.kill(name)

    def instance(self) -> dg.DagsterInstance:
        """The instance that all processes use."""
        return dg.DagsterInstance.from_config(str(self.home))


@contextmanager
def deployment(home: Path, workspace: Path, variables: Mapping[str, str]) -> Iterator[Deployment]:
    """Start a broker, and create a database for Dagster; the daemon and the workers are not started yet."""
    require_programs()
    with ExitStack() as stack:
        port = free_port()
        given = {
            **variables,
            "DAGSTER_HOME": str(home),
            "DAGSTER_POSTGRES_URL": new_database(f"dagster_{port}"),
            "DAGSTER_CELERY_BROKER_URL": f"redis://127.0.0.1:{port}/0",
        }
        shutil.copy(DEPLOY / "dagster.yaml", home / "dagster.yaml")
        deployed = Deployment(home, workspace, given)
        stack.callback(deployed.close)
        deployed.start("broker", "redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "")
        wait_for(lambda: "Ready to accept connections" in deployed.log("broker"), "the broker starts")
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in given.items():
            patch.setenv(name, value)
        yield deployed


def new_database(name: str) -> str:
    """Create a database, and return its address as SQLAlchemy reads it."""
    import psycopg2  # noqa: PLC0415 - installed with the extra `scale` alone

    connection = psycopg2.connect(postgres())
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
        info = connection.info
        return f"postgresql+psycopg2://{info.user}@{info.host}:{info.port}/{name}"
    finally:
        connection.close()


def free_port() -> int:
    """Return a port of the loopback that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
