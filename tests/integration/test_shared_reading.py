"""Readers and a writer at one warehouse: nobody fails, nobody sees half of a batch, and the writer gets its turn."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from pipelines.warehouse import turns
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.turns import give_way, waiting_to_write
from tests.another_process import READER, another_process, end
from tests.shared_reading import PATIENCE, Read, read_while_writing
from tests.thing_warehouse import ThingWarehouse


def assert_well(read: Read) -> None:
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
        things = ThingWarehouse(tmp_path / "w.duckdb").lay_out()
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

            give_way(tmp_path / "w.duckdb", wait)

        assert len(waits) == 3

    def test_nobody_gives_way_for_ever(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Somebody else may read for long meanwhile, and then nothing is gained by waiting."""
        monkeypatch.setattr(turns, "GIVING_WAY", 0.05)
        with waiting_to_write(tmp_path / "w.duckdb"):
            give_way(tmp_path / "w.duckdb", lambda _: None)

    def test_a_sign_that_was_left_behind_means_nothing(self, tmp_path: Path) -> None:
        """Its writer was killed."""
        (tmp_path / "w.duckdb.turn").touch()

        give_way(tmp_path / "w.duckdb", lambda _: pytest.fail("it waited"))
