"""What another user puts at the name of a temporary file is refused: it is neither taken over nor written through."""

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
from tests.integration.syncing import empty_warehouse

ANOTHER = 54_321
"""The id of a user who is not the one that runs the tests."""

FILES = {
    ("backup", "out.duckdb"): "out.duckdb.part",
    ("compact",): "w.duckdb.compact",
}
FOLDERS = {("export", "out"): ".out.part", ("sync", "--dry-run"): ".w.duckdb.trial"}
COMMANDS = FILES | FOLDERS
each_command = pytest.mark.parametrize("command", COMMANDS, ids="-".join)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a warehouse and a file that must stay as it is."""
    (tmp_path / "w.duckdb").write_bytes(empty_warehouse("suppliers"))
    with Warehouse(tmp_path / "w.duckdb").writing() as connection:
        connection.execute("INSERT INTO sync.settings VALUES ('suppliers', '127.0.0.1', 2, now())")
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
    """A symbolic link to somebody's file."""
    path.symlink_to(path.with_name("victim"))


def second_name(path: Path) -> None:
    """A further name of somebody's file."""
    path.hardlink_to(path.with_name("victim"))


def pipe(path: Path) -> None:
    """A pipe that nobody reads."""
    os.mkfifo(path)


def link_to_folder(path: Path) -> None:
    """A symbolic link to a folder of somebody's."""
    (path.parent / "theirs").mkdir()
    path.symlink_to(path.parent / "theirs")


def another_file(path: Path) -> None:
    """A file of another user, who lets everybody write."""
    path.write_text("theirs")
    path.chmod(0o666)
    _give_away(path)


def another_folder(path: Path) -> None:
    """A folder of another user, who lets everybody write."""
    path.mkdir()
    (path / "file").write_text("theirs")
    path.chmod(0o777)
    _give_away(path)


def _give_away(path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can make files of another user")
    os.chown(path, ANOTHER, ANOTHER)


@each_command
@pytest.mark.parametrize("plant", [link, second_name, pipe, link_to_folder, another_file, another_folder])
def test_what_another_put_there_is_refused(
    command: tuple[str, ...], plant: Callable[[Path], None], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one line that says what to do; it stays as it was, and so does what it leads to."""
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
def test_nothing_but_the_named_file_is_written(command: tuple[str, ...], output: str, folder: Path) -> None:
    """No other file of the folder is replaced or removed, whatever it is called, and a link's target is written."""
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
def test_a_link_to_the_warehouse_is_the_warehouse(
    command: tuple[str, ...], target: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An output whose name leads to the warehouse, or beside it under its name, is refused."""
    (folder / "out").symlink_to(folder / target)
    before = (folder / "w.duckdb").read_bytes()

    assert run((*command, "out")) == 2

    assert "is the warehouse itself" in capsys.readouterr().err
    assert (folder / "w.duckdb").read_bytes() == before
    assert not (folder / "w.duckdb.wal").exists()


@each_command
def test_what_an_earlier_run_left_is_replaced(
    command: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A command that was killed is simply run again, whatever the mode of what it left."""
    left = folder / COMMANDS[command]
    if command in FOLDERS:
        (left / "half").mkdir(parents=True)
        (left / "half" / "file").write_text("half")
        left.chmod(0o755)
    else:
        left.write_text("half")
        left.chmod(0o644)

    code = run(command)

    out, err = capsys.readouterr()
    assert code == 0 or "cannot be reached" in err, out + err  # the trial goes as far as asking the API
    assert not left.exists()


@pytest.mark.parametrize("plant", [link, second_name, pipe, another_file])
def test_the_copy_for_readers_is_never_written_into_it(plant: Callable[[Path], None], folder: Path) -> None:
    """It would hand the whole warehouse to the file's owner."""
    plant(folder / "copy.duckdb.part")

    with pytest.raises(PipelineError, match=r"FLORIDAY_PUBLISHED: .* belongs to another user"):
        publish(Warehouse(folder / "w.duckdb"), folder / "copy.duckdb")

    assert (folder / "victim").read_text() == "mine"
    assert not (folder / "copy.duckdb").exists()


def test_the_note_of_who_syncs_is_not_written_through_a_link(folder: Path) -> None:
    """It stands beside the warehouse under a name that everybody can guess."""
    link(folder / "w.duckdb.holder")

    with pytest.raises(OSError, match="symbolic links"), hold_sync_lock(folder / "w.duckdb", "test"):
        pass

    assert (folder / "victim").read_text() == "mine"
