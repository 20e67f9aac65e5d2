"""The warehouse file: its tables, its privacy, other processes, damage, and the API and organizations that own it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import duckdb
import pandas as pd
import pytest

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import Column, Table, tables_of
from pipelines.errors import SettingError, WarehouseBusyError, WarehouseError
from pipelines.warehouse.file.compaction import compact
from pipelines.warehouse.file.connection import Warehouse, transaction
from pipelines.warehouse.file.session_settings import BLOCK_SIZE, STORAGE_VERSION, low_memory
from pipelines.warehouse.file.sync_lock import hold_sync_lock
from pipelines.warehouse.schema.create import LAYOUT_VERSION, create_tables
from pipelines.warehouse.schema.owner import Owner, check_owner, read_owner, record_owner
from tests.another_process import READER, WRITER, another_process, end
from tests.command_line import without_coverage
from tests.every_kind import TABLE
from tests.examples import cases
from tests.thing_warehouse import ThingWarehouse, contents, word

TABLES = [tables_of(feed) for feed in catalogue_of("suppliers").feeds]
OURS, THEIRS = "8bb25702-90f6-4123-8ccc-0000000000aa", "8bb25702-90f6-4123-8ccc-0000000000bb"
HOST = "api.staging.floriday.io"


@pytest.fixture
def things(tmp_path: Path) -> ThingWarehouse:
    """A warehouse with one thing."""
    things = ThingWarehouse(tmp_path / "w.duckdb").create()
    things.store(word("a", 1))
    return things


@pytest.fixture(scope="module")
def suppliers(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A warehouse with the tables of the Suppliers API."""
    warehouse = Warehouse(tmp_path_factory.mktemp("w") / "folder" / "w.duckdb")
    with warehouse.writing() as connection, transaction(connection):
        create_tables(connection, TABLES)
    return warehouse


def mode(path: Path) -> int:
    """The permissions of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def checksum(header: bytearray) -> int:
    """The checksum that DuckDB writes before the header of a file."""
    result = 5381
    for place in range(0, len(header), 8):
        result ^= int.from_bytes(header[place : place + 8], "little") * 0xBF58476D1CE4E5B9 % 2**64
    return result


def block_size(path: Path) -> int:
    """Return the size of the blocks of a file, in bytes."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return int(connection.execute("SELECT block_size FROM pragma_database_size()").fetchall()[0][0])


def storage_version(path: Path) -> str:
    """Return the first version of DuckDB that reads a file."""
    with duckdb.connect(str(path), read_only=True) as connection:
        sql = "SELECT tags['storage_version'] FROM duckdb_databases() WHERE NOT internal"
        return str(connection.execute(sql).fetchall()[0][0])


class TestBlocks:
    """New files have small blocks, and files with DuckDB's own are written and compacted alike."""

    def test_a_new_file_has_small_blocks(self, things: ThingWarehouse) -> None:
        """A new file has the block size that makes small commits cheap."""
        assert block_size(things.path) == BLOCK_SIZE == 131072

    def test_all_supported_versions_of_duckdb_read_the_file(self, things: ThingWarehouse) -> None:
        """A new file and a compacted one have the storage format of DuckDB 1.4.0, whichever version wrote them."""
        assert storage_version(things.path).startswith(STORAGE_VERSION)
        compact(things.warehouse)
        assert storage_version(things.path).startswith(STORAGE_VERSION)

    def test_a_file_with_large_blocks_keeps_them_until_it_is_compacted(self, tmp_path: Path) -> None:
        """A file with DuckDB's own block size is written as any other, and has small blocks once it is compacted."""
        path = tmp_path / "w.duckdb"
        duckdb.connect(
            str(path), config={"default_block_size": "262144", "storage_compatibility_version": STORAGE_VERSION}
        ).close()
        things = ThingWarehouse(path)
        with things.warehouse.writing() as connection, transaction(connection):
            create_tables(connection, [tables_of(feed) for feed in things.feeds])
        things.store(word("a", 1))
        before = things.contents()
        assert block_size(path) == 262144

        compact(things.warehouse)

        assert block_size(path) == BLOCK_SIZE
        assert things.contents() == before


