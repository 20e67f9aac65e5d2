"""``floriday sandbox`` serves an invented Floriday, and ``floriday demo`` syncs from one."""

from __future__ import annotations

import io
import json
import re
import shlex
import signal
import socket
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from dotenv import dotenv_values

from pipelines.catalogue import catalogue_of
from pipelines.cli.commands import demo as demonstration
from pipelines.cli.docs.readme_outputs import shortened
from pipelines.warehouse.file.sync_lock import hold_sync_lock
from tests.command_line import ROOT, FinishedCommand, Printed, command, floriday, process_environment

FEEDS = [source.name for source in catalogue_of("suppliers").sources]


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start ``floriday sandbox`` as a process, and yield it with the settings that it prints."""
    process = subprocess.Popen(
        command("sandbox", *arguments),
        cwd=folder,
        env=process_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stderr
    with process.stdout as out, process.stderr:
        yield process, "".join(out.readline() for _ in range(6))
        process.kill()
        process.wait(10)


@pytest.mark.parametrize("name", ["demo", "sandbox"])
def test_a_warehouse_cannot_be_chosen(name: str, tmp_path: Path, printed: Printed) -> None:
    """``--warehouse`` is refused where it would be ignored, and the file is not touched."""
    own = tmp_path / "mine.duckdb"

    code, _, err = printed(name, "--warehouse", str(own))

    assert code == 2
    assert "leave out --warehouse" in err
    assert not own.exists()


class TestSandbox:
    """``floriday sandbox``."""

    @pytest.mark.slow
    @pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
    def test_the_printed_settings_work(self, end: signal.Signals, tmp_path: Path) -> None:
        """The printed settings are valid in a `.env` file and in a shell, and work until a signal ends the command."""
        with running(tmp_path, "--port", "0") as (process, printed):
            settings = {name: value or "" for name, value in dotenv_values(stream=io.StringIO(printed)).items()}
            in_shell = dict(word.split("=", 1) for word in shlex.split(printed, comments=True) if "=" in word)
            checked = floriday("check", folder=tmp_path, **settings)

            process.send_signal(end)

            _, err = process.communicate(timeout=20)
        assert settings == in_shell
        assert {name.removeprefix("FLORIDAY_") for name in settings} == {
            *("CLIENT_ID", "CLIENT_SECRET", "AUTH_URL", "BASE_URL", "API_KEY")
        }
        assert checked.code == 0
        assert (process.returncode, err) == (128 + end, "floriday: stopped\n")

    @pytest.mark.slow
    def test_the_buyers_api_is_chosen_by_an_option(self, tmp_path: Path) -> None:
        """`--api customers` serves the Customers API."""
        with running(tmp_path, "--api", "customers", "--port", "0") as (_, printed):
            settings = {name: value or "" for name, value in dotenv_values(stream=io.StringIO(printed)).items()}
            checked = floriday("check", folder=tmp_path, **settings)

        assert "/customers-api-" in settings["FLORIDAY_BASE_URL"]
        assert checked.code == 0

    def test_several_accounts(self, tmp_path: Path) -> None:
        """Each organization has a key, and a name that is not main is kept where it is the only one."""
        names = ("--account", "north", "--account", "north")
        with running(tmp_path, *names, "--port", "0") as (_, printed):
            settings = {name: value or "" for name, value in dotenv_values(stream=io.StringIO(printed)).items()}
            checked = floriday("check", folder=tmp_path, **settings)

        assert list(json.loads(settings["FLORIDAY_API_KEYS"])) == ["north"]
        assert checked.code == 0

    def test_a_name_that_no_account_can_have(self, printed: Printed) -> None:
        """It is refused before the sandbox is made."""
        assert printed("sandbox", "--account", " ") == (
            *(2, ""),
            "floriday: --account ' ' expects account names of 1 to 64 printable characters\n",
        )

    @pytest.mark.slow
    def test_a_port_that_is_taken(self, tmp_path: Path) -> None:
        """A port that is in use is a usage error that names the option."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]

            ended = floriday("sandbox", "--port", str(port), folder=tmp_path)

        assert ended.code == 2
        assert ended.error_line.startswith(f"--port {port} cannot be used")

    @pytest.mark.slow
    def test_a_port_can_be_chosen(self, tmp_path: Path) -> None:
        """The sandbox listens on the port of ``--port``, and prints it."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]

        with running(tmp_path, "--port", str(port)) as (_, printed):
            assert f"FLORIDAY_BASE_URL=http://127.0.0.1:{port}/suppliers-api-" in printed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a ``.env`` file and a file that an older demo left."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / "data").mkdir()
    (folder / "data" / "demo.duckdb").write_text("of another time")
    (folder / ".env").write_text("FLORIDAY_API_KEYS={}\nFLORIDAY_FEEDS=batches\n")
    (folder / ".env").chmod(0o600)
    return folder


@pytest.fixture(scope="module")
def ended(folder: Path) -> FinishedCommand:
    """How the demo ended, run in an environment with other settings, which it must ignore."""
    return floriday("demo", folder=folder, FLORIDAY_WAREHOUSE=str(folder / "mine.duckdb"))


@pytest.mark.slow
class TestDemo:
    """``floriday demo``."""

    def test_it_shows_both_syncs(self, ended: FinishedCommand) -> None:
        """The demo prints the results of every feed for both syncs, and no line of Dagster's."""
        assert (ended.code, ended.err) == (0, "")
        first, second = ended.out.split("of trade later")
        for feed in FEEDS:
            assert re.search(rf"main +{feed} +\d", first)
            assert re.search(rf"main +{feed} ", second)
        assert re.search(r"main +orders\.sales_orders +[1-9]", first)
        assert re.search(r"records read, [1-9][\d,]* new, \d+ changed, \d+ rejected in [\d.]+ s", second)
        assert "dagster" not in ended.out
        assert "\x1b" not in ended.out

    def test_it_prints_what_the_readme_shows(self, ended: FinishedCommand) -> None:
        """The output has the lines and columns of the one in the README, with other numbers."""

        def shapes(lines: Iterable[str]) -> list[str]:
            return [re.sub(r"\d[\d,.:]*", "9", " ".join(line.split())) for line in lines]

        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        shown = readme[readme.index("First sync of ") :].partition("\n```")[0]

        assert "…" in shown
        assert shapes(shortened(ended.out.splitlines())) == shapes(shown.splitlines())

    def test_it_shows_its_duration(self, ended: FinishedCommand) -> None:
        """The demo prints how many seconds it took."""
        assert re.search(r"Done in \d+ s", ended.out)

    def test_it_shows_the_report(self, ended: FinishedCommand) -> None:
        """The demo prints the newest weeks of the revenue report."""
        assert re.search(r"year +week +trade_item", ended.out)
        assert re.search(r"20\d\d +\d+ +\S.* EUR +\d+ +\d+\.\d\d", ended.out)

    def test_it_leaves_a_warehouse(self, ended: FinishedCommand, folder: Path) -> None:
        """The demo creates a private warehouse where it says and a history in Dagster, and not the user's warehouse."""
        assert "data/demo.duckdb" in ended.out
        with duckdb.connect(str(folder / "data" / "demo.duckdb"), read_only=True) as connection:
            counts = connection.execute("SELECT count(*), count(DISTINCT feed) FROM sync.cursors").fetchall()
        assert counts == [(len(FEEDS), len(FEEDS))]
        assert not (folder / "mine.duckdb").exists()
        assert (folder / "data" / "demo-dagster").is_dir()
        assert not (folder / "data" / "dagster").exists()
        assert not any(path.lstat().st_mode & 0o077 for path in (folder / "data").rglob("*"))

    @pytest.mark.parametrize("number", range(len(demonstration.QUERIES["suppliers"])))
    def test_suggested_queries_work(self, number: int, ended: FinishedCommand, folder: Path) -> None:
        """Each query that the demo suggests returns rows."""
        line = [line for line in ended.out.splitlines() if line.startswith("floriday query ")][number]
        program, *arguments = shlex.split(line)

        answer = floriday(*arguments, folder=folder)

        assert program == "floriday"
        assert (answer.code, answer.err) == (0, "")
        assert answer.out.count("\n") > 1

    def test_one_at_a_time(self, tmp_path: Path) -> None:
        """A second demo fails while another one holds the lock, and leaves its file unchanged."""
        path = tmp_path / "data" / "demo.duckdb"
        with hold_sync_lock(path, "another demo"):
            path.write_text("in use")

            ended = floriday("demo", folder=tmp_path)

        assert ended.code == 1
        assert "another demo" in ended.error_line
        assert path.read_text() == "in use"


