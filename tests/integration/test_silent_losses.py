"""A cursor moves only over what answers prove together, and what makes a feed incomplete is remembered with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.cli.outcomes import remarks
from pipelines.sandbox import Fault, Kind, Sandbox, status
from pipelines.warehouse.file.connection import Warehouse, transaction
from pipelines.warehouse.load import visibility
from tests.integration.syncing import SUPPLIERS, Syncing
from tests.records import in_json, valid_records

NOW = dt.datetime(2026, 11, 20, 9, tzinfo=dt.UTC)
ORDERS, INBOUND = "orders.sales_orders", "fulfillment.inbound_fulfillment_orders"
SETTINGS = "organizations.customer_trade_settings"
PATHS = {ORDERS: "/sales-orders/sync/*", INBOUND: "/fulfillment-orders/inbound/sync/*"}
MAXIMUM = "/sales-orders/current-max-sequence"


@pytest.fixture
def empty() -> Iterator[Sandbox]:
    """A grower without any record."""
    with Sandbox(now=NOW, empty=True) as sandbox:
        yield sandbox


def filled(sandbox: Sandbox, path: Path, feed: str, count: int = 20) -> Syncing:
    """Records of one feed, read in pages of four."""
    for record in valid_records(SUPPLIERS.feed(feed), seed=1, count=count):
        sandbox.book(feed).put(record)
    return Syncing(sandbox, path / "w.duckdb", page=4, only=(feed,))


@pytest.fixture
def orders(empty: Sandbox, tmp_path: Path) -> Syncing:
    """Twenty sales orders."""
    return filled(empty, tmp_path, ORDERS)


def change(syncing: Syncing, feed: str, place: int, **fields: Any) -> int:
    """Give a record of the server other content and the next number; returns that."""
    book = syncing.sandbox.book(feed)
    entry = sorted(book.entries(), key=lambda one: one.key)[place]
    number = book.reserve()
    return book.put(in_json({**entry.document, **fields, "sequenceNumber": number}), number=number)


def cursor(syncing: Syncing, feed: str) -> int:
    """Where the feed's cursor stands."""
    ((number,),) = syncing.rows(f"SELECT cursor FROM sync.cursors WHERE feed = '{feed}'")
    return int(number)


def spoil(syncing: Syncing, statement: str) -> None:
    """Leave the warehouse as an earlier version of this program left it after a wrong answer."""
    with Warehouse(syncing.path).writing() as connection, transaction(connection):
        for one in statement.split(";"):
            connection.execute(one)


class TestOneWrongAnswer:
    """A number or a maximum that is far too high in one answer costs nothing."""

    @pytest.mark.parametrize("feed", [ORDERS, INBOUND])
    @pytest.mark.parametrize("kind", [Kind.GARBLED_NUMBER, Kind.HIGHER_MAXIMUM, Kind.EMPTY_END])
    @pytest.mark.parametrize("page", [0, 2, 4])
    def test_everything_arrives(self, empty: Sandbox, tmp_path: Path, feed: str, kind: Kind, page: int) -> None:
        """With and without a max-sequence operation, on the first page, in the middle and on the last one."""
        syncing = filled(empty, tmp_path, feed, 19)
        empty.faults.add(Fault(kind=kind, where=PATHS[feed], after=page))

        syncing.sync(feed)
        syncing.sync(feed)

        syncing.assert_equal(feed)
        assert cursor(syncing, feed) == empty.book(feed).maximum

    def test_a_filtered_page_with_a_maximum_far_too_high_hides_nothing(self, orders: Syncing) -> None:
        """Its records do not support what it claims, nor does the feed's maximum."""
        book = orders.sandbox.book(ORDERS)
        for entry in book.entries()[2:4]:
            book.hide(*entry.key)
        orders.sandbox.faults.add(Fault(kind=Kind.HIGHER_MAXIMUM, where=PATHS[ORDERS]))

        assert orders.sync_one(ORDERS).current

        orders.assert_equal(ORDERS)

    def test_a_feeds_maximum_that_is_too_high_once_leaves_the_feed_current(self, orders: Syncing) -> None:
        """The pages contradict it, so it is asked for again."""
        orders.sandbox.faults.add(Fault(kind=Kind.HIGHER_MAXIMUM, where=MAXIMUM))

        outcome = orders.sync_one(ORDERS)

        assert outcome.current
        orders.assert_equal(ORDERS)
        assert orders.rows("SELECT maximum = cursor FROM sync.cursors") == [(True,)]

    def test_a_maximum_that_stays_too_high_is_not_current(self, orders: Syncing) -> None:
        """Everything is there, and nothing is claimed."""
        orders.sandbox.faults.add(Fault(kind=Kind.HIGHER_MAXIMUM, where=MAXIMUM, times=None))

        outcome = orders.sync_one(ORDERS)

        assert not outcome.current
        assert not outcome.is_well
        orders.assert_equal(ORDERS)


