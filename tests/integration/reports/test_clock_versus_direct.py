"""Report ``clock_versus_direct``: the average price of a piece at the clock and in direct sales."""

from __future__ import annotations

from collections import defaultdict
from uuid import UUID

import pytest

from tests.integration.report_warehouse import (
    DELIVERY,
    ORDERS,
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
)
from tests.integration.reports.handmade_orders import BLOOM, ROSE
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters

REPORT = "clock_versus_direct"
CLOCK = ("CLOCK_PRESALES", "CLOCK_SALES", "CLOCK_SALES_FROM_NURSERY")


def expected_rows(warehouse: ReportWarehouse, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records, in Python."""
    instruments = defaultdict(list)
    for account, order in parameters.select_orders(warehouse, currency_path="pricePerPiece.currency"):
        instrument, currency = text(order, "tradeInstrument"), text(order, "pricePerPiece.currency")
        instruments[account, month_of(day(order, DELIVERY)), instrument, currency].append(order)
    rows = []
    for (account, month, instrument, currency), orders in instruments.items():
        priced = [(number(order, "pricePerPiece.value"), order["numberOfPieces"]) for order in orders]
        paid = total(price * pieces for price, pieces in priced if price is not None)
        average = quotient(paid, total(pieces for price, pieces in priced if price is not None))
        is_clock = None if instrument is None else instrument in CLOCK
        pieces = total(order["numberOfPieces"] for order in orders)
        rows.append((account, month, instrument, is_clock, currency, len(orders), pieces, average))
    return sorted(rows, key=sort_key)


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

    ((*_, orders, pieces, average),) = warehouse.report(REPORT)

    assert (orders, pieces, float(average)) == (4, 600, 1.1)


def test_empty_warehouse(warehouse: ReportWarehouse) -> None:
    """Without any records, the report exists and has no rows."""
    assert warehouse.report(REPORT) == []
