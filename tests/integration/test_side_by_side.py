"""A long feed that is read over several connections becomes equal to the server, also after an interruption."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.floriday import prefetch
from pipelines.sandbox import Fault, Kind, Sandbox
from pipelines.sync import batches
from tests.examples import cases
from tests.integration.syncing import SUPPLIERS, Syncing
from tests.moments import NOW
from tests.records import in_json, valid_records

pytestmark = pytest.mark.both_kinds

ORDERS = "orders.sales_orders"
RECORDS = 100


@pytest.fixture
def orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Syncing]:
    """A hundred sales orders in pages of four, and transactions of at least six pages."""
    monkeypatch.setattr(prefetch, "MIN_PAGES_TO_SPLIT", 4)
    monkeypatch.setattr(prefetch, "MIN_RECORDS_TO_SPLIT", 1)
    monkeypatch.setattr(batches, "PAGES_A_BATCH", 6)
    with Sandbox(now=NOW, empty=True) as sandbox:
        sandbox.set_switches(rate_limits=None)
        for record in valid_records(SUPPLIERS.feed(ORDERS), seed=1, count=RECORDS):
            sandbox.book(ORDERS).put(record)
        yield Syncing(sandbox, tmp_path / "w.duckdb", page=4, only=(ORDERS,))


def fail_after(syncing: Syncing, pages: int) -> None:
    """Sync with status 400 for every request after some pages."""
    where = "/sales-orders/sync/*"
    syncing.sandbox.faults.add(Fault(kind=Kind.STATUS, status=400, where=where, times=None, after=pages))
    assert syncing.sync_one(ORDERS).error
    syncing.sandbox.faults.clear()


def uncovered(syncing: Syncing) -> int:
    """Return how many numbers up to the cursor no window covers."""
    sql = "SELECT from_sequence_number, to_sequence_number FROM sync.windows ORDER BY from_sequence_number"
    reached = 0
    missing = 0
    for begins, ends in syncing.rows(sql):
        missing += max(0, begins - reached)
        reached = max(reached, ends)
    ((cursor,),) = syncing.rows("SELECT cursor FROM sync.cursors")
    assert reached >= cursor
    return missing


@pytest.mark.slow
def test_the_tables_equal_the_server(orders: Syncing) -> None:
    """Windows cover every number up to the cursor, and each version is stored once."""
    outcome = orders.sync_one(ORDERS)

    assert (outcome.current, outcome.whole, outcome.new) == (True, True, RECORDS)
    orders.assert_equal(ORDERS)
    assert uncovered(orders) == 0
    assert orders.versions(ORDERS) == RECORDS
    assert orders.rows("SELECT sum(changed) FROM sync.windows") == [(RECORDS,)]
    assert len(orders.sandbox.calls.to("/sales-orders/sync/")) <= 2 * RECORDS / 4


def test_an_interrupted_load_continues_with_the_missing_pages(orders: Syncing) -> None:
    """The cursor stays below the first gap, and pages beyond the gap are not requested again."""
    fail_after(orders, 16)
    ((cursor, read),) = orders.rows("SELECT (SELECT cursor FROM sync.cursors), (SELECT count(*) FROM raw.sales_orders)")
    windows = orders.rows("SELECT from_sequence_number, to_sequence_number FROM sync.windows")
    assert read >= 10 * 4
    assert cursor < max(ends for _, ends in windows)
    orders.sandbox.calls.clear()

    outcome = orders.sync_one(ORDERS)

    assert (outcome.current, outcome.new) == (True, RECORDS - read)
    orders.assert_equal(ORDERS)
    assert uncovered(orders) == 0
    requested = [int(call.path.rpartition("/")[2]) for call in orders.sandbox.calls.to("/sales-orders/sync/")]
    top = max(ends for _, ends in windows)
    below = [(begins, ends) for begins, ends in windows if cursor < begins and ends < top]
    assert sum(any(begins < number < ends for begins, ends in below) for number in requested) <= 2
    assert orders.rows("SELECT run_id, since FROM sync.catch_ups") == [("run 2", None)]


@pytest.mark.slow
def test_changes_between_two_parts_of_a_load_are_stored(orders: Syncing) -> None:
    """Records that change between two parts of a load are stored with their last content."""
    fail_after(orders, 14)
    book = orders.sandbox.book(ORDERS)
    for place, entry in enumerate(list(book.entries())):
        if place % 10 == 0:
            number = book.reserve()
            changed = {**entry.document, "numberOfPieces": 1 + place, "sequenceNumber": number}
            book.put(in_json(changed), number=number)

    orders.sync(ORDERS)

    orders.assert_equal(ORDERS)
    assert orders.rows(f"SELECT count(*) FROM {ORDERS}") == [(RECORDS,)]


def test_lost_rows_are_restored_over_several_connections(orders: Syncing) -> None:
    """A full sync restores lost rows, keeps the cursor, and adds no version."""
    orders.sync(ORDERS)
    ((before,),) = orders.rows("SELECT cursor FROM sync.cursors")
    with orders.pipeline() as pipeline, pipeline.warehouse.writing() as connection:
        connection.execute(f"DELETE FROM {ORDERS} WHERE hash(sales_order_id) % 2 = 0")

    outcome = orders.sync_one(ORDERS, full=True)

    assert (outcome.current, outcome.whole, outcome.changed) == (True, True, 0)
    orders.assert_equal(ORDERS)
    assert orders.rows("SELECT cursor FROM sync.cursors") == [(before,)]


@cases("kind", [Kind.EMPTY_PAGE, Kind.REPEATED_PAGE, Kind.UNORDERED], quick=1)
def test_a_temporary_fault_loses_no_record(orders: Syncing, kind: Kind) -> None:
    """After a temporary fault on one of the connections all records are stored."""
    times = None if kind is Kind.UNORDERED else 2
    orders.sandbox.faults.add(Fault(kind=kind, where="/sales-orders/sync/*", after=6, times=times))

    orders.sync(ORDERS)
    orders.sync(ORDERS)

    orders.assert_equal(ORDERS)
    assert uncovered(orders) == 0
