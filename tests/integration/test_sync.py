"""A sync over real HTTP into a real DuckDB file makes the tables equal to the server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest

from pipelines.floriday.client import FloridayClient
from pipelines.sandbox import Fault, Kind, Sandbox, status
from pipelines.sync.outcome import FeedOutcome
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.file.reused_connection import ReusingWarehouse
from pipelines.warehouse.lake.connection import LakeWarehouse
from tests.examples import cases
from tests.integration.syncing import SUPPLIERS, Syncing
from tests.moments import NOW
from tests.records import in_json, valid_records
from tests.warehouses import state_at

pytestmark = pytest.mark.both_kinds

ORDERS = "orders.sales_orders"
THREE_FEEDS = (ORDERS, "supply.batches", "organizations.organizations")

EmptySync = tuple[Syncing, dict[tuple[str, str], FeedOutcome]]
"""A warehouse with all feeds, and the outcomes of its first sync."""


@pytest.fixture(scope="module")
def trading() -> Iterator[Sandbox]:
    """A sandbox with a small simulated market, shared by tests that do not change it."""
    with Sandbox(now=NOW, scale=0.1) as sandbox:
        yield sandbox


@pytest.fixture
def empty() -> Iterator[Sandbox]:
    """A sandbox without records."""
    with Sandbox(now=NOW, empty=True) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def synced_empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmptySync]:
    """Every feed of a sandbox without records, synced once; shared, because it takes seconds."""
    with Sandbox(now=NOW, empty=True) as sandbox:
        sandbox.set_switches(rate_limits=None)
        syncing = Syncing(sandbox, tmp_path_factory.mktemp("synced_empty") / "w.duckdb")
        yield syncing, syncing.sync()


@pytest.fixture
def orders(empty: Sandbox, tmp_path: Path) -> Syncing:
    """Thirty sales orders in pages of four."""
    for record in valid_records(SUPPLIERS.feed(ORDERS), seed=1, count=30):
        empty.book(ORDERS).put(record)
    return Syncing(empty, tmp_path / "w.duckdb", page=4, only=(ORDERS, "supply.batches"))


def keys(syncing: Syncing, feed: str = ORDERS) -> list[tuple[str, ...]]:
    """Return the keys of a feed's records in ascending order of their numbers."""
    return [entry.key for entry in syncing.sandbox.book(feed).entries()]


def change(syncing: Syncing, key: tuple[str, ...], **fields: Any) -> int:
    """Change a record on the server, and return its new number."""
    book = syncing.sandbox.book(ORDERS)
    entry = book.get(*key)
    assert entry is not None
    return book.put(in_json({**entry.document, **fields, "sequenceNumber": (number := book.reserve())}), number=number)