class TestLayout:
    """A new warehouse contains all tables, views and descriptions."""

    def test_columns_equal_the_catalogue(self, suppliers: Warehouse) -> None:
        """Each table has the catalogue's columns, types and order."""
        with suppliers.reading() as connection:
            for table in (part for feed in TABLES for part in feed.walk()):
                found = connection.execute(
                    "SELECT column_name, data_type FROM duckdb_columns()"
                    " WHERE schema_name = ? AND table_name = ? ORDER BY column_index",
                    [table.schema, table.name],
                ).fetchall()
                assert found == [(column.name, column.type) for column in table.columns]

    def test_everything_is_described(self, suppliers: Warehouse) -> None:
        """Each table, view and column that users read has a comment."""
        with suppliers.reading() as connection:
            for kind, name in (("tables", "table_name"), ("views", "view_name"), ("columns", "table_name")):
                found = connection.execute(
                    f"SELECT schema_name, {name}, comment FROM duckdb_{kind}() WHERE NOT internal"
                ).fetchall()
                assert len(found) > 20
                assert [row for row in found if not row[2] and (kind, row[0]) != ("columns", "versions")] == []

    def test_comments_equal_the_catalogue(self, suppliers: Warehouse) -> None:
        """Comments of current tables are the catalogue's texts, and those of histories mention versions."""
        query = "SELECT comment FROM duckdb_columns() WHERE schema_name = ? AND table_name = ? ORDER BY column_index"
        with suppliers.reading() as connection:
            for table in TABLES:
                found = [row[0] for row in connection.execute(query, [table.schema, table.name]).fetchall()]
                assert found == [column.description for column in table.columns]
                comments = connection.execute(
                    "SELECT comment FROM duckdb_views() WHERE schema_name = 'history' AND view_name = ?", [table.name]
                ).fetchall()
                assert comments == [(f"One row for each version. {table.description}",)]

    def test_every_table_has_a_history_and_its_macro(self, suppliers: Warehouse) -> None:
        """Each table has a history view and a macro for a moment, which return no rows yet."""
        with suppliers.reading() as connection:
            for table in (part for feed in TABLES for part in feed.walk()):
                assert connection.execute(f"FROM history.{table.name}").fetchall() == []
                assert connection.execute(f"FROM history.{table.name}_as_of('2026-01-01')").fetchall() == []

    def test_creating_tables_again_changes_nothing(self, things: ThingWarehouse) -> None:
        """Creating the tables again, as every sync does, changes nothing."""
        before = things.contents()
        with things.warehouse.writing() as connection, transaction(connection):
            create_tables(connection, [TABLE])

        assert things.contents() == before

    def test_feeds_are_added_to_an_older_file(self, things: ThingWarehouse) -> None:
        """Tables of new feeds are added to an existing file, and its rows stay."""
        with things.warehouse.writing() as connection, transaction(connection):
            create_tables(connection, [TABLE, *TABLES])

        assert things.values("SELECT count(*) FROM orders.sales_orders") == [0]
        assert things.values("SELECT word FROM things.things") == ["a"]

    @pytest.mark.parametrize(
        ("columns", "message"),
        [
            ((*TABLE.columns, Column("hue", TABLE.columns[0].kind, "hue")), "hue"),
            (TABLE.columns[:-1], TABLE.columns[-1].name),
            (TABLE.columns[::-1], "in another order"),
        ],
    )
    def test_a_table_with_other_columns_is_refused(
        self, things: ThingWarehouse, columns: tuple[Column, ...], message: str
    ) -> None:
        """A table with other columns is refused with their names, and nothing changes."""
        before = things.contents()
        other: Table = replace(TABLE, columns=columns)

        with (
            pytest.raises(WarehouseError, match=rf"things\.things .*\({message}\)"),
            things.warehouse.writing() as connection,
            transaction(connection),
        ):
            create_tables(connection, [other])

        assert things.contents() == before


