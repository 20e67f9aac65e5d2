"""The published copy is complete, is renewed when it is due, and never blocks a sync."""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from pipelines.cli.entry import run
from pipelines.errors import UsageError, WarehouseBusyError, WarehouseError
from pipelines.sandbox import Sandbox
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.file.publish import copy_warehouse, is_copy_due, publish
from tests.another_process import READER, WRITER, another_process
from tests.command_line import without_coverage
from tests.integration.dagster_project import Project, fill
from tests.integration.syncing import SUPPLIERS, Syncing
from tests.records import in_json, valid_records
from tests.thing_warehouse import ThingWarehouse, contents, word

ORDERS = "orders.sales_orders"
HOUR, QUARTER = timedelta(hours=1), timedelta(minutes=15)


@pytest.fixture
def things(tmp_path: Path) -> ThingWarehouse:
    """A warehouse with one thing."""
    things = ThingWarehouse(tmp_path / "w.duckdb").create()
    things.store(word("a", 1))
    return things


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """The path of the published copy."""
    return tmp_path / "w.published.duckdb"


def words(path: Path) -> list[str]:
    """The words of the things in a database file."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return [row[0] for row in connection.execute("SELECT word FROM things.things ORDER BY word").fetchall()]


def names(folder: Path) -> list[str]:
    """The names in a folder."""
    return sorted(path.name for path in folder.iterdir())


def identity_of(path: Path) -> tuple[int, int]:
    """Inode and time of modification of a file, which change with each publication."""
    status = path.stat()
    return status.st_ino, status.st_mtime_ns


def set_age(path: Path, age: timedelta) -> None:
    """Set a file's time of modification to an earlier time."""
    when = path.stat().st_mtime - age.total_seconds()
    os.utime(path, (when, when))


HALF_WRITTEN = """
import shutil
from pathlib import Path
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.file.publish import publish

def stop_halfway(source, copy, _):
    copy.write(source.read(100_000))
    copy.flush()
    print("ready", flush=True)
    sys.stdin.read()

shutil.copyfileobj = stop_halfway
publish(Warehouse(Path(sys.argv[1])), Path(sys.argv[2]))
"""
"""A process that stops in the middle of publishing."""

LIMITED = """
import resource, sys
from pathlib import Path
from pipelines.errors import PipelineError
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.file.publish import publish

resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    publish(Warehouse(Path(sys.argv[1])), Path(sys.argv[2]))
except PipelineError as error:
    sys.exit(str(error))
"""
"""A process that can write at most 100 kB to a file."""

KILLED = """
import os, signal
from pathlib import Path
from pipelines.warehouse.file.connection import Warehouse

with Warehouse(Path(sys.argv[1])).writing() as connection:
    connection.execute("UPDATE things.things SET word = 'b'")
    os.kill(os.getpid(), signal.SIGKILL)
"""
"""A process that is killed after a commit that is only in the write-ahead log."""

BUSY = """
import itertools, threading
from pathlib import Path
from pipelines.warehouse.file.connection import Warehouse, transaction

def write():
    for number in itertools.count():
        with Warehouse(Path(sys.argv[1])).writing() as connection, transaction(connection):
            for table in ("one", "two"):
                connection.execute(f"INSERT INTO {table} SELECT ?, repeat('x', 1000) FROM range(100)", [number])
        if number == 1:
            started.set()
        threading.Event().wait(0.01)  # like a sync, which requests the next page

started = threading.Event()
threading.Thread(target=write, daemon=True).start()
started.wait()
"""
"""A process that writes to two tables, in one transaction after another."""


