"""Readers and a writer at one warehouse: nobody fails, nobody sees half of a batch, and the writer gets its turn."""

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
from tests.concurrent_readers import PATIENCE, ReadResults, read_while_writing
from tests.thing_warehouse import ThingWarehouse


def going_on(warehouse: Warehouse) -> WriteSession:
    """A session that writes again immediately."""
    session = WriteSession(warehouse)
    session.expects_more = True
    return session


def assert_well(read: ReadResults) -> None:
    """No error, no torn state; everyone read, and the writer never waited for as long as it would have."""
    assert read.errors == []
    assert read.torn == []
    assert set(read.reads) == {"copy", "query", "report"}
    assert min(read.reads.values()) > 0
    assert read.longest_wait < PATIENCE


def test_three_readers_and_a_writer() -> None:
    """Of the copy, by a query and for a report, again and again, while batches are committed."""
    read = read_while_writing(seconds=0.0, commits=10)

    assert_well(read)
    assert (read.commits, read.copies) == (10, 2)


@pytest.mark.soak
def test_three_readers_and_a_writer_for_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    """The same, for long."""
    read = read_while_writing(seconds=60.0, commits=50)

    with capsys.disabled():
        sys.stdout.write(f"{read}\n")
    assert_well(read)


class TestTurns:
    """A reader that comes while a writer waits lets it go first."""

    def test_a_writer_that_waits_says_so(self, tmp_path: Path) -> None:
        """With a file beside the warehouse, for its owner alone, and only as long as it waits."""
        things = ThingWarehouse(tmp_path / "w.duckdb").create()
        sign = tmp_path / "w.duckdb.turn"
        modes: list[int] = []

        with another_process(READER, things.path) as other:

            def wait(_: float) -> None:
                modes.append(stat.S_IMODE(sign.stat().st_mode))
                end(other)

            with Warehouse(things.path, sleep=wait).writing():
                assert not sign.exists()

        assert set(modes) == {0o600}

    def test_a_reader_waits_until_the_writer_had_its_turn(self, tmp_path: Path) -> None:
        """As soon as the writer waits no more, the reader goes on."""
        waits: list[float] = []
        with waiting_to_write(tmp_path / "w.duckdb"):

            def wait(seconds: float) -> None:
                waits.append(seconds)
                if len(waits) == 3:
                    (tmp_path / "w.duckdb.turn").unlink()

            yield_to_writers(tmp_path / "w.duckdb", wait)

        assert len(waits) == 3

    def test_nobody_gives_way_for_ever(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Somebody else may read for long meanwhile, and then nothing is gained by waiting."""
        monkeypatch.setattr(waiters, "LONGEST_YIELD_TO_WRITERS", 0.05)
        with waiting_to_write(tmp_path / "w.duckdb"):
            yield_to_writers(tmp_path / "w.duckdb", lambda _: None)

    def test_a_sign_that_was_left_behind_means_nothing(self, tmp_path: Path) -> None:
        """Its writer was killed."""
        (tmp_path / "w.duckdb.turn").touch()

        yield_to_writers(tmp_path / "w.duckdb", lambda _: pytest.fail("it waited"))


class TestReadersTurn:
    """A writer that goes on lets a reader in that waits."""

    def test_a_reader_that_waits_says_so(self, tmp_path: Path) -> None:
        """Only as long as it waits."""
        things = ThingWarehouse(tmp_path / "w.duckdb").create()
        waited: list[bool] = []

        with another_process(WRITER, things.path) as other:

            def wait(_: float) -> None:
                waited.append(has_waiters(things.path))
                end(other)

            with Warehouse(things.path, sleep=wait).reading():
                assert not has_waiters(things.path)

        assert waited[-1]

    def test_several_may_wait(self, tmp_path: Path) -> None:
        """One that has its turn does not take the others' sign with it."""
        path = tmp_path / "w.duckdb"
        with waiting_to_read(path):
            with waiting_to_read(path):
                pass
            assert has_waiters(path)
        assert not has_waiters(path)

    def test_a_writer_waits_for_readers_but_hardly_at_all(self, tmp_path: Path) -> None:
        """Somebody may wait in vain, and nobody may keep the writer out."""
        path = tmp_path / "w.duckdb"
        waits: list[float] = []
        with waiting_to_read(path):
            yield_to_readers(path, waits.append)

        assert waits
        yield_to_readers(path, lambda _: pytest.fail("it waited"))


class TestWritingOn:
    """A warehouse of a run stays open for writing while batch follows batch."""

    def test_the_file_stays_open_for_the_next_batch(self, tmp_path: Path) -> None:
        """The same connection, until nothing follows."""
        path = ThingWarehouse(tmp_path / "w.duckdb").create().path
        warehouse = ReusingWarehouse(path)
        with warehouse.writing(going_on(warehouse)) as first:
            pass
        with warehouse.writing() as second:
            assert second is first

        with Warehouse(path, lock_timeout=0.0).reading():
            pass

    def test_somebody_who_waits_gets_in(self, tmp_path: Path) -> None:
        """The file is closed for them, whatever follows."""
        path = ThingWarehouse(tmp_path / "w.duckdb").create().path
        warehouse = ReusingWarehouse(path)
        with waiting_to_read(path), warehouse.writing(going_on(warehouse)):
            pass

        with Warehouse(path, lock_timeout=0.0).reading():
            pass

    def test_others_get_in_now_and_then(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nobody knows who else would open the file."""
        monkeypatch.setattr(reused_connection, "LONGEST_WRITING", 0.0)
        path = ThingWarehouse(tmp_path / "w.duckdb").create().path
        warehouse = ReusingWarehouse(path)
        with warehouse.writing(going_on(warehouse)):
            pass

        with Warehouse(path, lock_timeout=0.0).reading():
            pass

    def test_it_is_closed_when_nothing_follows_after_all(self, tmp_path: Path) -> None:
        """Others get in, without an end of the run; what is open for reading stays, and keeps nobody out."""
        path = ThingWarehouse(tmp_path / "w.duckdb").create().path
        warehouse = ReusingWarehouse(path)
        with warehouse.writing(going_on(warehouse)):
            pass
        warehouse.release()

        with Warehouse(path, lock_timeout=0.0).reading():
            pass
        with warehouse.reading() as first:
            pass
        warehouse.release()
        with warehouse.reading() as second:
            assert second is first
        warehouse.close()

    def test_a_batch_that_failed_leaves_nothing_open(self, tmp_path: Path) -> None:
        """Nor what it had not committed."""
        things = ThingWarehouse(tmp_path / "w.duckdb").create()
        warehouse = ReusingWarehouse(things.path)
        with pytest.raises(duckdb.CatalogException), warehouse.writing(going_on(warehouse)) as connection:
            connection.execute("BEGIN TRANSACTION; CREATE TABLE left_over (number INTEGER); FROM nowhere")

        with Warehouse(things.path, lock_timeout=0.0).reading() as reading:
            found = reading.execute("SELECT table_name FROM duckdb_tables() WHERE table_name = 'left_over'").fetchall()
        assert found == []

    def test_reading_ends_the_writing(self, tmp_path: Path) -> None:
        """DuckDB opens a file for one of the two; what is open is closed with the warehouse."""
        path = ThingWarehouse(tmp_path / "w.duckdb").create().path
        warehouse = ReusingWarehouse(path)
        with warehouse.writing(going_on(warehouse)):
            pass
        with warehouse.reading() as connection, pytest.raises(duckdb.InvalidInputException):
            connection.execute("DELETE FROM sync.settings")
        with warehouse.writing(going_on(warehouse)):
            pass
        warehouse.close()

        with Warehouse(path, lock_timeout=0.0).reading():
            pass