class TestPrivacy:
    """Files are private, and a locked reader can only read."""

    def test_files_are_private(self, tmp_path: Path) -> None:
        """Database and write-ahead log are private whatever the umask, which is restored afterwards."""
        before = os.umask(0o022)
        try:
            warehouse = Warehouse(tmp_path / "deeper" / "w.duckdb")
            with warehouse.writing() as connection:
                connection.execute("CREATE TABLE t AS SELECT 1")
                wal = warehouse.path.with_name("w.duckdb.wal")
                assert (mode(wal), mode(warehouse.path)) == (0o600, 0o600)
            assert mode(warehouse.path) == 0o600
            assert os.umask(0o022) == 0o022
        finally:
            os.umask(before)

    def test_lock_files_are_private(self, tmp_path: Path) -> None:
        """The files of the lock are private."""
        with hold_sync_lock(tmp_path / "w.duckdb", "a test"):
            assert {mode(path) for path in tmp_path.iterdir()} == {0o600}

    @cases(
        "sql",
        [
            "SELECT * FROM read_csv('{folder}/secret.csv')",
            "SELECT * FROM '{folder}/secret.csv'",
            "SELECT * FROM read_text('{folder}/secret.csv')",
            "SELECT * FROM glob('{folder}/*')",
            "COPY things.things TO '{folder}/out.csv'",
            "COPY things.things FROM '{folder}/secret.csv'",
            "EXPORT DATABASE '{folder}/out'",
            "ATTACH '{folder}/other.duckdb' AS other",
            "INSTALL httpfs",
            "LOAD httpfs",
            "SELECT * FROM read_csv('https://localhost/secret.csv')",
            "SET enable_external_access = true",
            "SET lock_configuration = false",
            "RESET enable_external_access",
            "PRAGMA enable_logging",
            "SET threads = 64",
            "INSERT INTO things.things (account) VALUES ('x')",
            "DELETE FROM things.things",
            "UPDATE things.things SET word = 'x'",
            "CREATE TABLE things.other AS SELECT 1",
            "DROP TABLE things.things",
            "SELECT * FROM frame",
        ],
        quick=6,
    )
    def test_a_locked_connection_only_reads(self, things: ThingWarehouse, tmp_path: Path, sql: str) -> None:
        """SQL on a locked connection cannot access files, the network, settings or variables, and cannot write."""
        (tmp_path / "secret.csv").write_text("secret\n")
        before = things.contents()
        frame = pd.DataFrame({"a": [1]})
        assert len(frame) == 1

        with things.warehouse.reading(locked=True) as connection, pytest.raises(duckdb.Error):
            connection.execute(sql.format(folder=tmp_path)).fetchall()

        assert things.contents() == before
        assert not list(tmp_path.glob("out*"))

    def test_a_locked_connection_returns_rows(self, things: ThingWarehouse) -> None:
        """A locked connection returns rows, with times in UTC."""
        with things.warehouse.reading(locked=True) as connection:
            assert connection.execute("SELECT word FROM things.things").fetchall() == [("a",)]
            assert connection.execute("SELECT current_setting('TimeZone')").fetchall() == [("UTC",)]

    def test_reading_does_not_write(self, things: ThingWarehouse) -> None:
        """A connection for reading cannot write, and creates no file."""
        with things.warehouse.reading() as connection, pytest.raises(duckdb.Error, match="read-only"):
            connection.execute("DELETE FROM things.things")

        assert [path.name for path in things.path.parent.iterdir()] == ["w.duckdb"]

    def test_an_uncommitted_transaction_is_rolled_back(self, things: ThingWarehouse) -> None:
        """A transaction that is interrupted or not committed is rolled back."""

        def interrupted() -> None:
            with things.warehouse.writing() as connection, transaction(connection):
                connection.execute("DELETE FROM things.things")
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted()
        with things.warehouse.writing() as connection:
            connection.execute("BEGIN")
            connection.execute("DELETE FROM things.things")

        assert things.values("SELECT word FROM things.things") == ["a"]


