"""Dagster is started with the right environment, folder and log."""

from __future__ import annotations

import json
import os
from pathlib import Path

import dagster as dg
import pytest

from pipelines.errors import DagsterError, SettingError
from pipelines.orchestration.serving import server_log
from pipelines.orchestration.serving.dagster_dev import surroundings
from pipelines.orchestration.serving.dagster_home import emptied_sandbox_home, prepared_home
from pipelines.orchestration.serving.server_log import ServerLog
from pipelines.settings import load_local_settings
from tests.command_line import ROOT


def test_dagster_gets_only_the_passed_settings(tmp_path: Path) -> None:
    """Dagster's processes get the passed settings and no other FLORIDAY_ variables, whatever `.env` contains."""
    environ = {"PATH": "/bin", "FLORIDAY_FEEDS": "batches", "FLORIDAY_CLIENT_ID": "old", "PYTHONWARNINGS": "error"}

    variables = surroundings(environ, tmp_path, {"FLORIDAY_AUTOMATION": "on"})

    assert [name for name in variables if name.startswith("FLORIDAY_")] == ["FLORIDAY_SETTINGS"]
    settings = load_local_settings({**variables, "FLORIDAY_AUTOMATION": "", "FLORIDAY_FEEDS": "batches"}, tmp_path)
    assert (settings.automation, settings.feeds) == (True, None)


def test_dagster_sends_no_telemetry(tmp_path: Path) -> None:
    """Dagster sends no telemetry and shows no hint of a newer command; other warning filters of the user stay."""
    variables = surroundings({"PATH": "/bin", "PYTHONWARNINGS": "error"}, tmp_path, {})

    assert variables["PATH"] == "/bin"
    assert variables["DAGSTER_HOME"] == str(tmp_path)
    assert variables["DAGSTER_DISABLE_TELEMETRY"] == "true"
    assert variables["PYTHONWARNINGS"].split(",")[0] == "error"
    assert "superseded" in variables["PYTHONWARNINGS"]


class TestHome:
    """Dagster's files are in a folder of their own."""

    def test_the_folder_is_private(self, tmp_path: Path) -> None:
        """The folder is private even if it existed before, and Dagster accepts its configuration."""
        (tmp_path / "data" / "dagster").mkdir(parents=True)

        home = prepared_home(tmp_path, {})

        assert home == tmp_path / "data" / "dagster"
        assert home.stat().st_mode & 0o777 == 0o700
        with dg.DagsterInstance.from_config(str(home)) as instance:
            assert instance.root_directory == str(home)
            assert not instance.telemetry_enabled

    def test_the_home_of_a_sandbox_is_apart_and_empty(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The sandbox's folder is emptied at each start and is its own, whatever the user configured."""
        (tmp_path / "dagster.yaml").write_text((ROOT / "dagster.yaml").read_text())
        monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
        own = prepared_home(tmp_path, {})
        (own / "history").mkdir()
        for _ in range(2):
            home = emptied_sandbox_home(tmp_path)
            assert {path.name for path in home.rglob("*")} == {"dagster.yaml"}
            assert home.stat().st_mode & 0o777 == 0o700
            with dg.DagsterInstance.from_config(str(home)) as instance:
                assert str(home) in str(instance.event_log_storage.path_for_shard("index"))  # type: ignore[attr-defined]
                instance.add_run(dg.DagsterRun("sync"))

        assert (own / "history").is_dir()

    def test_the_projects_configuration_is_used(self, tmp_path: Path) -> None:
        """The project's dagster.yaml is copied unchanged at each start."""
        for text in ("telemetry: {enabled: false}\n", "telemetry: {enabled: true}\n"):
            (tmp_path / "dagster.yaml").write_text(text)

            home = prepared_home(tmp_path, {})

            assert (home / "dagster.yaml").read_text() == text

    def test_our_configuration_is_written_at_each_start(self, tmp_path: Path) -> None:
        """Without a dagster.yaml of the project, the configuration is written again at each start."""
        home = prepared_home(tmp_path, {})
        (home / "dagster.yaml").write_text("of an older version")

        prepared_home(tmp_path, {})

        text = (home / "dagster.yaml").read_text()
        comment, configuration = text.split("\n", 1)
        assert comment.startswith("# Written at each start")
        assert json.loads(configuration)["local_artifact_storage"]["config"]["base_dir"] == str(home)

    def test_dagster_home_has_precedence(self, tmp_path: Path) -> None:
        """A folder in DAGSTER_HOME is used without being changed; anything else there raises an error."""
        named = tmp_path / "named"
        named.mkdir()

        assert prepared_home(tmp_path, {"DAGSTER_HOME": str(named)}) == named
        with pytest.raises(SettingError, match="DAGSTER_HOME expects"):
            prepared_home(tmp_path, {"DAGSTER_HOME": str(tmp_path / "missing")})
        assert list(tmp_path.rglob("*")) == [named]

    def test_a_folder_that_cannot_be_created_is_an_error(self, tmp_path: Path) -> None:
        """A folder that cannot be created raises an error in one line."""
        (tmp_path / "data").touch()

        with pytest.raises(DagsterError, match="cannot be used for Dagster's files"):
            prepared_home(tmp_path, {})


class TestServerLog:
    """The output of Dagster's processes is kept in a log file."""

    def test_the_previous_log_is_kept(self, tmp_path: Path) -> None:
        """Each start begins a new log and keeps the previous one; both are readable only by their owner."""
        path = tmp_path / "up.log"
        for text in (b"first\n", b"second\n"):
            write_output(ServerLog(path), text)

        assert (path.read_text(), path.with_name("up.log.1").read_text()) == ("second\n", "first\n")
        assert path.stat().st_mode & 0o777 == 0o600

    def test_new_lines_are_returned_once(self, tmp_path: Path) -> None:
        """Complete lines are returned once, without colours and control characters."""
        log = ServerLog(tmp_path / "up.log")
        write_output(log, b"\x1b[32mgreen\x1b[0m\tand\x07\nha")
        first = log.new_lines()
        write_output(log, b"lf\n")

        assert first == ["green and"]
        assert log.new_lines() == ["half"]
        assert log.new_lines() == []
        assert log.last_lines(1) == ["half"]

    def test_a_long_log_is_rotated(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A log that is too long is rotated while it is written to."""
        monkeypatch.setattr(server_log, "LONGEST", 10)
        log = ServerLog(tmp_path / "up.log")
        descriptor = log.opened()
        os.write(descriptor, b"short\n")
        log.keep_short()
        kept = log.new_lines()
        os.write(descriptor, b"and some more\n")
        log.keep_short()
        os.write(descriptor, b"new\n")
        os.close(descriptor)

        assert kept == ["short"]
        assert log.path.with_name("up.log.1").read_text() == "short\nand some more\n"
        assert log.new_lines() == ["new"]


def write_output(log: ServerLog, text: bytes) -> None:
    """Write to the log as a process of Dagster does."""
    descriptor = log.opened()
    os.write(descriptor, text)
    os.close(descriptor)
