"""What happened to each batch."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any
from uuid import UUID

import pytest

from tests.integration.reporting import (
    Reporting,
    Row,
    day,
    falling,
    id_of,
    last_if_none,
    made,
    moment,
    text,
    total,
    uuid,
)
from tests.integration.reports.asked import ALL, DAYS, Asked
from tests.integration.reports.by_hand import ROSE
from tests.integration.reports.stock_by_hand import BATCHES, MUTATIONS

REPORT = "stock_ledger"
MADE = "creationDateTime"


def stock_ledger(told: Reporting, asked: Asked = ALL) -> list[Row]:
    """The rows of the report."""
    names, ledger = told.items(), defaultdict(list)
    batches = {(account, uuid(batch, "batchId")): batch for account, batch in told.served(BATCHES)}
    for account, mutation in told.served(MUTATIONS):
        if asked.covers(day(mutation, MADE)):
            ledger[account, uuid(mutation, "batchId"), text(mutation, "type")].append(mutation)
    rows = []
    for (account, id, type), mutations in ledger.items():
        batch = batches.get((account, id))
        item = uuid(batch, "tradeItemId")
        if asked.trade_item in (None, item):
            about = (text(batch, "batchReference"), day(batch, "batchDate"), item, names.get((account, item)))
            pieces = total(one.get("deltaNumberOfPieces") for one in mutations) or 0
            moments = [made for one in mutations if (made := moment(one, MADE))]
            times = (min(moments, default=None), max(moments, default=None))
            rows.append((account, id, *about, type, len(mutations), pieces, *times))
    return sorted(rows, key=lambda row: (row[0], falling(row[3]), last_if_none(row[1]), last_if_none(row[6])))


def test_the_world_of_a_grower(grower_world: Reporting) -> None:
    """Every row of the sandbox's world, in order: sales, what was given back, and waste."""
    rows = grower_world.report(REPORT)

    assert {row[6] for row in rows} == {"CLAIM", "UNCLAIM", "CORRECTION"}
    assert rows == stock_ledger(grower_world)


def test_the_ledger_of_the_world_adds_up(grower_world: Reporting) -> None:
    """What a batch began with and all that happened to it is what is left of it."""
    changed: dict[Any, int] = defaultdict(int)
    for row in grower_world.report(REPORT):
        changed[row[0], row[1]] += row[8]

    for account, batch in grower_world.served(BATCHES):
        left = batch["initialNumberOfPieces"] + changed[account, uuid(batch, "batchId")]
        assert left == batch["numberOfPieces"]


def test_stock_by_hand(grower_stock: Reporting) -> None:
    """Every type of mutation, deleted and unknown batches, pieces and moments that were not told, both accounts."""
    rows = grower_stock.report(REPORT)

    assert {row[0] for row in rows} == {"north", "south"}
    assert {"TRANSFORMATION", "DELETED_RESERVATION", None} <= {row[6] for row in rows}
    assert UUID(id_of("unknown batch")) in {row[1] for row in rows}
    assert rows == stock_ledger(grower_stock)


@pytest.mark.parametrize("asked", [*DAYS, Asked(trade_item=UUID(ROSE))])
def test_what_is_asked_for(grower_stock: Reporting, asked: Asked) -> None:
    """Days of Amsterdam on which something happened, one trade item."""
    rows = grower_stock.report(REPORT, **asked.given)

    assert rows
    assert rows == stock_ledger(grower_stock, asked)


def test_a_deleted_batch_keeps_its_ledger(grower: Reporting) -> None:
    """What happened to it is still told."""
    batch = {"batchId": id_of("batch"), "batchDate": "2026-03-29T22:00:00Z", "batchReference": "9110008000001"}
    moments = ("2026-03-30T08:00:00Z", "2026-03-30T07:00:00Z")
    claims = [{"batchId": id_of("batch"), "type": "CLAIM", "deltaNumberOfPieces": -8, MADE: when} for when in moments]
    grower.store(BATCHES, [made("suppliers", BATCHES, 1, isDeleted=True, tradeItemId=ROSE, **batch)])
    grower.store(MUTATIONS, [made("suppliers", MUTATIONS, number, **claim) for number, claim in enumerate(claims)])

    first, last = dt.datetime(2026, 3, 30, 7, tzinfo=dt.UTC), dt.datetime(2026, 3, 30, 8, tzinfo=dt.UTC)
    about = (UUID(id_of("batch")), "9110008000001", dt.date(2026, 3, 30), UUID(ROSE), None)
    assert grower.report(REPORT) == [("main", *about, "CLAIM", 2, -16, first, last)]


def test_no_mutations(grower: Reporting) -> None:
    """The report is there and empty."""
    assert grower.report(REPORT) == []
