"""Report ``sell_through``: sold and remaining pieces of each batch."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from decimal import Decimal
from uuid import UUID

import pytest

from tests.integration.report_warehouse import (
    Json,
    ReportWarehouse,
    Row,
    approx,
    day,
    descending,
    id_of,
    make_record,
    quotient,
    text,
    timestamp,
    uuid,
)
from tests.integration.reports.handmade_orders import ROSE
from tests.integration.reports.handmade_stock import BATCHES, MUTATIONS
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters
from tests.integration.reports.timed_reports import report_with_query_time, today

REPORT = "sell_through"
CLAIMS = ("CLAIM", "CLAIMED_FROM_RESERVATION")
MOVES = ("WAREHOUSE_CHANGE", "SPLIT", "COMBINE")
UNCLAIMS = ("UNCLAIM", "UNCLAIMED_FROM_RESERVATION")


def expected_rows(warehouse: ReportWarehouse, now: dt.datetime, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records, in Python."""
    names, sales_of, moved_of = warehouse.trade_item_names(), defaultdict(list), Counter[tuple[str, UUID | None]]()
    for account, mutation in warehouse.newest_records(MUTATIONS):
        batch_key = (account, uuid(mutation, "batchId"))
        if text(mutation, "type") in (*CLAIMS, *UNCLAIMS):
            sales_of[batch_key].append(mutation)
        elif text(mutation, "type") in MOVES:
            moved_of[batch_key] -= mutation.get("deltaNumberOfPieces") or 0
    rows = []
    for account, batch in warehouse.newest_records(BATCHES):
        id, item, date = uuid(batch, "batchId"), uuid(batch, "tradeItemId"), day(batch, "batchDate")
        if not batch.get("isDeleted") and parameters.includes(date) and parameters.trade_item in (None, item):
            sales, moved = sales_of[account, id], moved_of[account, id]
            first, left = batch["initialNumberOfPieces"] - moved, batch["numberOfPieces"]
            sold = -sum(sale.get("deltaNumberOfPieces") or 0 for sale in sales)
            claims = [
                claimed_at
                for sale in sales
                if text(sale, "type") in CLAIMS and (claimed_at := timestamp(sale, "creationDateTime"))
            ]
            rows.append(
                (
                    *(account, id, text(batch, "batchReference"), date, uuid(batch, "supplierOrganizationId")),
                    *(item, names.get((account, item)), first, sold, first - sold - left, left),
                    *(quotient(Decimal(sold), first), date and (today(now) - date).days, max(claims, default=None)),
                    moved,
                )
            )
    return sorted(rows, key=lambda row: (row[0], descending(row[3]), row[1]))


def test_grower_world(grower_world: ReportWarehouse) -> None:
    """For a grower in the sandbox world, the rows are as expected; some batches are sold out."""
    rows, now = report_with_query_time(grower_world, REPORT)

    assert {row[11] == 1 for row in rows} == {True, False}
    assert any(row[9] > 0 for row in rows)
    assert rows == expected_rows(grower_world, now)


def test_handmade_stock(grower_stock: ReportWarehouse) -> None:
    """Rows are correct for every type of mutation, batches of 0 pieces, without a date, or of an unknown trade item."""
    rows, now = report_with_query_time(grower_stock, REPORT)

    assert {row[0] for row in rows} == {"north", "south"}
    assert None in {row[3] for row in rows}
    assert {row[9] < 0 for row in rows} == {True, False}
    assert rows == expected_rows(grower_stock, now)


@pytest.mark.parametrize("parameters", [*DATE_RANGES, Parameters(trade_item=UUID(ROSE))])
def test_parameters(grower_stock: ReportWarehouse, parameters: Parameters) -> None:
    """The report is restricted to the batches that match its parameters."""
    rows, now = report_with_query_time(grower_stock, REPORT, parameters)

    assert rows
    assert rows == expected_rows(grower_stock, now, parameters)


