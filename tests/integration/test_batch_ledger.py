"""Batches are held against their mutations, but only where all of them must be known."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from pipelines.catalogue.suppliers.supply import BATCH_MUTATIONS, BATCHES
from pipelines.warehouse.read.integrity import Example, Finding
from pipelines.warehouse.read.stock_check import stock_mismatches
from tests.moments import real_now
from tests.records import in_json
from tests.thing_warehouse import STARTED, ThingWarehouse

LONG_AGO = STARTED - dt.timedelta(days=10)
FINE = Finding(0, (), judged=3)


def identity(kind: int, number: int) -> str:
    """An id of a batch or a mutation."""
    return f"{kind:08}-0000-4000-8000-{number:012}"


def batch(number: int, left: int, *, created: dt.datetime | None = LONG_AGO, **fields: Any) -> bytes:
    """A batch of 100 pieces."""
    made = created.isoformat() if created else None
    return in_json(
        {
            "batchId": identity(1, number),
            "initialNumberOfPieces": 100,
            "numberOfPieces": left,
            "creationDateTime": made,
            "lastModifiedDateTime": made,
            "isDeleted": False,
            "sequenceNumber": number,
            **fields,
        }
    )


def mutation(number: int, of: int, delta: int, *, created: dt.datetime = LONG_AGO) -> bytes:
    """A mutation of a batch."""
    return in_json(
        {
            "batchMutationId": identity(2, number),
            "batchId": identity(1, of),
            "deltaNumberOfPieces": delta,
            "creationDateTime": created.isoformat(),
            "type": "CLAIM",
            "sequenceNumber": number,
        }
    )


@pytest.fixture
def stock(tmp_path: Path) -> ThingWarehouse:
    """Three batches in two accounts that add up; south's stands under the same id as one of north's."""
    stock = ThingWarehouse(tmp_path / "w.duckdb", (BATCHES, BATCH_MUTATIONS)).create()
    stock.store(batch(1, 70), batch(2, 100), account="north", feed=BATCHES)
    stock.store(mutation(1, 1, -40), mutation(2, 1, 10), account="north", feed=BATCH_MUTATIONS)
    stock.store(batch(1, 95), account="south", feed=BATCHES)
    stock.store(mutation(1, 1, -5), account="south", feed=BATCH_MUTATIONS)
    return stock


def found(stock: ThingWarehouse) -> Finding:
    """What does not add up."""
    with stock.warehouse.reading() as connection:
        return stock_mismatches(connection)


def test_ledgers_that_add_up(stock: ThingWarehouse) -> None:
    """Initial pieces and mutations come to the pieces left, also where there was no mutation."""
    assert found(stock) == FINE


def test_a_lost_mutation(stock: ThingWarehouse) -> None:
    """The batch is named, with both numbers."""
    stock.change("DELETE FROM supply.batch_mutations WHERE account = 'north' AND delta_number_of_pieces = 10")

    what = "70 pieces left, the ledger comes to 60"
    assert found(stock) == Finding(1, (Example(BATCHES.name, "north", identity(1, 1), what),), judged=3)


def test_a_batch_that_is_not_quiet(stock: ThingWarehouse) -> None:
    """What happened shortly before the reading may not have met its other half yet, whichever of the two came first."""
    now = real_now()
    stock.store(batch(1, 50, lastModifiedDateTime=now.isoformat()), account="north", feed=BATCHES, ends=2)
    stock.store(mutation(3, 1, -1, created=now), account="south", feed=BATCH_MUTATIONS, ends=3)

    assert found(stock) == Finding(0, (), judged=1)


def test_a_batch_that_tells_no_time(stock: ThingWarehouse) -> None:
    """Without the moment of its last change, that of its arrival here counts."""
    stock.store(batch(3, 1, lastModifiedDateTime=None), account="north", feed=BATCHES, ends=3)

    assert found(stock) == FINE


@pytest.mark.parametrize("created", [STARTED - dt.timedelta(days=31), None], ids=["long ago", "unknown"])
def test_a_batch_older_than_the_first_reading_reaches(stock: ThingWarehouse, created: dt.datetime | None) -> None:
    """Floriday may have forgotten some of its mutations before they could be read."""
    stock.store(batch(3, 1, created=created), account="north", feed=BATCHES, ends=3)

    assert found(stock) == FINE


def test_a_deleted_batch(stock: ThingWarehouse) -> None:
    """What is deleted need not add up."""
    stock.store(batch(2, 1, isDeleted=True), account="north", feed=BATCHES, ends=2)

    assert found(stock) == Finding(0, (), judged=2)


@pytest.mark.parametrize(
    ("feed", "judged"), [(BATCHES, 2), (BATCH_MUTATIONS, 1)], ids=["the batch", "a mutation of any batch"]
)
def test_rejected_records_leave_gaps(stock: ThingWarehouse, feed: Any, judged: int) -> None:
    """Where a line may be missing, nothing is judged."""
    record = batch(1, 1, numberOfPieces="many") if feed is BATCHES else mutation(9, 1, -1).replace(b"-1", b'"x"')
    stock.store(record, account="north", feed=feed, ends=9)
    stock.change("DELETE FROM supply.batch_mutations WHERE account = 'north'")

    assert found(stock) == Finding(0, (), judged=judged)


@pytest.mark.parametrize("feed", [BATCHES, BATCH_MUTATIONS], ids=["batches", "mutations"])
@pytest.mark.parametrize("lack", ["DELETE FROM sync.cursors", "UPDATE sync.cursors SET current_at = NULL"])
def test_a_feed_that_was_not_read_to_its_end(stock: ThingWarehouse, feed: Any, lack: str) -> None:
    """An account is judged once both feeds were."""
    stock.change(f"{lack} WHERE feed = '{feed.name}' AND account = 'north'")
    stock.change("DELETE FROM supply.batch_mutations WHERE account = 'north'")

    assert found(stock) == Finding(0, (), judged=1)