class TestFirstSync:
    """The first sync of an empty warehouse."""

    @pytest.mark.slow
    def test_an_empty_server_gives_empty_tables(self, synced_empty: EmptySync) -> None:
        """A sync of an empty server leaves empty tables, and every feed is current."""
        syncing, outcomes = synced_empty

        assert all(outcome.current and outcome.records == 0 for outcome in outcomes.values())
        syncing.assert_equal()

    def test_the_maximum_and_the_first_page_are_requested_concurrently(
        self, orders: Syncing, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The maximum and the first page are requested concurrently, so that a slow connection costs one wait."""
        barrier, original_get = Barrier(2, timeout=20), FloridayClient.get
        calls = count()

        def get(client: FloridayClient, path: str, *args: Any, **more: Any) -> object:
            if "sales-orders" in path and next(calls) < 2:
                barrier.wait()
            return original_get(client, path, *args, **more)

        monkeypatch.setattr(FloridayClient, "get", get)
        assert orders.sync_one(ORDERS).records == 30
        orders.assert_equal(ORDERS)

    @pytest.mark.file_only("its connection keeps nobody out")
    def test_the_file_is_released_at_the_end(self, orders: Syncing, monkeypatch: pytest.MonkeyPatch) -> None:
        """A finished feed releases the warehouse file for other processes while other feeds continue."""
        released: list[Path] = []

        def release(warehouse: ReusingWarehouse) -> None:
            released.append(warehouse.path)
            warehouse.close()

        monkeypatch.setattr(ReusingWarehouse, "release", release)
        with orders.pipeline() as pipeline:
            list(pipeline.sync_all([orders.catalogue.feed(ORDERS)], run_id="run"))
            with Warehouse(orders.path, lock_timeout=0.0).writing():
                pass

        assert released == [orders.path]


class TestIdleSync:
    """A sync when nothing has changed."""

    def test_it_changes_nothing(self, orders: Syncing) -> None:
        """A sync without changes on the server writes no row, version or window."""
        orders.sync()
        before = orders.content()

        orders.sync()

        assert orders.content() == before

    def test_it_costs_one_call_per_feed(self, synced_empty: EmptySync) -> None:
        """A token, an identity and the maximum of each feed prove that all feeds are current.

        The feed without a max-sequence operation costs a page, and a snapshot costs each of its requests.
        """
        syncing, _ = synced_empty
        syncing.sandbox.calls.clear()

        outcomes = syncing.sync()

        assert all(outcome.current for outcome in outcomes.values())
        paths = [call.path for call in syncing.sandbox.calls]
        assert len([path for path in paths if path.endswith(("max-sequence", "max-sequence-number"))]) == 38
        assert len([path for path in paths if "/sync/" in path and "max-sequence" not in path]) == 1
        assert len([path for path in paths if path.endswith("/base-supply")]) == 11 + 1
        assert len(paths) == 2 + 38 + 1 + 12

    def test_it_updates_current_at(self, orders: Syncing) -> None:
        """A sync without changes keeps the cursor and updates ``current_at``."""
        orders.sync(ORDERS)
        ((cursor, before),) = orders.rows("SELECT cursor, current_at FROM sync.cursors")

        orders.sync(ORDERS)

        ((same, after),) = orders.rows("SELECT cursor, current_at FROM sync.cursors")
        assert same == cursor
        assert after > before


class TestChanges:
    """Changes on the server."""

    def test_changed_and_deleted_records_arrive_as_new_versions(self, orders: Syncing) -> None:
        """After changes and deletions the tables equal the server, and raw and history have only the new versions."""
        orders.sync(ORDERS)
        first, second, third = keys(orders)[:3]
        change(orders, first, numberOfPieces=12345)
        change(orders, second, status="CANCELLED", mutations=[])
        change(orders, third, additionalServices=None)
        before = orders.versions(ORDERS)

        outcome = orders.sync_one(ORDERS)

        assert (outcome.new, outcome.changed, outcome.rejected) == (0, 3, 0)
        assert orders.versions(ORDERS) == before + 3
        orders.assert_equal(ORDERS)

    def test_a_new_number_alone_adds_no_version(self, orders: Syncing) -> None:
        """A new number without another change updates the number of the current row and nothing else."""
        orders.sync(ORDERS)
        before = orders.versions(ORDERS)
        key = keys(orders)[5]
        orders.sandbox.book(ORDERS).renumber(*key)

        outcome = orders.sync_one(ORDERS)

        assert (outcome.new, outcome.changed) == (0, 0)
        assert orders.versions(ORDERS) == before
        orders.assert_equal(ORDERS)

    def test_a_record_that_the_server_removed_stays(self, orders: Syncing) -> None:
        """A record that the server no longer serves is neither removed nor marked as deleted."""
        orders.sync(ORDERS)
        orders.sandbox.book(ORDERS).remove(*keys(orders)[3])
        change(orders, keys(orders)[0], numberOfPieces=5)

        orders.sync(ORDERS)

        assert orders.rows(f"SELECT count(*), count(*) FILTER (is_deleted) FROM {ORDERS}") == [(30, 0)]

    def test_a_small_change_costs_two_calls(self, empty: Sandbox, tmp_path: Path) -> None:
        """A few changes cost two calls: the maximum, and one page that reaches it."""
        syncing = Syncing(empty, tmp_path / "w.duckdb", only=(ORDERS,))
        for record in valid_records(SUPPLIERS.feed(ORDERS), seed=2, count=5):
            empty.book(ORDERS).put(record)
        syncing.sync(ORDERS)
        change(syncing, keys(syncing)[0], numberOfPieces=987654)
        empty.calls.clear()

        outcome = syncing.sync_one(ORDERS)

        assert outcome.current
        assert outcome.changed == 1
        assert len([call for call in empty.calls if "/sales-orders/" in call.path]) == 2


class TestFullSync:
    """A sync from sequence number 0."""

    def test_lost_rows_are_restored_without_a_new_version(self, orders: Syncing) -> None:
        """A full sync restores deleted and changed rows, of parents and children; raw and history stay unchanged."""
        orders.sync(ORDERS)
        before = orders.content()
        with orders.pipeline() as pipeline, pipeline.warehouse.writing() as connection:
            connection.execute(f"DELETE FROM {ORDERS} WHERE hash(sales_order_id) % 2 = 0")
            connection.execute("DELETE FROM orders.sales_order_mutations")
            connection.execute("UPDATE orders.sales_order_additional_services SET price_value = 0")

        outcome = orders.sync_one(ORDERS, full=True)

        assert outcome.records == 30
        orders.assert_equal(ORDERS)
        after = orders.content()
        assert {name for name in before if after[name] != before[name]} == {"sync.windows"}

    def test_the_cursor_does_not_move_back(self, orders: Syncing) -> None:
        """After a full sync the cursor equals that of the incremental sync before it."""
        orders.sync(ORDERS)
        ((before,),) = orders.rows(f"SELECT cursor FROM sync.cursors WHERE feed = '{ORDERS}'")

        orders.sync(ORDERS, full=True)

        assert orders.rows(f"SELECT cursor FROM sync.cursors WHERE feed = '{ORDERS}'") == [(before,)]


class TestNumbering:
    """Variants of sequence numbers."""

    def test_an_inclusive_server_gives_the_same_tables(self, orders: Syncing) -> None:
        """A record that is served on two pages, as an inclusive server does, is stored once."""
        orders.sandbox.set_switches(inclusive=True)

        orders.sync(ORDERS)
        change(orders, keys(orders)[0], numberOfPieces=3)
        orders.sync(ORDERS)

        assert orders.versions(ORDERS) == 31
        orders.assert_equal(ORDERS)

    def test_filtered_pages_do_not_end_the_walk(self, orders: Syncing) -> None:
        """Pages without visible records advance the cursor, and the walk continues after them."""
        for key in keys(orders)[8:20]:
            orders.sandbox.book(ORDERS).hide(*key)

        outcome = orders.sync_one(ORDERS)

        assert outcome.current
        assert outcome.records == 18
        orders.assert_equal(ORDERS)

    def test_a_late_number_is_found_by_the_next_sync(self, orders: Syncing) -> None:
        """A record that appears below the cursor a little later is stored by the next sync."""
        book = orders.sandbox.book(ORDERS)
        late = book.reserve()
        change(orders, keys(orders)[0], numberOfPieces=2)
        orders.sync(ORDERS)
        record = valid_records(SUPPLIERS.feed(ORDERS), seed=99, count=1)[0]
        book.put(in_json({**record, "sequenceNumber": late}), number=late)
        change(orders, keys(orders)[1], numberOfPieces=3)

        orders.sync(ORDERS)

        orders.assert_equal(ORDERS)

    def test_a_page_that_was_read_recently_is_not_stored_again(self, orders: Syncing) -> None:
        """A page that is read again for late numbers adds only the records that are not stored at their number."""
        change(orders, keys(orders)[0], numberOfPieces=2)
        orders.sync(ORDERS)
        change(orders, keys(orders)[1], numberOfPieces=3)

        outcome = orders.sync_one(ORDERS)

        assert outcome.records > 1
        assert orders.rows("SELECT records, changed FROM sync.windows ORDER BY committed_at DESC LIMIT 1") == [(1, 1)]
        orders.assert_equal(ORDERS)

    def test_a_restarted_series_is_read_from_its_beginning(self, orders: Syncing) -> None:
        """A restarted numbering begins the next series; rows stay, and unchanged records get no new version."""
        orders.sync(ORDERS)
        removed = keys(orders)[0]
        orders.sandbox.book(ORDERS).remove(*removed)
        orders.sandbox.book(ORDERS).restart()
        change(orders, keys(orders)[0], numberOfPieces=8)

        outcome = orders.sync_one(ORDERS)

        assert outcome.restarted
        assert outcome.series == 2
        assert orders.versions(ORDERS) == 31
        assert orders.rows(f"SELECT count(*) FROM {ORDERS}") == [(30,)]
        assert orders.rows("SELECT max(series) FROM raw.sales_orders") == [(2,)]

    def test_a_stale_maximum_is_no_restart(self, orders: Syncing) -> None:
        """A maximum below the cursor alone does not prove a restart, and the sync continues at the cursor."""
        orders.sync(ORDERS)
        change(orders, keys(orders)[0], numberOfPieces=4)
        orders.sandbox.faults.add(Fault(kind=Kind.LOWER_MAXIMUM, where="/sales-orders/current-max-sequence"))

        outcome = orders.sync_one(ORDERS)

        assert not outcome.restarted
        assert outcome.current
        orders.assert_equal(ORDERS)

    def test_a_feed_wide_maximum_in_a_page_skips_nothing(self, orders: Syncing) -> None:
        """After a full page the walk continues after its last record, whatever maximum the page has."""
        orders.sandbox.faults.add(Fault(kind=Kind.FEED_WIDE_MAXIMUM, where="/sales-orders/sync/*", times=3))

        orders.sync(ORDERS)

        orders.assert_equal(ORDERS)


FAULTS = [
    Fault(kind=Kind.DROP_BEFORE, where="/sales-orders/sync/*", after=2),
    Fault(kind=Kind.DROP_IN_THE_MIDDLE, where="/sales-orders/sync/*", after=1, times=2),
    Fault(kind=Kind.DROP_AFTER, where="/sales-orders/sync/*"),
    Fault(kind=Kind.HTML, where="/sales-orders/sync/*", after=1),
    Fault(kind=Kind.CUT_JSON, where="/sales-orders/sync/*", times=2),
    Fault(kind=Kind.NULL_RESULTS, where="/sales-orders/sync/*", times=2),
    Fault(kind=Kind.EXPIRED_TOKENS, where="/sales-orders/sync/*", after=3),
    Fault(kind=Kind.REPEATED_PAGE, where="/sales-orders/sync/*", after=2),
    Fault(kind=Kind.OVERLAP, where="/sales-orders/sync/*", after=2),
    Fault(kind=Kind.EMPTY_PAGE, where="/sales-orders/sync/*", after=1, times=2),
    Fault(kind=Kind.UNORDERED, where="/sales-orders/sync/*", times=None),
    Fault(kind=Kind.LOWER_MAXIMUM, where="/sales-orders/sync/*", after=2),
    Fault(kind=Kind.GARBLED_RECORD, where="/sales-orders/sync/*", after=1),
    status(429, "/sales-orders/sync/*", times=2),
    status(429, "/sales-orders/sync/*", retry_after=2),
    status(500, "*", times=3),
    status(503, "/sales-orders/*", times=3),
    status(504, "/sales-orders/sync/*", times=7),
    status(403, "/sales-orders/current-max-sequence"),
]


@cases("fault", FAULTS, quick=2, ids=[f"{place} {fault.kind}" for place, fault in enumerate(FAULTS)])
def test_a_passing_fault_costs_no_record(orders: Syncing, fault: Fault) -> None:
    """After a temporary fault and at most two syncs the tables equal the server, within a limit of calls."""
    orders.sandbox.faults.add(fault)

    orders.sync(ORDERS)
    orders.sync(ORDERS)

    orders.assert_equal(ORDERS)
    assert orders.rows("SELECT count(*) FROM sync.rejected_records WHERE resolved_at IS NULL") == [(0,)]
    assert len(orders.sandbox.calls) < 60


class TestFailures:
    """Feeds that cannot be read."""

    def test_a_feed_that_keeps_failing_does_not_affect_others(self, orders: Syncing) -> None:
        """A failing feed reports an error and keeps its commits, others are synced, and the next sync continues."""
        orders.sandbox.faults.add(status(500, "/sales-orders/sync/*", times=None))
        for record in valid_records(SUPPLIERS.feed("supply.batches"), seed=3, count=5):
            orders.sandbox.book("supply.batches").put(record)

        outcomes = orders.sync(ORDERS, "supply.batches")

        assert "500" in (outcomes["main", ORDERS].error or "")
        assert outcomes["main", "supply.batches"].new == 5
        orders.sandbox.faults.clear()
        orders.sync(ORDERS)
        orders.assert_equal(ORDERS)

    def test_a_rebuilding_feed_is_skipped(self, orders: Syncing) -> None:
        """A feed that answers with status 423 is reported as skipped, without an error."""
        orders.sandbox.faults.add(status(423, "/sales-orders/*", times=None))

        outcome = orders.sync_one(ORDERS)

        assert outcome.error is None
        assert outcome.skipped

    def test_a_423_of_the_first_page_is_reported_if_the_maximum_is_0(self, empty: Sandbox, tmp_path: Path) -> None:
        """The status 423 of the first page is reported even if the maximum, requested concurrently, is 0."""
        syncing = Syncing(empty, tmp_path / "w.duckdb", only=(ORDERS,))
        empty.faults.add(status(423, where="/sales-orders/sync/*"))

        rebuilding, afterwards = syncing.sync_one(ORDERS), syncing.sync_one(ORDERS)

        assert (rebuilding.current, afterwards.current) == (False, True)
        assert "rebuilding" in str(rebuilding.skipped)

    def test_a_feed_without_its_scope_is_skipped(self, tmp_path: Path) -> None:
        """A missing scope skips the feeds that need it, and only those."""
        scopes = ("role:app", "organization:read", "supply:read")
        with Sandbox(now=NOW, empty=True, scopes=scopes) as sandbox:
            outcomes = Syncing(sandbox, tmp_path / "w.duckdb", only=(ORDERS, "supply.supply_lines")).sync()

        assert "sales-order:read" in (outcomes["main", ORDERS].skipped or "")
        assert outcomes["main", "supply.supply_lines"].current
        assert not any(outcome.error for outcome in outcomes.values())


BAD: dict[int, tuple[dict[str, Any], str]] = {
    100: (
        {"pricePerPiece": {"currency": "EUR", "value": "many"}},
        "pricePerPiece.value: expected a number, got 'many'",
    ),
    200: ({"orderDateTime": "2026-02-30T10:00:00Z"}, "orderDateTime: malformed date-time '2026-02-30T10:00:00Z'"),
    300: ({"salesOrderId": "not-an-id"}, "salesOrderId: malformed UUID 'not-an-id'"),
    400: ({"salesOrderId": None}, "sales_order_id is missing"),
    500: ({"numberOfPieces": 99_999_999_999}, "numberOfPieces: 99999999999 does not fit 32 bits"),
    600: ({"mutations": "none"}, "mutations: expected an array, got 'none'"),
    700: ({"pricePerPiece": {"currency": "EUR", "value": "not a number"}}, "NaN is not a number of JSON"),
}
"""Changes that make a record invalid, by the index of the record, and the expected reason."""


class TestRejectedRecords:
    """Records that cannot be read."""

    @pytest.mark.slow
    def test_seven_bad_records_of_a_thousand_are_rejected(self, empty: Sandbox, tmp_path: Path) -> None:
        """Each rejected record has a reason with its field; the cursor passes it, and a valid version is stored."""
        book = empty.book(ORDERS)
        (whole,) = valid_records(SUPPLIERS.feed(ORDERS), seed=5, count=1)
        good = [{**whole, "salesOrderId": str(UUID(int=n)), "sequenceNumber": 3 * n} for n in range(1, 1001)]
        for place, record in enumerate(good):
            change, _ = BAD.get(place, ({}, ""))
            body = in_json({**record, **change}).replace(b'"not a number"', b"NaN")
            book.put(body, key=(record["salesOrderId"],), number=record["sequenceNumber"])
        syncing = Syncing(empty, tmp_path / "w.duckdb", only=(ORDERS,))

        outcome = syncing.sync_one(ORDERS)

        assert (outcome.new, outcome.rejected, outcome.pages, outcome.current) == (993, 7, 2, True)
        listed = syncing.rows("SELECT sequence_number, reason FROM sync.rejected_records ORDER BY sequence_number")
        assert listed == [(good[place]["sequenceNumber"], reason) for place, (_, reason) in sorted(BAD.items())]
        assert syncing.rows(f"SELECT count(*) FROM {ORDERS}") == [(993,)]

        for place in BAD:
            book.put(in_json(good[place]), key=(good[place]["salesOrderId"],), number=good[place]["sequenceNumber"])
        outcome = syncing.sync_one(ORDERS)

        assert (outcome.new, outcome.rejected) == (7, 0)
        assert syncing.rows("SELECT count(*), count(resolved_at) FROM sync.rejected_records") == [(7, 7)]
        syncing.assert_equal(ORDERS)

    def test_a_record_that_becomes_valid_is_stored_by_the_next_sync(self, orders: Syncing) -> None:
        """Each sync requests the numbers of rejected records again, even if the feed has no changes."""
        orders.sandbox.faults.add(Fault(kind=Kind.GARBLED_RECORD, where="/sales-orders/sync/*", after=1))
        assert orders.sync_one(ORDERS).rejected == 1

        outcome = orders.sync_one(ORDERS)

        assert outcome.new == 1
        assert orders.rows("SELECT count(*), count(resolved_at) FROM sync.rejected_records") == [(1, 1)]
        orders.assert_equal(ORDERS)

    def test_a_repeated_page_does_not_resolve_a_rejected_record(self, orders: Syncing) -> None:
        """If a page repeats an earlier one, the rejected record stays open; a correct page resolves it."""
        orders.sandbox.faults.add(Fault(kind=Kind.GARBLED_RECORD, where="/sales-orders/sync/*", after=1))
        orders.sync(ORDERS)
        for times, is_open in ((None, True), (2, False)):
            orders.sandbox.faults.clear()
            orders.sandbox.faults.add(Fault(kind=Kind.REPEATED_PAGE, where="/sales-orders/sync/*", times=times))
            assert orders.sync_one(ORDERS).error is None
            assert orders.rows("SELECT resolved_at IS NULL FROM sync.rejected_records") == [(is_open,)]

        orders.assert_equal(ORDERS)

    def test_the_last_valid_version_stays(self, orders: Syncing) -> None:
        """An invalid version of a known record is rejected, and the row stays unchanged until a valid one arrives."""
        orders.sync(ORDERS)
        key = keys(orders)[2]
        good = orders.rows(f"SELECT * FROM {ORDERS} WHERE sales_order_id = '{key[0]}'")
        change(orders, key, numberOfPieces="plenty")

        outcome = orders.sync_one(ORDERS)

        assert outcome.rejected == 1
        assert orders.rows(f"SELECT * FROM {ORDERS} WHERE sales_order_id = '{key[0]}'") == good
        change(orders, key, numberOfPieces=77)
        orders.sync(ORDERS)
        assert orders.rows("SELECT count(*) FROM sync.rejected_records WHERE resolved_at IS NULL") == [(0,)]
        orders.assert_equal(ORDERS)


class TestPreparation:
    """Preparation of the warehouse before a sync."""

    def test_a_complete_warehouse_is_not_changed(self, orders: Syncing) -> None:
        """Preparing a complete warehouse only reads it: its bytes stay unchanged and its cursors are loaded."""
        orders.sync(ORDERS)
        before = state_at(orders.path)

        with orders.pipeline() as pipeline:
            assert isinstance(pipeline.warehouse, ReusingWarehouse | LakeWarehouse)
            pipeline.warehouse.close()

            assert state_at(orders.path) == before
            assert {part.feed for part in pipeline.state.positions} == {ORDERS}

    @cases("lost", ["VIEW sync.row_counts", "TABLE sync.rereads", "SCHEMA reports CASCADE"], quick=1)
    def test_missing_tables_and_views_are_created(self, orders: Syncing, lost: str) -> None:
        """A sync creates missing tables, views and schemas."""
        orders.sync(ORDERS)
        with orders.pipeline() as pipeline, pipeline.warehouse.writing() as connection:
            connection.execute(f"DROP {lost}")

        assert orders.sync_one(ORDERS).current
        assert orders.rows("SELECT count(*) FROM sync.row_counts, sync.rereads, reports.sync_health") == [(0,)]


class TestAccounts:
    """Several accounts in one warehouse."""

    def test_two_accounts_are_stored_separately(self, tmp_path: Path) -> None:
        """Each account has its own rows, and an account with a wrong API key does not affect the others."""
        with Sandbox(now=NOW, scale=0.05, accounts=("north", "south")) as sandbox:
            syncing = Syncing(sandbox, tmp_path / "w.duckdb", only=THREE_FEEDS)

            syncing.sync(*THREE_FEEDS)

            syncing.assert_equal(*THREE_FEEDS, account="north")
            syncing.assert_equal(*THREE_FEEDS, account="south")
            outcomes = syncing.sync(*THREE_FEEDS, FLORIDAY_API_KEYS=json.dumps({**sandbox.api_keys, "west": "wrong"}))
            assert "api key is invalid" in (outcomes["west", ORDERS].error or "")
            assert outcomes["south", ORDERS].current
