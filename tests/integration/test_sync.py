"""A sync over real HTTP into a real DuckDB file ends equal to what the server holds."""

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
from tests.integration.syncing import SUPPLIERS, Syncing
from tests.moments import NOW
from tests.records import in_json, valid_records

ORDERS = "orders.sales_orders"
FEW = (ORDERS, "supply.batches", "organizations.organizations")

Everything = tuple[Syncing, dict[tuple[str, str], FeedOutcome]]
"""A warehouse with all feeds, and the outcomes of its first sync."""


@pytest.fixture(scope="module")
def trading() -> Iterator[Sandbox]:
    """A sandbox with a small world; only tests that let it be use it."""
    with Sandbox(now=NOW, scale=0.1) as sandbox:
        yield sandbox


@pytest.fixture
def empty() -> Iterator[Sandbox]:
    """A sandbox without any record."""
    with Sandbox(now=NOW, empty=True) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everything]:
    """Every feed of a server without any record, synced once, which takes seconds."""
    with Sandbox(now=NOW, empty=True) as sandbox:
        sandbox.set_switches(rate_limits=None)
        syncing = Syncing(sandbox, tmp_path_factory.mktemp("everything") / "w.duckdb")
        yield syncing, syncing.sync()


@pytest.fixture
def orders(empty: Sandbox, tmp_path: Path) -> Syncing:
    """Thirty sales orders, read in pages of four."""
    for record in valid_records(SUPPLIERS.feed(ORDERS), seed=1, count=30):
        empty.book(ORDERS).put(record)
    return Syncing(empty, tmp_path / "w.duckdb", page=4, only=(ORDERS, "supply.batches"))


def keys(syncing: Syncing, feed: str = ORDERS) -> list[tuple[str, ...]]:
    """The keys of a book's records, ascending by number."""
    return [entry.key for entry in syncing.sandbox.book(feed).entries()]


def change(syncing: Syncing, key: tuple[str, ...], **fields: Any) -> int:
    """Change a record on the server; returns its new number."""
    book = syncing.sandbox.book(ORDERS)
    entry = book.get(*key)
    assert entry is not None
    return book.put(in_json({**entry.document, **fields, "sequenceNumber": (number := book.reserve())}), number=number)


