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
from pipelines.sync.snapshot_answers import snapshot_requests
from pipelines.warehouse.file.connection import transaction
from tests.examples import cases
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


def serve(syncing: Syncing, entry: str, body: bytes, weeks: int = 0) -> tuple[str, ...]:
    """Let the list of a week have one more entry with any content, and return the key of the entry."""
    iso = (real_now().date() + dt.timedelta(weeks=weeks)).isocalendar()
    book, key = syncing.sandbox.book(WEEKLY), (entry, str(iso.year), str(iso.week))
    book.put(body, key=key, number=book.reserve())
    return key


def body_of(place: int, weeks: int = 0, **fields: Any) -> bytes:
    """Return a record of the list in JSON."""
    iso = (real_now().date() + dt.timedelta(weeks=weeks)).isocalendar()
    record = {"tradeItemId": ITEM.format(place), "year": iso.year, "week": iso.week, "numberOfPieces": 100} | fields
    return in_json({"priceGroupPrices": [], **record})


def open_rejected(syncing: Syncing) -> int:
    """Return the number of open rejected records."""
    ((count,),) = syncing.rows("SELECT count(*) FROM sync.rejected_records WHERE resolved_at IS NULL")
    return int(count)


class TestDuplicates:
    """A list may have several records with one key."""

    @pytest.mark.parametrize("full", [False, True])
    def test_the_same_list_read_again_adds_no_version(self, syncing: Syncing, *, full: bool) -> None:
        """Of several records with one key each is a version and the last one is current, once and for all."""
        serve(syncing, "again", body_of(0, numberOfPieces=40))
        serve(syncing, "and again", body_of(0, numberOfPieces=50))
        first = syncing.sync_one(WEEKLY)
        before = syncing.content()

        outcome = syncing.sync_one(WEEKLY, full=full)

        assert (first.new, first.changed) == (3, 2)
        assert rows(syncing)[0] == ("0", 50, False)
        assert (outcome.records, outcome.new, outcome.changed, outcome.error) == (5, 0, 0, None)
        assert syncing.content() == before
        assert syncing.versions(WEEKLY) == 5

    def test_the_last_one_may_have_been_stored_before(self, syncing: Syncing) -> None:
        """An earlier content that is listed last is a version again, as in a list without duplicates."""
        serve(syncing, "again", body_of(0, numberOfPieces=40))
        syncing.sync(WEEKLY)
        serve(syncing, "and again", body_of(0))

        assert syncing.sync_one(WEEKLY).changed == 1
        assert rows(syncing)[0] == ("0", 100, False)
        assert syncing.sync_one(WEEKLY).changed == 0

    def test_a_change_beside_duplicates_is_stored(self, syncing: Syncing) -> None:
        """A changed record gets a version, and the duplicates beside it get none."""
        serve(syncing, "again", body_of(0, numberOfPieces=40))
        syncing.sync(WEEKLY)
        offer(syncing, 1, numberOfPieces=60)

        assert syncing.sync_one(WEEKLY).changed == 1
        assert rows(syncing) == [("0", 40, False), ("1", 60, False), ("2", 100, False)]

    def test_identical_records_are_one(self, syncing: Syncing) -> None:
        """A record that is listed twice with the same bytes counts once, and is not stored again."""
        serve(syncing, "again", body_of(0))
        first = syncing.sync_one(WEEKLY)
        stored, _ = position(syncing)

        outcome = syncing.sync_one(WEEKLY)

        assert (first.records, first.new, first.changed) == (3, 3, 0)
        assert (outcome.records, outcome.new, outcome.changed) == (3, 0, 0)
        assert position(syncing)[0] == stored


class TestAnotherWeek:
    """An answer for another week than was requested is refused."""

    @cases("kind", [int, str], quick=1)
    def test_nothing_of_it_is_stored(self, syncing: Syncing, kind: type) -> None:
        """The sync fails and names the requested week and that of the record; nothing is changed or deleted."""
        offer(syncing, 4, weeks=1)
        syncing.sync(WEEKLY)
        syncing.sandbox.book(WEEKLY).remove(*offer(syncing, 4, weeks=1))
        offer(syncing, 0, numberOfPieces=40)
        other = real_now().date().isocalendar()
        key = serve(syncing, "other", body_of(7, week=kind(other.week)), weeks=1)
        before = position(syncing)[1]

        outcome = syncing.sync_one(WEEKLY)

        assert outcome.error is not None
        asked = (real_now().date() + dt.timedelta(weeks=1)).isocalendar()
        assert f"asked for year {asked.year}, week {asked.week}, and served" in outcome.error
        assert f"a record of year {other.year}, week {other.week}: nothing" in outcome.error
        assert not outcome.is_well
        assert rows(syncing) == [("0", 40, False), ("1", 100, False), ("2", 100, False), ("4", 100, False)]
        assert position(syncing)[1] == before
        syncing.sandbox.book(WEEKLY).remove(*key)
        assert syncing.sync_one(WEEKLY).current
        assert rows(syncing)[-1] == ("4", 100, True)

    def test_a_record_without_readable_week_is_rejected_alone(self, syncing: Syncing) -> None:
        """A record in which the week cannot be read does not contradict the request: only this record is rejected."""
        serve(syncing, "other", body_of(7, week="soon"))

        outcome = syncing.sync_one(WEEKLY)

        assert (outcome.new, outcome.rejected, outcome.error) == (3, 1, None)


