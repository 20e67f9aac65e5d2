"""Where the time of a run in Dagster goes: queue, launch, imports, steps and the rest, from launch to end.

    .venv/bin/python benchmarks/run_in_dagster.py [--rounds 5] [--beside PYTHON]

`dagster dev` runs beside a sandbox. A run of one feed, of which a record changed, and one of all feeds are launched as
its web page does. ``--beside`` names the Python of another checkout's environment: its runs take turns with ours.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from harness.arguments import parser
from harness.run_process import Watch
from harness.sandbox_process import sandbox_process

from pipelines.catalogue import catalogue_of

NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
ACCOUNT, FEED = "bench", "orders.sales_orders"
FEEDS = [source.name for source in catalogue_of("suppliers").sources]
SMALL = {"floriday/repeats_checks": "true", "floriday/evaluates_checks": "true"}
"""The tags of a run that the sensor of changed feeds starts."""

UNSELECTED = Path("pipelines") / "orchestration" / "assets" / "check_events.py"
"""Checkouts without this module select the checks of small runs."""

REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": "floriday"}
LAUNCH = """mutation($params: ExecutionParams!) {
  launchRun(executionParams: $params) {__typename ... on LaunchRunSuccess {run {runId}} ... on PythonError {message}}
}"""
PARTS = (  # each part of a run, and the kind of event with which it ends
    ("request", "PIPELINE_ENQUEUED"),
    ("queue", "PIPELINE_STARTING"),
    ("start of the process", "ENGINE_EVENT"),
    ("loading the definitions", "PIPELINE_START"),
    ("first step begins", "STEP_START"),
    ("steps", "last STEP_SUCCESS"),
    ("end of the run", "PIPELINE_SUCCESS"),
)
"""Parts from the request to the end of the run."""


@dataclass(frozen=True)
class Server:
    """A running `dagster dev`.

    Args:
        root: folder of the checkout.
        folder: the folder in which it was started, with the files of Dagster.
        port: port of its web server.
        session: id of its session of processes.
    """

    root: Path
    folder: Path
    port: int
    session: int

    def query(self, query: str, **variables: Any) -> dict[str, Any]:
        """Return the data of a GraphQL query."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - the loopback
            return dict(json.loads(answer.read())["data"])

    def is_ready(self) -> bool:
        """Whether it has loaded the assets."""
        try:
            return bool(self.query("{assetNodes {id}}")["assetNodes"])
        except OSError:
            return False

    def run(self, feeds: Sequence[str], tags: Mapping[str, str]) -> Run:
        """Launch a run of the job `sync` for some feeds, and wait until its process has ended."""
        params = {
            "selector": {
                "pipelineName": "sync",
                "assetSelection": [{"path": feed.split(".")} for feed in feeds],
                "assetCheckSelection": [] if tags and (self.root / UNSELECTED).exists() else None,
                **REPOSITORY,
            },
            "runConfigData": json.dumps(
                {"ops": {feed.replace(".", "__"): {"config": {"incremental": True}} for feed in feeds}}
            ),
            "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
        }
        watch, began = Watch(self.session), time.time()
        launched = self.query(LAUNCH, params=params)["launchRun"]
        run_id = str(launched["run"]["runId"])
        shard = self.folder / "data" / "dagster" / "history" / "runs" / f"{run_id}.db"
        wait_until(lambda: shard.exists() and any("Process for run exited" in row[1] for row in _rows(shard)))
        time.sleep(0.7)  # for the end of the process
        watch.stop()
        return Run(began, _rows(shard), watch)


def _rows(shard: Path) -> list[tuple[float, str, str]]:
    """The time, the text and the kind of each event."""
    with closing(sqlite3.connect(shard, timeout=30)) as connection:
        try:
            rows = connection.execute("SELECT event, dagster_event_type FROM event_logs ORDER BY id").fetchall()
        except sqlite3.OperationalError:
            return []
    return [(json.loads(event)["timestamp"], event, kind or "LOG") for event, kind in rows]