class TestOtherProcesses:
    """A process waits for other processes that have the file open."""

    @pytest.mark.parametrize("holder", [READER, WRITER])
    def test_a_writer_waits_until_the_file_is_free(self, things: ThingWarehouse, holder: str) -> None:
        """A writer retries until the file is free."""
        waits: list[float] = []
        with another_process(holder, things.path) as other:

            def wait(seconds: float) -> None:
                waits.append(seconds)
                if len(waits) == 3:
                    end(other)

            with Warehouse(things.path, sleep=wait).writing() as connection:
                connection.execute("UPDATE things.things SET word = 'b'")

        assert len(waits) >= 3
        assert all(0 < seconds < 1 for seconds in waits)
        assert things.values("SELECT word FROM things.things") == ["b"]

    def test_a_reader_waits_for_a_writer(self, things: ThingWarehouse) -> None:
        """A reader waits for a writer until its timeout."""
        with another_process(WRITER, things.path) as other:
            with pytest.raises(WarehouseBusyError), Warehouse(things.path, lock_timeout=0.0).reading():
                raise AssertionError("it was opened")
            with Warehouse(things.path, sleep=lambda _: end(other)).reading() as connection:
                assert connection.execute("SELECT word FROM things.things").fetchall() == [("a",)]

    def test_the_process_that_holds_the_file_is_named(self, things: ThingWarehouse) -> None:
        """After the timeout, the error is one line with the process that has the file open, and nothing changes."""
        with another_process(READER, things.path) as other:
            with pytest.raises(WarehouseBusyError) as caught, Warehouse(things.path, lock_timeout=0.0).writing():
                raise AssertionError("it was opened")

            assert str(other.pid) in caught.value.message
            assert str(things.path) in caught.value.message
            assert "\n" not in caught.value.message

    def test_a_second_sync_names_the_first(self, tmp_path: Path) -> None:
        """A second sync gets an error that names the first one, until the first one releases the lock."""
        path = tmp_path / "folder" / "w.duckdb"
        code = (
            "from pathlib import Path\nfrom pipelines.warehouse.file.sync_lock import hold_sync_lock\n"
            "held = hold_sync_lock(Path(sys.argv[1]), 'floriday sync')\nheld.__enter__()"
        )
        with another_process(code, path) as other:
            with pytest.raises(WarehouseBusyError) as caught, hold_sync_lock(path, "another"):
                raise AssertionError("both hold it")
            assert f"floriday sync, process {other.pid}, since 20" in caught.value.message

        with hold_sync_lock(path, "another"):
            assert sorted(file.name for file in path.parent.iterdir()) == ["w.duckdb.holder", "w.duckdb.lock"]

    def test_lock_files_of_a_killed_process(self, tmp_path: Path) -> None:
        """Lock files of a killed process do not prevent a new lock."""
        path = tmp_path / "w.duckdb"
        (tmp_path / "w.duckdb.lock").touch()
        (tmp_path / "w.duckdb.holder").write_text("nonsense")

        with hold_sync_lock(path, "a test"):
            assert "a test" in (tmp_path / "w.duckdb.holder").read_text()


KILLED = """
import os, signal
from pathlib import Path
from pipelines.warehouse.file.connection import Warehouse

with Warehouse(Path(sys.argv[1])).writing() as connection:
    connection.execute("UPDATE things.things SET word = 'b'")
    os.kill(os.getpid(), signal.SIGKILL)
"""
"""A process that is killed after a commit that is only in the write-ahead log."""


class TestKilled:
    """The write-ahead log of a killed process is recovered."""

    def log_of_killed_process(self, things: ThingWarehouse) -> Path:
        """Kill a process after a commit, and return its write-ahead log."""
        subprocess.run([sys.executable, "-c", f"import sys\n{KILLED}", str(things.path)], check=False)
        return things.warehouse.log

    def test_a_commit_in_the_log_is_recovered(self, things: ThingWarehouse) -> None:
        """Readers see a commit in the write-ahead log at once, and the next writer moves it into the file."""
        log = self.log_of_killed_process(things)
        assert log.exists()
        assert things.values("SELECT word FROM things.things") == ["b"]

        with things.warehouse.writing():
            assert not log.exists()

        assert things.values("SELECT word FROM things.things") == ["b"]

    @cases("part", [0.0, 0.3, 0.9], quick=1)
    def test_a_truncated_log(self, things: ThingWarehouse, part: float) -> None:
        """With a truncated write-ahead log the warehouse opens, and stores large and small transactions."""
        log = self.log_of_killed_process(things)
        os.truncate(log, int(log.stat().st_size * part))
        records = [word("many", number, f"00000000-0000-4000-8000-{number:012}") for number in range(2, 5000)]

        things.store(*records, ends=5000)
        things.store(word("c", 5000), begins=5000, ends=5001)

        assert things.rows("SELECT word, count(*) FROM things.things GROUP BY 1 ORDER BY 1") == [
            ("c", 1),
            ("many", 4998),
        ]
        assert not log.exists()

    def test_a_log_that_is_older_than_the_file(self, things: ThingWarehouse) -> None:
        """A write-ahead log that is older than the file is an error that names the file to move away."""
        log = self.log_of_killed_process(things)
        older = log.read_bytes()
        with things.warehouse.writing():
            pass
        log.write_bytes(older)

        with pytest.raises(WarehouseError, match=r"Move w\.duckdb\.wal away and try again$"):
            things.values("SELECT 1")

        log.unlink()
        assert things.values("SELECT word FROM things.things") == ["b"]


