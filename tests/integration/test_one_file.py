"""A warehouse is one file under every path that leads to it, and unusable paths are refused first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.errors import SettingError, WarehouseBusyError, WarehouseError
from pipelines.settings import load_local_settings
from pipelines.warehouse.file.compaction import compact
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.file.dry_run import private_copy
from pipelines.warehouse.file.publish import copy_warehouse, publish
from pipelines.warehouse.file.removal import remove_warehouse
from pipelines.warehouse.file.sync_lock import hold_sync_lock, lock_holder
from pipelines.warehouse.read.query_session import single_query
from tests.command_line import Printed
from tests.examples import examples
from tests.thing_warehouse import ThingWarehouse, word

WORD = "SELECT word FROM things.things"


def linked_file(folder: Path) -> Path:
    """A link to the file."""
    (folder / "link.duckdb").symlink_to(folder / "real" / "w.duckdb")
    return folder / "link.duckdb"


def link_to_link(folder: Path) -> Path:
    """A link to a relative link."""
    (folder / "between").symlink_to(Path("real") / "w.duckdb")
    (folder / "link.duckdb").symlink_to("between")
    return folder / "link.duckdb"


def linked_folder(folder: Path) -> Path:
    """The file in a linked folder."""
    (folder / "linked").symlink_to(folder / "real", target_is_directory=True)
    return folder / "linked" / "w.duckdb"


def dots_after_link(folder: Path) -> Path:
    """A path with ``..`` after a link, which leads to the parent of the link's target."""
    (folder / "real" / "deep").mkdir()
    (folder / "linked").symlink_to(folder / "real" / "deep", target_is_directory=True)
    return folder / "linked" / ".." / "w.duckdb"


PATHS = [linked_file, link_to_link, linked_folder, dots_after_link]


@pytest.fixture
def things(tmp_path: Path) -> ThingWarehouse:
    """A warehouse for things, in a folder of its own."""
    (tmp_path / "real").mkdir()
    return ThingWarehouse(tmp_path / "real" / "w.duckdb")


