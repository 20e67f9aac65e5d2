"""``floriday compact`` makes the file smaller without changing its content, or leaves it unchanged."""

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
from tests.command_line import Printed, without_coverage
from tests.examples import cases
from tests.integration.syncing import SUPPLIERS, Syncing
from tests.records import in_json, valid_records
from tests.thing_warehouse import A, B, ThingWarehouse, word

ORDERS = "orders.sales_orders"

USER_OBJECTS = """
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
"""Objects of all kinds that users can add to their warehouse."""

CATALOGUE_QUERIES = {
    "duckdb_tables()": "schema_name, table_name, comment, sql",
    "duckdb_columns()": "schema_name, table_name, column_name, comment, data_type",
    "duckdb_views()": "schema_name, view_name, comment, sql",
    "duckdb_functions()": "schema_name, function_name, comment, macro_definition",
}


@pytest.fixture(scope="module")
def bytes_with_deleted_rows(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a warehouse for things of which most rows were deleted."""
    things = ThingWarehouse(tmp_path_factory.mktemp("deleted") / "w.duckdb").create()
    things.store(word("deleted", 1, B))
    noise = "(SELECT string_agg(md5(CAST(i * range AS VARCHAR)), '') FROM range(20) of_one(i))"
    columns = "account, thing_id, series, sequence_number, payload, content_hash, synced_at, run_id"
    things.change(f"INSERT INTO raw.things SELECT {columns.replace('payload', noise)} FROM raw.things, range(5000)")
    for number, text in enumerate("cab", 100):
        things.store(word(text, number))
    things.change("DELETE FROM raw.things WHERE thing_id = CAST(? AS UUID)", B)
    things.change("DELETE FROM versions.things WHERE thing_id = CAST(? AS UUID)", B)
    things.change("DELETE FROM things.things WHERE thing_id = CAST(? AS UUID)", B)
    return things.path.read_bytes()


@pytest.fixture
def things(tmp_path: Path, bytes_with_deleted_rows: bytes) -> ThingWarehouse:
    """A warehouse for things of which most rows were deleted."""
    things = ThingWarehouse(tmp_path / "w.duckdb")
    things.path.write_bytes(bytes_with_deleted_rows)
    return things


