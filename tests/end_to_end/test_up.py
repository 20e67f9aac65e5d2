"""``floriday up`` serves, syncs and stops, and leaves no process behind."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from pipelines.catalogue import catalogue_of
from pipelines.orchestration.serving import sessions
from pipelines.sandbox import Sandbox
from pipelines.warehouse.file.connection import Warehouse
from tests.command_line import ROOT, FinishedCommand, command, floriday, process_environment
from tests.end_to_end.dagster_dev import wait_for
from tests.end_to_end.floriday_up import REPOSITORY, Up, blank_folder, running
from tests.written_files import written_below

ASSETS = "{assetNodes {assetKey {path}}}"
SCHEDULES = """
query($selector: RepositorySelector!) {
  schedulesOrError(repositorySelector: $selector) {... on Schedules {results {scheduleState {status}}}}
}
"""


@dataclass
class Observed:
    """What was observed of a command from its start to its end.

    Args:
        up: the command with its output.
        status: how the run of the sensor of changed feeds ended.
        switches: statuses of the schedules.
        files: permissions of the files in Dagster's folder.
        credentials: credentials of the sandbox.
        foreign: Dagster's status code for a foreign host name, a loopback name and an allowed name.
        second: how a second command in the same folder ended.
        processes: number of Dagster's processes.
        ended: how the command ended.
        left: ids of Dagster's processes after its end.
    """

    up: Up
    status: str
    switches: set[str]
    files: dict[str, int]
    credentials: dict[str, str]
    foreign: dict[str, int]
    second: FinishedCommand
    processes: int
    ended: FinishedCommand
    left: set[int]


@pytest.mark.slow
class TestWithoutSettings:
    """Without settings, from the start to SIGTERM."""

    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """A folder with a `.env` file of empty settings."""
        return blank_folder(tmp_path_factory.mktemp("up"))

    @pytest.fixture(scope="class")
    @classmethod
    def observed(cls, folder: Path) -> Observed:
        """A command whose user settings name two feeds and another warehouse."""
        settings = {"FLORIDAY_FEEDS": "trade_items,sales_orders", "FLORIDAY_WAREHOUSE": str(folder / "mine.duckdb")}
        with running(folder, "--port", "0", "--allow-host", "Floriday.example.com", **settings) as up:
            schedules = up.query(SCHEDULES, selector=REPOSITORY)["schedulesOrError"]["results"]
            second = floriday("up", "--port", "0", folder=folder)
            status = wait_for(up.first_ended, 180)
            home, history = folder / "data" / "dagster", folder / "data" / "sandbox-dagster"
            control = f"{up.printed['Floriday'].rsplit('/', 1)[0]}/sandbox"
            return Observed(
                up,
                status,
                {schedule["scheduleState"]["status"] for schedule in schedules},
                {
                    path.name: path.stat().st_mode & 0o777
                    for path in (home, *home.rglob("*"), history, *history.rglob("*"))
                },
                requests.get(control, timeout=10).json()["environment"],
                {
                    name: requests.get(up.printed["Dagster"], headers={"Host": name}, timeout=10).status_code
                    for name in ("evil.example", "localhost", "floriday.example.com")
                },
                second,
                len(sessions.members(up.session)),
                up.stop(signal.SIGTERM),
                sessions.members(up.session),
            )

    @pytest.mark.slow
    def test_it_prints_the_addresses(self, observed: Observed) -> None:
        """The output is plain text with the addresses of Dagster and the sandbox, the warehouse and how to stop it."""
        printed = observed.up.printed
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", printed["Dagster"])
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/suppliers-api-\w+", printed["Floriday"])
        assert (printed["warehouse"], printed["log"]) == ("data/sandbox.duckdb", "data/dagster/up.log")
        assert f"Ctrl-C stops it, and so does: kill {observed.up.process.pid}\n" in observed.ended.out
        assert "\x1b" not in observed.ended.out

    def test_it_syncs_from_the_sandbox(self, observed: Observed, folder: Path) -> None:
        """It syncs from the sandbox although the `.env` file is empty, and does not touch the user's warehouse."""
        assert observed.status == "SUCCESS"
        with Warehouse(folder / "data" / "sandbox.duckdb").reading() as connection:
            assert connection.execute("SELECT count(*) > 100 FROM orders.sales_orders").fetchone() == (True,)
        assert not (folder / "mine.duckdb").exists()

    def test_schedules_run_by_default(self, observed: Observed) -> None:
        """Schedules run although the `.env` file has an empty FLORIDAY_AUTOMATION."""
        assert "RUNNING" in observed.switches

    def test_dagsters_files_are_private(self, observed: Observed) -> None:
        """Only the user can read and write Dagster's folder and files."""
        assert {"up.log", "index.db"} <= observed.files.keys()
        assert set(observed.files.values()) == {0o600, 0o700}

    def test_the_own_history_has_no_runs_of_the_sandbox(self, observed: Observed, folder: Path) -> None:
        """The runs of the sandbox are stored apart from those of the user's own data."""
        assert observed.status == "SUCCESS"
        assert list((folder / "data" / "dagster").rglob("*.db")) == []

    def test_no_secret_is_written(self, observed: Observed, folder: Path) -> None:
        """No file of Dagster contains a secret of the sandbox."""
        secrets = [observed.credentials["FLORIDAY_CLIENT_SECRET"], observed.credentials["FLORIDAY_API_KEY"]]
        files = [
            text for part in ("dagster", "sandbox-dagster") for text in written_below(folder / "data" / part).values()
        ]

        assert len(files) > 5
        assert not any(secret.encode() in content for secret in secrets for content in files)

    def test_foreign_names_are_refused(self, observed: Observed) -> None:
        """Dagster answers under names of the loopback and allowed names only."""
        assert observed.foreign == {"evil.example": 403, "localhost": 200, "floriday.example.com": 200}

    def test_a_second_command_is_refused(self, observed: Observed) -> None:
        """A second command in the same folder names the process and address of the first."""
        assert observed.second.code == 1
        assert f"(process {observed.up.process.pid}, at {observed.up.printed['Dagster']})" in observed.second.error_line

    def test_sigterm_ends_everything(self, observed: Observed) -> None:
        """After SIGTERM the exit code is 143, one line is printed and no process of Dagster is left."""
        assert (observed.ended.code, observed.ended.err) == (143, "floriday: stopped\n")
        assert observed.processes >= 4
        assert observed.left == set()