class TestMemory:
    """The memory limit of a writing connection depends on the size of the file."""

    def test_it_grows_with_large_files_only(self, tmp_path: Path) -> None:
        """Up to 2 GB the limit is the same, and larger files get more."""
        limits = []
        for gigabytes in (0, 2, 10):
            path = tmp_path / "w.duckdb"
            with path.open("wb") as file:
                file.truncate(gigabytes * 2**30)
            limits.append(low_memory(path)[0])

        assert limits[0] == limits[1] == low_memory(tmp_path / "none.duckdb")[0]
        assert limits[2] > limits[1]


LIMITED = """
import resource
from pathlib import Path
from pipelines.errors import PipelineError
from tests.thing_warehouse import ThingWarehouse, word

things = ThingWarehouse(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (things.path.stat().st_size, things.path.stat().st_size))
try:
    things.store(*(word("x" * 1000, number, f"00000000-0000-4000-8000-{number:012}") for number in range(2, 20000)))
except PipelineError as error:
    print(error, flush=True)
"""
"""A process that cannot make the file larger."""


class TestFullDisk:
    """A full disk while a transaction is stored."""

    @pytest.mark.slow
    def test_a_transaction_that_does_not_fit_is_rolled_back(self, things: ThingWarehouse) -> None:
        """A transaction that does not fit on the disk is rolled back with an error, and the next one can be stored."""
        before = things.contents()
        command = [sys.executable, "-c", f"import sys\n{LIMITED}", str(things.path)]
        ended = subprocess.run(command, env=without_coverage(), capture_output=True, text=True, check=False)

        assert ended.stdout.startswith(f"writing {things.path} failed, and nothing of this batch was stored: ")
        assert "File too large" in ended.stdout
        assert ended.stdout.count("\n") == 1
        assert things.contents() == before
        things.store(word("b", 2))
        assert things.values("SELECT word FROM things.things") == ["b"]


class TestDamage:
    """Missing, damaged and foreign files are refused."""

    def test_a_missing_warehouse(self, tmp_path: Path) -> None:
        """Reading a missing warehouse is an error that recommends a sync, and creates nothing."""
        with pytest.raises(WarehouseError, match="floriday sync"), Warehouse(tmp_path / "w.duckdb").reading():
            raise AssertionError("it was opened")

        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("content", [b"no database at all", b"x" * 100_000], ids=["short", "long"])
    def test_another_file_is_refused(self, tmp_path: Path, content: bytes) -> None:
        """A file that is not a database is refused in one line, for readers and writers, and not changed."""
        path = tmp_path / "w.duckdb"
        path.write_bytes(content)

        for opening in (Warehouse(path).reading, Warehouse(path).writing):
            with pytest.raises(WarehouseError) as caught, opening():
                raise AssertionError("it was opened")
            assert "\n" not in caught.value.message
            assert str(path) in caught.value.message

        assert path.read_bytes() == content

    @cases("part", [0.01, 0.1, 0.6], quick=1)
    def test_a_truncated_file_is_refused(self, things: ThingWarehouse, part: float) -> None:
        """A truncated file is refused in one line as soon as a missing part is needed, and not changed."""
        random = Random(1)
        things.store(*(word(random.randbytes(30_000).hex(), number) for number in range(2, 60)))
        whole = things.path.read_bytes()
        cut = whole[: int(len(whole) * part)]
        things.path.write_bytes(cut)

        for opening in (things.warehouse.reading, things.warehouse.writing):
            with pytest.raises(WarehouseError) as caught, opening() as connection:
                contents(connection)
            assert "\n" not in caught.value.message
            assert "truncated or damaged one: move it away, or restore a backup in its place" in caught.value.message

        assert things.path.read_bytes() == cut

    def test_a_damaged_file_is_refused(self, things: ThingWarehouse) -> None:
        """A damaged file is refused with a remedy."""
        content = bytearray(things.path.read_bytes())
        content[40] ^= 1
        things.path.write_bytes(content)

        with pytest.raises(WarehouseError, match=r"damaged one: .* restore a backup"), things.warehouse.reading():
            raise AssertionError("it was opened")

    def test_a_file_of_a_newer_duckdb_is_refused(self, things: ThingWarehouse) -> None:
        """A file of a newer DuckDB is refused with the version that is installed."""
        content = bytearray(things.path.read_bytes())
        content[12:20] = (9999).to_bytes(8, "little")
        content[:8] = checksum(content[8:4096]).to_bytes(8, "little")
        things.path.write_bytes(content)

        with pytest.raises(WarehouseError, match="newer DuckDB") as caught, things.warehouse.reading():
            raise AssertionError("it was opened")

        assert duckdb.__version__ in caught.value.message

    def test_an_impossible_folder(self, tmp_path: Path) -> None:
        """A folder that cannot be created is an error, because a file has its name."""
        (tmp_path / "file").touch()

        with pytest.raises(WarehouseError, match=r"w\.duckdb"), Warehouse(tmp_path / "file" / "w.duckdb").writing():
            raise AssertionError("it was opened")
        with pytest.raises(WarehouseError), hold_sync_lock(tmp_path / "file" / "w.duckdb", "a test"):
            raise AssertionError("it was locked")

    def test_a_newer_layout_is_refused(self, things: ThingWarehouse) -> None:
        """A layout of a newer version is refused."""
        things.change("INSERT INTO sync.settings VALUES ('suppliers', ?, ?, now(), '2026v1')", HOST, LAYOUT_VERSION + 1)

        with (
            things.warehouse.reading() as connection,
            pytest.raises(WarehouseError, match="written by a newer floriday-warehouse"),
        ):
            read_owner(connection)


