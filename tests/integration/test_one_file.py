"""One warehouse is one file, whatever name leads to it; a name that DuckDB cannot work with is refused first."""

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
from tests.thing_warehouse import ThingWarehouse, word

WORD = "SELECT word FROM things.things"


def linked_file(folder: Path) -> Path:
    """A link to the file."""
    (folder / "link.duckdb").symlink_to(folder / "real" / "w.duckdb")
    return folder / "link.duckdb"


def chain(folder: Path) -> Path:
    """A link to a link, which is relative."""
    (folder / "between").symlink_to(Path("real") / "w.duckdb")
    (folder / "link.duckdb").symlink_to("between")
    return folder / "link.duckdb"


def linked_folder(folder: Path) -> Path:
    """A file in a folder that is a link."""
    (folder / "linked").symlink_to(folder / "real", target_is_directory=True)
    return folder / "linked" / "w.duckdb"


def with_dots(folder: Path) -> Path:
    """A path that goes up behind a link: up from where the link leads."""
    (folder / "real" / "deep").mkdir()
    (folder / "linked").symlink_to(folder / "real" / "deep", target_is_directory=True)
    return folder / "linked" / ".." / "w.duckdb"


NAMES = [linked_file, chain, linked_folder, with_dots]


@pytest.fixture
def real(tmp_path: Path) -> ThingWarehouse:
    """A warehouse for things, in a folder of its own."""
    (tmp_path / "real").mkdir()
    return ThingWarehouse(tmp_path / "real" / "w.duckdb")


