"""A wrong response loses no records: a cursor moves only over what responses prove, and doubts are stored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.cli.syncs.outcomes import remarks
from pipelines.floriday.pages import Page
from pipelines.sandbox import Fault, Kind, Sandbox, status
from pipelines.sync.page_reader import PageReader
from pipelines.warehouse.file.connection import transaction
from pipelines.warehouse.load import visibility
from pipelines.warehouse.load.cursors import FeedPart
from pipelines.warehouse.load.run_state import RunState
from tests.examples import cases
from tests.integration.syncing import SUPPLIERS, Syncing
from tests.records import in_json, valid_records

pytestmark = pytest.mark.both_kinds

NOW = dt.datetime(2026, 11, 20, 9, tzinfo=dt.UTC)
ORDERS, INBOUND = "orders.sales_orders", "fulfillment.inbound_fulfillment_orders"
SETTINGS = "organizations.customer_trade_settings"
PATHS = {ORDERS: "/sales-orders/sync/*", INBOUND: "/fulfillment-orders/inbound/sync/*"}
MAXIMUM = "/sales-orders/current-max-sequence"


@pytest.fixture
def empty() -> Iterator[Sandbox]:
    """A supplier's sandbox without records."""
    with Sandbox(now=NOW, empty=True) as sandbox:
        yield sandbox


def filled(sandbox: Sandbox, path: Path, feed: str, count: int = 20) -> Syncing:
    """Fill a feed with records, and return a sync in pages of four."""
    for record in valid_records(SUPPLIERS.feed(feed), seed=1, count=count):
        sandbox.book(feed).put(record)
    return Syncing(sandbox, path / "w.duckdb", page=4, only=(feed,))


@pytest.fixture
def orders(empty: Sandbox, tmp_path: Path) -> Syncing:
    """Twenty sales orders in pages of four."""
    return filled(empty, tmp_path, ORDERS)


def change(syncing: Syncing, feed: str, place: int, **fields: Any) -> int:
    """Give a record on the server a new content and number, and return the number."""
    book = syncing.sandbox.book(feed)
    entry = sorted(book.entries(), key=lambda entry: entry.key)[place]
    number = book.reserve()
    return book.put(in_json({**entry.document, **fields, "sequenceNumber": number}), number=number)


def cursor(syncing: Syncing, feed: str) -> int:
    """Return the cursor of a feed."""
    ((number,),) = syncing.rows(f"SELECT cursor FROM sync.cursors WHERE feed = '{feed}'")
    return int(number)


def damage(syncing: Syncing, statement: str) -> None:
    """Change the warehouse as an earlier version of the product did after a wrong response."""
    with syncing.warehouse.writing() as connection, transaction(connection):
        for part in statement.split(";"):
            connection.execute(part)


class TestOneWrongResponse:
    """A much too high number or maximum in one response."""

    @pytest.mark.parametrize("feed", [ORDERS, INBOUND])
    @pytest.mark.parametrize("kind", [Kind.GARBLED_NUMBER, Kind.HIGHER_MAXIMUM, Kind.EMPTY_END])
    @cases("page", [0, 2, 4], quick=1)
    def test_all_records_are_stored(self, empty: Sandbox, tmp_path: Path, feed: str, kind: Kind, page: int) -> None:
        """All records are stored, whichever page is wrong, with and without a max-sequence operation."""
        syncing = filled(empty, tmp_path, feed, 19)
        empty.faults.add(Fault(kind=kind, where=PATHS[feed], after=page))

        syncing.sync(feed)
        syncing.sync(feed)

        syncing.assert_equal(feed)
        assert cursor(syncing, feed) == empty.book(feed).maximum

    def test_a_filtered_page_with_a_much_too_high_maximum_hides_nothing(self, orders: Syncing) -> None:
        """A page's maximum is ignored if neither its records nor the feed's maximum support it."""
        book = orders.sandbox.book(ORDERS)
        for entry in book.entries()[2:4]:
            book.hide(*entry.key)
        orders.sandbox.faults.add(Fault(kind=Kind.HIGHER_MAXIMUM, where=PATHS[ORDERS]))

        assert orders.sync_one(ORDERS).current

        orders.assert_equal(ORDERS)

    def test_a_maximum_that_is_too_high_once_is_requested_again(self, orders: Syncing) -> None:
        """A maximum that the pages contradict is requested again, and the feed is current."""
        orders.sandbox.faults.add(Fault(kind=Kind.HIGHER_MAXIMUM, where=MAXIMUM))

        outcome = orders.sync_one(ORDERS)

        assert outcome.current
        orders.assert_equal(ORDERS)
        assert orders.rows("SELECT maximum = cursor FROM sync.cursors") == [(True,)]

    def test_a_feed_with_a_maximum_that_stays_too_high_is_not_current(self, orders: Syncing) -> None:
        """If the maximum stays too high, all records are stored and the feed is not reported as current."""
        orders.sandbox.faults.add(Fault(kind=Kind.HIGHER_MAXIMUM, where=MAXIMUM, times=None))

        outcome = orders.sync_one(ORDERS)

        assert not outcome.current
        assert not outcome.is_well
        orders.assert_equal(ORDERS)