def definitions(connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
    """All definitions and descriptions of a database."""
    return {
        source: connection.execute(
            f"SELECT {columns} FROM {source} WHERE database_name = current_database() AND NOT internal ORDER BY ALL"
        ).fetchall()
        for source, columns in CATALOGUE_QUERIES.items()
    }


def logs_in_order(things: ThingWarehouse) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of the raw log and of the versions, in stored order."""
    return {name: things.rows(f"SELECT * FROM {name} ORDER BY rowid") for name in ("raw.things", "versions.things")}


def names(folder: Path) -> list[str]:
    """The names in a folder."""
    return sorted(path.name for path in folder.iterdir())


class TestCompact:
    """A compacted file has the same content."""

    def test_the_file_is_smaller_with_the_same_content(self, things: ThingWarehouse) -> None:
        """The file is less than half as large, and has the same rows; those of the logs are in the same order."""
        size, contents, order = things.path.stat().st_size, things.contents(), logs_in_order(things)

        compacted = compact(things.warehouse)

        assert compacted == CompactionResult(size, things.path.stat().st_size)
        assert compacted.after < compacted.before / 2
        assert (things.contents(), logs_in_order(things)) == (contents, order)
        assert names(things.path.parent) == ["w.duckdb"]

    def test_the_next_records_are_stored(self, things: ThingWarehouse) -> None:
        """After a compaction, changes are detected and the history continues."""
        compact(things.warehouse)

        stored = things.store(word("b", 103), word("d", 104))

        assert (stored.new, stored.changed) == (0, 1)
        assert things.values("SELECT word FROM history.things WHERE thing_id = ? ORDER BY version", A) == [*"cabd"]
        assert things.values("SELECT word FROM things.things") == ["d"]

    def test_objects_of_users_are_kept(self, things: ThingWarehouse) -> None:
        """Users' tables, keys, computed columns, indexes, types, sequences, macros and views are kept."""
        things.change(USER_OBJECTS)

        compact(things.warehouse)

        assert things.rows("FROM own.notes") == [(1, "good", 1, 2), (2, "bad", 2, 4)]
        assert things.values("FROM own.longer_notes") == [2, 3]
        assert things.values("SELECT DISTINCT word FROM own.words ORDER BY 1") == [*"abc"]
        assert things.values("SELECT index_name FROM duckdb_indexes()") == ["by_length"]
        things.change("INSERT INTO own.notes (mood, length) VALUES ('good', 3)")
        with pytest.raises(duckdb.ConstraintException):
            things.change("INSERT INTO own.notes (number, length) VALUES (1, 3)")

    def test_payloads_stay_compressed(self, things: ThingWarehouse) -> None:
        """Payloads of the raw log keep their ZSTD compression."""
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

    def test_permissions_are_kept(self, things: ThingWarehouse) -> None:
        """The permissions of the file are kept."""
        things.path.chmod(0o640)

        compact(things.warehouse)

        assert stat.S_IMODE(things.path.stat().st_mode) == 0o640

    def test_a_link_stays_a_link(self, things: ThingWarehouse, tmp_path: Path) -> None:
        """When the warehouse is a symbolic link, the file that it points to is compacted."""
        link = tmp_path / "other" / "link.duckdb"
        link.parent.mkdir()
        link.symlink_to(things.path)

        compacted = compact(Warehouse(link))

        assert compacted.after < compacted.before
        assert link.is_symlink()
        assert names(link.parent) == ["link.duckdb"]

    def test_the_write_ahead_log_is_included(self, things: ThingWarehouse) -> None:
        """What a killed process committed to the write-ahead log is in the new file, and the log is removed."""
        with another_process(f"{WRITER}\nheld.execute(\"UPDATE things.things SET word = 'k'\")", things.path) as other:
            other.kill()
        assert things.warehouse.log.exists()

        compact(things.warehouse)

        assert things.values("SELECT word FROM things.things") == ["k"]
        assert names(things.path.parent) == ["w.duckdb"]

    @pytest.mark.slow
    def test_a_warehouse_of_all_feeds(self, tmp_path: Path) -> None:
        """Tables, descriptions, history and reports of all feeds are kept, and the next sync continues."""
        with Sandbox(empty=True) as sandbox:
            syncing = Syncing(sandbox, tmp_path / "w.duckdb")
            feeds = (ORDERS, "supply.batches", "supply.supply_lines")
            for feed in feeds:
                for record in valid_records(SUPPLIERS.feed(feed), seed=1, count=5):
                    sandbox.book(feed).put(in_json(record))
            syncing.sync(*feeds)
            with syncing.reading() as connection:
                before = definitions(connection)

            compact(Warehouse(syncing.path))

            with syncing.reading() as connection:
                assert definitions(connection) == before
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
    """A file of twice the memory limit is compacted in less than 500 MB of memory."""
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


class TestOtherProcesses:
    """Other processes can read the file during a compaction."""

    def test_readers_can_open_the_file_and_writers_wait(
        self, things: ThingWarehouse, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """During a compaction, other processes can open the file for reading and not for writing."""
        code = "import duckdb, sys; duckdb.connect(sys.argv[1], read_only=sys.argv[2] == 'reader').close()"
        opened = {}

        def try_both(*_: object) -> list[str]:
            for role in ("reader", "writer"):
                ended = subprocess.run([sys.executable, "-c", code, str(things.path), role], stderr=-1, check=False)
                opened[role] = ended.returncode == 0
            return []

        monkeypatch.setattr(compaction, "differences", try_both)
        with another_process(READER, things.path):
            compact(things.warehouse)

        assert opened == {"reader": True, "writer": False}

    def test_a_writer_that_does_not_end(self, things: ThingWarehouse) -> None:
        """When a writer does not end within the timeout, the error names its process."""
        with another_process(WRITER, things.path) as other, pytest.raises(WarehouseBusyError) as caught:
            compact(Warehouse(things.path, lock_timeout=0.0))

        assert str(other.pid) in caught.value.message

    def test_a_writer_that_was_just_killed(self, things: ThingWarehouse, monkeypatch: pytest.MonkeyPatch) -> None:
        """When a process is killed just before the compaction, its write-ahead log is noticed and kept."""
        monkeypatch.setattr(Warehouse, "recover", lambda _: None)
        with another_process(f"{WRITER}\nheld.execute(\"UPDATE things.things SET word = 'k'\")", things.path) as other:
            other.kill()

        with pytest.raises(WarehouseBusyError, match="try again"):
            compact(things.warehouse)

        assert things.values("SELECT word FROM things.things") == ["k"]


class TestFailures:
    """When a compaction fails, the file is unchanged and no other file is left."""

    @pytest.fixture
    def unchanged(self, things: ThingWarehouse) -> Callable[[], bool]:
        """Whether the file and its folder are unchanged."""
        before = things.path.read_bytes()
        return lambda: things.path.read_bytes() == before and names(things.path.parent) == ["w.duckdb"]

    def test_files_of_a_killed_compaction_are_removed(self, things: ThingWarehouse) -> None:
        """The next compaction removes the incomplete file of a killed one and its write-ahead log."""
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

    def test_a_full_disk_is_reported(self, things: ThingWarehouse, unchanged: Callable[[], bool]) -> None:
        """A full disk is reported in one line with DuckDB's message."""
        program = (
            "import resource, sys\nfrom pathlib import Path\nfrom pipelines.errors import PipelineError\n"
            "from pipelines.warehouse.file.compaction import compact\n"
            "from pipelines.warehouse.file.connection import Warehouse\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
            "try: compact(Warehouse(Path(sys.argv[1])))\nexcept PipelineError as error: sys.exit(str(error))"
        )

        ended = subprocess.run(
            [sys.executable, "-c", program, str(things.path)],
            env=without_coverage(),
            stderr=-1,
            text=True,
            check=False,
        )

        assert ended.stderr.startswith(f"{things.path} was not compacted, and is unchanged: ")
        assert "File too large" in ended.stderr
        assert ended.stderr.count("\n") == 1
        assert unchanged()

    def test_a_file_with_other_content_is_not_used(
        self, things: ThingWarehouse, unchanged: Callable[[], bool], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A new file with other content is not used, and the error names the difference."""
        monkeypatch.setattr(compaction, "differences", lambda *_: ["views"])

        with pytest.raises(WarehouseError, match="is unchanged: the new file differs in views"):
            compact(things.warehouse)

        assert unchanged()

    @pytest.mark.parametrize(
        ("error", "raised"), [(KeyboardInterrupt(), KeyboardInterrupt), (OSError(28, "No space left"), WarehouseError)]
    )
    def test_an_interrupted_compaction(
        self,
        things: ThingWarehouse,
        unchanged: Callable[[], bool],
        monkeypatch: pytest.MonkeyPatch,
        error: BaseException,
        raised: type[BaseException],
    ) -> None:
        """Ctrl-C and a full disk at the end leave the file unchanged."""

        def end(*_: object) -> None:
            raise error

        monkeypatch.setattr(compaction, "replace_file", end)

        with pytest.raises(raised):
            compact(things.warehouse)

        assert unchanged()

    def test_a_damaged_file_is_reported(self, things: ThingWarehouse) -> None:
        """A damaged file is reported, and no other file is made."""
        things.path.write_bytes(b"x" * 100_000)

        with pytest.raises(WarehouseError, match="damaged"):
            compact(things.warehouse)

        assert names(things.path.parent) == ["w.duckdb"]


class TestDifferences:
    """``differences`` compares two databases."""

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

    def test_equal_databases(self, both: duckdb.DuckDBPyConnection) -> None:
        """Equal databases have no differences."""
        assert differences(both, "old", "new") == []

    @cases(
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
        quick=4,
    )
    def test_each_difference_is_found(self, both: duckdb.DuckDBPyConnection, change: str, found: str) -> None:
        """A different row, value, order, definition or description is found."""
        both.execute(change)

        assert found in differences(both, "old", "new")


class TestCommand:
    """``floriday compact`` prints the result."""

    @pytest.fixture
    def compact_command(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: Printed) -> Printed:
        """Run ``floriday compact`` in the folder of the warehouse."""
        monkeypatch.setenv("FLORIDAY_WAREHOUSE", str(tmp_path / "w.duckdb"))
        monkeypatch.chdir(tmp_path)
        return partial(printed, "compact")

    def test_it_prints_both_sizes(self, things: ThingWarehouse, compact_command: Printed) -> None:
        """The command prints the size before and after in MB."""
        before = things.path.stat().st_size

        code, out, err = compact_command()

        after = things.path.stat().st_size
        assert (code, err) == (0, "")
        assert out == f"{things.path}: {before / 1e6:.1f} MB before, {after / 1e6:.1f} MB after\n"

    def test_a_compaction_during_a_sync(self, things: ThingWarehouse, compact_command: Printed) -> None:
        """During a sync, the command fails with the name of the process, and changes nothing."""
        before = things.path.read_bytes()
        with hold_sync_lock(things.path, "floriday sync"):
            code, _, err = compact_command()

        assert code == 1
        assert "floriday sync" in err
        assert things.path.read_bytes() == before

    def test_without_a_warehouse(self, compact_command: Printed, tmp_path: Path) -> None:
        """Without a warehouse, the command fails and creates nothing."""
        code, _, err = compact_command()

        assert code == 1
        assert "run `floriday sync` first" in err
        assert names(tmp_path) == []