@pytest.fixture(params=NAMES, ids=lambda name: name.__name__)
def named(real: ThingWarehouse, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Another name of the file, which is not there yet."""
    name: Path = request.param(tmp_path)
    assert real.path.parent.is_dir()
    return name


def kill_after_a_commit(path: Path, above: Path) -> None:
    """Leave all files below a folder as a process leaves them that is killed after a commit."""
    with Warehouse(path).writing() as connection:
        connection.execute("UPDATE things.things SET word = 'b'")
        left = {file: file.read_bytes() for file in above.rglob("*") if file.is_file() and not file.is_symlink()}
    for file, content in left.items():
        file.write_bytes(content)


def copied_word(path: Path) -> list[str]:
    """What a copy holds."""
    return ThingWarehouse(path).values(WORD)


def test_a_commit_of_a_killed_process_is_there_under_every_name(
    real: ThingWarehouse, named: Path, tmp_path: Path
) -> None:
    """Whichever name the killed process used, and whichever the backup uses, it holds the last commit."""
    real.lay_out().store(word("a", 1))

    kill_after_a_commit(named, tmp_path)
    assert real.path.with_name("w.duckdb.wal").exists()
    copy_warehouse(real.warehouse, tmp_path / "backup.duckdb")
    assert copied_word(tmp_path / "backup.duckdb") == ["b"]

    real.change("UPDATE things.things SET word = 'a'")
    kill_after_a_commit(real.path, tmp_path)
    copy_warehouse(Warehouse(named), tmp_path / "backup.duckdb")
    assert copied_word(tmp_path / "backup.duckdb") == ["b"]


def test_the_lock_is_one_under_every_name(real: ThingWarehouse, named: Path) -> None:
    """Two syncs never write one file at the same time."""
    for one, other in ((named, real.path), (real.path, named)):
        with hold_sync_lock(one, "the first sync"):
            assert "the first sync" in str(lock_holder(other))
            with pytest.raises(WarehouseBusyError, match="the first sync"), hold_sync_lock(other, "the second"):
                raise AssertionError("both hold it")


def test_whatever_is_done_is_done_with_the_real_file(real: ThingWarehouse, named: Path, tmp_path: Path) -> None:
    """The file appears, is compacted, published, tried and removed where the links lead, and the links stay."""
    links = sorted(path.name for path in tmp_path.iterdir())
    with Warehouse(named).writing() as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS one")
    settings = load_local_settings({"FLORIDAY_WAREHOUSE": str(named)}, tmp_path)
    assert settings.warehouse == real.path
    assert settings.published == tmp_path / "real" / "w.published.duckdb"

    compact(Warehouse(named))
    publish(Warehouse(named), settings.published)
    with private_copy(Warehouse(named)) as trial:
        assert trial.path.parent.parent == real.path.parent
    with single_query(named, "SELECT one FROM t") as result:
        assert [row for batch in result.batches for row in batch.to_pylist()] == [{"one": 1}]
    written = {path.name for path in real.path.parent.iterdir()} - {"deep"}
    assert written == {"w.duckdb", "w.published.duckdb"}

    remove_warehouse(named, "a test")
    assert {path.name for path in real.path.parent.iterdir()} - {"deep", "w.duckdb.lock"} == set()
    assert sorted(path.name for path in tmp_path.iterdir()) == links


@pytest.mark.parametrize("published", ["w.duckdb.wal", "w.duckdb.lock", "w.duckdb"])
def test_the_copy_for_readers_takes_no_file_of_the_warehouse(real: ThingWarehouse, published: str) -> None:
    """Neither its log nor its lock, by whatever name; renewing the copy would destroy them."""
    (real.path.parent.parent / "linked").symlink_to(real.path.parent, target_is_directory=True)
    variables = {"FLORIDAY_WAREHOUSE": str(real.path), "FLORIDAY_PUBLISHED": f"linked/{published}"}

    with pytest.raises(SettingError, match="FLORIDAY_PUBLISHED expects another path"):
        load_local_settings(variables, real.path.parent.parent)


class TestHardLinks:
    """One file under two names that are both its own."""

    @pytest.fixture
    def twice(self, real: ThingWarehouse, tmp_path: Path) -> Path:
        """A second name of a warehouse."""
        real.lay_out().store(word("a", 1))
        (tmp_path / "twice.duckdb").hardlink_to(real.path)
        return tmp_path / "twice.duckdb"

    def test_the_setting_names_the_variable(self, twice: Path, real: ThingWarehouse) -> None:
        """In one line."""
        for path in (twice, real.path):
            with pytest.raises(SettingError, match=r"^FLORIDAY_WAREHOUSE expects a file with one name.*hard links"):
                load_local_settings({"FLORIDAY_WAREHOUSE": str(path)}, real.path.parent)

    def test_nothing_opens_it_and_nothing_is_written(self, twice: Path, real: ThingWarehouse, tmp_path: Path) -> None:
        """Neither writer nor reader, nor the lock; with one of the names gone it works again."""
        before = real.path.read_bytes()
        uses: list[Callable[[], object]] = [
            lambda: Warehouse(twice).writing().__enter__(),
            lambda: real.warehouse.reading().__enter__(),
            lambda: hold_sync_lock(twice, "a test").__enter__(),
            lambda: remove_warehouse(twice, "a test"),
            lambda: copy_warehouse(real.warehouse, tmp_path / "copy.duckdb"),
        ]
        for use in uses:
            with pytest.raises(WarehouseError, match="hard links"):
                use()

        assert real.path.read_bytes() == before
        assert sorted(path.name for path in tmp_path.iterdir()) == ["real", "twice.duckdb"]
        assert [path.name for path in real.path.parent.iterdir()] == ["w.duckdb"]

        twice.unlink()
        assert real.values(WORD) == ["a"]


CHARACTERS = "?*[]{}:~'\"\\%#&$!@|<>;, =.-éß\u00a0\u202f漢🌷\n\t\x85\u2028\udcff\ud800ab"
STRANGE = st.text(st.sampled_from(CHARACTERS), max_size=8)
PARTS = st.one_of(STRANGE, st.sampled_from(("md:", "s3:", ":memory:", "file:", "http:", "~root", "a" * 180, "漢" * 63)))


def loaded(text: str, base: Path) -> tuple[Path | None, str]:
    """The path that a setting means, or why it is refused."""
    try:
        return load_local_settings({"FLORIDAY_WAREHOUSE": text}, base, dotenv=False).warehouse, ""
    except SettingError as error:
        return None, str(error)


@settings(max_examples=12)
@given(folder=PARTS, name=PARTS, ending=st.sampled_from((".duckdb", "", "/", ".db.x")), shown=st.booleans())
@example(folder="a?b", name="w", ending=".duckdb", shown=True)
@example(folder="w", name="a?access_mode=read_only", ending=".duckdb", shown=False)
@example(folder="w", name="w\n", ending=".duckdb", shown=False)
@example(folder="'\"[$(x)]*", name=":memory:", ending="", shown=False)
def test_every_path_works_or_is_refused_before_anything_is_written(
    folder: str,
    name: str,
    ending: str,
    shown: bool,  # noqa: FBT001
) -> None:
    """Writing, a commit in the log, a backup, a compaction and a query; or one line that names the variable."""
    with TemporaryDirectory() as above:
        base = Path(above)
        parts = [part for part in (folder.replace("/", ""), f"{name}{ending}") if part.strip("./ ")]
        text = "/".join(parts) if shown else str(base / "/".join(parts))
        path, refusal = loaded(text, base)
        if path is None:
            assert refusal.startswith("FLORIDAY_WAREHOUSE expects ")
            assert "\n" not in refusal
            assert list(base.iterdir()) == []
            return
        if base not in path.parents:  # the home folder, or the default
            return
        things = ThingWarehouse(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        things.lay_out().store(word("a", 1))
        with things.warehouse.writing() as connection:
            connection.execute("UPDATE things.things SET word = 'b'")
            assert things.warehouse.log.exists()
        copy_warehouse(things.warehouse, base / "backup.duckdb")
        with hold_sync_lock(path, "a test"), private_copy(things.warehouse) as trial:
            compact(things.warehouse)
            assert ThingWarehouse(trial.path).values(WORD) == ["b"]
        with single_query(things.path, WORD) as result:
            assert [row for batch in result.batches for row in batch.to_pylist()] == [{"word": "b"}]
        assert copied_word(base / "backup.duckdb") == ["b"]
        assert {path.name for path in path.parent.iterdir()} <= {path.name, f"{path.name}.lock", "backup.duckdb"}


@pytest.mark.parametrize("target", ["nothing", "a_folder", "circle"])
def test_a_link_that_leads_to_no_file(tmp_path: Path, target: str) -> None:
    """One to a file that shall be made is followed; one to a folder or in a circle is refused."""
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
    """Before it makes a folder or a lock file, with exit code 2."""
    monkeypatch.setenv("FLORIDAY_WAREHOUSE", "what?/w.duckdb")
    monkeypatch.chdir(tmp_path)

    code, _, told = printed("compact")

    assert code == 2
    assert told.startswith("floriday: FLORIDAY_WAREHOUSE expects a path without a question mark")
    assert list(tmp_path.iterdir()) == []