class TestWarehouseOfAnEarlierVersion:
    """Warehouses that earlier versions of the product damaged after a wrong response."""

    def test_a_cursor_beyond_the_end_leads_to_a_full_re_read(self, orders: Syncing) -> None:
        """A cursor above every record, in an unchanged numbering, leads to a full re-read."""
        orders.sync(ORDERS)
        damage(
            orders,
            "UPDATE sync.cursors SET cursor = 900000000; UPDATE sync.windows SET to_sequence_number = 900000000;"
            f"DELETE FROM {ORDERS} WHERE sequence_number > 30",
        )
        change(orders, ORDERS, 3, numberOfPieces=77)

        outcome = orders.sync_one(ORDERS)

        assert outcome.current
        assert not outcome.restarted
        orders.assert_equal(ORDERS)
        assert cursor(orders, ORDERS) == orders.sandbox.book(ORDERS).maximum

    @cases("feed", [ORDERS, INBOUND], quick=1)
    def test_a_full_sync_corrects_the_cursor(self, empty: Sandbox, tmp_path: Path, feed: str) -> None:
        """A full sync sets the cursor to the proven end, and later changes are read."""
        syncing = filled(empty, tmp_path, feed)
        syncing.sync(feed)
        damage(syncing, "UPDATE sync.cursors SET cursor = 900000000")

        syncing.sync(feed, full=True)

        assert cursor(syncing, feed) == empty.book(feed).maximum
        change(syncing, feed, 0)
        assert syncing.sync_one(feed).records > 0
        syncing.assert_equal(feed)

    @cases("full", [True, False], quick=1)
    def test_a_record_with_a_too_high_number_accepts_later_versions(self, orders: Syncing, *, full: bool) -> None:
        """A number above the proven end is lowered, and the feed is read again."""
        orders.sync(ORDERS)
        ((key,),) = orders.rows(f"SELECT min(sales_order_id) FROM {ORDERS}")
        to_high = f"SET sequence_number = 900000000 WHERE sales_order_id = '{key}'"
        damage(orders, f"UPDATE {ORDERS} {to_high}")
        damage(orders, f"UPDATE raw.sales_orders {to_high}; UPDATE versions.sales_orders {to_high}")
        change(orders, ORDERS, 0, numberOfPieces=78)

        orders.sync(ORDERS, full=full)
        orders.sync(ORDERS)

        orders.assert_equal(ORDERS)
        assert orders.rows("SELECT count(*) FROM sync.rereads WHERE done_at IS NULL") == [(0,)]

    def test_records_that_a_re_read_ignored_as_older_are_read_again(self, orders: Syncing) -> None:
        """Records that a full re-read ignored, because their stored numbers were too high, are read once more."""
        orders.sync(ORDERS)
        for place in range(20):
            change(orders, ORDERS, place, numberOfPieces=100 + place)
        damage(
            orders,
            f"UPDATE {ORDERS} SET sequence_number = 900000000; UPDATE raw.sales_orders SET sequence_number = 900000000;"
            "UPDATE versions.sales_orders SET sequence_number = 900000000",
        )

        orders.sync(ORDERS, full=True)

        orders.assert_equal(ORDERS)

    def test_no_window_remains_beyond_a_cursor_that_moved_back(self, orders: Syncing) -> None:
        """After a cursor moved back no window lies beyond it, so the next sync skips nothing."""
        orders.sync(ORDERS)
        damage(
            orders, "UPDATE sync.cursors SET cursor = 900000000; UPDATE sync.windows SET to_sequence_number = 900000000"
        )
        orders.sync(ORDERS, full=True)

        ((beyond,),) = orders.rows(
            "SELECT count(*) FROM sync.windows JOIN sync.cursors c USING (feed) WHERE to_sequence_number > c.cursor"
        )

        assert beyond == 0


