"""What a piece brings at the clock and beside it."""

from __future__ import annotations

from collections import defaultdict
from uuid import UUID

import pytest

from tests.integration.reporting import (
    DELIVERY,
    ORDERS,
    Reporting,
    Row,
    day,
    falling,
    last_if_none,
    made,
    month_of,
    number,
    quotient,
    text,
    total,
)
from tests.integration.reports.asked import ALL, DAYS, Asked
from tests.integration.reports.by_hand import BLOOM, ROSE

REPORT = "clock_versus_direct"
CLOCK = ("CLOCK_PRESALES", "CLOCK_SALES", "CLOCK_SALES_FROM_NURSERY")


def clock_versus_direct(told: Reporting, asked: Asked = ALL) -> list[Row]:
    """The rows of the report."""
    instruments = defaultdict(list)
    for account, order in asked.orders(told, currency="pricePerPiece.currency"):
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
    return sorted(rows, key=place)


def place(row: Row) -> Row:
    """Newest months first, in them by currency, in that the clock first."""
    account, month, instrument, is_clock, currency, *_ = row
    return (account, falling(month), last_if_none(currency), falling(is_clock), last_if_none(instrument))


def test_the_world_of_a_grower(grower_world: Reporting) -> None:
    """Every row of the sandbox's world, in order."""
    rows = grower_world.report(REPORT)

    assert {"CLOCK_SALES", "DIRECT_SALES"} <= {row[2] for row in rows}
    assert {row[4] for row in rows} == {"EUR", "USD"}
    assert rows == clock_versus_direct(grower_world)


def test_the_world_of_a_buyer(buyer_world: Reporting) -> None:
    """The same of what a buyer orders."""
    rows = buyer_world.report(REPORT)

    assert {row[3] for row in rows} == {True, False}
    assert rows == clock_versus_direct(buyer_world)


NARROWED = (Asked(currency="USD"), Asked(customer=UUID(BLOOM)), Asked(trade_item=UUID(ROSE)))


@pytest.mark.parametrize("asked", [ALL, *DAYS, *NARROWED], ids=repr)
def test_orders_by_hand(grower_edges: Reporting, asked: Asked) -> None:
    """Edges of months, trade instruments that are new or missing, prices that are not told, orders of no piece."""
    rows = grower_edges.report(REPORT, **asked.given)

    assert rows
    assert rows == clock_versus_direct(grower_edges, asked)


def test_every_piece_counts_the_same(grower: Reporting) -> None:
    """Ninety pieces at 1.00 and ten at 2.00 average 1.10; an order that tells no price has no part in that."""
    sold = {"pricePerPiece": {"currency": "EUR"}, "tradeInstrument": "DIRECT_SALES", "status": "COMMITTED"}
    priced = [(90, 1), (10, 2), (500, None), (0, 9)]
    grower.store(
        ORDERS,
        [
            made("suppliers", ORDERS, seed, **sold)
            | {"numberOfPieces": pieces, "pricePerPiece": {"currency": "EUR", "value": price}, "delivery": None}
            for seed, (pieces, price) in enumerate(priced)
        ],
    )

    ((*_, orders, pieces, average),) = grower.report(REPORT)

    assert (orders, pieces, float(average)) == (4, 600, 1.1)


def test_no_orders(grower: Reporting) -> None:
    """The report is there and empty."""
    assert grower.report(REPORT) == []
