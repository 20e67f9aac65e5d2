"""``floriday up`` as a person starts it: what it says, what it starts, and that nothing of it is left."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from pipelines.catalogue import catalogue_of
from pipelines.orchestration.serving import sessions
from pipelines.warehouse.file.connection import Warehouse
from tests.command_line import ROOT, Ended, command, floriday, surroundings
from tests.end_to_end.dagster_dev import until
from tests.end_to_end.floriday_up import REPOSITORY, Up, blank, running
from tests.written_files import written_below

ASSETS = "{assetNodes {assetKey {path}}}"
SCHEDULES = """
query($selector: RepositorySelector!) {
  schedulesOrError(repositorySelector: $selector) {... on Schedules {results {scheduleState {status}}}}
}
"""


@dataclass
class Seen:
    """What was seen of one from its start to its end.

    Args:
        up: what it printed, and where it was.
        status: how the run ended that its sensor started for what was never read.
        switches: what schedules do by themselves.
        files: the permissions of what stood in Dagster's folder.
        credentials: those of the sandbox.
        foreign: how Dagster answers under a foreign name, a name of the loopback, and one that was allowed.
        second: how a second one ended, while the first ran.
        processes: how many Dagster had.
        ended: how it ended.
        left: Dagster's processes after that.
    """

    up: Up
    status: str
    switches: set[str]
    files: dict[str, int]
    credentials: dict[str, str]
    foreign: dict[str, int]
    second: Ended
    processes: int
    ended: Ended
    left: set[int]


class TestWithoutAnySetting:
    """In a folder with a `.env` file in which nothing was filled in, until SIGTERM."""

    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """The folder."""
        return blank(tmp_path_factory.mktemp("up"))

    @pytest.fixture(scope="class")
    @classmethod
    def seen(cls, folder: Path) -> Seen:
        """All that was seen; the user's own settings name two feeds and another warehouse."""
        own = {"FLORIDAY_FEEDS": "trade_items,sales_orders", "FLORIDAY_WAREHOUSE": str(folder / "mine.duckdb")}
        with running(folder, "--port", "0", "--allow-host", "Floriday.example.com", **own) as up:
            schedules = up.ask(SCHEDULES, selector=REPOSITORY)["schedulesOrError"]["results"]
            second = floriday("up", "--port", "0", folder=folder)
            status = until(up.first_ended, 180)
            home = folder / "data" / "dagster"
            control = f"{up.told['Floriday'].rsplit('/', 1)[0]}/sandbox"
            return Seen(
                up,
                status,
                {each["scheduleState"]["status"] for each in schedules},
                {path.name: path.stat().st_mode & 0o777 for path in (home, *home.rglob("*"))},
                requests.get(control, timeout=10).json()["environment"],
                {
                    name: requests.get(up.told["Dagster"], headers={"Host": name}, timeout=10).status_code
                    for name in ("evil.example", "localhost", "floriday.example.com")
                },
                second,
                len(sessions.members(up.session)),
                up.end(signal.SIGTERM),
                sessions.members(up.session),
            )

    def test_it_prints_the_addresses(self, seen: Seen) -> None:
        """Dagster's, the sandbox's, where the warehouse is, and how to stop it, in plain text."""
        told = seen.up.told
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", told["Dagster"])
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/suppliers-api-\w+", told["Floriday"])
        assert (told["warehouse"], told["log"]) == ("data/sandbox.duckdb", "data/dagster/up.log")
        assert f"Ctrl-C stops it, and so does: kill {seen.up.process.pid}\n" in seen.ended.out
        assert "\x1b" not in seen.ended.out

    def test_it_syncs_from_the_sandbox_by_itself(self, seen: Seen, folder: Path) -> None:
        """Blank lines of the `.env` file change nothing about it, and the user's own file is left alone."""
        assert seen.status == "SUCCESS"
        with Warehouse(folder / "data" / "sandbox.duckdb").reading() as connection:
            assert connection.execute("SELECT count(*) > 100 FROM orders.sales_orders").fetchone() == (True,)
        assert not (folder / "mine.duckdb").exists()

    def test_schedules_run_by_themselves(self, seen: Seen) -> None:
        """Although a blank line of the `.env` file would have Dagster think otherwise."""
        assert "RUNNING" in seen.switches

    def test_nobody_else_gets_at_dagsters_files(self, seen: Seen) -> None:
        """The folder and all that is in it is this user's alone."""
        assert {"up.log", "index.db"} <= seen.files.keys()
        assert set(seen.files.values()) == {0o600, 0o700}

    def test_no_secret_is_written(self, seen: Seen, folder: Path) -> None:
        """The sandbox's are in no file of Dagster's, whatever they are worth."""
        secrets = [seen.credentials["FLORIDAY_CLIENT_SECRET"], seen.credentials["FLORIDAY_API_KEY"]]
        written = written_below(folder / "data" / "dagster").values()

        assert len(written) > 5
        assert not any(secret.encode() in content for secret in secrets for content in written)

    def test_foreign_names_are_refused(self, seen: Seen) -> None:
        """Dagster answers under the names of the loopback and the one that was allowed, and no other."""
        assert seen.foreign == {"evil.example": 403, "localhost": 200, "floriday.example.com": 200}

    def test_there_is_one_at_a_time(self, seen: Seen) -> None:
        """A second one says who runs, and where."""
        assert seen.second.code == 1
        assert f"(process {seen.up.process.pid}, at {seen.up.told['Dagster']})" in seen.second.complaint

    def test_sigterm_ends_everything(self, seen: Seen) -> None:
        """With exit code 143 and one line, and no process of Dagster's is left."""
        assert (seen.ended.code, seen.ended.err) == (143, "floriday: stopped\n")
        assert seen.processes >= 4
        assert seen.left == set()