class TestWarehouseOfAnEarlierVersion:
    """What a wrong answer once did to a warehouse is made good."""

    def test_a_cursor_beyond_the_end_is_found_and_everything_is_read_again(self, orders: Syncing) -> None:
        """Nothing stands there or beyond, and the numbering is the same: some answer has moved it."""
        orders.sync(ORDERS)
        spoil(
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

    @pytest.mark.parametrize("feed", [ORDERS, INBOUND])
    def test_a_full_sync_brings_the_cursor_back(self, empty: Sandbox, tmp_path: Path, feed: str) -> None:
        """To the end that reading everything proves; later changes are seen again."""
        syncing = filled(empty, tmp_path, feed)
        syncing.sync(feed)
        spoil(syncing, "UPDATE sync.cursors SET cursor = 900000000")

        syncing.sync(feed, full=True)

        assert cursor(syncing, feed) == empty.book(feed).maximum
        change(syncing, feed, 0)
        assert syncing.sync_one(feed).records > 0
        syncing.assert_equal(feed)

    @pytest.mark.parametrize("full", [True, False])
    def test_a_record_under_a_number_above_the_end_takes_later_versions_again(
        self, orders: Syncing, *, full: bool
    ) -> None:
        """Its number is lowered once the feed is read to its end, and the feed is read again."""
        orders.sync(ORDERS)
        ((key,),) = orders.rows(f"SELECT min(sales_order_id) FROM {ORDERS}")
        here = f"SET sequence_number = 900000000 WHERE sales_order_id = '{key}'"
        spoil(orders, f"UPDATE {ORDERS} {here}; UPDATE raw.sales_orders {here}; UPDATE versions.sales_orders {here}")
        change(orders, ORDERS, 0, numberOfPieces=78)

        orders.sync(ORDERS, full=full)
        orders.sync(ORDERS)

        orders.assert_equal(ORDERS)
        assert orders.rows("SELECT count(*) FROM sync.rereads WHERE done_at IS NULL") == [(0,)]

    def test_what_a_re_read_ignored_as_older_is_read_once_more(self, orders: Syncing) -> None:
        """Its content may have changed below the number that no answer supports."""
        orders.sync(ORDERS)
        for place in range(20):
            change(orders, ORDERS, place, numberOfPieces=100 + place)
        spoil(
            orders,
            f"UPDATE {ORDERS} SET sequence_number = 900000000; UPDATE raw.sales_orders SET sequence_number = 900000000;"
            "UPDATE versions.sales_orders SET sequence_number = 900000000",
        )

        orders.sync(ORDERS, full=True)

        orders.assert_equal(ORDERS)

    def test_after_the_cursor_moved_back_nothing_counts_as_read_beyond_it(self, orders: Syncing) -> None:
        """Otherwise the next walk would skip what a window claims that no answer supported."""
        orders.sync(ORDERS)
        spoil(
            orders, "UPDATE sync.cursors SET cursor = 900000000; UPDATE sync.windows SET to_sequence_number = 900000000"
        )
        orders.sync(ORDERS, full=True)

        ((beyond,),) = orders.rows(
            "SELECT count(*) FROM sync.windows JOIN sync.cursors c USING (feed) WHERE to_sequence_number > c.cursor"
        )

        assert beyond == 0


class TestRejectedRecords:
    """Nothing is resolved without positive proof for its number."""

    @pytest.fixture
    def rejected(self, orders: Syncing) -> Syncing:
        """The last of the orders cannot be read, and the one before neither."""
        for place in (0, 1):
            change(orders, ORDERS, place, numberOfPieces="many")
        change(orders, ORDERS, 2)
        orders.sync(ORDERS)
        assert self.open(orders) == 2
        return orders

    @staticmethod
    def open(syncing: Syncing) -> int:
        """How many records are rejected now."""
        ((count,),) = syncing.rows("SELECT count(*) FROM sync.rejected_records WHERE resolved_at IS NULL")
        return int(count)

    @pytest.mark.parametrize("times", [1, None])
    def test_an_empty_page_resolves_none(self, rejected: Syncing, times: int | None) -> None:
        """It says nothing of the numbers that it was asked for, however often it comes."""
        rejected.sandbox.faults.add(Fault(kind=Kind.EMPTY_END, where=PATHS[ORDERS], times=times))

        rejected.sync(ORDERS)

        assert self.open(rejected) == 2

    def test_a_record_above_it_proves_that_nothing_stands_at_a_number(self, rejected: Syncing) -> None:
        """The records got valid versions under new numbers, and their old numbers are vacant."""
        for place in (0, 1):
            change(rejected, ORDERS, place, numberOfPieces=5)

        rejected.sync(ORDERS)

        assert self.open(rejected) == 0
        rejected.assert_equal(ORDERS)

    def test_one_with_number_0_is_not_asked_for(self, empty: Sandbox, tmp_path: Path) -> None:
        """No page can be asked for below it, and no later sync stumbles over it."""
        syncing = filled(empty, tmp_path, SETTINGS, 3)
        record = in_json({**empty.book(SETTINGS).entries()[0].document, "usesContracts": "?", "sequenceNumber": 0})
        number = empty.book(SETTINGS).reserve()
        empty.book(SETTINGS).put(record, number=number)

        first = syncing.sync_one(SETTINGS)
        change(syncing, SETTINGS, 2)
        second = syncing.sync_one(SETTINGS)

        assert (first.rejected, first.error, second.error) == (1, None, None)
        assert not any("-1" in call.path for call in empty.calls)

    def test_those_that_were_not_asked_for_longest_come_first(
        self, orders: Syncing, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """With more than one sync asks for, none starves."""
        monkeypatch.setattr("pipelines.sync.feed.PAGES_OF_REJECTED", 1)
        for place in range(12):
            change(orders, ORDERS, place, numberOfPieces="many")
        orders.sync(ORDERS)
        asked: set[str] = set()
        for _ in range(4):
            orders.sandbox.calls.clear()
            orders.sync(ORDERS)
            asked |= {call.path.rpartition("/")[2] for call in orders.sandbox.calls.to("/sales-orders/sync/")}

        assert len(asked) >= 3


class TestTradeSettings:
    """The number 0 says that a record has returned to its defaults."""

    def defaults(self, syncing: Syncing, place: int) -> None:
        """Let settings return to their defaults."""
        book = syncing.sandbox.book(SETTINGS)
        entry = sorted(book.entries(), key=lambda one: one.key)[place]
        document = {**entry.document, "acceptsTransportCost": {"isActive": False, "exemptedOrganizationIds": []}}
        book.put(in_json({**document, "sequenceNumber": 0}), number=book.reserve())

    def active(self, syncing: Syncing, key: str) -> list[tuple[Any, ...]]:
        """What is stored of a record."""
        return syncing.rows(
            f"SELECT accepts_transport_cost_is_active, sequence_number FROM {SETTINGS}"
            f" WHERE customer_organization_id = '{key}'"
        )

    def test_what_was_served_last_is_stored(self, empty: Sandbox, tmp_path: Path) -> None:
        """The defaults count as newer than any number that is known of the record, and what follows as newer still."""
        syncing = filled(empty, tmp_path, SETTINGS, 3)
        key = min(entry.key for entry in empty.book(SETTINGS).entries())[0]
        active = {"isActive": True, "exemptedOrganizationIds": []}
        change(syncing, SETTINGS, 0, acceptsTransportCost=active)
        syncing.sync(SETTINGS)
        self.defaults(syncing, 0)

        syncing.sync(SETTINGS)
        assert self.active(syncing, key) == [(False, 0)]
        syncing.sync(SETTINGS, full=True)
        assert self.active(syncing, key) == [(False, 0)]

        number = change(syncing, SETTINGS, 0, acceptsTransportCost=active)
        syncing.sync(SETTINGS)
        assert self.active(syncing, key) == [(True, number)]
        assert syncing.versions(SETTINGS) == 5

    def test_a_page_full_of_defaults_does_not_stop_the_feed(self, empty: Sandbox, tmp_path: Path) -> None:
        """Such numbers say nothing of how far a page reaches; its maximum does."""
        syncing = filled(empty, tmp_path, SETTINGS, 12)
        for place in range(10):
            self.defaults(syncing, place)

        outcome = syncing.sync_one(SETTINGS)

        assert outcome.current
        assert syncing.rows(f"SELECT count(*) FILTER (sequence_number = 0) FROM {SETTINGS}") == [(10,)]


class TestRestarts:
    """A numbering that began anew is found by the numbers of known records."""

    def test_a_first_page_that_a_filter_emptied_is_not_the_last_word(self, orders: Syncing) -> None:
        """The next page tells."""
        orders.sync(ORDERS)
        book = orders.sandbox.book(ORDERS)
        book.restart()
        for entry in book.entries()[:4]:
            book.hide(*entry.key)

        assert orders.sync_one(ORDERS).restarted

    def test_rejected_records_alone_prove_none(self, orders: Syncing) -> None:
        """Nothing valid is served after the maximum fell: it is examined again until something says more."""
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

    def test_after_a_423_a_higher_maximum_hides_no_restart(self, orders: Syncing) -> None:
        """The 423 is remembered, and known records under lower numbers prove it."""
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

    def test_a_423_without_a_restart_changes_nothing(self, orders: Syncing) -> None:
        """The feed is examined once and read on."""
        orders.sync(ORDERS)
        orders.sandbox.faults.add(status(423, "/sales-orders/*", times=None))
        orders.sync_one(ORDERS)
        orders.sandbox.faults.clear()

        outcome = orders.sync_one(ORDERS)

        assert (outcome.restarted, outcome.current) == (False, True)
        assert orders.rows("SELECT count(*) FROM sync.rereads WHERE done_at IS NULL") == [(0,)]


def test_a_late_number_is_found_behind_more_than_one_page_of_young_numbers(orders: Syncing) -> None:
    """The page before the head of each run of the last ten minutes is read again, and all that follows."""
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


def test_what_is_noted_at_the_end_moves_no_cursor_back(orders: Syncing) -> None:
    """Another sync may have gone on before a run writes down that a feed was current."""
    orders.sync(ORDERS)
    with orders.pipeline() as idle:
        idle.sync(orders.catalogue.feed(ORDERS), "main", run_id="idle")
        idle.warehouse.release()
        change(orders, ORDERS, 0, numberOfPieces=6)
        orders.sync(ORDERS)
        moved = cursor(orders, ORDERS)

        idle.save_positions()

    assert cursor(orders, ORDERS) == moved


def test_records_that_share_a_number_are_reported(orders: Syncing) -> None:
    """Floriday says that numbers are unique: where it breaks that, a record may be missing between two pages."""
    orders.sandbox.faults.add(Fault(kind=Kind.SHARED_NUMBER, where=PATHS[ORDERS], times=2))
    first = orders.sandbox.book(ORDERS).entries()[0].number

    outcome = orders.sync_one(ORDERS)

    assert outcome.shared_numbers == {first}
    assert "several records under one sequence number" in " ".join(remarks(outcome))


def test_a_page_larger_than_one_transaction_is_stored_in_parts(
    orders: Syncing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No part holds more than a batch may, and the cursor moves with the last one."""
    monkeypatch.setattr("pipelines.sync.walk_writer.BYTES_A_CHUNK", 5000)

    outcome = orders.sync_one(ORDERS)

    assert outcome.current
    orders.assert_equal(ORDERS)


def test_after_a_page_that_is_too_large_the_next_ones_are_smaller(
    orders: Syncing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory bears few such pages; nothing is skipped for that."""
    monkeypatch.setattr("pipelines.sync.page_reader.LARGE_PAGE", 4000)
    monkeypatch.setattr("pipelines.sync.page_reader.USUAL_PAGE", 4000)

    orders.sync(ORDERS)

    limits = [call.query for call in orders.sandbox.calls.to("/sales-orders/sync/")]
    assert "limitResult=4" in limits[0]
    assert "limitResult=4" not in limits[-1]
    orders.assert_equal(ORDERS)
