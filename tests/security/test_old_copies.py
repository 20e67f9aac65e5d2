"""Personal values do not survive a redaction in copies for readers, nor in what killed processes left."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from pipelines.cli.entry import run
from pipelines.sandbox import Sandbox
from tests.integration.personal_orders import DROP, JAN, ORDERS, filled, holds
from tests.integration.syncing import empty_warehouse

Run = Callable[..., int]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A few people's records, which stay as they are."""
    with filled() as sandbox:
        yield sandbox


@pytest.fixture
def command(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on a warehouse in the working directory, with some settings; returns its exit code."""
    (tmp_path / "w.duckdb").write_bytes(empty_warehouse("suppliers"))
    monkeypatch.chdir(tmp_path)
    for name, value in {**sandbox.environment(), "FLORIDAY_WAREHOUSE": "w.duckdb", "FLORIDAY_FEEDS": ORDERS}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("FLORIDAY_PUBLISH_EVERY", "0s")

    def run_it(*arguments: str, **settings: str) -> int:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in settings.items():
                patch.setenv(name, value)
            return run(arguments)

    return run_it


def test_copies_of_older_settings_are_removed(command: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Wherever they went, by what link; a trial names them, and the copy of today is renewed."""
    (tmp_path / "far").mkdir()
    (tmp_path / "link").symlink_to("far")
    for place in ("link/first.duckdb", "second.duckdb", "third.duckdb"):
        assert command("sync", FLORIDAY_PUBLISHED=place) == 0
    assert command("sync") == 0
    (tmp_path / "far" / "first.duckdb.part").write_text(JAN)
    copies = ["first.duckdb", "first.duckdb.part", "second.duckdb", "w.published.duckdb", "third.duckdb"]
    assert set(holds(tmp_path, JAN)) == {*copies, "w.duckdb"}
    now = {**DROP, "FLORIDAY_PUBLISHED": "third.duckdb"}

    assert command("redact", "--dry-run", **now) == 0
    assert f"{tmp_path / 'second.duckdb'} would be removed" in capsys.readouterr().out
    assert set(holds(tmp_path, JAN)) == {*copies, "w.duckdb"}
    assert command("redact", **now) == 0

    out = capsys.readouterr().out
    for place in ("far/first.duckdb", "second.duckdb", "w.published.duckdb"):
        assert f"{tmp_path / place} was removed: a published copy of an older setting" in out
        assert not (tmp_path / place).exists()
    assert "for you to remove: backups, exports, dashboards and files of --output and --export" in out
    assert holds(tmp_path, JAN) == []
    assert (tmp_path / "third.duckdb").exists()


def test_a_file_that_is_something_else_by_now_stays(
    command: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another warehouse is left alone; of what cannot be read, one line says so, and the exit code."""
    for place in ("other.duckdb", "notes.duckdb"):
        assert command("sync", FLORIDAY_PUBLISHED=place) == 0
    shutil.copy(tmp_path / "other.duckdb", tmp_path / "moved.duckdb")
    with duckdb.connect(str(tmp_path / "other.duckdb")) as connection:
        connection.execute("UPDATE sync.settings SET created_at = created_at - INTERVAL 1 DAY")
    (tmp_path / "notes.duckdb").write_text("my notes")
    (tmp_path / "moved.duckdb").unlink()
    capsys.readouterr()

    assert command("redact", **DROP) == 1

    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert f"may be left at {tmp_path / 'notes.duckdb'} (it cannot be read" in err
    assert (tmp_path / "notes.duckdb").read_text() == "my notes"
    assert (tmp_path / "other.duckdb").exists()
    assert JAN not in (tmp_path / "w.duckdb").read_bytes().decode(errors="replace")


def test_a_redaction_that_was_killed_before_the_copies_is_ended_by_the_next(
    command: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Although there is nothing to do in the warehouse itself."""
    assert command("sync", FLORIDAY_PUBLISHED="first.duckdb") == 0
    with monkeypatch.context() as patch:
        patch.setattr("pipelines.cli.commands.redact._remove_old_copies", lambda *_: None)
        assert command("redact", **DROP) == 0
    assert holds(tmp_path, JAN) == ["first.duckdb"]

    assert command("redact", **DROP) == 0

    assert "nothing to do" in capsys.readouterr().out
    assert holds(tmp_path, JAN) == []


def test_what_killed_processes_left_is_removed(command: Run, tmp_path: Path) -> None:
    """Trials of --dry-run, half-made files of compact and redact, and what DuckDB spilled hold values too."""
    assert command("sync", FLORIDAY_PUBLISHED="off") == 0
    for folder in (".w.duckdb.trial", "w.duckdb.tmp"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "left").write_text(JAN)
    for name in ("w.duckdb.compact", "w.duckdb.compact.wal", "w.duckdb.redact", "w.duckdb.redact.wal"):
        (tmp_path / name).write_text(JAN)

    assert command("redact", FLORIDAY_PUBLISHED="off", **DROP) == 0

    assert holds(tmp_path, JAN) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["w.duckdb", "w.duckdb.lock"]
