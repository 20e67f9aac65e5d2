"""A snapshot is read completely and compared with the last one; only changes add versions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.types import Snapshot
from pipelines.sandbox import Fault, Kind, Sandbox
from pipelines.sync.snapshot import snapshot_requests
from pipelines.warehouse.file.connection import transaction
from tests.integration.syncing import Syncing
from tests.moments import real_now
from tests.records import in_json

pytestmark = pytest.mark.both_kinds

WEEKLY = "supply.weekly_base_supply"
PIECES = {0: 100, 1: 100, 2: 100, 4: 40, 5: 100, 6: 100}
ITEM = "0aa7e2a0-51a4-4b1a-9f0e-{:012d}"


@pytest.fixture
def syncing(tmp_path: Path) -> Iterator[Syncing]:
    """A sandbox with three items in this week and one far in the future."""
    with Sandbox(empty=True) as sandbox:
        sandbox.set_switches(rate_limits=None)
        found = Syncing(sandbox, tmp_path / "w.duckdb", only=(WEEKLY,))
        for place in range(3):
            offer(found, place)
        offer(found, 9, weeks=30)
        yield found


def offer(syncing: Syncing, place: int, weeks: int = 0, **fields: Any) -> tuple[str, ...]:
    """Offer an item a number of weeks from now, and return the record's key."""
    iso = (real_now().date() + dt.timedelta(weeks=weeks)).isocalendar()
    record = {"tradeItemId": ITEM.format(place), "year": iso.year, "week": iso.week, "numberOfPieces": 100} | fields
    book = syncing.sandbox.book(WEEKLY)
    book.put(in_json({"priceGroupPrices": [], **record}), number=book.reserve())
    return (ITEM.format(place), str(iso.year), str(iso.week))


def rows(syncing: Syncing) -> list[tuple[Any, ...]]:
    """Return the items, their pieces, and whether they are marked as deleted."""
    return syncing.rows(
        f"SELECT right(CAST(trade_item_id AS VARCHAR), 1), number_of_pieces, is_deleted FROM {WEEKLY} ORDER BY 1"
    )


def test_only_the_weeks_of_the_setting_are_requested(syncing: Syncing) -> None:
    """Two weeks back to eight ahead are requested, or the range of FLORIDAY_BASE_SUPPLY_WEEKS."""
    syncing.sync(WEEKLY)
    assert rows(syncing) == [("0", 100, False), ("1", 100, False), ("2", 100, False)]
    assert len(syncing.sandbox.calls.to("/base-supply")) == 11

    syncing.sync(WEEKLY, FLORIDAY_BASE_SUPPLY_WEEKS="29..31")

    assert rows(syncing)[-1] == ("9", 100, False)
    assert len(rows(syncing)) == 4


def test_an_unchanged_list_adds_no_version(syncing: Syncing) -> None:
    """Reading an unchanged snapshot again writes nothing into raw and history."""
    syncing.sync(WEEKLY)
    before = syncing.content()

    outcome = syncing.sync_one(WEEKLY)

    assert (outcome.records, outcome.new, outcome.changed) == (3, 0, 0)
    assert syncing.content() == before


def position(syncing: Syncing) -> tuple[dt.datetime, dt.datetime]:
    """Return when the snapshot was last stored, and last proven current."""
    ((stored, current),) = syncing.rows(f"SELECT committed_at, current_at FROM sync.cursors WHERE feed = '{WEEKLY}'")
    return stored, current


def test_an_unchanged_list_is_not_stored_again(syncing: Syncing) -> None:
    """An unchanged list only moves the time at which it was current; with ``full``, its rows are written again."""
    syncing.sync(WEEKLY)
    stored, current = position(syncing)
    with syncing.warehouse.writing() as connection, transaction(connection):
        connection.execute(f"UPDATE {WEEKLY} SET number_of_pieces = 1")

    assert syncing.sync_one(WEEKLY).current
    assert position(syncing)[0] == stored
    assert position(syncing)[1] > current
    assert {pieces for _, pieces, _ in rows(syncing)} == {1}

    assert syncing.sync_one(WEEKLY, full=True).current
    assert {pieces for _, pieces, _ in rows(syncing)} == {100}