@pytest.mark.slow
def test_the_files_of_a_checkout_are_used(tmp_path: Path) -> None:
    """The workspace and Dagster configuration of a checkout are used, also for the Customers API.

    With --verbose Dagster's output is printed as plain text. Ctrl-C ends everything.
    """
    shutil.copy(ROOT / "workspace.yaml", blank_folder(tmp_path))
    configuration = (ROOT / "dagster.yaml").read_text().replace("base_dir: data/dagster\n", "base_dir: data/other\n")
    (tmp_path / "dagster.yaml").write_text(configuration)

    with (
        Sandbox(api="customers", empty=True) as sandbox,
        running(tmp_path, "--port", "0", "--verbose", **sandbox.environment()) as up,
    ):
        assets = {".".join(asset["assetKey"]["path"]) for asset in up.query(ASSETS)["assetNodes"]}
        session = up.session
        ended = up.stop(signal.SIGINT)
        left = sessions.members(session)

    assert assets >= {feed.name for feed in catalogue_of("customers").feeds}
    assert (tmp_path / "data" / "other" / "history").is_dir()
    assert not list(tmp_path.glob(".tmp_dagster_home_*"))
    assert (ended.code, ended.err) == (130, "floriday: stopped\n")
    assert "Serving dagster-webserver" in ended.out
    assert "superseded" not in ended.out
    assert "\x1b" not in ended.out
    assert left == set()


@pytest.mark.slow
def test_it_ends_when_dagster_ends(tmp_path: Path) -> None:
    """When Dagster ends, its last lines are printed, its processes are ended and the exit code is 1."""
    with running(blank_folder(tmp_path), "--port", "0") as up:
        session = up.session
        os.kill(session, signal.SIGKILL)
        _, err = up.process.communicate(timeout=60)
        left = sessions.members(session)

    *output, error_line = err.splitlines()
    assert up.process.returncode == 1
    assert error_line.startswith("floriday: Dagster ended by itself (signal 9)")
    assert any("Serving dagster-webserver" in line for line in output)
    assert left == set()


@pytest.mark.slow
def test_a_package_of_the_same_name_does_no_harm(tmp_path: Path) -> None:
    """It serves our assets in a folder with a package `pipelines` of the user's own."""
    package = blank_folder(tmp_path) / "pipelines"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('the package of somebody else')\n")

    with running(tmp_path, "--port", "0") as up:
        assets = {".".join(asset["assetKey"]["path"]) for asset in up.query(ASSETS)["assetNodes"]}
        status = wait_for(up.first_ended, 180)

    assert assets >= {feed.name for feed in catalogue_of("suppliers").feeds}
    assert status == "SUCCESS"


@pytest.mark.slow
def test_it_ends_when_the_assets_cannot_be_loaded(tmp_path: Path) -> None:
    """The command fails with one line that contains the reason."""
    (blank_folder(tmp_path) / "workspace.yaml").write_text("load_from:\n  - python_module: nowhere_to_be_found\n")

    process = subprocess.run(
        command("up", "--port", "0"),
        cwd=tmp_path,
        env=process_environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert process.returncode == 1
    assert process.stderr.splitlines()[-1] == (
        "floriday: Dagster could not load the assets: ModuleNotFoundError: No module named 'nowhere_to_be_found'"
    )


@pytest.mark.slow
def test_processes_of_a_killed_command_are_ended(tmp_path: Path) -> None:
    """After a killed command, the next one ends its Dagster and its runs before it starts another Dagster."""
    with running(blank_folder(tmp_path), "--port", "0") as first:
        session = first.session
        first.process.kill()
        first.process.wait()
        left = sessions.members(session)
        with running(tmp_path, "--port", "0") as second:
            ended = second.stop(signal.SIGTERM)

    assert session in left
    assert f"left its Dagster behind (process {session})" in ended.out
    assert ended.code == 143
    assert sessions.members(session) == set()


@pytest.mark.slow
def test_a_run_in_progress_is_ended(tmp_path: Path) -> None:
    """A run in progress ends with Dagster, and a second Ctrl-C shortens the time for it."""
    with running(blank_folder(tmp_path), "--port", "0") as up:
        session = up.session
        run_id = up.launch()
        wait_for(lambda: up.status(run_id) == "STARTED", 90)
        up.process.send_signal(signal.SIGINT)
        up.read_until("Stopping")
        stopped_at = time.monotonic()
        ended = up.stop(signal.SIGINT)
        seconds = time.monotonic() - stopped_at
        left = sessions.members(session)

    assert ended.code == 130
    assert left == set()
    assert seconds < 5
