"""Report ``auction_prices``: prices at the clock by day, location and trade item."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from random import Random
from typing import Any
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
    nulls_last,
    number,
    quotient,
    text,
    total,
    uuid,
)
from tests.integration.reports import handmade_orders
from tests.integration.reports.handmade_orders import ROSE
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters

REPORT = "auction_prices"
LOTS = "supply.clock_supply_lines"
LOCATIONS = {"PLANTION_CLOCK": "PLANTION", "VRM_CLOCK": "RHEINMAAS"}


def expected_rows(warehouse: ReportWarehouse, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records, in Python."""
    lots = {(account, uuid(lot, "supplyLineId")): lot for account, lot in warehouse.newest_records(LOTS)}
    groups, names = defaultdict(list), warehouse.trade_item_names()
    for account, order in warehouse.committed_orders():
        lot = lots.get((account, uuid(order, "supplyLineId")))
        date = text(lot, "auctionDate")
        auctioned = dt.date.fromisoformat(date) if date else day(order, "orderDateTime")
        currency, item = text(order, "pricePerPiece.currency"), uuid(order, "tradeItemId")
        if (
            text(order, "tradeInstrument") in ("CLOCK_SALES", "CLOCK_SALES_FROM_NURSERY")
            and parameters.includes(auctioned)
            and parameters.currency in (None, currency)
            and parameters.trade_item in (None, item)
        ):
            location = text(lot, "auctionLocation") or LOCATIONS.get(text(order, "salesChannel") or "")
            groups[account, auctioned, location, item, currency].append(order)
    known = {id for _, id in lots}
    rows = [
        (account, date, location, item, names.get((account, item)), None, currency, *measures(orders, known))
        for (account, date, location, item, currency), orders in groups.items()
    ]
    return sorted(rows, key=sort_key)


def measures(orders: list[Json], known: set[UUID | None]) -> Row:
    """Return the number of lots and transactions, the pieces, and the lowest, average and highest price."""
    lots = {line if (line := uuid(order, "supplyLineId")) in known else uuid(order, "salesOrderId") for order in orders}
    prices = [
        (price, order["numberOfPieces"])
        for order in orders
        if (price := number(order, "pricePerPiece.value")) is not None
    ]
    average = quotient(total(price * pieces for price, pieces in prices), total(pieces for _, pieces in prices))
    return (
        *(len(lots), len(orders), total(order["numberOfPieces"] for order in orders)),
        min((price for price, _ in prices), default=None),
        average,
        max((price for price, _ in prices), default=None),
    )


def sort_key(row: Row) -> Row:
    """Return the sort key: the newest day first, then by location, most pieces first."""
    account, date, location, item, _, _, currency, _, _, pieces, *_ = row
    return (account, descending(date), nulls_last(location), descending(pieces), nulls_last(item), nulls_last(currency))


@pytest.fixture(scope="module")
def auctions(tmp_path_factory: pytest.TempPathFactory) -> ReportWarehouse:
    """A warehouse with clock orders of two growers: several of a lot, of unknown lots, and of other instruments."""
    warehouse = ReportWarehouse(tmp_path_factory.mktemp("auctions") / "w.duckdb")
    for account, seed, count in (("north", 31, 300), ("south", 32, 100)):
        random = Random(f"auctions {seed}")
        ordered = [auctioned(order, random) for order in handmade_orders.orders("suppliers", seed, count)]
        warehouse.store(ORDERS, ordered, account)
        warehouse.store(LOTS, [lot(n, random) for n in range(12)], account)
    handmade_orders.store_names(warehouse)
    return warehouse


def auctioned(order: Json, random: Random) -> Json:
    """Return an order as one of the clock, of a lot that may be unknown; some are of another instrument."""
    return {
        **order,
        "orderDateTime": random.choice((*BOUNDARY_TIMES, None)),
        "supplyLineId": random.choice((*(id_of(f"lot {n}") for n in range(14)), None)),
        "tradeInstrument": random.choice(
            ("CLOCK_SALES",) * 4 + ("CLOCK_SALES_FROM_NURSERY", "CLOCK_PRESALES", "CONTRACT")
        ),
        "salesChannel": random.choice(("RFH_CLOCK", "RFH_CLOCK", *LOCATIONS)),
    }


def lot(number: int, random: Random, **fields: Any) -> Json:
    """Return a clock supply line."""
    defaults = {
        "supplyLineId": id_of(f"lot {number}"),
        "auctionDate": random.choice(("2024-12-31", "2025-03-31", "2027-01-03")),
        "auctionLocation": random.choice(("AALSMEER", "NAALDWIJK", None)),
    }
    return make_record("suppliers", LOTS, number, **{**defaults, **fields})


def test_grower_world(grower_world: ReportWarehouse) -> None:
    """For a grower in the sandbox world, the rows are as expected, with lots at several locations."""
    rows = grower_world.report(REPORT)

    assert len({row[2] for row in rows}) > 3
    assert all(row[10] <= row[11] <= row[12] for row in rows)
    assert rows == expected_rows(grower_world)


FILTERS = (Parameters(currency="USD"), Parameters(trade_item=UUID(ROSE)))


@pytest.mark.parametrize("parameters", [NO_FILTER, *DATE_RANGES, *FILTERS], ids=repr)
def test_handmade_auctions(auctions: ReportWarehouse, parameters: Parameters) -> None:
    """Rows are correct for lots with several buyers, unknown lots, days in Amsterdam and foreign currencies."""
    rows = auctions.report(REPORT, **parameters.arguments)

    assert rows
    assert rows == expected_rows(auctions, parameters)


def test_average_is_weighted_by_pieces(warehouse: ReportWarehouse) -> None:
    """Two buyers of one lot are one lot; the average price is weighted by pieces; another day is another row."""
    fields = {"status": "COMMITTED", "isDeleted": False, "tradeInstrument": "CLOCK_SALES", "tradeItemId": ROSE}
    sales = ((1, 900, "0.20"), (1, 100, "0.40"), (2, 50, "0.30"))
    warehouse.store(
        ORDERS,
        [
            make_record("suppliers", ORDERS, n, **fields, numberOfPieces=pieces, supplyLineId=id_of(f"lot {of}"),
                        pricePerPiece={"currency": "EUR", "value": Decimal(price)})
            for n, (of, pieces, price) in enumerate(sales)
        ],
    )  # fmt: skip
    lots = [lot(n, Random(n), auctionDate=f"2026-03-0{n}", auctionLocation="AALSMEER") for n in (1, 2)]
    warehouse.store(LOTS, lots)

    assert [(row[1].day, *row[7:]) for row in warehouse.report(REPORT)] == [
        (2, 1, 1, 50, Decimal("0.3"), Decimal("0.3"), Decimal("0.3")),
        (1, 1, 2, 1000, Decimal("0.2"), Decimal("0.22"), Decimal("0.4")),
    ]


def test_presales_are_left_out(warehouse: ReportWarehouse) -> None:
    """Pre-sales, direct sales and orders that are not committed have no price at the clock."""
    kinds = (("CLOCK_PRESALES", "COMMITTED"), ("DIRECT_SALES", "COMMITTED"), ("CLOCK_SALES", "CANCELLED"))
    warehouse.store(
        ORDERS,
        [
            make_record("suppliers", ORDERS, n, tradeInstrument=kind, status=status)
            for n, (kind, status) in enumerate(kinds)
        ],
    )

    assert warehouse.report(REPORT) == []


def test_empty_warehouse(warehouse: ReportWarehouse) -> None:
    """Without any records, the report exists and has no rows."""
    assert warehouse.report(REPORT) == []