class TestRejectedRecords:
    """A rejected record is resolved only if a response proves what became of its number."""

    @pytest.fixture
    def rejected(self, orders: Syncing) -> Syncing:
        """Two rejected records before a valid one."""
        for place in (0, 1):
            change(orders, ORDERS, place, numberOfPieces="many")
        change(orders, ORDERS, 2)
        orders.sync(ORDERS)
        assert self.open_count(orders) == 2
        return orders

    @staticmethod
    def open_count(syncing: Syncing) -> int:
        """Return the number of open rejected records."""
        ((count,),) = syncing.rows("SELECT count(*) FROM sync.rejected_records WHERE resolved_at IS NULL")
        return int(count)

    @cases("times", [1, None], quick=1)
    def test_an_empty_page_resolves_none(self, rejected: Syncing, times: int | None) -> None:
        """An empty page resolves no rejected record, however often it is served."""
        rejected.sandbox.faults.add(Fault(kind=Kind.EMPTY_END, where=PATHS[ORDERS], times=times))

        rejected.sync(ORDERS)

        assert self.open_count(rejected) == 2

    def test_a_higher_number_proves_that_a_number_is_vacant(self, rejected: Syncing) -> None:
        """A rejected record is resolved when its number is vacant, because it has a valid version with a new number."""
        for place in (0, 1):
            change(rejected, ORDERS, place, numberOfPieces=5)

        rejected.sync(ORDERS)

        assert self.open_count(rejected) == 0
        rejected.assert_equal(ORDERS)

    def test_a_rejected_record_with_number_0_is_not_requested(self, empty: Sandbox, tmp_path: Path) -> None:
        """A rejected record with the number 0 is not requested, and later syncs do not fail because of it."""
        syncing = filled(empty, tmp_path, SETTINGS, 3)
        record = in_json({**empty.book(SETTINGS).entries()[0].document, "usesContracts": "?", "sequenceNumber": 0})
        number = empty.book(SETTINGS).reserve()
        empty.book(SETTINGS).put(record, number=number)

        first = syncing.sync_one(SETTINGS)
        change(syncing, SETTINGS, 2)
        second = syncing.sync_one(SETTINGS)

        assert (first.rejected, first.error, second.error) == (1, None, None)
        assert not any("-1" in call.path for call in empty.calls)

    def test_rejected_records_are_requested_in_turn(self, orders: Syncing, monkeypatch: pytest.MonkeyPatch) -> None:
        """If there are more rejected records than one sync requests, the least recently requested come first."""
        monkeypatch.setattr("pipelines.sync.feed.PAGES_OF_REJECTED", 1)
        for place in range(12):
            change(orders, ORDERS, place, numberOfPieces="many")
        orders.sync(ORDERS)
        requested: set[str] = set()
        for _ in range(4):
            orders.sandbox.calls.clear()
            orders.sync(ORDERS)
            requested |= {call.path.rpartition("/")[2] for call in orders.sandbox.calls.to("/sales-orders/sync/")}

        assert len(requested) >= 3


