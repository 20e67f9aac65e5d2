"""``dagster dev`` as a person starts it in the project's folder: no flag but the port, no variable set."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from pipelines.sandbox import Sandbox
from tests.integration.dagster_project import RECORDS, SUPPLIERS, fill

ROOT = Path(__file__).parents[2]
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}

# A process that starts with SIGINT ignored, as in the background of a script, has Dagster ignore SIGTERM as well.
START = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"

ASSETS = "{assetNodes{assetKey{path} groupName description jobNames assetMaterializations(limit:1){runId}}}"
LAUNCH = """
mutation($selector: JobOrPipelineSelector!) {
  launchRun(executionParams: {selector: $selector, runConfigData: "{}"}) {
    __typename ... on LaunchRunSuccess {run {runId}} ... on PythonError {message}
  }
}
"""
RUN = "query($id: ID!) {runOrError(runId: $id) {... on Run {status runConfigYaml}}}"
EVENTS = """
query($id: ID!) {
  logsForRun(runId: $id) {
    ... on EventConnection {
      events {
        __typename
        ... on MessageEvent {message}
        ... on ExecutionStepFailureEvent {error {message stack} failureMetadata {description}}
        ... on MaterializationEvent {metadataEntries {label ... on IntMetadataEntry {intValue}}}
      }
    }
  }
}
"""
RESOURCES = """
query($selector: RepositorySelector!) {
  allTopLevelResourceDetailsOrError(repositorySelector: $selector) {
    ... on ResourceDetailsList {
      results {name description configFields {name} configuredValues {key value} nestedResources {name}}
    }
  }
}
"""
REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": "pipelines.definitions"}


def until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """What the condition says once it says something."""
    ends = time.monotonic() + seconds
    while not (said := condition()):
        assert time.monotonic() < ends, "nothing came of it"
        time.sleep(0.1)
    return said


@dataclass
class DagsterDev:
    """A running ``dagster dev``; ``heard`` is all that its server answered."""

    port: int
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

    def assets(self) -> list[dict[str, Any]]:
        """The assets, none while the server is not there yet."""
        try:
            return list(self.ask(ASSETS)["assetNodes"])
        except requests.ConnectionError:
            return []

    def launch(self) -> str:
        """Launch the job `sync`; returns the run's id once it has ended."""
        selector = {"pipelineName": "sync", **REPOSITORY}
        launched = self.ask(LAUNCH, selector=selector)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        run_id = str(launched["run"]["runId"])
        until(lambda: self.status(run_id) in ENDED)
        return run_id

    def status(self, run_id: str) -> str:
        """How a run is doing."""
        return str(self.ask(RUN, id=run_id)["runOrError"]["status"])

    def events(self, run_id: str, kind: str) -> list[dict[str, Any]]:
        """The events of a kind in a run."""
        events = self.ask(EVENTS, id=run_id)["logsForRun"]["events"]
        return [event for event in events if event["__typename"] == kind]


@contextmanager
def dagster_dev(folder: Path) -> Iterator[DagsterDev]:
    """Start it in a folder, wait until it serves, and stop it in the end."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    kept = {name: text for name, text in os.environ.items() if name == "PATH" or name.startswith("COVERAGE")}
    dagster = str(Path(sys.executable).with_name("dagster"))
    with (folder / "output").open("ab") as output:
        process = subprocess.Popen(
            (sys.executable, "-c", START, dagster, "dev", "-p", str(port)),
            cwd=folder,
            env={**kept, "HOME": str(folder / "home"), "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        server = DagsterDev(port)
        until(server.assets)
        yield server
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End it as Ctrl-C does; whatever of it is left after a while is killed."""
    process.terminate()
    try:
        process.wait(30)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project's folder with Dagster's own files and nothing set; its home is empty."""
    for name in ("dagster.yaml", "workspace.yaml", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".env").touch()
    (tmp_path / "home").mkdir()
    return tmp_path


def test_a_person_syncs_from_the_ui(folder: Path) -> None:
    """All assets are there, a run says what is not set; with a `.env` it succeeds; and a restart forgets nothing.

    No secret appears in an answer, in the output or in a file that Dagster wrote.
    """
    with Sandbox(empty=True) as sandbox:
        fill(sandbox)

        with dagster_dev(folder) as first:
            assets = first.assets()
            first.ask(RESOURCES, selector=REPOSITORY)
            unset = first.launch()
            unset_status = first.status(unset)
            failures = first.events(unset, "ExecutionStepFailureEvent")
            settings = "".join(f"{name}={text}\n" for name, text in sandbox.environment().items())
            (folder / ".env").write_text(settings)
            synced = first.launch()
            synced_status = first.status(synced)
            materializations = first.events(synced, "MaterializationEvent")

        with dagster_dev(folder) as second:
            remembered = {asset["assetMaterializations"][0]["runId"] for asset in second.assets()}
            again = second.launch()
            statuses = [second.status(run_id) for run_id in (unset, synced, again)]

        written = [path for path in folder.rglob("*") if path.is_file() and path.name != ".env"]
        told = (first.heard + second.heard).encode() + b"".join(path.read_bytes() for path in written)
        secrets = [sandbox.client_secret, *sandbox.api_keys.values()]

    assert sorted(".".join(asset["assetKey"]["path"]) for asset in assets) == sorted(f.name for f in SUPPLIERS.sources)
    assert unset_status == "FAILURE"
    assert len(failures) == len(SUPPLIERS.sources)
    assert all("FLORIDAY_CLIENT_ID is missing" in json.dumps(failure) for failure in failures)
    assert synced_status == "SUCCESS"
    rows = [
        entry for each in materializations for entry in each["metadataEntries"] if entry["label"] == "dagster/row_count"
    ]
    counts = sorted(entry["intValue"] for entry in rows)
    assert counts == [0] * len(SUPPLIERS.snapshots) + [RECORDS] * len(SUPPLIERS.feeds)
    assert remembered == {synced}
    assert statuses == ["FAILURE", "SUCCESS", "SUCCESS"]
    assert [secret for secret in secrets if secret.encode() in told] == []
