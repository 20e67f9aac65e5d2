"""Report ``clock_versus_direct``: the average price of a piece at the clock and in direct sales."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

import pytest

from tests.integration.report_warehouse import (
    DELIVERY,
    ORDERS,
    Json,
    ReportWarehouse,
    Row,
    day,
    descending,
    make_record,
    month_of,
    nulls_last,
    number,
    quotient,
    text,
    total,
    uuid,
    week_of,
)
from tests.integration.reports.handmade_orders import BLOOM, ROSE, TULIP, UNKNOWN
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters

REPORT = "clock_versus_direct"
NEXT_WEEK = {"latestDeliveryDateTime": "2026-03-17T10:00:00Z"}
NOTHING_ALIKE = (None, 0, None, None)
CLOCK = ("CLOCK_PRESALES", "CLOCK_SALES", "CLOCK_SALES_FROM_NURSERY")


def expected_rows(warehouse: ReportWarehouse, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records, in Python."""
    instruments = defaultdict(list)
    for account, order in parameters.select_orders(warehouse, currency_path="pricePerPiece.currency"):
        instrument, currency = text(order, "tradeInstrument"), text(order, "pricePerPiece.currency")
        instruments[account, month_of(day(order, DELIVERY)), instrument, currency].append(order)
    rows, alike = [], like_for_like(instruments)
    for (account, month, instrument, currency), orders in instruments.items():
        priced = [(number(order, "pricePerPiece.value"), order["numberOfPieces"]) for order in orders]
        paid = total(price * pieces for price, pieces in priced if price is not None)
        average = quotient(paid, total(pieces for price, pieces in priced if price is not None))
        is_clock = None if instrument is None else instrument in CLOCK
        pieces = total(order["numberOfPieces"] for order in orders)
        measures = (len(orders), pieces, average, *alike.get((account, month, instrument, currency), NOTHING_ALIKE))
        rows.append((account, month, instrument, is_clock, currency, *measures))
    return sorted(rows, key=sort_key)


def like_for_like(instruments: Mapping[Row, list[Json]]) -> dict[Row, Row]:
    """Return like-for-like price and pieces, price at the clock and deviation, by account, month, instrument, currency.

    Only trade items that were sold both at the clock and otherwise in a week of the month count.
    """
    sold: dict[Row, dict[str, tuple[Decimal, int]]] = defaultdict(dict)
    for (account, month, instrument, currency), orders in instruments.items():
        if month and instrument and currency:
            for (week, item), prices in by_item_and_week(orders).items():
                paid = sum((price * pieces for price, pieces in prices), Decimal(0))
                pieces = sum(pieces for _, pieces in prices)
                sold[account, month, currency, week, item][instrument] = (paid, pieces)
    pairs = defaultdict(list)
    for (account, month, currency, _, _), instrument_sales in sold.items():
        clock = [sales for instrument, sales in instrument_sales.items() if instrument in CLOCK]
        if 0 < len(clock) < len(instrument_sales):
            clock_paid, clock_pieces = (sum(values) for values in zip(*clock, strict=True))
            for instrument, (paid, pieces) in instrument_sales.items():
                pair = (paid / pieces * clock_pieces, clock_pieces, clock_paid)
                pairs[account, month, instrument, currency].append(pair)
    return {key: averages(found) for key, found in pairs.items()}


def by_item_and_week(orders: list[Json]) -> dict[Row, list[tuple[Decimal, int]]]:
    """Return prices and pieces of orders that have both, by week and trade item."""
    found = defaultdict(list)
    for order in orders:
        price, pieces, item = number(order, "pricePerPiece.value"), order["numberOfPieces"], uuid(order, "tradeItemId")
        if price is not None and pieces > 0 and item:
            found[week_of(day(order, DELIVERY)), item].append((price, pieces))
    return found


def averages(pairs: list[tuple[Decimal, int, Decimal]]) -> Row:
    """Return like-for-like price and pieces, price at the clock, and the deviation of the first from it."""
    paid, pieces, clock_paid = (sum(values) for values in zip(*pairs, strict=True))
    return (quotient(paid, pieces), pieces, quotient(clock_paid, pieces), quotient(paid - clock_paid, clock_paid))


def sort_key(row: Row) -> Row:
    """Return the sort key: newest month first, then by currency, then the clock first."""
    account, month, instrument, is_clock, currency, *_ = row
    return (account, descending(month), nulls_last(currency), descending(is_clock), nulls_last(instrument))


