"""The copy for readers that stay connected: whole, renewed when due, and never in the way of a sync."""

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
from tests.command_line import unmeasured
from tests.integration.dagster_project import Project, fill
from tests.integration.syncing import SUPPLIERS, Syncing
from tests.records import in_json, valid_records
from tests.thing_warehouse import ThingWarehouse, contents, word

ORDERS = "orders.sales_orders"
HOUR, QUARTER = timedelta(hours=1), timedelta(minutes=15)


@pytest.fixture
def things(tmp_path: Path) -> ThingWarehouse:
    """A warehouse for things, with one in it."""
    made = ThingWarehouse(tmp_path / "w.duckdb").lay_out()
    made.store(word("a", 1))
    return made


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Where the copy goes."""
    return tmp_path / "w.published.duckdb"


def words(path: Path) -> list[str]:
    """The words of the things in a file."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return [row[0] for row in connection.execute("SELECT word FROM things.things ORDER BY word").fetchall()]


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def made(path: Path) -> tuple[int, int]:
    """Which file it is and when it was written: another one after each publish."""
    told = path.stat()
    return told.st_ino, told.st_mtime_ns


def grow_old(path: Path, age: timedelta) -> None:
    """Make a file look as if it had been written some time ago."""
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
"""A process that stays in the middle of publishing."""

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
"""A process that may write 100 kB a file."""

KILLED = """
import os, signal
from pathlib import Path
from pipelines.warehouse.file.connection import Warehouse

with Warehouse(Path(sys.argv[1])).writing() as connection:
    connection.execute("UPDATE things.things SET word = 'b'")
    os.kill(os.getpid(), signal.SIGKILL)
"""
"""A process that is killed after a commit, with the write-ahead log full and the file as it was."""

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
        threading.Event().wait(0.01)  # as a sync, which asks for the next page

