"""A rejected record without readable key and number is resolved by a complete walk of its feed, and by nothing less."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.sandbox import Fault, Kind, Sandbox
from pipelines.warehouse.file.connection import transaction
from pipelines.warehouse.load.days_to_sequence import Days
from tests.examples import cases
from tests.integration.syncing import SUPPLIERS, Syncing
from tests.moments import real_now
from tests.records import in_json, valid_records

pytestmark = pytest.mark.both_kinds

NOW = dt.datetime(2026, 11, 20, 9, tzinfo=dt.UTC)
ORDERS = "orders.sales_orders"
PATH = "/sales-orders/sync/*"
UNIDENTIFIED = (b"null", b'"x"', b"{}", b'{"salesOrderId":7,"sequenceNumber":"soon"}', b'{"sequenceNumber":0}')


@pytest.fixture
def orders() -> Iterator[Sandbox]:
    """A sandbox with room for one entry before twenty sales orders."""
    with Sandbox(now=NOW, empty=True) as sandbox:
        for record in valid_records(SUPPLIERS.feed(ORDERS), seed=1, count=20, first_number=2):
            sandbox.book(ORDERS).put(in_json(record), number=record["sequenceNumber"])
        yield sandbox


@pytest.fixture
def syncing(orders: Sandbox, tmp_path: Path) -> Syncing:
    """Syncs in pages of four."""
    return Syncing(orders, tmp_path / "w.duckdb", page=4, only=(ORDERS,))


def serve_unidentified(syncing: Syncing, body: bytes = b"null", entry: str = "garbled") -> None:
    """Let the first page have a record with any content."""
    syncing.sandbox.book(ORDERS).put(body, key=(entry,), number=1)


def serve_well(syncing: Syncing, entry: str = "garbled") -> None:
    """Let the first page have a valid record instead."""
    book = syncing.sandbox.book(ORDERS)
    book.remove(entry)
    (record,) = valid_records(SUPPLIERS.feed(ORDERS), seed=2, count=1, first_number=1)
    book.put(in_json(record), number=1)


def open_rejected(syncing: Syncing) -> int:
    """Return the number of open rejected records."""
    ((count,),) = syncing.rows("SELECT count(*) FROM sync.rejected_records WHERE resolved_at IS NULL")
    return int(count)


@cases("body", UNIDENTIFIED, quick=2, ids=str)
def test_a_complete_walk_resolves_it(syncing: Syncing, body: bytes) -> None:
    """A partial sync resolves no record without key and number; one from number 0 to the proven end resolves it."""
    serve_unidentified(syncing, body)
    assert syncing.sync_one(ORDERS).rejected == 1
    serve_well(syncing)
    syncing.sandbox.book(ORDERS).renumber(*syncing.sandbox.book(ORDERS).entries()[-1].key)
    outcome = syncing.sync_one(ORDERS)
    assert (outcome.current, outcome.whole) == (True, False)
    assert open_rejected(syncing) == 1

    assert syncing.sync_one(ORDERS, full=True).current

    assert open_rejected(syncing) == 0
    syncing.assert_equal(ORDERS)


def test_a_walk_that_rejects_another_one_resolves_none(syncing: Syncing) -> None:
    """While a complete walk rejects a record that cannot be identified, the earlier one may still be missing."""
    serve_unidentified(syncing)
    syncing.sync(ORDERS)
    serve_unidentified(syncing, b"{}")

    assert syncing.sync_one(ORDERS, full=True).rejected == 1

    assert open_rejected(syncing) == 2
    serve_well(syncing)
    syncing.sync_one(ORDERS, full=True)
    assert open_rejected(syncing) == 0


def test_a_walk_that_rejects_a_known_record_resolves_it(syncing: Syncing) -> None:
    """A rejected record with a key, which stays open, does not keep those open that cannot be identified."""
    serve_unidentified(syncing)
    syncing.sync(ORDERS)
    serve_well(syncing)
    book = syncing.sandbox.book(ORDERS)
    entry = book.entries()[0]
    book.put(in_json({**entry.document, "numberOfPieces": "many"}), number=entry.number)

    assert syncing.sync_one(ORDERS, full=True).rejected == 1

    assert syncing.rows("SELECT key IS NULL, resolved_at IS NULL FROM sync.rejected_records ORDER BY 1") == [
        (False, True),
        (True, False),
    ]


def test_a_walk_that_fails_resolves_none(syncing: Syncing) -> None:
    """A walk from number 0 that does not reach the end resolves no record without key and number."""
    serve_unidentified(syncing)
    syncing.sync(ORDERS)
    serve_well(syncing)
    syncing.sandbox.faults.add(Fault(kind=Kind.STATUS, where=PATH, status=400, after=3))

    assert syncing.sync_one(ORDERS, full=True).error is not None

    assert open_rejected(syncing) == 1


def test_a_walk_that_continues_a_first_load_resolves_none(syncing: Syncing) -> None:
    """A walk that leaves out ranges which an interrupted load has read resolves no record without key and number."""
    serve_unidentified(syncing)
    syncing.sync(ORDERS)
    serve_well(syncing)
    with syncing.warehouse.writing() as connection, transaction(connection):
        connection.execute("UPDATE sync.cursors SET cursor = 0, current_at = NULL")

    outcome = syncing.sync_one(ORDERS)

    assert outcome.current
    assert outcome.records < 21
    assert open_rejected(syncing) == 1


def test_days_resolve_none(syncing: Syncing) -> None:
    """A sync of days that does not begin at number 0 resolves no record without key and number."""
    serve_unidentified(syncing)
    syncing.sync(ORDERS)
    serve_well(syncing)
    today = real_now().date()

    outcome = syncing.sync_one(ORDERS, days=Days(today - dt.timedelta(days=1), today))

    assert outcome.current
    assert outcome.records == 19
    assert open_rejected(syncing) == 1