class TestTradeSettings:
    """Trade settings: the number 0 marks a record that was reset to its defaults."""

    def reset(self, syncing: Syncing, place: int) -> None:
        """Reset a record to its defaults on the server."""
        book = syncing.sandbox.book(SETTINGS)
        entry = sorted(book.entries(), key=lambda entry: entry.key)[place]
        document = {**entry.document, "acceptsTransportCost": {"isActive": False, "exemptedOrganizationIds": []}}
        book.put(in_json({**document, "sequenceNumber": 0}), number=book.reserve())

    def stored(self, syncing: Syncing, key: str) -> list[tuple[Any, ...]]:
        """Return what is stored of a record."""
        return syncing.rows(
            f"SELECT accepts_transport_cost_is_active, sequence_number FROM {SETTINGS}"
            f" WHERE customer_organization_id = '{key}'"
        )

    def test_the_last_served_state_is_stored(self, empty: Sandbox, tmp_path: Path) -> None:
        """A reset counts as newer than any known number of the record, and a later change as newer than the reset."""
        syncing = filled(empty, tmp_path, SETTINGS, 3)
        key = min(entry.key for entry in empty.book(SETTINGS).entries())[0]
        active = {"isActive": True, "exemptedOrganizationIds": []}
        change(syncing, SETTINGS, 0, acceptsTransportCost=active)
        syncing.sync(SETTINGS)
        self.reset(syncing, 0)

        syncing.sync(SETTINGS)
        assert self.stored(syncing, key) == [(False, 0)]
        syncing.sync(SETTINGS, full=True)
        assert self.stored(syncing, key) == [(False, 0)]

        number = change(syncing, SETTINGS, 0, acceptsTransportCost=active)
        syncing.sync(SETTINGS)
        assert self.stored(syncing, key) == [(True, number)]
        assert syncing.versions(SETTINGS) == 5

    def test_a_page_full_of_records_with_number_0_does_not_stop_the_feed(self, empty: Sandbox, tmp_path: Path) -> None:
        """A page of records with the number 0 moves the cursor to the page's maximum."""
        syncing = filled(empty, tmp_path, SETTINGS, 12)
        for place in range(10):
            self.reset(syncing, place)

        outcome = syncing.sync_one(SETTINGS)

        assert outcome.current
        assert syncing.rows(f"SELECT count(*) FILTER (sequence_number = 0) FROM {SETTINGS}") == [(10,)]