@pytest.mark.slow
class TestDemoOfABuyer:
    """``floriday demo --api customers``."""

    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """A folder of its own."""
        return tmp_path_factory.mktemp("buyer")

    @pytest.fixture(scope="class")
    @classmethod
    def ended(cls, folder: Path) -> FinishedCommand:
        """How the demo ended."""
        return floriday("demo", "--api", "customers", folder=folder)

    def test_it_shows_both_syncs(self, ended: FinishedCommand) -> None:
        """The demo prints the rows of every feed of the Customers API, and the orders by status."""
        assert (ended.code, ended.err) == (0, "")
        first, second = ended.out.split("of trade later")
        for feed in catalogue_of("customers").feeds:
            assert re.search(rf"main +{feed.name} +[1-9]", first), feed.name
            assert re.search(rf"main +{feed.name} ", second)
        assert re.search(r"status +orders\n.*COMMITTED +\d+", second, re.DOTALL)

    def test_it_leaves_a_warehouse(self, ended: FinishedCommand, folder: Path) -> None:
        """The demo creates a warehouse of its own, in which the suggested queries return rows."""
        assert "data/demo-customers.duckdb" in ended.out
        with duckdb.connect(str(folder / "data" / "demo-customers.duckdb"), read_only=True) as connection:
            for query in demonstration.QUERIES["customers"]:
                assert connection.execute(query).fetchall()