def test_only_weeks_with_changes_are_stored(syncing: Syncing) -> None:
    """Each week is compared apart: a changed, a new and an emptied one are stored."""
    offer(syncing, 4, weeks=1)
    offer(syncing, 5, weeks=2)
    syncing.sync(WEEKLY)
    offer(syncing, 4, weeks=1, numberOfPieces=40)
    syncing.sandbox.book(WEEKLY).remove(*offer(syncing, 5, weeks=2))
    offer(syncing, 6, weeks=3)

    outcome = syncing.sync_one(WEEKLY)

    assert (outcome.records, outcome.new, outcome.changed) == (5, 1, 2)
    assert rows(syncing) == [(str(place), pieces, place == 5) for place, pieces in PIECES.items()]


def test_a_snapshot_that_was_read_in_part_is_not_current(syncing: Syncing) -> None:
    """If one request fails, what was answered before is stored, and the snapshot is not proven current."""
    syncing.sync(WEEKLY)
    stored, current = position(syncing)
    offer(syncing, 0, numberOfPieces=40)
    for _ in range(2):
        calls = len(syncing.sandbox.calls.to("/base-supply"))
        syncing.sandbox.faults.add(Fault(kind=Kind.STATUS, where="*/base-supply", status=400, after=8))

        assert syncing.sync_one(WEEKLY).error is not None

        assert len(syncing.sandbox.calls.to("/base-supply")) == calls + 9
        assert position(syncing)[1] == current
    assert rows(syncing)[0] == ("0", 40, False)
    assert position(syncing)[0] > stored


def test_changed_and_missing_records_get_versions(syncing: Syncing) -> None:
    """A record that is no longer listed gets a last version that is marked as deleted; it returns when it is listed."""
    syncing.sync(WEEKLY)
    offer(syncing, 0, numberOfPieces=40)
    syncing.sandbox.book(WEEKLY).remove(*offer(syncing, 1))

    outcome = syncing.sync_one(WEEKLY)

    assert (outcome.new, outcome.changed) == (0, 2)
    assert rows(syncing) == [("0", 40, False), ("1", 100, True), ("2", 100, False)]
    again = syncing.sync_one(WEEKLY)
    assert again.changed == 0
    offer(syncing, 1)
    syncing.sync(WEEKLY)
    assert rows(syncing)[1] == ("1", 100, False)
    versions = syncing.rows(
        "SELECT version, is_deleted, is_current FROM history.weekly_base_supply"
        f" WHERE trade_item_id = '{ITEM.format(1)}' ORDER BY version"
    )
    assert versions == [(1, False, False), (2, True, False), (3, False, True)]


def test_a_rejected_record_is_not_marked_as_deleted(syncing: Syncing) -> None:
    """A rejected record of a snapshot keeps its last valid row, as do the others."""
    syncing.sync(WEEKLY)
    offer(syncing, 1, numberOfPieces="many")

    outcome = syncing.sync_one(WEEKLY)

    assert (outcome.rejected, outcome.changed) == (1, 0)
    assert rows(syncing)[1] == ("1", 100, False)


def test_weeks_are_those_of_amsterdam() -> None:
    """The weeks of a snapshot are ISO weeks in Amsterdam, not in UTC."""
    weekly = next(each for each in catalogue_of("suppliers").snapshots if each.name == WEEKLY)
    assert isinstance(weekly, Snapshot)

    (request,) = snapshot_requests(weekly, (0, 0), dt.datetime(2026, 12, 27, 23, 30, tzinfo=dt.UTC))

    assert request.parameters == {"year": 2026, "week": 53}