class TestRejected:
    """Complete answers resolve records that were rejected."""

    @cases("body", [b"null", body_of(1, week="soon"), b'"x"', b"{}", body_of(1, tradeItemId="x")], quick=2, ids=str)
    def test_a_clean_list_resolves_them(self, syncing: Syncing, body: bytes) -> None:
        """A rejected record without readable key is resolved by the next complete answers, even without changes."""
        syncing.sync(WEEKLY)
        key = serve(syncing, "garbled", body)
        for _ in range(2):
            assert syncing.sync_one(WEEKLY).rejected == 1
            assert open_rejected(syncing) == 1
        syncing.sandbox.book(WEEKLY).remove(*key)
        syncing.sandbox.faults.add(Fault(kind=Kind.STATUS, where="*/base-supply", status=400, after=8))
        assert syncing.sync_one(WEEKLY).error is not None
        assert open_rejected(syncing) == 1
        syncing.sandbox.faults.clear()

        assert syncing.sync_one(WEEKLY).current

        assert open_rejected(syncing) == 0
        assert rows(syncing) == [(str(place), 100, False) for place in range(3)]

    def test_a_list_with_another_one_resolves_none_without_key(self, syncing: Syncing) -> None:
        """While another record without readable key is rejected, the earlier one may still be missing."""
        key = serve(syncing, "garbled", b"null")
        syncing.sync(WEEKLY)
        syncing.sandbox.book(WEEKLY).remove(*key)
        key = serve(syncing, "garbled", b"{}", weeks=1)

        syncing.sync(WEEKLY)

        assert open_rejected(syncing) == 2
        syncing.sandbox.book(WEEKLY).remove(*key)
        syncing.sync(WEEKLY)
        assert open_rejected(syncing) == 0

    def test_a_record_with_a_key_is_resolved_when_it_is_listed_well(self, syncing: Syncing) -> None:
        """A rejected record with a key is resolved by a valid one, also by the content that is stored already."""
        syncing.sync(WEEKLY)
        for pieces in (100, 40):
            offer(syncing, 1, numberOfPieces="many")
            for _ in range(2):
                syncing.sync(WEEKLY)
                assert open_rejected(syncing) == 1
            offer(syncing, 1, numberOfPieces=pieces)
            serve(syncing, "garbled", b"null", weeks=1)

            syncing.sync(WEEKLY)

            assert open_rejected(syncing) == 1  # that without key
            assert rows(syncing)[1] == ("1", pieces, False)
            syncing.sandbox.book(WEEKLY).remove(*serve(syncing, "garbled", b"null", weeks=1))
            syncing.sync(WEEKLY)
            assert open_rejected(syncing) == 0

    def test_a_record_with_a_key_is_resolved_when_it_is_not_listed(self, syncing: Syncing) -> None:
        """A rejected record that the list no longer has is resolved, and marked as deleted."""
        syncing.sync(WEEKLY)
        offer(syncing, 1, numberOfPieces="many")
        syncing.sync(WEEKLY)
        syncing.sandbox.book(WEEKLY).remove(*offer(syncing, 1))

        syncing.sync(WEEKLY)

        assert open_rejected(syncing) == 0
        assert rows(syncing)[1] == ("1", 100, True)

    @pytest.mark.parametrize("fields", [{"numberOfPieces": "many"}, {"tradeItemId": "x"}])
    def test_other_weeks_prove_nothing(self, syncing: Syncing, fields: dict[str, Any]) -> None:
        """A rejected record of a week that is not requested stays open until the week is requested again."""
        key = serve(syncing, "garbled", body_of(1, weeks=2, **fields), weeks=2)
        syncing.sync(WEEKLY)
        syncing.sandbox.book(WEEKLY).remove(*key)

        syncing.sync(WEEKLY, FLORIDAY_BASE_SUPPLY_WEEKS="-2..1")
        assert open_rejected(syncing) == 1

        syncing.sync(WEEKLY, FLORIDAY_BASE_SUPPLY_WEEKS="-2..2")
        assert open_rejected(syncing) == 0


def test_weeks_are_those_of_amsterdam() -> None:
    """The weeks of a snapshot are ISO weeks in Amsterdam, not in UTC."""
    weekly = next(each for each in catalogue_of("suppliers").snapshots if each.name == WEEKLY)
    assert isinstance(weekly, Snapshot)

    (request,) = snapshot_requests(weekly, (0, 0), dt.datetime(2026, 12, 27, 23, 30, tzinfo=dt.UTC))

    assert request.parameters == {"year": 2026, "week": 53}