class TestFirstSync:
    """From nothing to equal."""

    def test_an_empty_server_gives_empty_tables(self, everything: Everything) -> None:
        """Nothing to read is no error, and every feed is current."""
        syncing, outcomes = everything

        assert all(outcome.current and outcome.records == 0 for outcome in outcomes.values())
        syncing.assert_equal()

    def test_its_maximum_and_its_first_page_are_asked_at_once(
        self, orders: Syncing, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Over a slow connection that is one wait instead of two."""
        both, asked = Barrier(2, timeout=20), FloridayClient.get
        calls = count()

        def get(client: FloridayClient, path: str, *args: Any, **more: Any) -> object:
            if "sales-orders" in path and next(calls) < 2:
                both.wait()
            return asked(client, path, *args, **more)

        monkeypatch.setattr(FloridayClient, "get", get)
        assert orders.sync_one(ORDERS).records == 30
        orders.assert_equal(ORDERS)

    def test_the_file_is_left_to_others_at_its_end(self, orders: Syncing, monkeypatch: pytest.MonkeyPatch) -> None:
        """Other feeds of the run may go on for long."""
        rested: list[Path] = []

        def release(warehouse: ReusingWarehouse) -> None:
            rested.append(warehouse.path)
            warehouse.close()

        monkeypatch.setattr(ReusingWarehouse, "release", release)
        with orders.pipeline() as pipeline:
            list(pipeline.sync_all([orders.catalogue.feed(ORDERS)], run_id="run"))
            with Warehouse(orders.path, lock_timeout=0.0).writing():
                pass

        assert rested == [orders.path]


class TestIdleSync:
    """Nothing to do is nearly nothing done."""

    def test_it_changes_nothing(self, orders: Syncing) -> None:
        """No row, no version and no window is written when the server did not change."""
        orders.sync()
        before = orders.content()

        orders.sync()

        assert orders.content() == before

    def test_it_costs_one_call_a_feed(self, everything: Everything) -> None:
        """A token, an identity, and the maximum of each feed prove all of them current.

        The feed without such an operation costs a page, a snapshot each of its questions.
        """
        syncing, _ = everything
        syncing.sandbox.calls.clear()

        outcomes = syncing.sync()

        assert all(outcome.current for outcome in outcomes.values())
        paths = [call.path for call in syncing.sandbox.calls]
        assert len([path for path in paths if path.endswith(("max-sequence", "max-sequence-number"))]) == 38
        assert len([path for path in paths if "/sync/" in path and "max-sequence" not in path]) == 1
        assert len([path for path in paths if path.endswith("/base-supply")]) == 11 + 1
        assert len(paths) == 2 + 38 + 1 + 12

    def test_it_moves_the_time_until_which_a_feed_is_current(self, orders: Syncing) -> None:
        """The cursor stays, ``current_at`` moves."""
        orders.sync(ORDERS)
        ((cursor, before),) = orders.rows("SELECT cursor, current_at FROM sync.cursors")

        orders.sync(ORDERS)

        ((same, after),) = orders.rows("SELECT cursor, current_at FROM sync.cursors")
        assert same == cursor
        assert after > before


class TestChanges:
    """What changed on the server, and only that."""

    def test_changed_and_deleted_records_arrive_as_new_versions(self, orders: Syncing) -> None:
        """The tables equal the server again, and raw and history have exactly the new versions."""
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

    def test_a_renumbered_record_is_no_version(self, orders: Syncing) -> None:
        """A technical bump moves the number of the current row and nothing else."""
        orders.sync(ORDERS)
        before = orders.versions(ORDERS)
        key = keys(orders)[5]
        orders.sandbox.book(ORDERS).renumber(*key)

        outcome = orders.sync_one(ORDERS)

        assert (outcome.new, outcome.changed) == (0, 0)
        assert orders.versions(ORDERS) == before
        orders.assert_equal(ORDERS)

    def test_what_the_server_forgets_stays(self, orders: Syncing) -> None:
        """A record that retention took away is neither removed nor marked deleted."""
        orders.sync(ORDERS)
        orders.sandbox.book(ORDERS).remove(*keys(orders)[3])
        change(orders, keys(orders)[0], numberOfPieces=5)

        orders.sync(ORDERS)

        assert orders.rows(f"SELECT count(*), count(*) FILTER (is_deleted) FROM {ORDERS}") == [(30, 0)]

    def test_a_delta_costs_two_calls(self, empty: Sandbox, tmp_path: Path) -> None:
        """The maximum and one page, which reaches it, are enough for a few changes."""
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
    """Reading again repairs."""

    def test_lost_rows_come_back_without_a_version(self, orders: Syncing) -> None:
        """Rows deleted by hand, of parents and children, are repaired; raw and history stay as they are."""
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
        """A full sync ends where the incremental one stood."""
        orders.sync(ORDERS)
        ((before,),) = orders.rows(f"SELECT cursor FROM sync.cursors WHERE feed = '{ORDERS}'")

        orders.sync(ORDERS, full=True)

        assert orders.rows(f"SELECT cursor FROM sync.cursors WHERE feed = '{ORDERS}'") == [(before,)]


class TestNumbering:
    """Sequence numbers in all the ways in which they come."""

    def test_an_inclusive_server_gives_the_same_tables(self, orders: Syncing) -> None:
        """A record that is served twice at a page's edge is stored once."""
        orders.sandbox.set_switches(inclusive=True)

        orders.sync(ORDERS)
        change(orders, keys(orders)[0], numberOfPieces=3)
        orders.sync(ORDERS)

        assert orders.versions(ORDERS) == 31
        orders.assert_equal(ORDERS)

    def test_filtered_pages_do_not_end_the_walk(self, orders: Syncing) -> None:
        """Pages whose records are all filtered away advance the cursor and are followed by others."""
        for key in keys(orders)[8:20]:
            orders.sandbox.book(ORDERS).hide(*key)

        outcome = orders.sync_one(ORDERS)

        assert outcome.current
        assert outcome.records == 18
        orders.assert_equal(ORDERS)

    def test_a_late_number_is_found_by_the_next_walk(self, orders: Syncing) -> None:
        """A record that becomes visible below the head, a little later, is not missed."""
        book = orders.sandbox.book(ORDERS)
        late = book.reserve()
        change(orders, keys(orders)[0], numberOfPieces=2)
        orders.sync(ORDERS)
        record = valid_records(SUPPLIERS.feed(ORDERS), seed=99, count=1)[0]
        book.put(in_json({**record, "sequenceNumber": late}), number=late)
        change(orders, keys(orders)[1], numberOfPieces=3)

        orders.sync(ORDERS)

        orders.assert_equal(ORDERS)

    def test_a_page_that_was_read_a_moment_ago_is_not_stored_again(self, orders: Syncing) -> None:
        """It is looked through for late numbers, and only what is not stored at its number yet is taken from it."""
        change(orders, keys(orders)[0], numberOfPieces=2)
        orders.sync(ORDERS)
        change(orders, keys(orders)[1], numberOfPieces=3)

        outcome = orders.sync_one(ORDERS)

        assert outcome.records > 1
        assert orders.rows("SELECT records, changed FROM sync.windows ORDER BY committed_at DESC LIMIT 1") == [(1, 1)]
        orders.assert_equal(ORDERS)

    def test_a_restarted_series_is_read_from_its_beginning(self, orders: Syncing) -> None:
        """Numbers that begin anew open the next series; rows stay, versions are not doubled."""
        orders.sync(ORDERS)
        gone = keys(orders)[0]
        orders.sandbox.book(ORDERS).remove(*gone)
        orders.sandbox.book(ORDERS).restart()
        change(orders, keys(orders)[0], numberOfPieces=8)

        outcome = orders.sync_one(ORDERS)

        assert outcome.restarted
        assert outcome.series == 2
        assert orders.versions(ORDERS) == 31
        assert orders.rows(f"SELECT count(*) FROM {ORDERS}") == [(30,)]
        assert orders.rows("SELECT max(series) FROM raw.sales_orders") == [(2,)]

    def test_a_stale_maximum_is_no_restart(self, orders: Syncing) -> None:
        """A maximum below the cursor alone proves nothing: the feed is read on as before."""
        orders.sync(ORDERS)
        change(orders, keys(orders)[0], numberOfPieces=4)
        orders.sandbox.faults.add(Fault(kind=Kind.LOWER_MAXIMUM, where="/sales-orders/current-max-sequence"))

        outcome = orders.sync_one(ORDERS)

        assert not outcome.restarted
        assert outcome.current
        orders.assert_equal(ORDERS)

    def test_a_feed_wide_maximum_in_a_page_skips_nothing(self, orders: Syncing) -> None:
        """A full page is followed by what comes after its records, whatever maximum it states."""
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


@pytest.mark.parametrize("fault", FAULTS, ids=[f"{place} {fault.kind}" for place, fault in enumerate(FAULTS)])
def test_a_passing_fault_costs_no_record(orders: Syncing, fault: Fault) -> None:
    """Whatever goes wrong once, two syncs later at most the tables equal the server, in a bounded number of calls."""
    orders.sandbox.faults.add(fault)

    orders.sync(ORDERS)
    orders.sync(ORDERS)

    orders.assert_equal(ORDERS)
    assert orders.rows("SELECT count(*) FROM sync.rejected_records WHERE resolved_at IS NULL") == [(0,)]
    assert len(orders.sandbox.calls) < 60


class TestFailures:
    """What cannot be done is said, and the rest is done."""

    def test_a_feed_that_stays_broken_leaves_the_others_done(self, orders: Syncing) -> None:
        """Its own line says what happened; what was committed before stays, and the next sync goes on from there."""
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
        """423 is said, and is no failure."""
        orders.sandbox.faults.add(status(423, "/sales-orders/*", times=None))

        outcome = orders.sync_one(ORDERS)

        assert outcome.error is None
        assert outcome.skipped

    def test_what_the_first_page_says_is_told_although_the_maximum_is_0(self, empty: Sandbox, tmp_path: Path) -> None:
        """They are asked at once, and an answer that was asked for is not thrown away."""
        syncing = Syncing(empty, tmp_path / "w.duckdb", only=(ORDERS,))
        empty.faults.add(status(423, where="/sales-orders/sync/*"))

        rebuilding, afterwards = syncing.sync_one(ORDERS), syncing.sync_one(ORDERS)

        assert (rebuilding.current, afterwards.current) == (False, True)
        assert "rebuilding" in str(rebuilding.skipped)

    def test_a_feed_without_its_scope_is_skipped(self, tmp_path: Path) -> None:
        """A scope that the application has not leaves out the feeds that need it, and only those."""
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
"""What is wrong with some records, by their place, and what is said of it."""


class TestRejectedRecords:
    """Bad records stand alone."""

    def test_seven_bad_ones_of_a_thousand_are_listed_and_the_rest_kept(self, empty: Sandbox, tmp_path: Path) -> None:
        """The reasons name the field and what is wrong with it; the cursor moves past them, and they heal."""
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

    def test_a_record_that_heals_at_its_number_is_stored_by_the_next_sync(self, orders: Syncing) -> None:
        """Also when the feed did not move: the numbers of rejected records are asked for again."""
        orders.sandbox.faults.add(Fault(kind=Kind.GARBLED_RECORD, where="/sales-orders/sync/*", after=1))
        assert orders.sync_one(ORDERS).rejected == 1

        outcome = orders.sync_one(ORDERS)

        assert outcome.new == 1
        assert orders.rows("SELECT count(*), count(resolved_at) FROM sync.rejected_records") == [(1, 1)]
        orders.assert_equal(ORDERS)

    def test_a_page_that_repeats_what_came_before_tells_nothing_of_it(self, orders: Syncing) -> None:
        """The record still stands there: it is asked for again, stays open where that does not help, and heals."""
        orders.sandbox.faults.add(Fault(kind=Kind.GARBLED_RECORD, where="/sales-orders/sync/*", after=1))
        orders.sync(ORDERS)
        for times, is_open in ((None, True), (2, False)):
            orders.sandbox.faults.clear()
            orders.sandbox.faults.add(Fault(kind=Kind.REPEATED_PAGE, where="/sales-orders/sync/*", times=times))
            assert orders.sync_one(ORDERS).error is None
            assert orders.rows("SELECT resolved_at IS NULL FROM sync.rejected_records") == [(is_open,)]

        orders.assert_equal(ORDERS)

    def test_the_last_good_version_stays(self, orders: Syncing) -> None:
        """A bad version of a known record is listed, and the row stays as it was until a good one comes."""
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
    """What is done to a warehouse before anything is read."""

    def test_one_that_lacks_nothing_is_only_read(self, orders: Syncing) -> None:
        """Its bytes stay as they are, and what it remembers is known."""
        orders.sync(ORDERS)
        before = orders.path.read_bytes()

        with orders.pipeline() as pipeline:
            assert isinstance(pipeline.warehouse, ReusingWarehouse)
            pipeline.warehouse.close()

            assert orders.path.read_bytes() == before
            assert {part.feed for part in pipeline.state.positions} == {ORDERS}

    @pytest.mark.parametrize("lost", ["VIEW sync.row_counts", "TABLE sync.rereads", "SCHEMA reports CASCADE"])
    def test_what_is_missing_is_made_anew(self, orders: Syncing, lost: str) -> None:
        """The next sync has all that it needs."""
        orders.sync(ORDERS)
        with orders.pipeline() as pipeline, pipeline.warehouse.writing() as connection:
            connection.execute(f"DROP {lost}")

        assert orders.sync_one(ORDERS).current
        assert orders.rows("SELECT count(*) FROM sync.row_counts, sync.rereads, reports.sync_health") == [(0,)]


class TestAccounts:
    """Several keys, one warehouse."""

    def test_two_accounts_live_side_by_side(self, tmp_path: Path) -> None:
        """Each key's records stand under its account's name, and one bad key leaves the other done."""
        with Sandbox(now=NOW, scale=0.05, accounts=("north", "south")) as sandbox:
            syncing = Syncing(sandbox, tmp_path / "w.duckdb", only=FEW)

            syncing.sync(*FEW)

            syncing.assert_equal(*FEW, account="north")
            syncing.assert_equal(*FEW, account="south")
            outcomes = syncing.sync(*FEW, FLORIDAY_API_KEYS=json.dumps({**sandbox.api_keys, "west": "wrong"}))
            assert "api key is invalid" in (outcomes["west", ORDERS].error or "")
            assert outcomes["south", ORDERS].current