class TestRestarts:
    """A restart of the numbering is detected by lower numbers of known records."""

    def test_a_restart_is_detected_behind_an_empty_first_page(self, orders: Syncing) -> None:
        """If the first page has no visible records, the next page shows the restart."""
        orders.sync(ORDERS)
        book = orders.sandbox.book(ORDERS)
        book.restart()
        for entry in book.entries()[:4]:
            book.hide(*entry.key)

        assert orders.sync_one(ORDERS).restarted

    def test_a_restart_is_detected_although_the_second_maximum_is_refused(self, orders: Syncing) -> None:
        """A maximum that has fallen counts as long as no other one is given: the first records show the restart."""
        orders.sync(ORDERS)
        orders.sandbox.book(ORDERS).restart()
        orders.sandbox.faults.add(Fault(kind=Kind.STATUS, where=MAXIMUM, after=1, status=403, times=None))

        outcomes = orders.sync(ORDERS)

        assert [outcome.restarted for outcome in outcomes.values()] == [True]
        orders.assert_equal(ORDERS)

    @pytest.mark.slow
    def test_rejected_records_alone_do_not_prove_a_restart(self, orders: Syncing) -> None:
        """While no valid record is served after the maximum fell, the feed is examined again by each sync."""
        orders.sync(ORDERS)
        book = orders.sandbox.book(ORDERS)
        documents = [entry.document for entry in book.entries()]
        for entry in book.entries():
            book.remove(*entry.key)
        book.restart()
        number = book.reserve()
        book.put(in_json({**documents[0], "numberOfPieces": "?", "sequenceNumber": number}), number=number)

        outcome = orders.sync_one(ORDERS)

        assert not outcome.restarted
        assert outcome.rejected == 1
        assert orders.rows("SELECT reason FROM sync.rereads WHERE done_at IS NULL") == [
            (visibility.MAY_HAVE_RESTARTED,)
        ]

        number = book.reserve()
        book.put(in_json({**documents[1], "numberOfPieces": 4, "sequenceNumber": number}), number=number)
        assert orders.sync_one(ORDERS).restarted
        assert orders.rows("SELECT count(*) FROM sync.rereads WHERE done_at IS NULL") == [(0,)]
        key = documents[1]["salesOrderId"]
        assert orders.rows(f"SELECT number_of_pieces FROM {ORDERS} WHERE sales_order_id = '{key}'") == [(4,)]

    @pytest.mark.slow
    def test_after_a_423_a_restart_with_a_higher_maximum_is_detected(self, orders: Syncing) -> None:
        """After a status 423, lower numbers of known records prove a restart even if the maximum is higher."""
        orders.sync(ORDERS)
        orders.sandbox.faults.add(status(423, "/sales-orders/*", times=None))
        assert orders.sync_one(ORDERS).skipped
        orders.sandbox.faults.clear()
        book = orders.sandbox.book(ORDERS)
        before = book.maximum
        book.restart()
        last = book.entries()[-1]
        book.put(in_json({**last.document, "numberOfPieces": 9, "sequenceNumber": before + 5}), number=before + 5)

        outcome = orders.sync_one(ORDERS)

        assert outcome.restarted
        orders.assert_equal(ORDERS)
        assert orders.rows("SELECT count(*) FROM sync.rereads WHERE done_at IS NULL") == [(0,)]

    def test_a_restart_with_a_higher_maximum_is_detected(self, orders: Syncing) -> None:
        """A full read serves known records below their numbers, at which they are not served any more."""
        orders.sync(ORDERS)
        book = orders.sandbox.book(ORDERS)
        before = book.maximum
        for entry in book.entries():
            book.put(in_json({**entry.document, "numberOfPieces": 9}), number=entry.number)
        book.restart()
        for number, record in enumerate(valid_records(orders.catalogue.feed(ORDERS), seed=8, count=5), start=1):
            book.put(in_json({**record, "sequenceNumber": before + number}), number=before + number)
        orders.sync_one(ORDERS)

        outcome = orders.sync_one(ORDERS, full=True)

        assert (outcome.restarted, outcome.current) == (True, True)
        orders.assert_equal(ORDERS)
        assert not orders.sync_one(ORDERS, full=True).restarted

    def test_an_older_state_with_a_higher_end_is_stored(self, orders: Syncing) -> None:
        """Floriday is restored to an older state and goes on: what was undone is served below its number."""
        book = orders.sandbox.book(ORDERS)
        undone = sorted(book.entries(), key=lambda entry: entry.key)[10]
        orders.sync(ORDERS)
        number = change(orders, ORDERS, 10, numberOfPieces=9)
        orders.sync(ORDERS)
        book.put(undone.body, number=undone.number)
        for place in range(3):
            change(orders, ORDERS, place, numberOfPieces=place)
        assert book.maximum > number

        orders.sync_one(ORDERS, full=True)

        orders.assert_equal(ORDERS)

    def test_a_lower_number_from_a_cache_is_no_restart(self, orders: Syncing, monkeypatch: pytest.MonkeyPatch) -> None:
        """If the record is served at its number too, the older answer is ignored, and the series goes on."""
        before = min(orders.sandbox.book(ORDERS).entries(), key=lambda entry: entry.key)
        change(orders, ORDERS, 0, numberOfPieces=9)
        orders.sync(ORDERS)
        fetch = PageReader.fetch

        def from_a_cache(reader: PageReader, after: int) -> Page:
            page = fetch(reader, after)
            if after:
                return page
            return replace(page, records=(before.body, *page.records), numbers=(before.number, *page.numbers))

        monkeypatch.setattr(PageReader, "fetch", from_a_cache)
        outcome = orders.sync_one(ORDERS, full=True)

        assert (outcome.restarted, outcome.current) == (False, True)
        orders.assert_equal(ORDERS)

    def test_a_423_without_a_restart_changes_nothing(self, orders: Syncing) -> None:
        """After a status 423 the feed is examined once, and without a restart the sync continues at the cursor."""
        orders.sync(ORDERS)
        orders.sandbox.faults.add(status(423, "/sales-orders/*", times=None))
        orders.sync_one(ORDERS)
        orders.sandbox.faults.clear()

        outcome = orders.sync_one(ORDERS)

        assert (outcome.restarted, outcome.current) == (False, True)
        assert orders.rows("SELECT count(*) FROM sync.rereads WHERE done_at IS NULL") == [(0,)]


