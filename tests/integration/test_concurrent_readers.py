"""Concurrent readers and a writer of one warehouse never fail, see no torn state, and do not starve each other."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import duckdb
import pytest

from pipelines.warehouse.file import reused_connection, waiters
from pipelines.warehouse.file.connection import Warehouse, WriteSession
from pipelines.warehouse.file.reused_connection import ReusingWarehouse
from pipelines.warehouse.file.waiters import (
    has_waiters,
    waiting_to_read,
    waiting_to_write,
    yield_to_readers,
    yield_to_writers,
)
from tests.another_process import READER, WRITER, another_process, end
from tests.concurrent_readers import LOCK_TIMEOUT, ReadResults, read_while_writing
from tests.thing_warehouse import ThingWarehouse


def writing_session(warehouse: Warehouse) -> WriteSession:
    """Return a session that writes again immediately."""
    session = WriteSession(warehouse)
    session.expects_more = True
    return session


def assert_sound(read: ReadResults) -> None:
    """Assert that there was no error and no torn state, that every reader read, and that the writer was not starved."""
    assert read.errors == []
    assert read.torn == []
    assert set(read.reads) == {"copy", "query", "report"}
    assert min(read.reads.values()) > 0
    assert read.longest_wait < LOCK_TIMEOUT


@pytest.mark.slow
def test_three_readers_and_a_writer() -> None:
    """Three kinds of readers never fail or see a torn state while transactions are committed."""
    read = read_while_writing(seconds=0.0, commits=5)

    assert_sound(read)
    assert (read.commits, read.copies) == (5, 1)


@pytest.mark.soak
def test_three_readers_and_a_writer_for_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    """Three readers and a writer work for a minute without an error or a torn state."""
    read = read_while_writing(seconds=60.0, commits=50)

    with capsys.disabled():
        sys.stdout.write(f"{read}\n")
    assert_sound(read)


class TestWaitingWriters:
    """A reader that comes while a writer waits yields to it."""

    def test_a_waiting_writer_creates_a_file(self, tmp_path: Path) -> None:
        """A waiting writer has a file beside the warehouse, with access for its owner only, until it gets the lock."""
        things = ThingWarehouse(tmp_path / "w.duckdb").create()
        waiter_file = tmp_path / "w.duckdb.turn"
        modes: list[int] = []

        with another_process(READER, things.path) as other:

            def wait(_: float) -> None:
                modes.append(stat.S_IMODE(waiter_file.stat().st_mode))
                end(other)

            with Warehouse(things.path, sleep=wait).writing():
                assert not waiter_file.exists()

        assert set(modes) == {0o600}

    def test_a_reader_yields_until_the_writer_is_done(self, tmp_path: Path) -> None:
        """A reader continues as soon as no writer waits."""
        waits: list[float] = []
        with waiting_to_write(tmp_path / "w.duckdb"):

            def wait(seconds: float) -> None:
                waits.append(seconds)
                if len(waits) == 3:
                    (tmp_path / "w.duckdb.turn").unlink()

            yield_to_writers(tmp_path / "w.duckdb", wait)

        assert len(waits) == 3

    def test_a_reader_yields_for_a_limited_time(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A reader stops yielding after a limit, because another reader may keep the file open."""
        monkeypatch.setattr(waiters, "LONGEST_YIELD_TO_WRITERS", 0.05)
        with waiting_to_write(tmp_path / "w.duckdb"):
            yield_to_writers(tmp_path / "w.duckdb", lambda _: None)

    def test_a_file_of_a_killed_writer_is_ignored(self, tmp_path: Path) -> None:
        """A reader does not yield to a writer that was killed."""
        (tmp_path / "w.duckdb.turn").touch()

        yield_to_writers(tmp_path / "w.duckdb", lambda _: pytest.fail("it waited"))


class TestWaitingReaders:
    """A writer that continues yields to readers that wait."""

    def test_a_waiting_reader_is_visible(self, tmp_path: Path) -> None:
        """A reader counts as a waiter only while it waits."""
        things = ThingWarehouse(tmp_path / "w.duckdb").create()
        waited: list[bool] = []

        with another_process(WRITER, things.path) as other:

            def wait(_: float) -> None:
                waited.append(has_waiters(things.path))
                end(other)

            with Warehouse(things.path, sleep=wait).reading():
                assert not has_waiters(things.path)

        assert waited[-1]

    def test_several_readers_may_wait(self, tmp_path: Path) -> None:
        """When one of several waiting readers continues, the others still count as waiters."""
        path = tmp_path / "w.duckdb"
        with waiting_to_read(path):
            with waiting_to_read(path):
                pass
            assert has_waiters(path)
        assert not has_waiters(path)

    def test_a_writer_yields_to_readers_briefly(self, tmp_path: Path) -> None:
        """A writer yields to waiting readers for a short time only."""
        path = tmp_path / "w.duckdb"
        waits: list[float] = []
        with waiting_to_read(path):
            yield_to_readers(path, waits.append)

        assert waits
        yield_to_readers(path, lambda _: pytest.fail("it waited"))


