"""Many small changes of a lake: they stay in PostgreSQL, and upkeep keeps the number of files small."""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from statistics import median

import pytest

from pipelines.catalogue import catalogue_of
from pipelines.sandbox import Sandbox
from pipelines.sync.session import SyncSession
from pipelines.warehouse.lake.connection import LakeWarehouse
from pipelines.warehouse.lake.upkeep import upkeep
from tests.integration.syncing import Syncing
from tests.lakes import lake_at, postgres
from tests.records import in_json, valid_records

NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
FEED = "orders.sales_orders"
LOADED = 2000
MOST_RECORDS = 25
"""Records that a round changes, at most."""
FIRST = 20
"""Rounds of which the durations are compared."""


@contextmanager
def loaded_lake(path: Path) -> Iterator[Syncing]:
    """Yield a lake after a first load, of which the files are in a folder."""
    with Sandbox(now=NOW, empty=True) as sandbox:
        sandbox.set_switches(rate_limits=None)
        syncing = Syncing(sandbox, path, only=(FEED,), kind="lake")
        put(syncing, LOADED, seed=0)
        assert syncing.sync_one(FEED).current
        yield syncing


def put(syncing: Syncing, count: int, seed: int) -> None:
    """Change some records, and create some."""
    book, random = syncing.sandbox.book(FEED), Random(seed)
    entries = book.entries()
    changed = random.sample(entries, min(len(entries), count // 2))
    records = [{**entry.document, "numberOfPieces": random.randint(1, 10**6)} for entry in changed]
    records += valid_records(syncing.catalogue.feed(FEED), seed=seed, count=count - len(changed))
    for record in records:
        number = book.reserve()
        book.put(in_json({**record, "sequenceNumber": number}), number=number)


class Rounds:
    """Rounds of one lake: each changes a few records, and syncs them."""

    def __init__(self, syncing: Syncing, session: SyncSession) -> None:
        self.syncing = syncing
        self.seconds: list[float] = []
        self._session = session

    def run(self) -> None:
        """Do the next round."""
        number = len(self.seconds) + 1
        put(self.syncing, Random(number).randint(1, MOST_RECORDS), number)
        began = time.perf_counter()
        self._session = self._session.renewed()
        (outcome,) = self._session.sync_all(self._session.sources, run_id=f"round {number}")
        self._session.save_positions()
        self.seconds.append(time.perf_counter() - began)
        assert outcome.current, outcome


@contextmanager
def rounds_of(path: Path) -> Iterator[Rounds]:
    """Yield the rounds of a new lake, which stays attached."""
    with loaded_lake(path) as syncing, syncing.pipeline() as session:
        yield Rounds(syncing, session)


def files_of(syncing: Syncing) -> int:
    """Return the number of Parquet files."""
    return len(list(Path(lake_at(syncing.path).data).rglob("*.parquet")))


@pytest.mark.parametrize("count", [5, pytest.param(500, marks=pytest.mark.slow)])
def test_small_changes_add_few_files(count: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Hundreds of rounds add fewer than 50 files, and upkeep leaves fewer than 100; every record is stored once.

    The durations of rounds, by turns with those of a new lake, are printed.
    """
    postgres()
    with rounds_of(tmp_path / "w.duckdb") as old:
        syncing, loaded = old.syncing, files_of(old.syncing)
        for _ in range(count):
            old.run()
        added = files_of(syncing) - loaded
        lake = LakeWarehouse(lake_at(syncing.path))
        result = upkeep(lake)
        lake.close()
        with rounds_of(tmp_path / "new.duckdb") as new:
            for _ in range(min(FIRST, count)):
                old.run()
                new.run()

    with capsys.disabled():
        sys.stdout.write(
            f"{count} rounds: {loaded} files + {added}; upkeep: {result}; seconds of a round:"
            f" first {median(old.seconds[:FIRST]):.2f}, before upkeep {median(old.seconds[:count][-FIRST:]):.2f},"
            f" after it {median(old.seconds[count:]):.2f}, by turns with {median(new.seconds):.2f} of a new lake\n"
        )
    assert added < 50
    assert result.after < 100
    syncing.assert_equal()


def test_the_first_rows_of_a_child_table_are_replaced(tmp_path: Path) -> None:
    """A session knows which tables were empty when it began; their first rows are deleted when a record changes."""
    postgres()
    bare, full = valid_records(catalogue_of("suppliers").feed(FEED), seed=3, count=2)
    with Sandbox(now=NOW, empty=True) as sandbox:
        syncing, book = Syncing(sandbox, tmp_path / "w.duckdb", only=(FEED,), kind="lake"), sandbox.book(FEED)
        lists = {name: value for name, value in full.items() if isinstance(value, list) and value}
        assert lists
        without_lists = {name: [] if isinstance(value, list) else value for name, value in bare.items()}
        for versions in (
            [without_lists],
            [{**without_lists, **lists}, {**without_lists, **lists, "numberOfPieces": 5}],
        ):
            with syncing.pipeline() as session:
                for number, record in enumerate(versions):
                    place = book.reserve()
                    book.put(in_json({**record, "sequenceNumber": place}), number=place)
                    (outcome,) = session.sync_all(session.sources, run_id=f"run {number}")
                    assert outcome.current, outcome
                session.save_positions()
        syncing.assert_equal()
