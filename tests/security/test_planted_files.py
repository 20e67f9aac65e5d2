"""A file that another user puts at the path of a temporary file is refused, and not used or written through."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.cli.entry import run
from pipelines.errors import PipelineError
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.file.publish import publish
from pipelines.warehouse.file.sync_lock import hold_sync_lock
from tests.integration.report_warehouse import feeds_of_reports
from tests.integration.syncing import empty_warehouse

OTHER_USER = 54_321
"""The id of a user who does not run the tests."""

FILES = {
    ("backup", "out.duckdb"): "out.duckdb.part",
    ("compact",): "w.duckdb.compact",
}
FOLDERS = {("export", "out"): ".out.part", ("sync", "--dry-run"): ".w.duckdb.trial"}
COMMANDS = FILES | FOLDERS
each_command = pytest.mark.parametrize("command", COMMANDS, ids="-".join)


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A warehouse of the API of the settings, without rows; few tables are opened faster than all."""
    path = tmp_path_factory.mktemp("content") / "w.duckdb"
    path.write_bytes(empty_warehouse("suppliers", feeds_of_reports("suppliers")))
    with Warehouse(path).writing() as connection:
        connection.execute("INSERT INTO sync.settings VALUES ('suppliers', '127.0.0.1', 3, now(), '2026v1')")
    return path.read_bytes()


@pytest.fixture
def folder(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a warehouse and a file that must not change."""
    (tmp_path / "w.duckdb").write_bytes(content)
    (tmp_path / "victim").write_text("mine")
    monkeypatch.chdir(tmp_path)
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    return tmp_path


SETTINGS = {
    "FLORIDAY_WAREHOUSE": "w.duckdb",
    "FLORIDAY_BASE_URL": "http://127.0.0.1:9/suppliers-api-2026v1",
    "FLORIDAY_AUTH_URL": "http://127.0.0.1:9/token",
    "FLORIDAY_CLIENT_ID": "client",
    "FLORIDAY_CLIENT_SECRET": "secret",
    "FLORIDAY_API_KEY": "key",
}


def link(path: Path) -> None:
    """Create a symbolic link to another file."""
    path.symlink_to(path.with_name("victim"))


def hard_link(path: Path) -> None:
    """Create a hard link to another file."""
    path.hardlink_to(path.with_name("victim"))


def pipe(path: Path) -> None:
    """Create a pipe that nobody reads."""
    os.mkfifo(path)


def link_to_folder(path: Path) -> None:
    """Create a symbolic link to another folder."""
    (path.parent / "theirs").mkdir()
    path.symlink_to(path.parent / "theirs")


def file_of_another_user(path: Path) -> None:
    """Create a file of another user that everybody can write to."""
    path.write_text("theirs")
    path.chmod(0o666)
    _give_away(path)


def folder_of_another_user(path: Path) -> None:
    """Create a folder of another user that everybody can write to."""
    path.mkdir()
    (path / "file").write_text("theirs")
    path.chmod(0o777)
    _give_away(path)


def _give_away(path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can make files of another user")
    os.chown(path, OTHER_USER, OTHER_USER)


@each_command
@pytest.mark.parametrize("plant", [link, hard_link, pipe, link_to_folder, file_of_another_user, folder_of_another_user])
def test_planted_files_are_refused(
    command: tuple[str, ...], plant: Callable[[Path], None], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command fails in one line with a remedy, and changes neither the file nor its target."""
    planted = folder / COMMANDS[command]
    plant(planted)
    before = planted.lstat()

    assert run(command) != 0

    err = capsys.readouterr().err
    assert f"{planted.name} belongs to another user, or is no plain file or folder of yours: remove it" in err
    assert err.count("\n") == 1
    after = planted.lstat()
    assert (after.st_ino, after.st_mode, after.st_uid, after.st_size) == (
        *(before.st_ino, before.st_mode, before.st_uid, before.st_size),
    )
    assert (folder / "victim").read_text() == "mine"
    assert not any((folder / "theirs").glob("*"))
    assert not any(folder.glob("out*[!t]"))


@pytest.mark.parametrize(
    ("command", "output"),
    [
        (("report", "revenue_by_week", "--output"), "out.csv"),
        (("query", "SELECT 1", "--output"), "out.json"),
        (("rejected", "--export"), "out.jsonl"),
        (("dashboard", "--output"), "out.html"),
    ],
)
def test_only_the_output_file_is_written(command: tuple[str, ...], output: str, folder: Path) -> None:
    """Only the output file is written, through a link if it is one, and files with similar names stay."""
    (folder / f"{output}.part").write_text("mine")
    (folder / output).symlink_to(folder / "target")
    before = {each.name for each in folder.iterdir()}

    assert run((*command, output)) == 0

    assert (folder / f"{output}.part").read_text() == "mine"
    assert (folder / output).is_symlink()
    assert (folder / "target").is_file()
    assert {each.name for each in folder.iterdir()} - before <= {"target", "w.duckdb.lock"}


@pytest.mark.parametrize(
    "command",
    [
        ("report", "revenue_by_week", "--output"),
        ("query", "SELECT 1", "--output"),
        ("rejected", "--export"),
        ("dashboard", "--output"),
        ("backup", "--force"),
    ],
)
@pytest.mark.parametrize("target", ["w.duckdb", "w.duckdb.wal"])
def test_a_link_to_the_warehouse_is_refused(
    command: tuple[str, ...], target: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An output that links to the warehouse or to its write-ahead log is refused."""
    (folder / "out").symlink_to(folder / target)
    before = (folder / "w.duckdb").read_bytes()

    assert run((*command, "out")) == 2

    assert "is the warehouse itself" in capsys.readouterr().err
    assert (folder / "w.duckdb").read_bytes() == before
    assert not (folder / "w.duckdb.wal").exists()


@each_command
@pytest.mark.usefixtures("no_waits_between_retries")
def test_temporary_files_of_earlier_runs_are_replaced(
    command: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A command replaces the temporary file of an earlier run, whatever its permissions."""
    existing = folder / COMMANDS[command]
    if command in FOLDERS:
        (existing / "half").mkdir(parents=True)
        (existing / "half" / "file").write_text("half")
        existing.chmod(0o755)
    else:
        existing.write_text("half")
        existing.chmod(0o644)

    code = run(command)

    out, err = capsys.readouterr()
    assert code == 0 or "cannot be reached" in err, out + err  # the dry run fails when it calls the API
    assert not existing.exists()


@pytest.mark.parametrize("plant", [link, hard_link, pipe, file_of_another_user])
def test_the_published_copy_is_not_written_to_a_planted_file(plant: Callable[[Path], None], folder: Path) -> None:
    """The published copy is not written into a file of another user, who could then read the whole warehouse."""
    plant(folder / "copy.duckdb.part")

    with pytest.raises(PipelineError, match=r"FLORIDAY_PUBLISHED: .* belongs to another user"):
        publish(Warehouse(folder / "w.duckdb"), folder / "copy.duckdb")

    assert (folder / "victim").read_text() == "mine"
    assert not (folder / "copy.duckdb").exists()


def test_the_lock_note_is_not_written_through_a_link(folder: Path) -> None:
    """The note about the process that holds the lock is not written through a link at its predictable path."""
    link(folder / "w.duckdb.holder")

    with pytest.raises(OSError, match="symbolic links"), hold_sync_lock(folder / "w.duckdb", "test"):
        pass

    assert (folder / "victim").read_text() == "mine"