class TestOwner:
    """A warehouse belongs to one API and environment, and each account to one organization."""

    def test_the_owner_is_recorded(self, things: ThingWarehouse) -> None:
        """The first sync records API, environment and organizations; later ones update only names of organizations."""
        for name in ("Kwekerij A", "Kwekerij B"):
            with things.warehouse.writing() as connection, transaction(connection):
                record_owner(connection, "suppliers", HOST, {"main": (OURS, name)})

        with things.warehouse.reading() as connection:
            assert read_owner(connection) == Owner("suppliers", HOST, {"main": OURS})
        assert things.rows("SELECT account, organization_name FROM sync.accounts") == [("main", "Kwekerij B")]
        assert things.values("SELECT layout_version FROM sync.settings") == [LAYOUT_VERSION]

    def test_a_new_file_has_no_owner(self, tmp_path: Path, things: ThingWarehouse) -> None:
        """A file without tables, or without a sync, belongs to nobody."""
        with Warehouse(tmp_path / "empty.duckdb").writing() as connection:
            assert read_owner(connection) is None
        with things.warehouse.reading() as connection:
            assert read_owner(connection) is None

    @pytest.mark.parametrize(
        ("api", "environment", "organizations"),
        [
            pytest.param("customers", HOST, {"main": OURS}, id="another API"),
            pytest.param("suppliers", "api.floriday.io", {"main": OURS}, id="another environment"),
            pytest.param("suppliers", HOST, {"main": THEIRS}, id="another organization under the name"),
            pytest.param("suppliers", HOST, {"second": OURS}, id="the organization under another name"),
            pytest.param("suppliers", HOST, {"main": OURS, "second": OURS}, id="the organization twice"),
        ],
    )
    def test_another_owner_is_refused(self, api: str, environment: str, organizations: dict[str, str]) -> None:
        """Another API, environment or organization is refused in one line that names both sides."""
        owner = Owner("suppliers", HOST, {"main": OURS})

        with pytest.raises(SettingError) as caught:
            check_owner(owner, api, environment, organizations)

        assert "\n" not in caught.value.message
        assert HOST in caught.value.message or OURS in caught.value.message

    def test_new_accounts_are_accepted(self) -> None:
        """A new account, the same account and a new file are accepted."""
        check_owner(Owner("suppliers", HOST, {"main": OURS}), "suppliers", HOST, {"second": THEIRS})
        check_owner(Owner("suppliers", HOST, {"main": OURS}), "suppliers", HOST, {"main": OURS})
        check_owner(None, "customers", HOST, {"main": THEIRS})
