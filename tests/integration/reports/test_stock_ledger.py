"""Report ``stock_ledger``: the mutations of each batch by type."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any
from uuid import UUID

import pytest

from tests.integration.report_warehouse import (
    ReportWarehouse,
    Row,
    day,
    descending,
    id_of,
    make_record,
    nulls_last,
    text,
    timestamp,
    total,
    uuid,
)
from tests.integration.reports.handmade_orders import ROSE
from tests.integration.reports.handmade_stock import BATCHES, MUTATIONS
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters

REPORT = "stock_ledger"
CREATED_AT = "creationDateTime"


def expected_rows(warehouse: ReportWarehouse, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records, in Python."""
    names, ledger = warehouse.trade_item_names(), defaultdict(list)
    batches = {(account, uuid(batch, "batchId")): batch for account, batch in warehouse.newest_records(BATCHES)}
    for account, mutation in warehouse.newest_records(MUTATIONS):
        if parameters.includes(day(mutation, CREATED_AT)):
            ledger[account, uuid(mutation, "batchId"), text(mutation, "type")].append(mutation)
    rows = []
    for (account, id, type), mutations in ledger.items():
        batch = batches.get((account, id))
        item = uuid(batch, "tradeItemId")
        if parameters.trade_item in (None, item):
            details = (text(batch, "batchReference"), day(batch, "batchDate"), item, names.get((account, item)))
            pieces = total(mutation.get("deltaNumberOfPieces") for mutation in mutations) or 0
            times = [time for mutation in mutations if (time := timestamp(mutation, CREATED_AT))]
            first_and_last = (min(times, default=None), max(times, default=None))
            rows.append((account, id, *details, type, len(mutations), pieces, *first_and_last))
    return sorted(rows, key=lambda row: (row[0], descending(row[3]), nulls_last(row[1]), nulls_last(row[6])))


def test_grower_world(grower_world: ReportWarehouse) -> None:
    """For a grower in the sandbox world, the rows are as expected, with claims, unclaims, corrections and moves."""
    rows = grower_world.report(REPORT)

    assert {row[6] for row in rows} == {"CLAIM", "UNCLAIM", "CORRECTION", "WAREHOUSE_CHANGE"}
    assert rows == expected_rows(grower_world)


def test_mutations_add_up_to_the_remaining_pieces(grower_world: ReportWarehouse) -> None:
    """In the sandbox world, initial pieces plus all mutations of a batch equal its remaining pieces."""
    changed: dict[Any, int] = defaultdict(int)
    for row in grower_world.report(REPORT):
        changed[row[0], row[1]] += row[8]

    for account, batch in grower_world.newest_records(BATCHES):
        left = batch["initialNumberOfPieces"] + changed[account, uuid(batch, "batchId")]
        assert left == batch["numberOfPieces"]


def test_handmade_stock(grower_stock: ReportWarehouse) -> None:
    """Rows are correct for every type of mutation, deleted and unknown batches, and missing pieces and times."""
    rows = grower_stock.report(REPORT)

    assert {row[0] for row in rows} == {"north", "south"}
    assert {"TRANSFORMATION", "DELETED_RESERVATION", None} <= {row[6] for row in rows}
    assert UUID(id_of("unknown batch")) in {row[1] for row in rows}
    assert rows == expected_rows(grower_stock)


@pytest.mark.parametrize("parameters", [*DATE_RANGES, Parameters(trade_item=UUID(ROSE))])
def test_parameters(grower_stock: ReportWarehouse, parameters: Parameters) -> None:
    """The report is restricted to the mutations within its period, and to its trade item."""
    rows = grower_stock.report(REPORT, **parameters.arguments)

    assert rows
    assert rows == expected_rows(grower_stock, parameters)


def test_deleted_batch_keeps_its_mutations(warehouse: ReportWarehouse) -> None:
    """The mutations of a deleted batch stay in the report."""
    batch = {"batchId": id_of("batch"), "batchDate": "2026-03-29T22:00:00Z", "batchReference": "9110008000001"}
    times = ("2026-03-30T08:00:00Z", "2026-03-30T07:00:00Z")
    claims = [
        {"batchId": id_of("batch"), "type": "CLAIM", "deltaNumberOfPieces": -8, CREATED_AT: time} for time in times
    ]
    warehouse.store(BATCHES, [make_record("suppliers", BATCHES, 1, isDeleted=True, tradeItemId=ROSE, **batch)])
    warehouse.store(
        MUTATIONS, [make_record("suppliers", MUTATIONS, number, **claim) for number, claim in enumerate(claims)]
    )

    first, last = dt.datetime(2026, 3, 30, 7, tzinfo=dt.UTC), dt.datetime(2026, 3, 30, 8, tzinfo=dt.UTC)
    details = (UUID(id_of("batch")), "9110008000001", dt.date(2026, 3, 30), UUID(ROSE), None)
    assert warehouse.report(REPORT) == [("main", *details, "CLAIM", 2, -16, first, last)]


def test_empty_warehouse(warehouse: ReportWarehouse) -> None:
    """Without any records, the report exists and has no rows."""
    assert warehouse.report(REPORT) == []
