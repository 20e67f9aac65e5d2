"""``dagster dev`` started as a person starts it in the project's folder, for tests of what it does there."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from pipelines.orchestration.serving import guarded_dev

ROOT = Path(__file__).parents[2]
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}
ASSETS_JOB = "__ASSET_JOB"
"""By this name go the runs of assets that a person chose."""

REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": "pipelines.definitions"}

# A process that starts with SIGINT ignored, as in the background of a script, has Dagster ignore SIGTERM as well.
START = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"

LOCATIONS = """
{workspaceOrError {... on Workspace {locationEntries {locationOrLoadError {... on PythonError {message}}}}}}
"""
ASSETS = "{assetNodes{assetKey{path} groupName description jobNames assetMaterializations(limit:1){runId}}}"
LAUNCH = """
mutation($given: ExecutionParams!) {
  launchRun(executionParams: $given) {
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


def project_folder(folder: Path) -> Path:
    """Put Dagster's own files of this project into a folder, in which nothing is set and whose home is empty."""
    for name in ("dagster.yaml", "workspace.yaml", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    (folder / ".env").touch()
    (folder / "home").mkdir()
    return folder


def until(condition: Callable[[], Any], seconds: float = 180) -> Any:
    """What the condition says once it says something."""
    ends = time.monotonic() + seconds
    while not (said := condition()):
        assert time.monotonic() < ends, "nothing came of it"
        time.sleep(0.1)
    return said


def for_weeks(first: str, last: str | None = None) -> dict[str, str]:
    """The tags with which the UI says for which partitions a run is."""
    if last is None:
        return {"dagster/partition": first}
    return {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}


@dataclass
class DagsterDev:
    """A running ``dagster dev``.

    Args:
        port: where its server listens.
        process: leads a process group of its own, to which the code server and the runs belong too.
        heard: all that its server answered.
    """

    port: int
    process: subprocess.Popen[bytes]
    heard: str = ""

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data that a GraphQL query gets."""
        answer = requests.post(
            f"http://127.0.0.1:{self.port}/graphql", json={"query": query, "variables": variables}, timeout=30
        )
        self.heard += answer.text
        told: dict[str, Any] = answer.json()
        assert "errors" not in told, told
        return dict(told["data"])

    def is_there(self) -> bool:
        """Whether the server answers and has loaded the project."""
        try:
            told = self.ask(LOCATIONS)["workspaceOrError"]["locationEntries"]
        except requests.ConnectionError:
            return False
        errors = [entry["locationOrLoadError"]["message"] for entry in told if entry["locationOrLoadError"]]
        assert not errors, errors
        return bool(self.assets())

    def assets(self) -> list[dict[str, Any]]:
        """The assets."""
        return list(self.ask(ASSETS)["assetNodes"])

    def launch(
        self,
        job: str = "sync",
        *,
        assets: Iterable[str] = (),
        tags: Mapping[str, str] | None = None,
        ops: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> str:
        """Launch a run; returns its id at once.

        Args:
            job: the job; :data:`ASSETS_JOB` for assets that a person chose.
            assets: as ``schema.table``; all of the job where none is named.
            tags: of the run; those of :func:`for_weeks` say which partitions it is for.
            ops: config of its ops, by their names.
        """
        chosen = [{"path": name.split(".")} for name in assets]
        given = {
            "selector": {"pipelineName": job, "assetSelection": chosen or None, **REPOSITORY},
            "runConfigData": json.dumps({"ops": {op: {"config": config} for op, config in (ops or {}).items()}}),
            "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in (tags or {}).items()]},
        }
        launched = self.ask(LAUNCH, given=given)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["runId"])

    def run(self, job: str = "sync", **asked: Any) -> str:
        """Launch a run; returns its id once it has ended."""
        run_id = self.launch(job, **asked)
        self.until_ended(run_id)
        return run_id

    def until_ended(self, run_id: str, seconds: float = 240) -> str:
        """Wait for the end of a run; returns how it ended."""
        until(lambda: self.status(run_id) in ENDED, seconds)
        return self.status(run_id)

    def status(self, run_id: str) -> str:
        """How a run is doing."""
        return str(self.ask(RUN, id=run_id)["runOrError"]["status"])

    def times(self, run_id: str) -> tuple[float, float]:
        """When a run began and when it ended, in seconds since the epoch."""
        told = self.ask(RUN, id=run_id)["runOrError"]
        return told["startTime"], told["endTime"]

    def events(self, run_id: str, kind: str) -> list[dict[str, Any]]:
        """The events of a kind in a run."""
        page = self.ask(EVENTS, id=run_id)["logsForRun"]
        events = page["events"]
        while page["hasMore"]:
            page = self.ask(EVENTS, id=run_id, after=page["cursor"])["logsForRun"]
            events += page["events"]
        return [event for event in events if event["__typename"] == kind]


@contextmanager
def dagster_dev(folder: Path, *, is_guarded: bool = False, **variables: str) -> Iterator[DagsterDev]:
    """Start it in a folder, wait until it serves, and stop it in the end; no flag but the port.

    Args:
        folder: as :func:`project_folder` leaves it; what it says goes into the file ``output``.
        is_guarded: whether its web server stands behind the web guard, as that of ``floriday up`` does.
        variables: of its environment, beside those that every process has.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    kept = {name: text for name, text in os.environ.items() if name == "PATH" or name.startswith("COVERAGE")}
    guarded = (sys.executable, "-m", guarded_dev.__name__)
    command = guarded if is_guarded else (str(Path(sys.executable).with_name("dagster")), "dev")
    with (folder / "output").open("ab") as output:
        process = subprocess.Popen(
            (sys.executable, "-c", START, *command, "-p", str(port)),
            cwd=folder,
            env={**kept, "HOME": str(folder / "home"), "PYTHONPATH": str(ROOT), **variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        server = DagsterDev(port, process)
        until(server.is_there)
        yield server
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End it as Ctrl-C does; whatever of it is left after a while is killed."""
    process.terminate()
    try:
        process.wait(30)
    finally:
        kill_all(process)


def kill_all(process: subprocess.Popen[bytes]) -> None:
    """End it and all that it started without a chance to tidy up, as a power cut does."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