@dataclass(frozen=True)
class Run:
    """A run that ended.

    Args:
        began: time of the request, in seconds since 1970.
        events: time, text and kind of each event.
        watch: samples of the processes.
    """

    began: float
    events: Sequence[tuple[float, str, str]]
    watch: Watch

    @property
    def pid(self) -> int:
        """The process of the run."""
        text = next(event for _, event, _ in self.events if "Started process for run" in event)
        return int(text.partition("(pid: ")[2].partition(")")[0])

    def figures(self) -> Iterator[tuple[str, float]]:
        """Wall time and processor time of the run's process, by part; the events; the time of the other processes."""
        before = self.began
        for name, kind in PARTS:
            end = self._time(kind)
            yield f"{name}, s", end - before
            yield f"{name}, cpu of the run's process", self.watch.cpu(self.pid, end) - self.watch.cpu(self.pid, before)
            before = end
        yield "end of the process, s", self.events[-1][0] - before
        last = self.watch.cpu(self.pid, time.time())
        yield "end of the process, cpu of the run's process", last - self.watch.cpu(self.pid, before)
        yield "until the end of the run, s", before - self.began
        yield "cpu of the run's process", last
        for name, words in (("daemon", "dagster._daemon"), ("web server", "webserver"), ("code server", "grpc")):
            pids = [pid for pid, command in self.watch.commands.items() if words in command and pid != self.pid]
            yield f"cpu of the {name}", sum(self._grown(pid) for pid in pids)
        yield "events", float(len(self.events))

    def _grown(self, pid: int) -> float:
        samples = self.watch.samples.get(pid, [(0.0, 0.0)])
        return samples[-1][1] - samples[0][1]

    def _time(self, kind: str) -> float:
        wanted = kind.removeprefix("last ")
        times = [
            at
            for at, text, each in self.events
            if each == wanted and (each != "ENGINE_EVENT" or "Started process" in text)
        ]
        return times[-1] if kind.startswith("last") else times[0]


def wait_until(condition: Callable[[], Any], seconds: float = 180) -> None:
    """Wait until the condition is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.1)


@contextmanager
def dagster_dev(python: Path, folder: Path, **variables: str) -> Iterator[Server]:
    """Run `dagster dev` of a checkout in a new folder within the block."""
    root = python.absolute().parents[2]
    folder.mkdir()
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(root / name, folder)
    (folder / ".env").touch()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    inherited = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            [python, "-m", "dagster", "dev", "-p", str(port)],
            cwd=folder,
            env={**inherited, "HOME": str(folder), "PYTHONPATH": str(root), **variables},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        server = Server(root, folder, port, process.pid)
        wait_until(server.is_ready)
        yield server
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def main() -> None:
    """Measure and print."""
    command_line = parser(__doc__, has_records=False)
    command_line.add_argument("--rounds", type=int, default=5)
    command_line.add_argument("--beside", type=Path, metavar="PYTHON", help="Python of another checkout's environment")
    options = command_line.parse_args()
    pythons = [each for each in (options.beside, Path(sys.executable)) if each]
    with ExitStack() as opened:
        folder = Path(opened.enter_context(TemporaryDirectory()))
        sandbox = opened.enter_context(sandbox_process([ACCOUNT], NOW))
        settings = {**sandbox.environment, "FLORIDAY_AUTOMATION": "off", "FLORIDAY_PUBLISHED": "off"}
        servers = [
            opened.enter_context(dagster_dev(python, folder / str(number), **settings))
            for number, python in enumerate(pythons)
        ]
        cases = {"one feed": ([FEED], SMALL), "41 feeds": (FEEDS, SMALL), "41 feeds, all checks": (FEEDS, {})}
        found: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for number in range(options.rounds + 1):
            for case, (feeds, tags) in cases.items():
                sandbox.change([ACCOUNT], [FEED], 1.0)
                for server in servers:
                    run = server.run(feeds, tags if number else {})
                    for name, value in run.figures() if number else ():
                        found[case, name][server.folder.name].append(value)
        _print(found, servers)


def _print(found: Mapping[tuple[str, str], Mapping[str, Sequence[float]]], servers: Sequence[Server]) -> None:
    print(f"{'':<62}" + "".join(f"{server.root.name:>12}" for server in servers))
    for (case, name), values in found.items():
        medians = [median(values[server.folder.name]) for server in servers]
        ratio = f"{medians[-1] / medians[0]:12.2f}" if len(medians) > 1 and medians[0] else ""
        print(f"{case + ': ' + name:<62}" + "".join(f"{each:12.2f}" for each in medians) + ratio)


if __name__ == "__main__":
    main()