class TestCopy:
    """The copy contains one committed state of the warehouse."""

    def test_it_equals_the_warehouse(self, things: ThingWarehouse, target: Path) -> None:
        """The copy has the same tables and rows as the warehouse, is private, and no other file is left."""
        things.store(word("b", 2))

        publish(things.warehouse, target)

        assert ThingWarehouse(target).contents() == things.contents()
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
        assert names(target.parent) == ["w.duckdb", "w.published.duckdb"]

    def test_a_connected_reader_keeps_its_copy(self, things: ThingWarehouse, target: Path) -> None:
        """A reader keeps its old copy while new ones are published, and readers that connect later get the newest."""
        publish(things.warehouse, target)
        loop = "\nfor line in sys.stdin: print(*held.execute('SELECT word FROM things.things').fetchone(), flush=True)"
        with another_process(f"{READER}\nprint('ready', flush=True){loop}", target) as reader:
            assert reader.stdin is not None
            assert reader.stdout is not None
            for text in "bc":
                things.change("UPDATE things.things SET word = ?", text)
                publish(things.warehouse, target)
                reader.stdin.write("\n")
                reader.stdin.flush()
                assert (reader.stdout.readline(), words(target)) == ("a\n", [text])

    def test_the_write_ahead_log_is_included(self, things: ThingWarehouse, target: Path) -> None:
        """The copy contains what a killed process committed to the write-ahead log."""
        killed = subprocess.run([sys.executable, "-c", f"import sys{KILLED}", str(things.path)], check=False)
        assert killed.returncode == -signal.SIGKILL
        assert things.warehouse.log.exists()

        publish(things.warehouse, target)

        assert words(target) == ["b"]
        assert not things.warehouse.log.exists()

    def test_it_is_consistent_while_others_write(self, things: ThingWarehouse, target: Path) -> None:
        """A copy that is made while another process writes contains complete transactions only."""
        things.change("CREATE TABLE one (number INTEGER, filler VARCHAR); CREATE TABLE two AS FROM one")
        seen = []
        with another_process(BUSY, things.path) as writer:
            for _ in range(5):
                publish(things.warehouse, target)
                with duckdb.connect(str(target), read_only=True) as connection:
                    (found,) = connection.execute(
                        "SELECT (SELECT max(number) FROM one), (SELECT max(number) FROM two),"
                        " (SELECT count(*) FROM one), (SELECT count(*) FROM two)"
                    ).fetchall()
                seen.append(found)
            writer.kill()

        assert all(
            (last_two, rows_two, rows_one) == (last_one, 100 * (last_one + 1), rows_two)
            for last_one, last_two, rows_one, rows_two in seen
        )
        assert len(set(seen)) > 1

    def test_a_link_stays_a_link(self, things: ThingWarehouse, target: Path) -> None:
        """When the target is a symbolic link, the copy is written to the file that it points to."""
        other_file = target.parent / "other" / "copy.duckdb"
        target.symlink_to(other_file)

        publish(things.warehouse, target)

        assert target.is_symlink()
        assert words(other_file) == ["a"]

    def test_changes_to_the_old_copy_are_dropped(self, things: ThingWarehouse, target: Path) -> None:
        """The write-ahead log of a tool that wrote to the old copy is not applied to the new one."""
        publish(things.warehouse, target)
        subprocess.run([sys.executable, "-c", f"import sys{KILLED}", str(target)], check=False)
        assert Warehouse(target).log.exists()

        publish(things.warehouse, target)

        assert words(target) == ["a"]
        assert names(target.parent) == ["w.duckdb", "w.published.duckdb"]


