"""The check ``batch_ledger`` compares batches with their mutations where all mutations must be in the warehouse."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from pipelines.catalogue.suppliers.supply import BATCH_MUTATIONS, BATCHES
from pipelines.warehouse.read.batch_ledger import batch_ledger_mismatches
from pipelines.warehouse.read.integrity import Example, Finding
from tests.moments import real_now
from tests.records import in_json
from tests.thing_warehouse import STARTED, ThingWarehouse

LONG_AGO = STARTED - dt.timedelta(days=10)
NO_MISMATCH = Finding(0, (), judged=3)


def identity(kind: int, number: int) -> str:
    """Return the id of a batch (kind 1) or a mutation (kind 2)."""
    return f"{kind:08}-0000-4000-8000-{number:012}"


def batch(number: int, pieces: int, *, created: dt.datetime | None = LONG_AGO, **fields: Any) -> bytes:
    """Return a batch of initially 100 pieces."""
    time = created.isoformat() if created else None
    return in_json(
        {
            "batchId": identity(1, number),
            "initialNumberOfPieces": 100,
            "numberOfPieces": pieces,
            "creationDateTime": time,
            "lastModifiedDateTime": time,
            "isDeleted": False,
            "sequenceNumber": number,
            **fields,
        }
    )


def mutation(number: int, batch_number: int, delta: int, *, created: dt.datetime = LONG_AGO) -> bytes:
    """Return a mutation of a batch."""
    return in_json(
        {
            "batchMutationId": identity(2, number),
            "batchId": identity(1, batch_number),
            "deltaNumberOfPieces": delta,
            "creationDateTime": created.isoformat(),
            "type": "CLAIM",
            "sequenceNumber": number,
        }
    )


@pytest.fixture
def stock(tmp_path: Path) -> ThingWarehouse:
    """A warehouse with three batches that equal their mutations; two batches of different accounts share an id."""
    stock = ThingWarehouse(tmp_path / "w.duckdb", (BATCHES, BATCH_MUTATIONS)).create()
    stock.store(batch(1, 70), batch(2, 100), account="north", feed=BATCHES)
    stock.store(mutation(1, 1, -40), mutation(2, 1, 10), account="north", feed=BATCH_MUTATIONS)
    stock.store(batch(1, 95), account="south", feed=BATCHES)
    stock.store(mutation(1, 1, -5), account="south", feed=BATCH_MUTATIONS)
    return stock


def check(stock: ThingWarehouse) -> Finding:
    """Return the result of the check."""
    with stock.warehouse.reading() as connection:
        return batch_ledger_mismatches(connection)


def test_matching_batches(stock: ThingWarehouse) -> None:
    """Batches match if initial pieces plus mutations equal the remaining pieces, also without mutations."""
    assert check(stock) == NO_MISMATCH


def test_missing_mutation(stock: ThingWarehouse) -> None:
    """If a mutation is missing, the result contains the batch and both numbers of pieces."""
    stock.change("DELETE FROM supply.batch_mutations WHERE account = 'north' AND delta_number_of_pieces = 10")

    detail = "70 pieces left, but the mutations add up to 60"
    assert check(stock) == Finding(1, (Example(BATCHES.name, "north", identity(1, 1), detail),), judged=3)


def test_recent_changes_are_skipped(stock: ThingWarehouse) -> None:
    """A batch is skipped if it or one of its mutations changed shortly before the feeds were read."""
    now = real_now()
    stock.store(batch(1, 50, lastModifiedDateTime=now.isoformat()), account="north", feed=BATCHES, ends=2)
    stock.store(mutation(3, 1, -1, created=now), account="south", feed=BATCH_MUTATIONS, ends=3)

    assert check(stock) == Finding(0, (), judged=1)


def test_batch_without_modification_time(stock: ThingWarehouse) -> None:
    """Without the time of its last change, the time at which a batch was stored counts."""
    stock.store(batch(3, 1, lastModifiedDateTime=None), account="north", feed=BATCHES, ends=3)

    assert check(stock) == NO_MISMATCH


@pytest.mark.parametrize("created", [STARTED - dt.timedelta(days=31), None], ids=["long ago", "unknown"])
def test_batch_older_than_the_retention(stock: ThingWarehouse, created: dt.datetime | None) -> None:
    """A batch that is old or of unknown age is skipped, because Floriday may no longer serve all its mutations."""
    stock.store(batch(3, 1, created=created), account="north", feed=BATCHES, ends=3)

    assert check(stock) == NO_MISMATCH


def test_deleted_batch(stock: ThingWarehouse) -> None:
    """A deleted batch is skipped."""
    stock.store(batch(2, 1, isDeleted=True), account="north", feed=BATCHES, ends=2)

    assert check(stock) == Finding(0, (), judged=2)


@pytest.mark.parametrize(
    ("feed", "judged"), [(BATCHES, 2), (BATCH_MUTATIONS, 1)], ids=["batch", "mutation of any batch"]
)
def test_rejected_records(stock: ThingWarehouse, feed: Any, judged: int) -> None:
    """Batches whose records or mutations may be among the rejected records are skipped."""
    record = batch(1, 1, numberOfPieces="many") if feed is BATCHES else mutation(9, 1, -1).replace(b"-1", b'"x"')
    stock.store(record, account="north", feed=feed, ends=9)
    stock.change("DELETE FROM supply.batch_mutations WHERE account = 'north'")

    assert check(stock) == Finding(0, (), judged=judged)


@pytest.mark.parametrize("feed", [BATCHES, BATCH_MUTATIONS], ids=["batches", "mutations"])
@pytest.mark.parametrize("lack", ["DELETE FROM sync.cursors", "UPDATE sync.cursors SET current_at = NULL"])
def test_feed_that_is_not_current(stock: ThingWarehouse, feed: Any, lack: str) -> None:
    """An account is checked only when both feeds were read to their end."""
    stock.change(f"{lack} WHERE feed = '{feed.name}' AND account = 'north'")
    stock.change("DELETE FROM supply.batch_mutations WHERE account = 'north'")

    assert check(stock) == Finding(0, (), judged=1)
