"""Commits merge old windows, without an effect on the ranges of days."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from pipelines.warehouse.load import upsert
from pipelines.warehouse.load.cursors import FeedPart
from tests.every_kind import THINGS
from tests.integration.test_numbered_days import days
from tests.moments import real_now
from tests.simulated_ledger import SimulatedLedger, empty_ledger
from tests.thing_warehouse import ThingWarehouse, commit, word

pytestmark = pytest.mark.both_kinds

HOURS = 8


def test_a_few_windows_per_day_remain_with_the_same_results() -> None:
    """After eight days with eight syncs each, at most four windows a day remain, and all results are the same."""
    simulated = SimulatedLedger(empty_ledger())
    for hour in range(8 * HOURS):
        simulated.change(hour % 8)
        simulated.sync()
        simulated.wait(24 * 60 // HOURS)
    offsets = range(-1, 8)
    before, derived, totals = simulated.ranges(offsets), simulated.derived(), simulated.totals()

    removed = simulated.merge()

    assert 8 * HOURS - removed <= 4 * 9
    assert simulated.ranges(offsets) == before
    assert (simulated.derived(), simulated.totals()) == (derived, totals)
    assert simulated.merge() == 0
    assert simulated.span(days(5)) is not None


@pytest.mark.slow
def test_commits_merge_old_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of the last week stay, and the others keep their totals and their order."""
    monkeypatch.setattr(upsert, "WINDOWS_BETWEEN_MERGES", 10)
    things = ThingWarehouse(tmp_path / "w.duckdb").create()
    feed = FeedPart("main", THINGS.name)
    begins = real_now() - dt.timedelta(days=20)
    with things.warehouse.writing() as connection:
        for number in range(40):
            numbers: dict[str, Any] = {"begins": number, "ends": number + 1, "run": f"run {number}"}
            moment = begins + dt.timedelta(hours=12 * number)
            commit(connection, [word(f"{number}", number + 1)], feed, THINGS, **numbers, moment=moment)

    windows = things.rows(
        "SELECT from_sequence_number, to_sequence_number, committed_at FROM sync.windows ORDER BY rowid"
    )
    assert len(windows) < 40
    assert [begins for begins, _, _ in windows] == [0, *(ends for _, ends, _ in windows[:-1])]
    assert [at for _, _, at in windows] == sorted(at for _, _, at in windows)
    assert things.rows("SELECT sum(records), sum(changed) FROM sync.windows") == [(40, 40)]
    week_ago = begins + dt.timedelta(days=20 - 7)
    recent = [at for _, _, at in windows if at > week_ago]
    assert len(recent) == sum(begins + dt.timedelta(hours=12 * number) > week_ago for number in range(40))
