"""``floriday compact``: a smaller file with all that was in it, or the old one."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.errors import WarehouseBusyError, WarehouseError
from pipelines.sandbox import Sandbox
from pipelines.warehouse.file import compaction
from pipelines.warehouse.file.compaction import CompactionResult, compact, differences
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.file.sync_lock import hold_sync_lock
from tests.another_process import READER, WRITER, another_process
from tests.command_line import Printed, unmeasured
from tests.integration.syncing import SUPPLIERS, Syncing
from tests.records import in_json, valid_records
from tests.thing_warehouse import A, B, ThingWarehouse, word

ORDERS = "orders.sales_orders"

OF_ONES_OWN = """
CREATE SCHEMA own;
CREATE TYPE own.mood AS ENUM ('good', 'bad');
CREATE SEQUENCE own.numbers;
CREATE TABLE own.notes (
    number INTEGER DEFAULT nextval('own.numbers') PRIMARY KEY, mood own.mood, length INTEGER CHECK (length > 0),
    twice INTEGER GENERATED ALWAYS AS (length * 2)
);
INSERT INTO own.notes (mood, length) VALUES ('good', 1), ('bad', 2);
CREATE INDEX by_length ON own.notes (length);
CREATE MACRO own.longer(length, more := 1) AS length + more;
CREATE VIEW own.longer_notes AS SELECT own.longer(length) AS length FROM own.notes;
CREATE VIEW own.words AS FROM history.things;
COMMENT ON COLUMN own.notes.mood IS 'how it''s going';
"""
"""What people add to their warehouse."""

LISTED = {
    "duckdb_tables()": "schema_name, table_name, comment, sql",
    "duckdb_columns()": "schema_name, table_name, column_name, comment, data_type",
    "duckdb_views()": "schema_name, view_name, comment, sql",
    "duckdb_functions()": "schema_name, function_name, comment, macro_definition",
}


@pytest.fixture(scope="module")
def worn(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a warehouse for things, most of whose rows were deleted."""
    made = ThingWarehouse(tmp_path_factory.mktemp("worn") / "w.duckdb").lay_out()
    made.store(word("deleted", 1, B))
    noise = "(SELECT string_agg(md5(CAST(i * range AS VARCHAR)), '') FROM range(20) of_one(i))"
    columns = "account, thing_id, series, sequence_number, payload, content_hash, synced_at, run_id"
    made.change(f"INSERT INTO raw.things SELECT {columns.replace('payload', noise)} FROM raw.things, range(5000)")
    for number, text in enumerate("cab", 100):
        made.store(word(text, number))
    made.change("DELETE FROM raw.things WHERE thing_id = CAST(? AS UUID)", B)
    made.change("DELETE FROM versions.things WHERE thing_id = CAST(? AS UUID)", B)
    made.change("DELETE FROM things.things WHERE thing_id = CAST(? AS UUID)", B)
    return made.path.read_bytes()


@pytest.fixture
def things(tmp_path: Path, worn: bytes) -> ThingWarehouse:
    """A warehouse for things, most of whose rows were deleted."""
    made = ThingWarehouse(tmp_path / "w.duckdb")
    made.path.write_bytes(worn)
    return made


def listed(connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that a database says of itself."""
    return {
        source: connection.execute(
            f"SELECT {columns} FROM {source} WHERE database_name = current_database() AND NOT internal ORDER BY ALL"
        ).fetchall()
        for source, columns in LISTED.items()
    }


def in_order(things: ThingWarehouse) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of the raw log and of the versions, in the order in which they stand."""
    return {name: things.rows(f"SELECT * FROM {name} ORDER BY rowid") for name in ("raw.things", "versions.things")}


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())