started = threading.Event()
threading.Thread(target=write, daemon=True).start()
started.wait()
"""
"""A process that writes into two tables, a transaction after the other."""


class TestCopy:
    """What stands in the copy, and what stands beside it."""

    def test_it_equals_the_warehouse(self, things: ThingWarehouse, target: Path) -> None:
        """Table by table, for its owner alone, and with nothing left beside it."""
        things.store(word("b", 2))

        publish(things.warehouse, target)

        assert ThingWarehouse(target).contents() == things.contents()
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
        assert names(target.parent) == ["w.duckdb", "w.published.duckdb"]

    def test_who_stays_connected_keeps_what_was_there(self, things: ThingWarehouse, target: Path) -> None:
        """A reader goes on with the old copy while a new one is published; whoever connects later gets that."""
        publish(things.warehouse, target)
        ask = "\nfor line in sys.stdin: print(*held.execute('SELECT word FROM things.things').fetchone(), flush=True)"
        with another_process(f"{READER}\nprint('ready', flush=True){ask}", target) as reader:
            assert reader.stdin is not None
            assert reader.stdout is not None
            for text in "bc":
                things.change("UPDATE things.things SET word = ?", text)
                publish(things.warehouse, target)
                reader.stdin.write("\n")
                reader.stdin.flush()
                assert (reader.stdout.readline(), words(target)) == ("a\n", [text])

    def test_a_killed_processes_log_is_in_it(self, things: ThingWarehouse, target: Path) -> None:
        """What was committed and not yet written into the file is in the copy too."""
        killed = subprocess.run([sys.executable, "-c", f"import sys{KILLED}", str(things.path)], check=False)
        assert killed.returncode == -signal.SIGKILL
        assert things.warehouse.log.exists()

        publish(things.warehouse, target)

        assert words(target) == ["b"]
        assert not things.warehouse.log.exists()

    def test_it_is_whole_while_others_write(self, things: ThingWarehouse, target: Path) -> None:
        """Whenever it is taken, it shows all of a transaction or nothing."""
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

        assert all((two, rows, more) == (one, 100 * (one + 1), rows) for one, two, rows, more in seen)
        assert len(set(seen)) > 1

    def test_a_link_stays_a_link(self, things: ThingWarehouse, target: Path) -> None:
        """The copy goes to where it points, even if that is not there yet."""
        elsewhere = target.parent / "elsewhere" / "copy.duckdb"
        target.symlink_to(elsewhere)

        publish(things.warehouse, target)

        assert target.is_symlink()
        assert words(elsewhere) == ["a"]

    def test_what_was_scribbled_into_the_old_copy_is_dropped(self, things: ThingWarehouse, target: Path) -> None:
        """The write-ahead log of a tool that wrote into the copy and was killed is not applied to the new one."""
        publish(things.warehouse, target)
        subprocess.run([sys.executable, "-c", f"import sys{KILLED}", str(target)], check=False)
        assert Warehouse(target).log.exists()

        publish(things.warehouse, target)

        assert words(target) == ["a"]
        assert names(target.parent) == ["w.duckdb", "w.published.duckdb"]


class TestLocks:
    """Who waits for whom."""

    def test_writers_wait_and_readers_do_not(self, things: ThingWarehouse) -> None:
        """While the bytes of the file are read, and no longer."""
        code = "import duckdb, sys; duckdb.connect(sys.argv[1], read_only=sys.argv[2] == 'reader').close()"

        def opens(how: str) -> bool:
            ended = subprocess.run([sys.executable, "-c", code, str(things.path), how], stderr=-1, check=False)
            return ended.returncode == 0

        with things.warehouse.committed_bytes():
            assert (opens("reader"), opens("writer")) == (True, False)
        assert opens("writer")

    def test_readers_of_the_warehouse_are_no_hindrance(self, things: ThingWarehouse, target: Path) -> None:
        """The copy is made while another process has the warehouse open to read it."""
        with another_process(READER, things.path):
            publish(Warehouse(things.path, lock_timeout=0.0), target)

        assert words(target) == ["a"]

    def test_a_process_that_keeps_writing_is_named(self, things: ThingWarehouse, target: Path) -> None:
        """After the patience, in one line that names the variable; there is no copy then."""
        with another_process(WRITER, things.path) as writer, pytest.raises(WarehouseError) as caught:
            publish(Warehouse(things.path, lock_timeout=0.0), target)

        assert caught.value.message.startswith("FLORIDAY_PUBLISHED: ")
        assert str(writer.pid) in caught.value.message
        assert names(target.parent) == ["w.duckdb"]

    def test_a_writer_that_comes_in_between_is_waited_for(
        self, things: ThingWarehouse, target: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It may open the file just after another one was done with it; that is noticed, and ends with the patience."""
        monkeypatch.setattr(Warehouse, "recover", lambda _: None)
        with another_process(WRITER, things.path), pytest.raises(WarehouseBusyError, match="without a pause"):
            copy_warehouse(Warehouse(things.path, lock_timeout=0.0), target)

        assert names(target.parent) == ["w.duckdb"]

    def test_one_process_at_a_time_writes_the_copy(self, things: ThingWarehouse, target: Path) -> None:
        """A second one says so and leaves the first alone."""
        with another_process(HALF_WRITTEN, things.path, target):
            with pytest.raises(WarehouseError, match="another process writes"):
                publish(things.warehouse, target)

            assert names(target.parent) == ["w.duckdb", "w.published.duckdb.part"]

    def test_a_part_that_another_process_just_put_in_place_is_not_touched(
        self, things: ThingWarehouse, target: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It was opened under its old name while the other one finished it: a new one is begun."""
        theirs = target.with_name("theirs.duckdb")
        lock = fcntl.flock

        def finish(stream: int, how: int) -> None:
            if not theirs.exists():
                Path(f"{target}.part").rename(theirs)
                theirs.write_text("theirs")
            lock(stream, how)

        monkeypatch.setattr(fcntl, "flock", finish)

        publish(things.warehouse, target)

        assert words(target) == ["a"]
        assert theirs.read_text() == "theirs"


class TestFailures:
    """Whatever goes wrong, the old copy stays and nothing else does."""

    def test_a_killed_publish_leaves_nothing(self, things: ThingWarehouse, target: Path) -> None:
        """The old copy is as it was; the next publish takes what was half written over."""
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

    def test_a_full_disk_is_told(self, things: ThingWarehouse, target: Path) -> None:
        """In one line that names the variable and what to do."""
        publish(things.warehouse, target)
        before = target.read_bytes()

        ended = subprocess.run(
            [sys.executable, "-c", LIMITED, str(things.path), str(target)],
            env=unmeasured(),
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

        assert ended.stderr.startswith(f"FLORIDAY_PUBLISHED: {target} cannot be renewed (File too large)")
        assert "make room" in ended.stderr
        assert ended.stderr.count("\n") == 1
        assert target.read_bytes() == before
        assert names(target.parent) == ["w.duckdb", "w.published.duckdb"]

    def test_a_folder_that_cannot_be_is_told(self, things: ThingWarehouse, tmp_path: Path) -> None:
        """A file stands where the folder should be."""
        (tmp_path / "file").touch()

        with pytest.raises(WarehouseError, match=r"^FLORIDAY_PUBLISHED: "):
            publish(things.warehouse, tmp_path / "file" / "copy.duckdb")

    def test_the_warehouse_is_never_its_own_copy(self, things: ThingWarehouse, target: Path) -> None:
        """Whatever it is called."""
        target.symlink_to(things.path)

        with pytest.raises(UsageError, match="itself"):
            copy_warehouse(things.warehouse, target)

    def test_a_device_is_not_replaced(self, things: ThingWarehouse, target: Path) -> None:
        """Nor a folder."""
        os.mkfifo(target)

        for path in (target, target.parent):
            with pytest.raises(UsageError, match="no file"):
                copy_warehouse(things.warehouse, path)

    def test_without_a_warehouse_nothing_is_made(self, tmp_path: Path) -> None:
        """Not even a folder."""
        with pytest.raises(WarehouseError, match="floriday sync"):
            publish(Warehouse(tmp_path / "w.duckdb"), tmp_path / "deeper" / "copy.duckdb")

        assert names(tmp_path) == []


class TestDue:
    """When the copy is renewed."""

    @pytest.fixture
    def published(self, things: ThingWarehouse, target: Path) -> Path:
        """A copy that is an hour old."""
        publish(things.warehouse, target)
        grow_old(target, HOUR)
        return target

    def test_a_missing_one_is(self, things: ThingWarehouse, target: Path) -> None:
        """At once."""
        assert is_copy_due(things.warehouse, target, QUARTER)

    def test_one_that_lags_behind_is(self, things: ThingWarehouse, published: Path) -> None:
        """But not more often than it should."""
        things.store(word("b", 2))

        assert is_copy_due(things.warehouse, published, QUARTER)
        assert is_copy_due(things.warehouse, published, HOUR)
        assert not is_copy_due(things.warehouse, published, 2 * HOUR)

    def test_one_that_has_everything_is_not(self, things: ThingWarehouse, published: Path) -> None:
        """However old it is; that a sync looked and found nothing is no change."""
        things.change("UPDATE sync.cursors SET current_at = now()")

        assert not is_copy_due(things.warehouse, published, QUARTER)

    def test_rejected_records_are_a_change(self, things: ThingWarehouse, target: Path) -> None:
        """When they come and when they go, but not when they are served once more."""
        for change, is_due in (
            ("INSERT INTO sync.rejected_records (account, feed, first_seen) VALUES ('main', 'x', now())", True),
            ("UPDATE sync.rejected_records SET last_seen = now()", False),
            ("UPDATE sync.rejected_records SET resolved_at = now()", True),
        ):
            publish(things.warehouse, target)
            grow_old(target, HOUR)
            things.change(change)

            assert is_copy_due(things.warehouse, target, QUARTER) is is_due

    def test_one_from_the_future_is(self, things: ThingWarehouse, published: Path) -> None:
        """The clock was set back since it was made: its age is not known."""
        things.store(word("b", 2))
        grow_old(published, -2 * HOUR)

        assert is_copy_due(things.warehouse, published, QUARTER)

    @pytest.mark.parametrize("content", [b"nonsense", None], ids=["no database", "another database"])
    def test_one_that_is_none_is(self, things: ThingWarehouse, published: Path, content: bytes | None) -> None:
        """It is replaced."""
        published.unlink()
        if content is None:
            duckdb.connect(str(published)).close()
        else:
            published.write_bytes(content)
        grow_old(published, HOUR)

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
        """Runs a sync of the orders; gives its exit code and what stood on standard error."""
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
        """One more version of an order."""
        entry = sandbox.book(ORDERS).entries()[0]
        sandbox.book(ORDERS).put({**entry.document, "numberOfPieces": entry.document["sequenceNumber"] % 1000})

    def test_a_change_renews_it_when_it_is_due(self, synced: Synced, sandbox: Sandbox, target: Path) -> None:
        """A first sync publishes; later ones not too often, and what lags behind follows without another change."""
        assert synced() == (0, "")
        first = made(target)
        self.change(sandbox)
        synced()
        assert made(target) == first

        grow_old(target, HOUR)
        synced()

        with duckdb.connect(str(target), read_only=True) as copied:
            assert copied.execute("SELECT count(*) FROM raw.sales_orders").fetchall() == [(6,)]

    def test_nothing_new_leaves_it_alone(self, synced: Synced, target: Path) -> None:
        """However old it is."""
        synced()
        grow_old(target, HOUR)
        before = made(target)

        assert synced() == (0, "")

        assert made(target) == before

    def test_off_is_off(self, synced: Synced, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """No copy is made."""
        monkeypatch.setenv("FLORIDAY_PUBLISHED", "off")

        assert synced() == (0, "")

        assert not target.exists()

    def test_a_failing_one_fails_no_sync(self, synced: Synced, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """One line on standard error tells it."""
        (tmp_path / "file").touch()
        monkeypatch.setenv("FLORIDAY_PUBLISHED", str(tmp_path / "file" / "copy.duckdb"))

        code, err = synced()

        assert code == 0
        assert err.startswith("floriday: FLORIDAY_PUBLISHED: ")
        assert err.count("\n") == 1


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
class TestDagster:
    """So does a run in Dagster."""

    @pytest.fixture
    def project(self, tmp_path: Path) -> Iterator[Project]:
        """A project that was not synced yet, with one feed and a warehouse that is laid out."""
        with Sandbox(empty=True) as sandbox:
            fill(sandbox)
            project = Project(sandbox, tmp_path, {"FLORIDAY_FEEDS": "batches"})
            project.warehouse.path.parent.mkdir()
            Syncing(sandbox, project.warehouse.path)
            yield project

    def test_a_run_renews_it(self, project: Project) -> None:
        """At its end, with what its syncs stored."""
        assert project.run("sync").success

        copied = Warehouse(project.warehouse.path.with_name("w.published.duckdb"))
        with copied.reading() as connection, project.warehouse.reading() as original:
            assert contents(connection) == contents(original)

    def test_a_failing_one_fails_no_run(self, project: Project) -> None:
        """The run's log tells it."""
        (project.root / "file").touch()
        project.settings["FLORIDAY_PUBLISHED"] = str(project.root / "file" / "copy.duckdb")

        result = project.run("sync")

        assert result.success
        with project.instance() as instance:
            told = [entry.user_message for entry in instance.all_logs(result.run_id)]
        assert [line for line in told if line.startswith("FLORIDAY_PUBLISHED: ")] != []

    def test_a_run_that_was_refused_renews_nothing(self, project: Project) -> None:
        """There may be a warehouse, but it is not this run's."""
        project.settings["FLORIDAY_CLIENT_SECRET"] = "not-the-secret"

        assert not project.run("sync").success

        assert not project.warehouse.path.with_name("w.published.duckdb").exists()