class TestReusedConnection:
    """The warehouse of a run stays open for writing between transactions."""

    def test_the_connection_is_kept_for_the_next_transaction(self, tmp_path: Path) -> None:
        """The next transaction uses the same connection, and soon after the last one the file is closed."""
        path = ThingWarehouse(tmp_path / "w.duckdb").create().path
        warehouse = ReusingWarehouse(path)
        with warehouse.writing(writing_session(warehouse)) as first:
            pass
        with warehouse.writing() as second:
            assert second is first

        with Warehouse(path).reading():
            pass

    def test_the_connection_is_closed_for_a_waiting_reader(self, tmp_path: Path) -> None:
        """The file is closed for a waiting reader, even if another transaction follows."""
        path = ThingWarehouse(tmp_path / "w.duckdb").create().path
        warehouse = ReusingWarehouse(path)
        with waiting_to_read(path), warehouse.writing(writing_session(warehouse)):
            pass

        with Warehouse(path, lock_timeout=0.0).reading():
            pass

    def test_the_connection_is_closed_from_time_to_time(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The file is closed after a limit, because other programs that wait are not visible."""
        monkeypatch.setattr(reused_connection, "LONGEST_WRITING", 0.0)
        path = ThingWarehouse(tmp_path / "w.duckdb").create().path
        warehouse = ReusingWarehouse(path)
        with warehouse.writing(writing_session(warehouse)):
            pass

        with Warehouse(path, lock_timeout=0.0).reading():
            pass

    def test_feeds_share_a_connection_for_writing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The transactions of several feeds, which follow one another, open the file once."""
        monkeypatch.setattr(reused_connection, "LONGEST_IDLE", 60.0)
        warehouse = ReusingWarehouse(ThingWarehouse(tmp_path / "w.duckdb").create().path)
        sessions = WriteSession(warehouse), WriteSession(warehouse)
        with sessions[0].transaction() as first:
            pass
        sessions[0].close()
        with sessions[1].transaction() as second:
            assert second is first
        warehouse.close()

        with Warehouse(warehouse.path, lock_timeout=0.0).reading():
            pass

    def test_release_closes_the_connection_for_writing(self, tmp_path: Path) -> None:
        """``release`` closes a connection for writing soon, and keeps one for reading, which excludes no reader."""
        path = ThingWarehouse(tmp_path / "w.duckdb").create().path
        warehouse = ReusingWarehouse(path)
        with warehouse.writing(writing_session(warehouse)):
            pass
        warehouse.release()

        with Warehouse(path).reading():
            pass
        with warehouse.reading() as first:
            pass
        warehouse.release()
        with warehouse.reading() as second:
            assert second is first
        warehouse.close()

    def test_a_failed_transaction_closes_the_connection(self, tmp_path: Path) -> None:
        """After a failed transaction the file is closed and nothing of it is stored."""
        things = ThingWarehouse(tmp_path / "w.duckdb").create()
        warehouse = ReusingWarehouse(things.path)
        with pytest.raises(duckdb.CatalogException), warehouse.writing(writing_session(warehouse)) as connection:
            connection.execute("BEGIN TRANSACTION; CREATE TABLE left_over (number INTEGER); FROM nowhere")

        with Warehouse(things.path, lock_timeout=0.0).reading() as reading:
            found = reading.execute("SELECT table_name FROM duckdb_tables() WHERE table_name = 'left_over'").fetchall()
        assert found == []

    def test_reading_uses_the_connection_for_writing_without_writing(self, tmp_path: Path) -> None:
        """A read uses the connection that is open for writing, in a transaction that refuses to write."""
        path = ThingWarehouse(tmp_path / "w.duckdb").create().path
        warehouse = ReusingWarehouse(path)
        with warehouse.writing(writing_session(warehouse)) as writing:
            pass
        with warehouse.reading() as reading:
            assert reading is writing
            with pytest.raises(duckdb.TransactionException, match="read-only"):
                reading.execute("DELETE FROM sync.settings")
        with warehouse.writing(writing_session(warehouse)) as again:
            assert again is writing
        warehouse.close()

        with warehouse.reading() as reading, pytest.raises(duckdb.InvalidInputException):
            reading.execute("DELETE FROM sync.settings")
        warehouse.close()

    def test_a_failed_read_closes_the_connection_for_writing(self, tmp_path: Path) -> None:
        """An error within a read leaves no transaction open for the next one."""
        warehouse = ReusingWarehouse(ThingWarehouse(tmp_path / "w.duckdb").create().path)
        with warehouse.writing(writing_session(warehouse)):
            pass
        with pytest.raises(RuntimeError), warehouse.reading():
            raise RuntimeError

        with Warehouse(warehouse.path, lock_timeout=0.0).reading():
            pass