@pytest.fixture(params=PATHS, ids=lambda name: name.__name__)
def other_path(things: ThingWarehouse, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Another path of the file, which does not exist yet."""
    name: Path = request.param(tmp_path)
    assert things.path.parent.is_dir()
    return name


def kill_after_a_commit(path: Path, folder_above: Path) -> None:
    """Commit a change, and restore the files as they were before the connection closed, as after a kill."""
    with Warehouse(path).writing() as connection:
        connection.execute("UPDATE things.things SET word = 'b'")
        files = {
            file: file.read_bytes() for file in folder_above.rglob("*") if file.is_file() and not file.is_symlink()
        }
    for file, content in files.items():
        file.write_bytes(content)


def words_in(path: Path) -> list[str]:
    """The words of the things in a copy."""
    return ThingWarehouse(path).values(WORD)


def test_a_killed_commit_is_found_under_every_path(things: ThingWarehouse, other_path: Path, tmp_path: Path) -> None:
    """A backup contains the last commit of a killed process, whichever paths the process and the backup used."""
    things.create().store(word("a", 1))

    kill_after_a_commit(other_path, tmp_path)
    assert things.path.with_name("w.duckdb.wal").exists()
    copy_warehouse(things.warehouse, tmp_path / "backup.duckdb")
    assert words_in(tmp_path / "backup.duckdb") == ["b"]

    things.change("UPDATE things.things SET word = 'a'")
    kill_after_a_commit(things.path, tmp_path)
    copy_warehouse(Warehouse(other_path), tmp_path / "backup.duckdb")
    assert words_in(tmp_path / "backup.duckdb") == ["b"]


def test_the_lock_is_the_same_under_every_path(things: ThingWarehouse, other_path: Path) -> None:
    """The lock is the same under every path, so that two syncs never write at the same time."""
    for first, second in ((other_path, things.path), (things.path, other_path)):
        with hold_sync_lock(first, "the first sync"):
            assert "the first sync" in str(lock_holder(second))
            with pytest.raises(WarehouseBusyError, match="the first sync"), hold_sync_lock(second, "the second"):
                raise AssertionError("both hold it")


def test_links_are_resolved(things: ThingWarehouse, other_path: Path, tmp_path: Path) -> None:
    """Writing, compaction, publication, dry run and removal use the file that links lead to, and keep the links."""
    links = sorted(path.name for path in tmp_path.iterdir())
    with Warehouse(other_path).writing() as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS one")
    settings = load_local_settings({"FLORIDAY_WAREHOUSE": str(other_path)}, tmp_path)
    assert settings.warehouse == things.path
    assert settings.published == tmp_path / "real" / "w.published.duckdb"

    compact(Warehouse(other_path))
    publish(Warehouse(other_path), settings.published)
    with private_copy(Warehouse(other_path)) as copy:
        assert copy.path.parent.parent == things.path.parent
    with single_query(other_path, "SELECT one FROM t") as result:
        assert [row for batch in result.batches for row in batch.to_pylist()] == [{"one": 1}]
    written = {path.name for path in things.path.parent.iterdir()} - {"deep"}
    assert written == {"w.duckdb", "w.published.duckdb"}

    remove_warehouse(other_path, "a test")
    assert {path.name for path in things.path.parent.iterdir()} - {"deep", "w.duckdb.lock"} == set()
    assert sorted(path.name for path in tmp_path.iterdir()) == links


@pytest.mark.parametrize("published", ["w.duckdb.wal", "w.duckdb.lock", "w.duckdb"])
def test_the_published_copy_is_no_file_of_the_warehouse(things: ThingWarehouse, published: str) -> None:
    """The published copy cannot be the warehouse, its write-ahead log or its lock, whatever the path."""
    (things.path.parent.parent / "linked").symlink_to(things.path.parent, target_is_directory=True)
    variables = {"FLORIDAY_WAREHOUSE": str(things.path), "FLORIDAY_PUBLISHED": f"linked/{published}"}

    with pytest.raises(SettingError, match="FLORIDAY_PUBLISHED expects another path"):
        load_local_settings(variables, things.path.parent.parent)


class TestHardLinks:
    """A warehouse with hard links is refused."""

    @pytest.fixture
    def second_link(self, things: ThingWarehouse, tmp_path: Path) -> Path:
        """A second hard link to a warehouse."""
        things.create().store(word("a", 1))
        (tmp_path / "twice.duckdb").hardlink_to(things.path)
        return tmp_path / "twice.duckdb"

    def test_the_setting_is_refused(self, second_link: Path, things: ThingWarehouse) -> None:
        """The setting is refused with its name."""
        for path in (second_link, things.path):
            with pytest.raises(SettingError, match=r"^FLORIDAY_WAREHOUSE expects a file with one name.*hard links"):
                load_local_settings({"FLORIDAY_WAREHOUSE": str(path)}, things.path.parent)

    def test_the_file_is_not_used(self, second_link: Path, things: ThingWarehouse, tmp_path: Path) -> None:
        """A file with hard links is neither opened, locked nor written, and works again when one link remains."""
        before = things.path.read_bytes()
        uses: list[Callable[[], object]] = [
            lambda: Warehouse(second_link).writing().__enter__(),
            lambda: things.warehouse.reading().__enter__(),
            lambda: hold_sync_lock(second_link, "a test").__enter__(),
            lambda: remove_warehouse(second_link, "a test"),
            lambda: copy_warehouse(things.warehouse, tmp_path / "copy.duckdb"),
        ]
        for use in uses:
            with pytest.raises(WarehouseError, match="hard links"):
                use()

        assert things.path.read_bytes() == before
        assert sorted(path.name for path in tmp_path.iterdir()) == ["real", "twice.duckdb"]
        assert [path.name for path in things.path.parent.iterdir()] == ["w.duckdb"]

        second_link.unlink()
        assert things.values(WORD) == ["a"]


CHARACTERS = "?*[]{}:~'\"\\%#&$!@|<>;, =.-éß\u00a0\u202f漢🌷\n\t\x85\u2028\udcff\ud800ab"
STRANGE = st.text(st.sampled_from(CHARACTERS), max_size=8)
PARTS = st.one_of(STRANGE, st.sampled_from(("md:", "s3:", ":memory:", "file:", "http:", "~root", "a" * 180, "漢" * 63)))


def load_path(text: str, base: Path) -> tuple[Path | None, str]:
    """The path that the setting resolves to, or the reason of its refusal."""
    try:
        return load_local_settings({"FLORIDAY_WAREHOUSE": text}, base, dotenv=False).beside, ""
    except SettingError as error:
        return None, str(error)


@pytest.mark.slow
@settings(max_examples=examples(3))
@given(folder=PARTS, name=PARTS, ending=st.sampled_from((".duckdb", "", "/", ".db.x")), is_relative=st.booleans())
@example(folder="a?b", name="w", ending=".duckdb", is_relative=True)
@example(folder="w", name="a?access_mode=read_only", ending=".duckdb", is_relative=False)
@example(folder="w", name="w\n", ending=".duckdb", is_relative=False)
@example(folder="'\"[$(x)]*", name=":memory:", ending="", is_relative=False)
def test_every_path_works_or_is_refused(
    folder: str,
    name: str,
    ending: str,
    is_relative: bool,  # noqa: FBT001
) -> None:
    """With any path, writing, backup, compaction and queries work, or the setting is refused at once."""
    with TemporaryDirectory() as folder_above:
        base = Path(folder_above)
        parts = [part for part in (folder.replace("/", ""), f"{name}{ending}") if part.strip("./ ")]
        text = "/".join(parts) if is_relative else str(base / "/".join(parts))
        path, refusal = load_path(text, base)
        if path is None:
            assert refusal.startswith("FLORIDAY_WAREHOUSE expects ")
            assert "\n" not in refusal
            assert list(base.iterdir()) == []
            return
        if base not in path.parents:  # the home folder, or the default
            return
        things = ThingWarehouse(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        things.create().store(word("a", 1))
        with things.warehouse.writing() as connection:
            connection.execute("UPDATE things.things SET word = 'b'")
            assert things.warehouse.log.exists()
        copy_warehouse(things.warehouse, base / "backup.duckdb")
        with hold_sync_lock(path, "a test"), private_copy(things.warehouse) as copy:
            compact(things.warehouse)
            assert ThingWarehouse(copy.path).values(WORD) == ["b"]
        with single_query(things.path, WORD) as result:
            assert [row for batch in result.batches for row in batch.to_pylist()] == [{"word": "b"}]
        assert words_in(base / "backup.duckdb") == ["b"]
        assert {path.name for path in path.parent.iterdir()} <= {path.name, f"{path.name}.lock", "backup.duckdb"}


@pytest.mark.parametrize("target", ["nothing", "a_folder", "circle"])
def test_a_link_without_a_file(tmp_path: Path, target: str) -> None:
    """A link to a file that does not exist is followed; a link to a folder or in a circle is refused."""
    (tmp_path / "a_folder").mkdir()
    (tmp_path / "circle").symlink_to("link.duckdb")
    (tmp_path / "link.duckdb").symlink_to(target)
    variables = {"FLORIDAY_WAREHOUSE": "link.duckdb"}

    if target == "nothing":
        assert load_local_settings(variables, tmp_path).warehouse == tmp_path / "nothing"
    else:
        with pytest.raises(SettingError, match="FLORIDAY_WAREHOUSE expects"):
            load_local_settings(variables, tmp_path)


def test_the_command_refuses_a_question_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: Printed) -> None:
    """The command refuses the path with exit code 2, and creates no folder and no lock file."""
    monkeypatch.setenv("FLORIDAY_WAREHOUSE", "what?/w.duckdb")
    monkeypatch.chdir(tmp_path)

    code, _, err = printed("compact")

    assert code == 2
    assert err.startswith("floriday: FLORIDAY_WAREHOUSE expects a path without a question mark")
    assert list(tmp_path.iterdir()) == []