class TestLocks:
    """Publishing waits for writers, and readers never wait."""

    def test_only_writers_wait(self, things: ThingWarehouse) -> None:
        """While the file is copied, other processes can open it for reading and not for writing."""
        code = "import duckdb, sys; duckdb.connect(sys.argv[1], read_only=sys.argv[2] == 'reader').close()"

        def can_open(role: str) -> bool:
            ended = subprocess.run([sys.executable, "-c", code, str(things.path), role], stderr=-1, check=False)
            return ended.returncode == 0

        with things.warehouse.committed_bytes():
            assert (can_open("reader"), can_open("writer")) == (True, False)
        assert can_open("writer")

    def test_readers_do_not_delay_a_copy(self, things: ThingWarehouse, target: Path) -> None:
        """A copy can be made while another process reads the warehouse."""
        with another_process(READER, things.path):
            publish(Warehouse(things.path, lock_timeout=0.0), target)

        assert words(target) == ["a"]

    def test_a_writer_that_does_not_end(self, things: ThingWarehouse, target: Path) -> None:
        """When a writer does not end in time, the error names its process and the setting, and no copy is made."""
        with another_process(WRITER, things.path) as writer, pytest.raises(WarehouseError) as caught:
            publish(Warehouse(things.path, lock_timeout=0.0), target)

        assert caught.value.message.startswith("FLORIDAY_PUBLISHED: ")
        assert str(writer.pid) in caught.value.message
        assert names(target.parent) == ["w.duckdb"]

    def test_a_writer_that_opens_the_file_again(
        self, things: ThingWarehouse, target: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A writer that opens the file again and again is an error after the timeout, and no copy is made."""
        monkeypatch.setattr(Warehouse, "recover", lambda _: None)
        with another_process(WRITER, things.path), pytest.raises(WarehouseBusyError, match="without a pause"):
            copy_warehouse(Warehouse(things.path, lock_timeout=0.0), target)

        assert names(target.parent) == ["w.duckdb"]

    def test_one_process_at_a_time_writes_the_copy(self, things: ThingWarehouse, target: Path) -> None:
        """Only one process at a time writes the copy; a second one gets an error."""
        with another_process(HALF_WRITTEN, things.path, target):
            with pytest.raises(WarehouseError, match="another process writes"):
                publish(things.warehouse, target)

            assert names(target.parent) == ["w.duckdb", "w.published.duckdb.part"]

    def test_a_temporary_file_that_was_just_renamed(
        self, things: ThingWarehouse, target: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A temporary file that another process has just renamed is not written to; a new one is made."""
        renamed = target.with_name("renamed.duckdb")
        lock = fcntl.flock

        def rename_first(stream: int, how: int) -> None:
            if not renamed.exists():
                Path(f"{target}.part").rename(renamed)
                renamed.write_text("other")
            lock(stream, how)

        monkeypatch.setattr(fcntl, "flock", rename_first)

        publish(things.warehouse, target)

        assert words(target) == ["a"]
        assert renamed.read_text() == "other"


class TestFailures:
    """When publishing fails, the old copy stays and no other file is left."""

    def test_a_killed_publication(self, things: ThingWarehouse, target: Path) -> None:
        """A killed publication leaves the old copy unchanged, and the next one removes its incomplete file."""
        publish(things.warehouse, target)
        before = target.read_bytes()
        things.change("UPDATE things.things SET word = 'b'")
        with another_process(HALF_WRITTEN, things.path, target) as process:
            process.kill()
        assert "w.published.duckdb.part" in names(target.parent)
        assert target.read_bytes() == before

        publish(things.warehouse, target)

        assert words(target) == ["b"]
        assert names(target.parent) == ["w.duckdb", "w.published.duckdb"]

    def test_a_full_disk_is_reported(self, things: ThingWarehouse, target: Path) -> None:
        """A full disk is an error of one line with the name of the setting and a remedy."""
        publish(things.warehouse, target)
        before = target.read_bytes()

        ended = subprocess.run(
            [sys.executable, "-c", LIMITED, str(things.path), str(target)],
            env=without_coverage(),
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

        assert ended.stderr.startswith(f"FLORIDAY_PUBLISHED: {target} cannot be renewed (File too large)")
        assert "make room" in ended.stderr
        assert ended.stderr.count("\n") == 1
        assert target.read_bytes() == before
        assert names(target.parent) == ["w.duckdb", "w.published.duckdb"]

    def test_an_impossible_folder_is_reported(self, things: ThingWarehouse, tmp_path: Path) -> None:
        """A folder that cannot be created is an error with the name of the setting."""
        (tmp_path / "file").touch()

        with pytest.raises(WarehouseError, match=r"^FLORIDAY_PUBLISHED: "):
            publish(things.warehouse, tmp_path / "file" / "copy.duckdb")

    def test_the_warehouse_is_never_its_own_copy(self, things: ThingWarehouse, target: Path) -> None:
        """A link to the warehouse is not accepted as the target."""
        target.symlink_to(things.path)

        with pytest.raises(UsageError, match="itself"):
            copy_warehouse(things.warehouse, target)

    def test_a_device_is_not_replaced(self, things: ThingWarehouse, target: Path) -> None:
        """A device or a folder is not replaced."""
        os.mkfifo(target)

        for path in (target, target.parent):
            with pytest.raises(UsageError, match="no file"):
                copy_warehouse(things.warehouse, path)

    def test_without_a_warehouse_nothing_is_made(self, tmp_path: Path) -> None:
        """Without a warehouse, publishing fails and creates nothing."""
        with pytest.raises(WarehouseError, match="floriday sync"):
            publish(Warehouse(tmp_path / "w.duckdb"), tmp_path / "deeper" / "copy.duckdb")

        assert names(tmp_path) == []


class TestDue:
    """``is_copy_due`` decides when the copy is renewed."""

    @pytest.fixture
    def published(self, things: ThingWarehouse, target: Path) -> Path:
        """A copy that is one hour old."""
        publish(things.warehouse, target)
        set_age(target, HOUR)
        return target

    def test_a_missing_copy_is_due(self, things: ThingWarehouse, target: Path) -> None:
        """A missing copy is due."""
        assert is_copy_due(things.warehouse, target, QUARTER)

    def test_a_copy_that_misses_changes_is_due(self, things: ThingWarehouse, published: Path) -> None:
        """A copy that misses changes is due once it is old enough."""
        things.store(word("b", 2))

        assert is_copy_due(things.warehouse, published, QUARTER)
        assert is_copy_due(things.warehouse, published, HOUR)
        assert not is_copy_due(things.warehouse, published, 2 * HOUR)

    def test_a_complete_copy_is_not_due(self, things: ThingWarehouse, published: Path) -> None:
        """A copy that misses no changes is not due at any age; a sync without changes does not matter."""
        things.change("UPDATE sync.cursors SET current_at = now()")

        assert not is_copy_due(things.warehouse, published, QUARTER)

    def test_rejected_records_are_changes(self, things: ThingWarehouse, target: Path) -> None:
        """A new or resolved rejected record is a change, and a repeated one is not."""
        for change, is_due in (
            ("INSERT INTO sync.rejected_records (account, feed, first_seen) VALUES ('main', 'x', now())", True),
            ("UPDATE sync.rejected_records SET last_seen = now()", False),
            ("UPDATE sync.rejected_records SET resolved_at = now()", True),
        ):
            publish(things.warehouse, target)
            set_age(target, HOUR)
            things.change(change)

            assert is_copy_due(things.warehouse, target, QUARTER) is is_due

    def test_a_copy_from_the_future_is_due(self, things: ThingWarehouse, published: Path) -> None:
        """A copy from the future is due, because the clock was set back and its age is unknown."""
        things.store(word("b", 2))
        set_age(published, -2 * HOUR)

        assert is_copy_due(things.warehouse, published, QUARTER)

    @pytest.mark.parametrize("content", [b"nonsense", None], ids=["no database", "another database"])
    def test_a_file_that_is_no_copy_is_due(
        self, things: ThingWarehouse, published: Path, content: bytes | None
    ) -> None:
        """A file that is not a warehouse is due."""
        published.unlink()
        if content is None:
            duckdb.connect(str(published)).close()
        else:
            published.write_bytes(content)
        set_age(published, HOUR)

        assert is_copy_due(things.warehouse, published, QUARTER)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """One account with a few orders."""
    with Sandbox(empty=True) as sandbox:
        for record in valid_records(SUPPLIERS.feed(ORDERS), seed=1, count=5):
            sandbox.book(ORDERS).put(in_json(record))
        yield sandbox


Synced = Callable[[], tuple[int, str]]


class TestSync:
    """``floriday sync`` renews the copy."""

    @pytest.fixture
    def synced(
        self,
        sandbox: Sandbox,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> Synced:
        """Run a sync of the orders, and return its exit code and standard error."""
        warehouse = Syncing(sandbox, tmp_path / "w.duckdb").path
        settings = {"FLORIDAY_WAREHOUSE": str(warehouse), "FLORIDAY_FEEDS": "sales_orders"}
        for name, value in (sandbox.environment() | settings).items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)

        def sync() -> tuple[int, str]:
            code = run(("sync",))
            return code, capsys.readouterr().err

        return sync

    @staticmethod
    def change(sandbox: Sandbox) -> None:
        """Serve a new version of an order."""
        entry = sandbox.book(ORDERS).entries()[0]
        sandbox.book(ORDERS).put({**entry.document, "numberOfPieces": entry.document["sequenceNumber"] % 1000})

    def test_changes_renew_a_copy_that_is_due(self, synced: Synced, sandbox: Sandbox, target: Path) -> None:
        """The first sync publishes; later ones publish their changes once the copy is old enough."""
        assert synced() == (0, "")
        first = identity_of(target)
        self.change(sandbox)
        synced()
        assert identity_of(target) == first

        set_age(target, HOUR)
        synced()

        with duckdb.connect(str(target), read_only=True) as copy:
            assert copy.execute("SELECT count(*) FROM raw.sales_orders").fetchall() == [(6,)]

    def test_no_changes_keep_the_copy(self, synced: Synced, target: Path) -> None:
        """A sync without changes does not renew the copy at any age."""
        synced()
        set_age(target, HOUR)
        before = identity_of(target)

        assert synced() == (0, "")

        assert identity_of(target) == before

    def test_the_copy_can_be_turned_off(self, synced: Synced, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """With FLORIDAY_PUBLISHED=off, no copy is made."""
        monkeypatch.setenv("FLORIDAY_PUBLISHED", "off")

        assert synced() == (0, "")

        assert not target.exists()

    def test_a_failed_copy_does_not_fail_the_sync(
        self, synced: Synced, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """When the copy cannot be renewed, the sync succeeds and reports it in one line."""
        (tmp_path / "file").touch()
        monkeypatch.setenv("FLORIDAY_PUBLISHED", str(tmp_path / "file" / "copy.duckdb"))

        code, err = synced()

        assert code == 0
        assert err.startswith("floriday: FLORIDAY_PUBLISHED: ")
        assert err.count("\n") == 1


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
class TestDagster:
    """A run in Dagster renews the copy."""

    @pytest.fixture
    def project(self, tmp_path: Path) -> Iterator[Project]:
        """A project with one feed, and a warehouse with tables but without rows."""
        with Sandbox(empty=True) as sandbox:
            fill(sandbox)
            project = Project(sandbox, tmp_path, {"FLORIDAY_FEEDS": "batches"})
            project.warehouse.path.parent.mkdir()
            Syncing(sandbox, project.warehouse.path)
            yield project

    @pytest.mark.slow
    def test_a_run_renews_the_copy(self, project: Project) -> None:
        """After a run, the copy equals the warehouse."""
        assert project.run("sync").success

        copy = Warehouse(project.warehouse.path.with_name("w.published.duckdb"))
        with copy.reading() as connection, project.warehouse.reading() as original:
            assert contents(connection) == contents(original)

    @pytest.mark.slow
    def test_a_failed_copy_does_not_fail_the_run(self, project: Project) -> None:
        """When the copy cannot be renewed, the run succeeds and its log reports it."""
        (project.root / "file").touch()
        project.settings["FLORIDAY_PUBLISHED"] = str(project.root / "file" / "copy.duckdb")

        result = project.run("sync")

        assert result.success
        with project.instance() as instance:
            messages = [entry.user_message for entry in instance.all_logs(result.run_id)]
        assert [line for line in messages if line.startswith("FLORIDAY_PUBLISHED: ")] != []

    def test_a_refused_run_does_not_publish(self, project: Project) -> None:
        """A run whose credentials are refused does not publish."""
        project.settings["FLORIDAY_CLIENT_SECRET"] = "not-the-secret"

        assert not project.run("sync").success

        assert not project.warehouse.path.with_name("w.published.duckdb").exists()