class TestCompact:
    """What becomes of the file."""

    def test_it_gets_smaller_and_holds_the_same(self, things: ThingWarehouse) -> None:
        """Every row of every table, those of the logs in their order, and nothing is left beside it."""
        size, contents, order = things.path.stat().st_size, things.contents(), in_order(things)

        compacted = compact(things.warehouse)

        assert compacted == CompactionResult(size, things.path.stat().st_size)
        assert compacted.after < compacted.before / 2
        assert (things.contents(), in_order(things)) == (contents, order)
        assert names(things.path.parent) == ["w.duckdb"]

    def test_the_next_batch_is_stored_as_before(self, things: ThingWarehouse) -> None:
        """Newest versions are known as such, and the history goes on."""
        compact(things.warehouse)

        stored = things.store(word("b", 103), word("d", 104))

        assert (stored.new, stored.changed) == (0, 1)
        assert things.values("SELECT word FROM history.things WHERE thing_id = ? ORDER BY version", A) == [*"cabd"]
        assert things.values("SELECT word FROM things.things") == ["d"]

    def test_what_people_added_is_kept(self, things: ThingWarehouse) -> None:
        """Tables with keys and computed columns, indexes, types, sequences, macros and views."""
        things.change(OF_ONES_OWN)

        compact(things.warehouse)

        assert things.rows("FROM own.notes") == [(1, "good", 1, 2), (2, "bad", 2, 4)]
        assert things.values("FROM own.longer_notes") == [2, 3]
        assert things.values("SELECT DISTINCT word FROM own.words ORDER BY 1") == [*"abc"]
        assert things.values("SELECT index_name FROM duckdb_indexes()") == ["by_length"]
        things.change("INSERT INTO own.notes (mood, length) VALUES ('good', 3)")
        with pytest.raises(duckdb.ConstraintException):
            things.change("INSERT INTO own.notes (number, length) VALUES (1, 3)")

    def test_payloads_stay_compressed(self, things: ThingWarehouse) -> None:
        """The raw log is the largest part of most warehouses."""
        things.change(
            "INSERT INTO raw.things (account, payload)"
            " SELECT 'main', repeat('{\"number\":' || number || '}', 20) FROM range(10000) numbers(number)"
        )

        compact(things.warehouse)

        methods = things.values(
            "SELECT DISTINCT compression FROM pragma_storage_info('raw.things')"
            " WHERE column_name = 'payload' AND segment_type = 'VARCHAR'"
        )
        assert methods == ["ZSTD"]

    def test_owner_and_permissions_stay(self, things: ThingWarehouse) -> None:
        """Whoever was let in before is let in after."""
        things.path.chmod(0o640)

        compact(things.warehouse)

        assert stat.S_IMODE(things.path.stat().st_mode) == 0o640

    def test_a_link_stays_a_link(self, things: ThingWarehouse, tmp_path: Path) -> None:
        """The file is compacted where it is."""
        link = tmp_path / "elsewhere" / "link.duckdb"
        link.parent.mkdir()
        link.symlink_to(things.path)

        compacted = compact(Warehouse(link))

        assert compacted.after < compacted.before
        assert link.is_symlink()
        assert names(link.parent) == ["link.duckdb"]

    def test_a_killed_processes_log_is_folded_in(self, things: ThingWarehouse) -> None:
        """What it had committed is in the new file, and its log is gone."""
        with another_process(f"{WRITER}\nheld.execute(\"UPDATE things.things SET word = 'k'\")", things.path) as other:
            other.kill()
        assert things.warehouse.log.exists()

        compact(things.warehouse)

        assert things.values("SELECT word FROM things.things") == ["k"]
        assert names(things.path.parent) == ["w.duckdb"]

    def test_a_whole_warehouse_goes_on(self, tmp_path: Path) -> None:
        """Layout, descriptions, histories and reports are the same, and the next sync finds its way."""
        with Sandbox(empty=True) as sandbox:
            syncing = Syncing(sandbox, tmp_path / "w.duckdb")
            feeds = (ORDERS, "supply.batches", "supply.supply_lines")
            for feed in feeds:
                for record in valid_records(SUPPLIERS.feed(feed), seed=1, count=5):
                    sandbox.book(feed).put(in_json(record))
            syncing.sync(*feeds)
            with syncing.reading() as connection:
                before = listed(connection)

            compact(Warehouse(syncing.path))

            with syncing.reading() as connection:
                assert listed(connection) == before
                for name in ("history.sales_orders", "reports.revenue_by_week", "reports.revenue_by_week()"):
                    connection.execute(f"FROM {name}").fetchall()
            syncing.assert_equal(*feeds)
            entry = sandbox.book(ORDERS).entries()[0]
            sandbox.book(ORDERS).put({**entry.document, "numberOfPieces": 12})
            outcome = syncing.sync_one(ORDERS)
            assert (outcome.new, outcome.changed, outcome.current) == (0, 1, True)
            syncing.assert_equal(*feeds)


