"""After a redaction, no published copy and no file of a killed process contains personal values."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from pipelines.cli.entry import run
from pipelines.sandbox import Sandbox
from tests.integration.personal_orders import DROP, JAN, ORDERS, files_containing, sandbox_with_people
from tests.integration.syncing import empty_warehouse

RunCommand = Callable[..., int]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Records of a few people, which the tests do not change."""
    with sandbox_with_people() as sandbox:
        yield sandbox


@pytest.fixture
def command(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunCommand:
    """Run a command with settings on a warehouse in the working directory, and return its exit code."""
    (tmp_path / "w.duckdb").write_bytes(empty_warehouse("suppliers"))
    monkeypatch.chdir(tmp_path)
    for name, value in {**sandbox.environment(), "FLORIDAY_WAREHOUSE": "w.duckdb", "FLORIDAY_FEEDS": ORDERS}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("FLORIDAY_PUBLISH_EVERY", "0s")

    def run_command(*arguments: str, **settings: str) -> int:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in settings.items():
                patch.setenv(name, value)
            return run(arguments)

    return run_command


@pytest.mark.slow
def test_copies_of_older_settings_are_removed(
    command: RunCommand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Published copies of older settings are removed, also behind links, and the current copy is renewed."""
    (tmp_path / "far").mkdir()
    (tmp_path / "link").symlink_to("far")
    for place in ("link/first.duckdb", "second.duckdb", "third.duckdb"):
        assert command("sync", FLORIDAY_PUBLISHED=place) == 0
    assert command("sync") == 0
    (tmp_path / "far" / "first.duckdb.part").write_text(JAN)
    copies = ["first.duckdb", "first.duckdb.part", "second.duckdb", "w.published.duckdb", "third.duckdb"]
    assert set(files_containing(tmp_path, JAN)) == {*copies, "w.duckdb"}
    settings_of_today = {**DROP, "FLORIDAY_PUBLISHED": "third.duckdb"}

    assert command("redact", "--dry-run", **settings_of_today) == 0
    assert f"{tmp_path / 'second.duckdb'} would be removed" in capsys.readouterr().out
    assert set(files_containing(tmp_path, JAN)) == {*copies, "w.duckdb"}
    assert command("redact", **settings_of_today) == 0

    out = capsys.readouterr().out
    for place in ("far/first.duckdb", "second.duckdb", "w.published.duckdb"):
        assert f"{tmp_path / place} was removed: a published copy of an older setting" in out
        assert not (tmp_path / place).exists()
    assert "for you to remove: backups, exports, dashboards and files of --output and --export" in out
    assert files_containing(tmp_path, JAN) == []
    assert (tmp_path / "third.duckdb").exists()


@pytest.mark.slow
def test_a_file_with_other_content_stays(
    command: RunCommand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that is another warehouse by now stays, and one that cannot be read is reported with exit code 1."""
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


@pytest.mark.slow
def test_a_killed_redaction_is_completed(
    command: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """After a redaction that was killed before removing old copies, the next one removes them."""
    assert command("sync", FLORIDAY_PUBLISHED="first.duckdb") == 0
    with monkeypatch.context() as patch:
        patch.setattr("pipelines.cli.commands.redact._remove_old_copies", lambda *_: None)
        assert command("redact", **DROP) == 0
    assert files_containing(tmp_path, JAN) == ["first.duckdb"]

    assert command("redact", **DROP) == 0

    assert "nothing to do" in capsys.readouterr().out
    assert files_containing(tmp_path, JAN) == []


@pytest.mark.slow
def test_files_of_killed_processes_are_removed(command: RunCommand, tmp_path: Path) -> None:
    """A redaction removes copies of killed dry runs, temporary files and spill files."""
    assert command("sync", FLORIDAY_PUBLISHED="off") == 0
    for folder in (".w.duckdb.trial", "w.duckdb.tmp"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "left").write_text(JAN)
    for name in ("w.duckdb.compact", "w.duckdb.compact.wal", "w.duckdb.redact", "w.duckdb.redact.wal"):
        (tmp_path / name).write_text(JAN)

    assert command("redact", FLORIDAY_PUBLISHED="off", **DROP) == 0

    assert files_containing(tmp_path, JAN) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["w.duckdb", "w.duckdb.lock"]
