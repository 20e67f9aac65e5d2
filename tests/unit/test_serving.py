"""What Dagster is started with: its environment, its folder, its log."""

from __future__ import annotations

import json
import os
from pathlib import Path

import dagster as dg
import pytest

from pipelines.errors import DagsterError, SettingError
from pipelines.orchestration.serving import server_log
from pipelines.orchestration.serving.dagster_dev import surroundings
from pipelines.orchestration.serving.dagster_home import prepared_home
from pipelines.orchestration.serving.server_log import ServerLog
from pipelines.settings import load_local_settings


def test_dagster_gets_no_setting_but_those_that_are_handed(tmp_path: Path) -> None:
    """FLORIDAY_ variables of the environment stay outside; the handed ones survive what a `.env` file puts over all."""
    environ = {"PATH": "/bin", "FLORIDAY_FEEDS": "batches", "FLORIDAY_CLIENT_ID": "old", "PYTHONWARNINGS": "error"}

    given = surroundings(environ, tmp_path, {"FLORIDAY_AUTOMATION": "on"})

    assert [name for name in given if name.startswith("FLORIDAY_")] == ["FLORIDAY_SETTINGS"]
    settings = load_local_settings({**given, "FLORIDAY_AUTOMATION": "", "FLORIDAY_FEEDS": "batches"}, tmp_path)
    assert (settings.automation, settings.feeds) == (True, None)


def test_dagster_is_kept_quiet(tmp_path: Path) -> None:
    """No telemetry, no word on a newer command; what else the user wants of warnings stays."""
    given = surroundings({"PATH": "/bin", "PYTHONWARNINGS": "error"}, tmp_path, {})

    assert given["PATH"] == "/bin"
    assert given["DAGSTER_HOME"] == str(tmp_path)
    assert given["DAGSTER_DISABLE_TELEMETRY"] == "true"
    assert given["PYTHONWARNINGS"].split(",")[0] == "error"
    assert "superseded" in given["PYTHONWARNINGS"]


class TestHome:
    """The folder of Dagster's own files."""

    def test_it_is_made_for_this_user_alone(self, tmp_path: Path) -> None:
        """Its configuration has absolute paths, and Dagster takes it; an old folder is closed to others, too."""
        (tmp_path / "data" / "dagster").mkdir(parents=True)

        home = prepared_home(tmp_path, {})

        assert home == tmp_path / "data" / "dagster"
        assert home.stat().st_mode & 0o777 == 0o700
        with dg.DagsterInstance.from_config(str(home)) as instance:
            assert instance.root_directory == str(home)
            assert not instance.telemetry_enabled

    def test_the_projects_own_configuration_is_used(self, tmp_path: Path) -> None:
        """As it stands, and as it stands now."""
        for text in ("telemetry: {enabled: false}\n", "telemetry: {enabled: true}\n"):
            (tmp_path / "dagster.yaml").write_text(text)

            home = prepared_home(tmp_path, {})

            assert (home / "dagster.yaml").read_text() == text

    def test_a_changed_configuration_of_ours_arrives(self, tmp_path: Path) -> None:
        """It is made anew each time, and says so."""
        home = prepared_home(tmp_path, {})
        (home / "dagster.yaml").write_text("of an older version")

        prepared_home(tmp_path, {})

        text = (home / "dagster.yaml").read_text()
        comment, configuration = text.split("\n", 1)
        assert comment.startswith("# Written at each start")
        assert json.loads(configuration)["local_artifact_storage"]["config"]["base_dir"] == str(home)

    def test_dagster_home_wins(self, tmp_path: Path) -> None:
        """Nothing is written there, and nothing made beside it; something else than a folder is refused."""
        named = tmp_path / "named"
        named.mkdir()

        assert prepared_home(tmp_path, {"DAGSTER_HOME": str(named)}) == named
        with pytest.raises(SettingError, match="DAGSTER_HOME expects"):
            prepared_home(tmp_path, {"DAGSTER_HOME": str(tmp_path / "nowhere")})
        assert list(tmp_path.rglob("*")) == [named]

    def test_a_folder_that_cannot_be_made(self, tmp_path: Path) -> None:
        """It is told in a line."""
        (tmp_path / "data").touch()

        with pytest.raises(DagsterError, match="cannot be used for Dagster's files"):
            prepared_home(tmp_path, {})


class TestLog:
    """What Dagster's processes print."""

    def test_it_begins_anew_and_keeps_the_last_one(self, tmp_path: Path) -> None:
        """The last one is put aside under another name; nobody else may read either."""
        path = tmp_path / "up.log"
        for text in (b"first\n", b"second\n"):
            write(ServerLog(path), text)

        assert (path.read_text(), path.with_name("up.log.1").read_text()) == ("second\n", "first\n")
        assert path.stat().st_mode & 0o777 == 0o600

    def test_lines_come_whole_and_once(self, tmp_path: Path) -> None:
        """Half a line waits for its other half; colours and control characters are left out."""
        log = ServerLog(tmp_path / "up.log")
        write(log, b"\x1b[32mgreen\x1b[0m\tand\x07\nha")
        first = log.new_lines()
        write(log, b"lf\n")

        assert first == ["green and"]
        assert log.new_lines() == ["half"]
        assert log.new_lines() == []
        assert log.last_lines(1) == ["half"]

    def test_it_stays_short(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A long one is put aside while it is written to; what comes then is at the beginning of the new one."""
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


def write(log: ServerLog, text: bytes) -> None:
    """What a process of Dagster does."""
    descriptor = log.opened()
    os.write(descriptor, text)
    os.close(descriptor)