@pytest.mark.soak
def test_memory_does_not_grow_with_the_file(things: ThingWarehouse) -> None:
    """A file of twice the memory limit is compacted within it; Python and its libraries come on top."""
    noise = " || ".join(f"md5(CAST(number * 31 + {place} AS VARCHAR))" for place in range(20))
    for begins in range(0, 2_000_000, 200_000):
        things.change(
            "INSERT INTO raw.things (account, payload, sequence_number)"
            f" SELECT 'main', {noise}, number FROM range({begins}, {begins + 200_000}) numbers(number)"
        )
    assert things.path.stat().st_size > 600_000_000
    program = (
        "import resource, sys\nfrom pathlib import Path\nfrom pipelines.warehouse.file.compaction import compact\n"
        "from pipelines.warehouse.file.connection import Warehouse\ncompact(Warehouse(Path(sys.argv[1])))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )

    ended = subprocess.run(
        [sys.executable, "-c", program, str(things.path)], stdout=subprocess.PIPE, text=True, check=True
    )

    assert int(ended.stdout) < 500_000


class TestOthers:
    """Other processes, meanwhile."""

    def test_readers_are_let_in_and_writers_wait(self, things: ThingWarehouse, monkeypatch: pytest.MonkeyPatch) -> None:
        """From the moment it is read until the new file stands there."""
        code = "import duckdb, sys; duckdb.connect(sys.argv[1], read_only=sys.argv[2] == 'reader').close()"
        opened = {}

        def try_both(*_: object) -> list[str]:
            for how in ("reader", "writer"):
                ended = subprocess.run([sys.executable, "-c", code, str(things.path), how], stderr=-1, check=False)
                opened[how] = ended.returncode == 0
            return []

        monkeypatch.setattr(compaction, "differences", try_both)
        with another_process(READER, things.path):
            compact(things.warehouse)

        assert opened == {"reader": True, "writer": False}

    def test_a_writer_is_waited_for_and_named(self, things: ThingWarehouse) -> None:
        """Until the patience ends."""
        with another_process(WRITER, things.path) as other, pytest.raises(WarehouseBusyError) as caught:
            compact(Warehouse(things.path, lock_timeout=0.0))

        assert str(other.pid) in caught.value.message

    def test_a_writer_that_was_killed_just_now_is_noticed(
        self, things: ThingWarehouse, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What is in its write-ahead log would be lost with the old file."""
        monkeypatch.setattr(Warehouse, "recover", lambda _: None)
        with another_process(f"{WRITER}\nheld.execute(\"UPDATE things.things SET word = 'k'\")", things.path) as other:
            other.kill()

        with pytest.raises(WarehouseBusyError, match="try again"):
            compact(things.warehouse)

        assert things.values("SELECT word FROM things.things") == ["k"]


class TestFailures:
    """The old file stays, and nothing else."""

    @pytest.fixture
    def unchanged(self, things: ThingWarehouse) -> Callable[[], bool]:
        """Whether everything is as it was."""
        before = things.path.read_bytes()
        return lambda: things.path.read_bytes() == before and names(things.path.parent) == ["w.duckdb"]

    def test_what_a_killed_one_left_is_removed(self, things: ThingWarehouse) -> None:
        """The half-filled file and its write-ahead log."""
        program = (
            "from pathlib import Path\nfrom pipelines.warehouse.file import compaction\n"
            "from pipelines.warehouse.file.connection import Warehouse\n"
            "def stop(*_): print('ready', flush=True); sys.stdin.read()\n"
            "compaction.differences = stop\ncompaction.compact(Warehouse(Path(sys.argv[1])))"
        )
        with another_process(program, things.path) as process:
            process.kill()
        assert names(things.path.parent) == ["w.duckdb", "w.duckdb.compact"]
        things.path.with_name("w.duckdb.compact.wal").write_bytes(b"half")

        compact(things.warehouse)

        assert names(things.path.parent) == ["w.duckdb"]

    def test_a_full_disk_is_told(self, things: ThingWarehouse, unchanged: Callable[[], bool]) -> None:
        """In one line, with DuckDB's own words."""
        program = (
            "import resource, sys\nfrom pathlib import Path\nfrom pipelines.errors import PipelineError\n"
            "from pipelines.warehouse.file.compaction import compact\n"
            "from pipelines.warehouse.file.connection import Warehouse\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
            "try: compact(Warehouse(Path(sys.argv[1])))\nexcept PipelineError as error: sys.exit(str(error))"
        )

        ended = subprocess.run(
            [sys.executable, "-c", program, str(things.path)], env=unmeasured(), stderr=-1, text=True, check=False
        )

        assert ended.stderr.startswith(f"{things.path} was not compacted, and is unchanged: ")
        assert "File too large" in ended.stderr
        assert ended.stderr.count("\n") == 1
        assert unchanged()

    def test_a_new_file_that_differs_is_not_taken(
        self, things: ThingWarehouse, unchanged: Callable[[], bool], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The line says in what."""
        monkeypatch.setattr(compaction, "differences", lambda *_: ["views"])

        with pytest.raises(WarehouseError, match="is unchanged: the new file differs in views"):
            compact(things.warehouse)

        assert unchanged()

    @pytest.mark.parametrize(
        ("ending", "raised"), [(KeyboardInterrupt(), KeyboardInterrupt), (OSError(28, "No space left"), WarehouseError)]
    )
    def test_an_end_in_the_middle_leaves_nothing(
        self,
        things: ThingWarehouse,
        unchanged: Callable[[], bool],
        monkeypatch: pytest.MonkeyPatch,
        ending: BaseException,
        raised: type[BaseException],
    ) -> None:
        """Ctrl-C, or a disk that is full at the very end."""

        def end(*_: object) -> None:
            raise ending

        monkeypatch.setattr(compaction, "replace_file", end)

        with pytest.raises(raised):
            compact(things.warehouse)

        assert unchanged()

    def test_a_damaged_file_is_told(self, things: ThingWarehouse) -> None:
        """Before anything is made of it."""
        things.path.write_bytes(b"x" * 100_000)

        with pytest.raises(WarehouseError, match="damaged"):
            compact(things.warehouse)

        assert names(things.path.parent) == ["w.duckdb"]


class TestDifferences:
    """What the comparison of the two files sees."""

    @pytest.fixture
    def both(self) -> duckdb.DuckDBPyConnection:
        """Two databases with the same content."""
        connection = duckdb.connect()
        for name in ("old", "new"):
            connection.execute(
                f"ATTACH ':memory:' AS {name}; USE {name}; CREATE SCHEMA raw;"
                "CREATE TABLE raw.t AS SELECT number, [number] AS list FROM range(3000) numbers(number);"
                "CREATE TABLE u (number INTEGER NOT NULL); CREATE VIEW v AS FROM u; CREATE MACRO m(x) AS x;"
                "COMMENT ON TABLE u IS 'numbers'; COMMENT ON MACRO m IS 'itself'; COMMENT ON COLUMN v.number IS 'one'"
            )
        connection.execute("USE memory")
        return connection

    def test_there_is_none(self, both: duckdb.DuckDBPyConnection) -> None:
        """Between equal ones."""
        assert differences(both, "old", "new") == []

    @pytest.mark.parametrize(
        ("change", "found"),
        [
            ("DELETE FROM new.raw.t WHERE number = 2999", '"raw"."t"'),
            ("UPDATE new.raw.t SET list = [NULL] WHERE number = 7", '"raw"."t"'),
            ("INSERT INTO new.main.u VALUES (1)", '"main"."u"'),
            (
                "DELETE FROM new.raw.t; INSERT INTO new.raw.t FROM old.raw.t ORDER BY number DESC",
                '"raw"."t"',
            ),
            ("CREATE SCHEMA new.more", "schemas"),
            ("CREATE TABLE new.raw.more (number INTEGER)", "tables"),
            ("ALTER TABLE new.main.u ALTER number DROP NOT NULL", "tables"),
            ("COMMENT ON TABLE new.main.u IS NULL", "tables"),
            ("COMMENT ON COLUMN new.main.v.number IS NULL", "columns"),
            ("CREATE INDEX by_number ON new.main.u (number)", "indexes"),
            ("CREATE OR REPLACE VIEW new.main.v AS SELECT number FROM u", "views"),
            ("DROP VIEW new.main.v", "views"),
            ("CREATE OR REPLACE MACRO new.main.m(x) AS x + 1", "functions"),
            ("COMMENT ON MACRO new.main.m IS NULL", "functions"),
            ("CREATE SEQUENCE new.main.s", "sequences"),
            ("CREATE TYPE new.main.mood AS ENUM ('good')", "types"),
        ],
    )
    def test_each_is_found(self, both: duckdb.DuckDBPyConnection, change: str, found: str) -> None:
        """A row, a value, an order, a definition, a description."""
        both.execute(change)

        assert found in differences(both, "old", "new")


class TestCommand:
    """``floriday compact``."""

    @pytest.fixture
    def compact_here(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: Printed) -> Printed:
        """Runs it where the settings stand."""
        monkeypatch.setenv("FLORIDAY_WAREHOUSE", str(tmp_path / "w.duckdb"))
        monkeypatch.chdir(tmp_path)
        return partial(printed, "compact")

    def test_it_tells_before_and_after(self, things: ThingWarehouse, compact_here: Printed) -> None:
        """In megabytes."""
        before = things.path.stat().st_size

        code, out, err = compact_here()

        after = things.path.stat().st_size
        assert (code, err) == (0, "")
        assert out == f"{things.path}: {before / 1e6:.1f} MB before, {after / 1e6:.1f} MB after\n"

    def test_a_sync_is_not_disturbed(self, things: ThingWarehouse, compact_here: Printed) -> None:
        """The line says who is at it."""
        before = things.path.read_bytes()
        with hold_sync_lock(things.path, "floriday sync"):
            code, _, err = compact_here()

        assert code == 1
        assert "floriday sync" in err
        assert things.path.read_bytes() == before

    def test_without_a_warehouse(self, compact_here: Printed, tmp_path: Path) -> None:
        """Nothing is made."""
        code, _, err = compact_here()

        assert code == 1
        assert "run `floriday sync` first" in err
        assert names(tmp_path) == []