def test_waste_is_not_sold(warehouse: ReportWarehouse) -> None:
    """Of 100 pieces with claims of 60, an unclaim of 20 and a correction of 25, 40 are sold and 35 remain."""
    mutations = (("CLAIM", -60), ("UNCLAIM", 20), ("CORRECTION", -25))
    warehouse.store(BATCHES, [batch(numberOfPieces=35)])
    warehouse.store(MUTATIONS, [mutation(number, *values) for number, values in enumerate(mutations)])

    assert [row[7:12] for row in warehouse.report(REPORT)] == [(100, 40, 25, 35, approx(Decimal("0.4")))]


def test_reserved_pieces_are_not_sold(warehouse: ReportWarehouse) -> None:
    """Reserved pieces count as other mutations, not as sold."""
    warehouse.store(BATCHES, [batch(numberOfPieces=70)])
    warehouse.store(MUTATIONS, [mutation(1, "RESERVATION", -30)])

    assert [row[8:11] for row in warehouse.report(REPORT)] == [(0, 30, 70)]


def test_change_of_warehouse_is_not_a_second_harvest(warehouse: ReportWarehouse) -> None:
    """Of 100 pieces, 60 go to a new batch in another warehouse: both batches together have 100 pieces at the start."""
    moved_batch = batch(batchId=id_of("moved"), initialNumberOfPieces=60, numberOfPieces=15)
    sale = {**mutation(3, "CLAIM", -45), "batchId": id_of("moved")}
    warehouse.store(BATCHES, [batch(numberOfPieces=10), {**moved_batch, "batchDate": "2025-01-01T00:00:00Z"}])
    warehouse.store(MUTATIONS, [mutation(1, "CLAIM", -30), mutation(2, "WAREHOUSE_CHANGE", -60), sale])

    rows = {row[1]: (*row[7:12], row[14]) for row in warehouse.report(REPORT)}
    three_quarters = approx(Decimal("0.75"))
    assert rows == {
        UUID(id_of("batch")): (40, 30, 0, 10, three_quarters, 60),
        UUID(id_of("moved")): (60, 45, 0, 15, three_quarters, 0),
    }


def test_pieces_that_join_a_batch(warehouse: ReportWarehouse) -> None:
    """Pieces that another batch brought count at the batch that has them."""
    warehouse.store(BATCHES, [batch(numberOfPieces=120)])
    warehouse.store(MUTATIONS, [mutation(1, "COMBINE", 50), mutation(2, "CLAIM", -30)])

    assert [(*row[7:11], row[14]) for row in warehouse.report(REPORT)] == [(150, 30, 0, 120, -50)]


def test_age_in_days_of_amsterdam(warehouse: ReportWarehouse) -> None:
    """The date and age of a batch are those of its day in Amsterdam, not of its day in UTC."""
    warehouse.store(BATCHES, [batch(batchDate="2026-03-29T22:00:00Z")])

    rows, now = report_with_query_time(warehouse, REPORT)

    assert [(row[3], row[12]) for row in rows] == [(dt.date(2026, 3, 30), (today(now) - dt.date(2026, 3, 30)).days)]


def test_empty_warehouse(warehouse: ReportWarehouse) -> None:
    """Without any records, the report exists and has no rows."""
    assert warehouse.report(REPORT) == []


def batch(**fields: object) -> Json:
    """Return a batch of a hundred pieces."""
    defaults = {"batchId": id_of("batch"), "initialNumberOfPieces": 100, "numberOfPieces": 100, "isDeleted": False}
    return make_record("suppliers", BATCHES, 1, **{**defaults, **fields})


def mutation(number: int, type: str, pieces: int) -> Json:
    """Return a mutation of the batch."""
    defaults = {"batchId": id_of("batch"), "type": type, "deltaNumberOfPieces": pieces}
    return make_record("suppliers", MUTATIONS, number, **defaults)