@pytest.mark.slow
def test_a_checkout_works_with_its_own_files(tmp_path: Path) -> None:
    """Its workspace and its configuration, which keeps the history elsewhere here, are used, for a buyer's sandbox too.

    What Dagster says is shown as plain text, and Ctrl-C ends everything.
    """
    shutil.copy(ROOT / "workspace.yaml", blank(tmp_path))
    configuration = (
        (ROOT / "dagster.yaml").read_text().replace("base_dir: data/dagster\n", "base_dir: data/elsewhere\n")
    )
    (tmp_path / "dagster.yaml").write_text(configuration)

    with running(tmp_path, "--api", "customers", "--port", "0", "--verbose") as up:
        assets = {".".join(each["assetKey"]["path"]) for each in up.ask(ASSETS)["assetNodes"]}
        session = up.session
        ended = up.end(signal.SIGINT)
        left = sessions.members(session)

    assert assets >= {feed.name for feed in catalogue_of("customers").feeds}
    assert up.told["warehouse"] == "data/sandbox-customers.duckdb"
    assert (tmp_path / "data" / "elsewhere" / "history").is_dir()
    assert not list(tmp_path.glob(".tmp_dagster_home_*"))
    assert (ended.code, ended.err) == (130, "floriday: stopped\n")
    assert "Serving dagster-webserver" in ended.out
    assert "superseded" not in ended.out
    assert "\x1b" not in ended.out
    assert left == set()


@pytest.mark.parametrize("where", ["environment", "file"])
def test_half_of_the_credentials_starts_nothing(where: str, tmp_path: Path) -> None:
    """What is missing is told, and no file is made."""
    half = {"FLORIDAY_CLIENT_ID": "mine"}
    (tmp_path / ".env").write_text("FLORIDAY_CLIENT_ID=mine\n" if where == "file" else "")
    (tmp_path / ".env").chmod(0o600)

    ended = floriday("up", folder=tmp_path, **(half if where == "environment" else {}))

    assert ended.code == 2
    assert "FLORIDAY_CLIENT_SECRET is missing" in ended.complaint
    assert [path.name for path in tmp_path.iterdir()] == [".env"]


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    """One that was asked for is not replaced by another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        ended = floriday("up", "--port", str(port), folder=blank(tmp_path))

    assert ended.code == 2
    assert ended.complaint.startswith(f"--port {port} cannot be used")


@pytest.mark.parametrize("name", ["https://floriday.example.com", "*", "floriday.example.com:443", ""])
def test_what_is_no_host_name_cannot_be_allowed(name: str, tmp_path: Path) -> None:
    """How one is written is told, and nothing is started."""
    ended = floriday("up", "--allow-host", name, folder=blank(tmp_path))

    assert ended.code == 2
    assert "is no host name: write it as" in ended.complaint
    assert [path.name for path in tmp_path.iterdir()] == [".env"]


@pytest.mark.slow
def test_dagster_that_ends_by_itself(tmp_path: Path) -> None:
    """Its last lines are shown, what it left is ended, and the exit code is 1."""
    with running(blank(tmp_path), "--port", "0") as up:
        session = up.session
        os.kill(session, signal.SIGKILL)
        _, err = up.process.communicate(timeout=60)
        left = sessions.members(session)

    *last, complaint = err.splitlines()
    assert up.process.returncode == 1
    assert complaint.startswith("floriday: Dagster ended by itself (signal 9)")
    assert any("Serving dagster-webserver" in line for line in last)
    assert left == set()


@pytest.mark.slow
def test_dagster_that_cannot_load_the_assets(tmp_path: Path) -> None:
    """Why is told in a line; it does not go on without them."""
    (blank(tmp_path) / "workspace.yaml").write_text("load_from:\n  - python_module: nowhere_to_be_found\n")

    process = subprocess.run(
        command("up", "--port", "0"),
        cwd=tmp_path,
        env=surroundings(),
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
def test_the_next_one_takes_over_from_one_that_was_killed(tmp_path: Path) -> None:
    """Dagster, which was left behind, is ended before another is started, and so are the runs that were under way."""
    with running(blank(tmp_path), "--port", "0") as first:
        session = first.session
        first.process.kill()
        first.process.wait()
        left = sessions.members(session)
        with running(tmp_path, "--port", "0") as second:
            ended = second.end(signal.SIGTERM)

    assert session in left
    assert f"left its Dagster behind (process {session})" in ended.out
    assert ended.code == 143
    assert sessions.members(session) == set()


@pytest.mark.slow
def test_a_run_that_is_under_way_is_ended_too(tmp_path: Path) -> None:
    """It does not live on without Dagster; a second Ctrl-C makes haste."""
    with running(blank(tmp_path), "--port", "0") as up:
        session = up.session
        run_id = up.launch()
        until(lambda: up.status(run_id) == "STARTED", 90)
        up.process.send_signal(signal.SIGINT)
        up.until("Stopping")
        began = time.monotonic()
        ended = up.end(signal.SIGINT)
        seconds = time.monotonic() - began
        left = sessions.members(session)

    assert ended.code == 130
    assert left == set()
    assert seconds < 5