def test_grower_world(grower_world: ReportWarehouse) -> None:
    """For a grower in the sandbox world, the report has exactly the expected rows."""
    rows = grower_world.report(REPORT)

    assert {"CLOCK_SALES", "DIRECT_SALES"} <= {row[2] for row in rows}
    assert {row[4] for row in rows} == {"EUR", "USD"}
    assert rows == expected_rows(grower_world)


def test_buyer_world(buyer_world: ReportWarehouse) -> None:
    """For a buyer in the sandbox world, the report has exactly the expected rows."""
    rows = buyer_world.report(REPORT)

    assert {row[3] for row in rows} == {True, False}
    assert rows == expected_rows(buyer_world)


FILTERS = (Parameters(currency="USD"), Parameters(customer=UUID(BLOOM)), Parameters(trade_item=UUID(ROSE)))


@pytest.mark.parametrize("parameters", [NO_FILTER, *DATE_RANGES, *FILTERS], ids=repr)
def test_handmade_orders(grower_orders: ReportWarehouse, parameters: Parameters) -> None:
    """Rows are correct at month boundaries, for unknown or missing trade instruments and prices, and for 0 pieces."""
    rows = grower_orders.report(REPORT, **parameters.arguments)

    assert rows
    assert rows == expected_rows(grower_orders, parameters)


def test_average_is_weighted_by_pieces(warehouse: ReportWarehouse) -> None:
    """90 pieces at 1.00 and 10 at 2.00 average 1.10; an order without a price does not change the average."""
    sold = {"pricePerPiece": {"currency": "EUR"}, "tradeInstrument": "DIRECT_SALES", "status": "COMMITTED"}
    priced = [(90, 1), (10, 2), (500, None), (0, 9)]
    warehouse.store(
        ORDERS,
        [
            make_record("suppliers", ORDERS, seed, **sold)
            | {"numberOfPieces": pieces, "pricePerPiece": {"currency": "EUR", "value": price}, "delivery": None}
            for seed, (pieces, price) in enumerate(priced)
        ],
    )

    ((*_, orders, pieces, average, _, _, _, _),) = warehouse.report(REPORT)

    assert (orders, pieces, float(average)) == (4, 600, 1.1)


def test_like_for_like_is_not_decided_by_the_mix(warehouse: ReportWarehouse) -> None:
    """Direct sales of mostly cheap items look cheap on average, while each item is sold 7.5 % above the clock."""
    sales = [
        ("CLOCK_SALES", ROSE, "2.00", 1000),
        ("CLOCK_PRESALES", ROSE, "2.00", 500),
        ("CLOCK_SALES", TULIP, "0.20", 100),
        ("DIRECT_SALES", ROSE, "2.15", 10),
        ("DIRECT_SALES", TULIP, "0.215", 900),
        ("DIRECT_SALES", UNKNOWN, "9.00", 1),  # never at the clock
        ("CONTRACT", ROSE, "1.80", 10),
    ]
    warehouse.store(ORDERS, [sale(number, *each) for number, each in enumerate(sales)])
    warehouse.store(ORDERS, [{**sale(100, "DIRECT_SALES", ROSE, "5.00", 10), "delivery": NEXT_WEEK}])  # no clock

    rows = {row[2]: tuple(value and round(float(value), 6) for value in row[7:]) for row in warehouse.report(REPORT)}

    assert rows["DIRECT_SALES"][0] < rows["CLOCK_SALES"][0] / 3
    assert {instrument: row[1:] for instrument, row in rows.items()} == {
        "CLOCK_SALES": (1.8875, 1600, 1.8875, 0),
        "CLOCK_PRESALES": (2, 1500, 2, 0),
        "DIRECT_SALES": (2.029063, 1600, 1.8875, 0.075),
        "CONTRACT": (1.8, 1500, 2, -0.1),
    }


def sale(seed: int, instrument: str, item: str, price: str, pieces: int) -> Json:
    """Return an order."""
    return make_record(
        "suppliers",
        ORDERS,
        seed,
        status="COMMITTED",
        isDeleted=False,
        tradeInstrument=instrument,
        tradeItemId=item,
        numberOfPieces=pieces,
        pricePerPiece={"currency": "EUR", "value": Decimal(price)},
        delivery={"latestDeliveryDateTime": "2026-03-10T10:00:00Z"},
    )


def test_empty_warehouse(warehouse: ReportWarehouse) -> None:
    """Without any records, the report exists and has no rows."""
    assert warehouse.report(REPORT) == []
