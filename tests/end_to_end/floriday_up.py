"""``floriday up`` started as a user starts it, for end-to-end tests."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from pipelines.orchestration.serving import sessions
from tests.command_line import FinishedCommand, command, process_environment

BLANK = "FLORIDAY_CLIENT_ID=\nFLORIDAY_CLIENT_SECRET=\nFLORIDAY_API_KEY=\nFLORIDAY_AUTH_URL=\nFLORIDAY_AUTOMATION=\n"
"""A `.env` file with empty settings; without one, the checkout's file would be read."""

LAUNCH = """
mutation($selector: JobOrPipelineSelector!) {
  launchRun(executionParams: {selector: $selector, runConfigData: "{}"}) {
    __typename ... on LaunchRunSuccess {run {runId}} ... on PythonError {message}
  }
}
"""
RUNS = "{runsOrError(limit: 1000) {... on Runs {results {runId status startTime endTime}}}}"
STATUS = "query($id: ID!) {runOrError(runId: $id) {... on Run {status}}}"
REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": "floriday"}


@dataclass
class Up:
    """A running ``floriday up``.

    Args:
        process: the process of the command.
        folder: the folder in which it was started.
        lines: the lines that it has printed so far.
    """

    process: subprocess.Popen[str]
    folder: Path
    lines: list[str] = field(default_factory=list)

    def read_until(self, beginning: str) -> str:
        """Read the output up to the line with this beginning; return that line."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if line.startswith(beginning):
                return self.lines[-1]
        pytest.fail("\n".join((*self.lines, self.process.communicate()[1])))

    @property
    def printed(self) -> dict[str, str]:
        """The first word that it has printed after each label."""
        return dict(re.findall(r"(?m)^(\w+)  +(\S+)", "\n".join(self.lines)))

    @property
    def session(self) -> int:
        """The process id of Dagster's session."""
        return int(json.loads((self.folder / "data" / "dagster" / "dagster.lock").read_text())["process"])

    def query(self, query: str, **variables: Any) -> dict[str, Any]:
        """Return the data of a GraphQL query."""
        answer = requests.post(
            f"{self.printed['Dagster']}/graphql", json={"query": query, "variables": variables}, timeout=60
        )
        result: dict[str, Any] = answer.json()
        assert "errors" not in result, result
        return dict(result["data"])

    def launch(self) -> str:
        """Launch the job `sync`; return the run's id."""
        launched = self.query(LAUNCH, selector={"pipelineName": "sync", **REPOSITORY})["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["runId"])

    def status(self, run_id: str) -> str:
        """Return the status of a run."""
        return str(self.query(STATUS, id=run_id)["runOrError"]["status"])

    def runs(self) -> list[dict[str, Any]]:
        """Return all runs, the oldest first."""
        return list(reversed(self.query(RUNS)["runsOrError"]["results"]))

    def first_ended(self) -> str | None:
        """Return how the first run ended; None before it has ended."""
        statuses = [run["status"] for run in self.runs()]
        return statuses[0] if statuses and statuses[0] in {"SUCCESS", "FAILURE", "CANCELED"} else None

    def stop(self, number: signal.Signals) -> FinishedCommand:
        """Send a signal and wait until the process has ended."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=60)
        return FinishedCommand(self.process.returncode, "".join(f"{line}\n" for line in self.lines) + out, err)


@contextmanager
def running(folder: Path, *arguments: str, **variables: str) -> Iterator[Up]:
    """Start the command in a folder, wait until it serves, and end all its processes at the end."""
    process = subprocess.Popen(
        [sys.executable, "-P", *command("up", *arguments)[1:]],  # as the script `floriday`: not from the folder
        cwd=folder,
        env=process_environment(**variables),
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
            up.read_until("Ctrl-C")
            yield up
        finally:
            process.kill()
            process.wait()
            kill_session(folder)


def kill_session(folder: Path) -> None:
    """Kill Dagster's processes, if it was started."""
    lock = folder / "data" / "dagster" / "dagster.lock"
    if lock.exists() and lock.stat().st_size:
        sessions.end(json.loads(lock.read_text())["process"], signal.SIGKILL, 10, lambda: False)


def blank_folder(folder: Path) -> Path:
    """Write a `.env` file with empty settings into a folder; return the folder."""
    (folder / ".env").write_text(BLANK)
    (folder / ".env").chmod(0o600)
    return folder
