"""``dagster dev`` started as a user starts it in the project's folder, for end-to-end tests."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from pipelines.orchestration.serving import guarded_dev

ROOT = Path(__file__).parents[2]
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}
ASSETS_JOB = "__ASSET_JOB"
"""Dagster's name for the job of runs of selected assets."""

REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": "floriday"}

# If a process starts with SIGINT ignored, as in the background of a script, Dagster ignores SIGTERM as well.
START = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"

LOCATIONS = """
{workspaceOrError {... on Workspace {locationEntries {locationOrLoadError {... on PythonError {message}}}}}}
"""
ASSETS = "{assetNodes{assetKey{path} groupName description jobNames assetMaterializations(limit:1){runId}}}"
LAUNCH = """
mutation($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename ... on LaunchRunSuccess {run {runId}} ... on PythonError {message}
    ... on RunConfigValidationInvalid {errors {message}}
  }
}
"""
RUN = "query($id: ID!) {runOrError(runId: $id) {... on Run {status startTime endTime runConfigYaml}}}"
EVENTS = """
query($id: ID!, $after: String) {
  logsForRun(runId: $id, afterCursor: $after) {
    ... on EventConnection {
      cursor hasMore
      events {
        __typename
        ... on MessageEvent {message}
        ... on ExecutionStepFailureEvent {stepKey error {message stack} failureMetadata {description}}
        ... on ObservationEvent {assetKey {path}}
        ... on MaterializationEvent {
          assetKey {path} partition metadataEntries {label ... on IntMetadataEntry {intValue}}
        }
      }
    }
  }
}
"""


def program(name: str) -> str:
    """Return the path of a program of the environment in which the tests run."""
    return str(Path(sys.executable).with_name(name))


DAGSTER_DEV = (program("dagster"), "dev")
GUARDED_DEV = (sys.executable, "-m", guarded_dev.__name__)
"""The commands that start Dagster; the second one with the web guard of ``floriday up``."""


def project_folder(folder: Path) -> Path:
    """Copy the project's Dagster files into a folder, with an empty `.env` file and an empty home."""
    for name in ("dagster.yaml", "workspace.yaml", "pyproject.toml", "dg.toml"):
        shutil.copy(ROOT / name, folder)
    (folder / ".env").touch()
    (folder / "home").mkdir()
    return folder


def wait_for(condition: Callable[[], Any], seconds: float = 180) -> Any:
    """Wait until the condition returns a true value; return that value."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.1)
    return value


def partition_tags(first: str, last: str | None = None) -> dict[str, str]:
    """Return the tags with which the UI defines the partitions of a run."""
    if last is None:
        return {"dagster/partition": first}
    return {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}


@dataclass
class DagsterDev:
    """A running ``dagster dev``.

    Args:
        port: the port of its web server.
        process: the leader of a process group with the code server and the runs.
        answers: text of all answers of its web server.
    """

    port: int
    process: subprocess.Popen[bytes]
    answers: str = ""

    def query(self, query: str, **variables: Any) -> dict[str, Any]:
        """Return the data of a GraphQL query."""
        answer = requests.post(
            f"http://127.0.0.1:{self.port}/graphql", json={"query": query, "variables": variables}, timeout=30
        )
        self.answers += answer.text
        result: dict[str, Any] = answer.json()
        assert "errors" not in result, result
        return dict(result["data"])

    def is_ready(self) -> bool:
        """Whether the server answers and has loaded the project."""
        try:
            entries = self.query(LOCATIONS)["workspaceOrError"]["locationEntries"]
        except requests.ConnectionError:
            return False
        errors = [entry["locationOrLoadError"]["message"] for entry in entries if entry["locationOrLoadError"]]
        assert not errors, errors
        return bool(self.assets())

    def assets(self) -> list[dict[str, Any]]:
        """Return all assets."""
        return list(self.query(ASSETS)["assetNodes"])

    def launch(
        self,
        job: str = "sync",
        *,
        assets: Iterable[str] = (),
        tags: Mapping[str, str] | None = None,
        ops: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> str:
        """Launch a run; return its id at once.

        Args:
            job: name of the job; :data:`ASSETS_JOB` for selected assets.
            assets: selected assets as ``schema.table``; empty for all of the job.
            tags: tags of the run, for example those of :func:`partition_tags`.
            ops: the config of each op, by its name.
        """
        selected = [{"path": name.split(".")} for name in assets]
        params = {
            "selector": {"pipelineName": job, "assetSelection": selected or None, **REPOSITORY},
            "runConfigData": json.dumps({"ops": {op: {"config": config} for op, config in (ops or {}).items()}}),
            "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in (tags or {}).items()]},
        }
        launched = self.query(LAUNCH, params=params)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["runId"])

    def run(self, job: str = "sync", **options: Any) -> str:
        """Launch a run and wait until it has ended; return its id."""
        run_id = self.launch(job, **options)
        self.wait_until_ended(run_id)
        return run_id

    def wait_until_ended(self, run_id: str, seconds: float = 240) -> str:
        """Wait until a run has ended; return its status."""
        wait_for(lambda: self.status(run_id) in ENDED, seconds)
        return self.status(run_id)

    def status(self, run_id: str) -> str:
        """Return the status of a run."""
        return str(self.query(RUN, id=run_id)["runOrError"]["status"])

    def times(self, run_id: str) -> tuple[float, float]:
        """Return start and end of a run, in seconds since 1970."""
        run = self.query(RUN, id=run_id)["runOrError"]
        return run["startTime"], run["endTime"]

    def events(self, run_id: str, kind: str) -> list[dict[str, Any]]:
        """Return all events of a kind in a run."""
        page = self.query(EVENTS, id=run_id)["logsForRun"]
        events = page["events"]
        while page["hasMore"]:
            page = self.query(EVENTS, id=run_id, after=page["cursor"])["logsForRun"]
            events += page["events"]
        return [event for event in events if event["__typename"] == kind]


def environment(folder: Path) -> dict[str, str]:
    """Return the variables of a program that is started in a project's folder, with the folder's own home."""
    inherited = {name: text for name, text in os.environ.items() if name == "PATH" or name.startswith("COVERAGE")}
    return {**inherited, "HOME": str(folder / "home"), "PYTHONPATH": str(ROOT)}


@contextmanager
def dagster_dev(folder: Path, command: Sequence[str] = DAGSTER_DEV, **variables: str) -> Iterator[DagsterDev]:
    """Start it in a folder, wait until it is ready, and stop it at the end.

    Args:
        folder: a folder prepared by :func:`project_folder`; output goes to its file ``output``.
        command: the program that starts Dagster, with its arguments except the port.
        variables: environment variables beside those that every process has.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (folder / "output").open("ab") as output:
        process = subprocess.Popen(
            (sys.executable, "-c", START, *command, "-p", str(port)),
            cwd=folder,
            env={**environment(folder), **variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        server = DagsterDev(port, process)
        wait_for(server.is_ready)
        yield server
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop it as Ctrl-C does, and kill the processes that are left after 30 seconds."""
    process.terminate()
    try:
        process.wait(30)
    finally:
        kill_all(process)


def kill_all(process: subprocess.Popen[bytes]) -> None:
    """Kill it and all its processes at once, as a power failure does."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
