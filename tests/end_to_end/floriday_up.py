"""``floriday up`` started as a person starts it, for tests of what it does."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from pipelines.orchestration.serving import sessions
from tests.command_line import Ended, command, surroundings

BLANK = "FLORIDAY_CLIENT_ID=\nFLORIDAY_CLIENT_SECRET=\nFLORIDAY_API_KEY=\nFLORIDAY_AUTH_URL=\nFLORIDAY_AUTOMATION=\n"
"""A `.env` file in which nothing was filled in; without one, that of the checkout would be looked for."""

LAUNCH = """
mutation($selector: JobOrPipelineSelector!) {
  launchRun(executionParams: {selector: $selector, runConfigData: "{}"}) {
    __typename ... on LaunchRunSuccess {run {runId}} ... on PythonError {message}
  }
}
"""
RUNS = "{runsOrError(limit: 1000) {... on Runs {results {runId status startTime endTime}}}}"
STATUS = "query($id: ID!) {runOrError(runId: $id) {... on Run {status}}}"
REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": "pipelines.definitions"}


@dataclass
class Up:
    """A running ``floriday up``.

    Args:
        process: the command.
        folder: where it was started.
        lines: what it has printed so far.
    """

    process: subprocess.Popen[str]
    folder: Path
    lines: list[str] = field(default_factory=list)

    def until(self, beginning: str) -> str:
        """Read on to the line that begins so."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if line.startswith(beginning):
                return self.lines[-1]
        pytest.fail("\n".join((*self.lines, self.process.communicate()[1])))

    @property
    def told(self) -> dict[str, str]:
        """What it says after each word."""
        return dict(re.findall(r"(?m)^(\w+)  +(\S+)", "\n".join(self.lines)))

    @property
    def session(self) -> int:
        """The number of Dagster's session."""
        return int(json.loads((self.folder / "data" / "dagster" / "dagster.lock").read_text())["process"])

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data that a GraphQL query gets."""
        answer = requests.post(
            f"{self.told['Dagster']}/graphql", json={"query": query, "variables": variables}, timeout=60
        )
        told: dict[str, Any] = answer.json()
        assert "errors" not in told, told
        return dict(told["data"])

    def launch(self) -> str:
        """Launch the job `sync`; returns the run's id."""
        launched = self.ask(LAUNCH, selector={"pipelineName": "sync", **REPOSITORY})["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["runId"])

    def status(self, run_id: str) -> str:
        """How a run is doing."""
        return str(self.ask(STATUS, id=run_id)["runOrError"]["status"])

    def runs(self) -> list[dict[str, Any]]:
        """All runs, the oldest first."""
        return list(reversed(self.ask(RUNS)["runsOrError"]["results"]))

    def first_ended(self) -> str | None:
        """How the first run ended; None while it has not."""
        statuses = [run["status"] for run in self.runs()]
        return statuses[0] if statuses and statuses[0] in {"SUCCESS", "FAILURE", "CANCELED"} else None

    def end(self, number: signal.Signals) -> Ended:
        """Ask it to stop, and wait until it has."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=60)
        return Ended(self.process.returncode, "".join(f"{line}\n" for line in self.lines) + out, err)


@contextmanager
def running(folder: Path, *arguments: str, **variables: str) -> Iterator[Up]:
    """Start it in a folder, wait until it serves, and leave nothing of it in the end."""
    process = subprocess.Popen(
        command("up", *arguments),
        cwd=folder,
        env=surroundings(**variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stderr
    up = Up(process, folder)
    with process.stdout, process.stderr:
        try:
            up.until("Ctrl-C")
            yield up
        finally:
            process.kill()
            process.wait()
            kill_session(folder)


def kill_session(folder: Path) -> None:
    """End Dagster, where one was started."""
    lock = folder / "data" / "dagster" / "dagster.lock"
    if lock.exists() and lock.stat().st_size:
        sessions.end(json.loads(lock.read_text())["process"], signal.SIGKILL, 10, lambda: False)


def blank(folder: Path) -> Path:
    """The folder, with a `.env` file in which nothing was filled in."""
    (folder / ".env").write_text(BLANK)
    (folder / ".env").chmod(0o600)
    return folder