def test_a_late_number_is_found_more_than_one_page_before_the_cursor(orders: Syncing) -> None:
    """The pages since the start of each run of the last ten minutes are read again."""
    book = orders.sandbox.book(ORDERS)
    orders.sync(ORDERS)
    late = book.reserve()
    for place in range(7):
        change(orders, ORDERS, place, numberOfPieces=2)
        if place == 2:
            orders.sync(ORDERS)
    orders.sync(ORDERS)
    record = valid_records(SUPPLIERS.feed(ORDERS), seed=99, count=1)[0]
    book.put(in_json({**record, "sequenceNumber": late}), number=late)
    change(orders, ORDERS, 9, numberOfPieces=3)

    orders.sync(ORDERS)

    orders.assert_equal(ORDERS)


def test_saved_positions_move_no_cursor_back(orders: Syncing) -> None:
    """Saving that a feed was current keeps the cursor that another sync moved meanwhile."""
    orders.sync(ORDERS)
    with orders.pipeline() as idle:
        idle.sync(orders.catalogue.feed(ORDERS), "main", run_id="idle")
        idle.warehouse.finish()
        change(orders, ORDERS, 0, numberOfPieces=6)
        orders.sync(ORDERS)
        moved = cursor(orders, ORDERS)

        idle.save_positions()

    assert cursor(orders, ORDERS) == moved


def test_a_mark_that_is_made_during_a_reread_stays(orders: Syncing) -> None:
    """A re-read removes the marks that the feed had when it began, also those of the same run, and no later one."""
    orders.sync(ORDERS)
    with orders.warehouse.reading() as connection:
        state = RunState.load(connection)
    state.mark_for_reread(orders.warehouse, FeedPart("main", ORDERS), "its filter changed")
    begun = state.rereads["main", ORDERS]
    state.mark_for_reread(orders.warehouse, FeedPart("main", ORDERS), visibility.MAY_HAVE_RESTARTED)

    state.clear_marks(orders.warehouse, "main", ORDERS, begun.marks)

    left = orders.rows("SELECT reason FROM sync.rereads WHERE done_at IS NULL")
    assert left == [(state.rereads["main", ORDERS].reason,)] == [(visibility.MAY_HAVE_RESTARTED,)]


def test_records_that_share_a_number_are_reported(orders: Syncing) -> None:
    """Records with the same sequence number are reported, because a record between two pages may be missing."""
    orders.sandbox.faults.add(Fault(kind=Kind.SHARED_NUMBER, where=PATHS[ORDERS], times=2))
    first = orders.sandbox.book(ORDERS).entries()[0].number

    outcome = orders.sync_one(ORDERS)

    assert outcome.shared_numbers == {first}
    assert "several records under one sequence number" in " ".join(remarks(outcome))


def test_a_page_larger_than_one_transaction_is_stored_in_chunks(
    orders: Syncing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large page is stored in several chunks, and the cursor moves with the last one."""
    monkeypatch.setattr("pipelines.sync.walk_writer.BYTES_A_CHUNK", 5000)

    outcome = orders.sync_one(ORDERS)

    assert outcome.current
    orders.assert_equal(ORDERS)


def test_after_a_too_large_page_the_next_ones_are_smaller(orders: Syncing, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a page with too many bytes, smaller pages are requested, and no record is skipped."""
    monkeypatch.setattr("pipelines.sync.page_reader.LARGE_PAGE", 4000)
    monkeypatch.setattr("pipelines.sync.page_reader.USUAL_PAGE", 4000)

    orders.sync(ORDERS)

    limits = [call.query for call in orders.sandbox.calls.to("/sales-orders/sync/")]
    assert "limitResult=4" in limits[0]
    assert "limitResult=4" not in limits[-1]
    orders.assert_equal(ORDERS)
