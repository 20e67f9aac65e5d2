"""Many small changes of a lake: they stay in PostgreSQL, and upkeep keeps the number of files small."""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from statistics import median

import pytest

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


@pytest.fixture
def syncing(tmp_path: Path) -> Iterator[Syncing]:
    """A lake after a first load, of which the files are in a folder."""
    postgres()
    with Sandbox(now=NOW, empty=True) as sandbox:
        sandbox.set_switches(rate_limits=None)
        syncing = Syncing(sandbox, tmp_path / "w.duckdb", only=(FEED,), kind="lake")
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


def rounds(syncing: Syncing, session: SyncSession, numbers: range) -> list[float]:
    """Change a few records and sync them, for each number; returns the seconds of each sync."""
    seconds = []
    for number in numbers:
        put(syncing, Random(number).randint(1, MOST_RECORDS), number)
        began = time.perf_counter()
        session = session.renewed()
        (outcome,) = session.sync_all(session.sources, run_id=f"round {number}")
        session.save_positions()
        seconds.append(time.perf_counter() - began)
        assert outcome.current, outcome
    return seconds


def files_of(syncing: Syncing) -> int:
    """Return the number of Parquet files."""
    return len(list(Path(lake_at(syncing.path).data).rglob("*.parquet")))


@pytest.mark.parametrize("count", [5, pytest.param(500, marks=pytest.mark.slow)])
def test_small_changes_add_few_files(count: int, syncing: Syncing, capsys: pytest.CaptureFixture[str]) -> None:
    """Hundreds of rounds add fewer than 50 files, and upkeep leaves fewer than 100; every record is stored once."""
    loaded = files_of(syncing)
    with syncing.pipeline() as session:
        seconds = rounds(syncing, session, range(1, count + 1))
        added = files_of(syncing) - loaded
        lake = LakeWarehouse(lake_at(syncing.path))
        began = time.perf_counter()
        result = upkeep(lake)
        took = time.perf_counter() - began
        lake.close()
        later = rounds(syncing, session, range(count + 1, count + 1 + min(FIRST, count)))

    with capsys.disabled():
        sys.stdout.write(
            f"{count} rounds: {loaded} files + {added}; upkeep: {result} in {took:.1f} s, {files_of(syncing)} files;"
            f" seconds of a round: first {median(seconds[:FIRST]):.2f}, last {median(seconds[-FIRST:]):.2f},"
            f" after upkeep {median(later):.2f}\n"
        )
    assert added < 50
    assert result.after < 100
    syncing.assert_equal()
