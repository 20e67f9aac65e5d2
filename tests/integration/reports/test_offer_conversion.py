"""Report ``offer_conversion``: supply lines with orders, as a share of all supply lines."""

from __future__ import annotations

from collections import defaultdict
from random import Random
from uuid import UUID

import pytest

from tests.integration.report_warehouse import (
    BOUNDARY_TIMES,
    ORDERS,
    Json,
    ReportWarehouse,
    Row,
    day,
    descending,
    id_of,
    make_record,
    month_of,
    nulls_last,
    quotient,
    text,
    uuid,
)
from tests.integration.reports.handmade_orders import ROSE, TULIP
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters

REPORT = "offer_conversion"
LINES = "supply.supply_lines"
STARTS_AT = "orderPeriod.startDateTime"


def expected_rows(warehouse: ReportWarehouse, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records, in Python."""
    offered, sold, groups = most_pieces(warehouse), pieces_sold(warehouse), defaultdict(list)
    for account, line in warehouse.newest_records(LINES):
        opened = day(line, STARTS_AT)
        if parameters.includes(opened) and parameters.trade_item in (None, uuid(line, "tradeItemId")):
            kind = text(line, "supplyType" if warehouse.api == "suppliers" else "type")
            groups[account, kind, month_of(opened)].append((account, uuid(line, "supplyLineId")))
    rows = []
    for group, lines in groups.items():
        ordered = [sold[line] for line in lines if line in sold]
        shares = (len(lines), len(ordered), quotient(len(ordered), len(lines)))
        rows.append((*group, *shares, sum(offered[line] for line in lines), sum(ordered)))
    return sorted(rows, key=lambda row: (row[0], descending(row[2]), nulls_last(row[1])))


def most_pieces(warehouse: ReportWarehouse) -> dict[Row, int]:
    """Return the maximum number of pieces of all versions of a supply line, by account and supply line."""
    most: dict[Row, int] = defaultdict(int)
    for account, version in warehouse.all_versions(LINES):
        line = (account, uuid(version, "supplyLineId"))
        most[line] = max(most[line], version.get("numberOfPieces") or 0)
    return most


def pieces_sold(warehouse: ReportWarehouse) -> dict[Row, int]:
    """Return the pieces ordered from a supply line, by account and supply line."""
    sold: dict[Row, int] = defaultdict(int)
    for account, order in warehouse.committed_orders():
        sold[account, uuid(order, "supplyLineId")] += order["numberOfPieces"]
    return sold


def test_grower_world(grower_world: ReportWarehouse) -> None:
    """For a grower in the sandbox world, the rows are as expected, of all types of supply lines."""
    rows = grower_world.report(REPORT)

    assert {"BATCH_PRICE", "CATALOG_PRICE", "CUSTOMER_OFFER", "PURCHASE_TIP"} == {row[1] for row in rows}
    assert any(0 < row[4] < row[3] for row in rows)
    assert rows == expected_rows(grower_world)


def test_buyer_world(buyer_world: ReportWarehouse) -> None:
    """For a buyer in the sandbox world, the report has exactly the expected rows."""
    rows = buyer_world.report(REPORT)

    assert {"BATCH", "CATALOG"} <= {row[1] for row in rows}
    assert rows == expected_rows(buyer_world)


@pytest.fixture(scope="module")
def handmade_lines(tmp_path_factory: pytest.TempPathFactory) -> ReportWarehouse:
    """A warehouse with supply lines of two accounts, and orders from known and unknown supply lines."""
    warehouse = ReportWarehouse(tmp_path_factory.mktemp("offers") / "w.duckdb")
    for account, seed in (("north", 1), ("south", 2)):
        random = Random(seed)
        for _ in range(3):
            warehouse.store(LINES, [line(number, random) for number in random.sample(range(60), 40)], account)
        warehouse.store(ORDERS, [order(number, random) for number in range(100)], account)
    return warehouse


def line(number: int, random: Random) -> Json:
    """Return a version of a supply line."""
    kinds = ("BATCH_PRICE", "CATALOG_PRICE", None)
    return make_record(
        "suppliers",
        LINES,
        number,
        supplyLineId=id_of(f"line {number}"),
        status=random.choice(("AVAILABLE", "UNAVAILABLE", "DELETED")),
        supplyType=kinds[number % 3],
        tradeItemId=(ROSE, TULIP)[number % 2],
        numberOfPieces=random.choice((-10, 0, 40, 400, None)),
        orderPeriod={"startDateTime": (*BOUNDARY_TIMES, None)[number % (len(BOUNDARY_TIMES) + 1)]},
    )


def order(number: int, random: Random) -> Json:
    """Return an order from one of the supply lines."""
    return make_record(
        "suppliers",
        ORDERS,
        number,
        status=random.choice(("COMMITTED", "COMMITTED", "ACCEPTED", "CANCELLED")),
        isDeleted=random.random() < 0.1,
        supplyLineId=random.choice((None, id_of(f"line {random.randrange(80)}"))),
        numberOfPieces=random.randrange(50),
    )


@pytest.mark.slow
@pytest.mark.parametrize("parameters", [NO_FILTER, *DATE_RANGES, Parameters(trade_item=UUID(ROSE))], ids=repr)
def test_handmade_lines(handmade_lines: ReportWarehouse, parameters: Parameters) -> None:
    """Rows are correct at month boundaries, for deleted supply lines, uncommitted orders and negative pieces."""
    rows = handmade_lines.report(REPORT, **parameters.arguments)

    assert rows
    assert rows == expected_rows(handmade_lines, parameters)


@pytest.mark.slow
def test_offered_pieces_are_the_maximum(warehouse: ReportWarehouse) -> None:
    """The pieces offered are the maximum over all versions, because sales reduce a supply line's pieces."""
    for pieces in (80, 100, 30):
        warehouse.store(LINES, [make_record("suppliers", LINES, 1, supplyLineId=id_of("line"), numberOfPieces=pieces)])
    sold = {"status": "COMMITTED", "supplyLineId": id_of("line"), "numberOfPieces": 35}
    warehouse.store(ORDERS, [make_record("suppliers", ORDERS, seed, **sold) for seed in (1, 2)])

    assert [row[3:] for row in warehouse.report(REPORT)] == [(1, 1, 1, 100, 70)]


@pytest.mark.slow
def test_empty_warehouse(warehouse: ReportWarehouse) -> None:
    """Without any records, the report exists and has no rows."""
    assert warehouse.report(REPORT) == []
