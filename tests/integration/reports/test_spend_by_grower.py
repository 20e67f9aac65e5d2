"""What a buyer spends, and with whom."""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from uuid import UUID

import pytest

from tests.integration.reporting import (
    AMOUNT,
    DELIVERY,
    ORDERS,
    Json,
    Reporting,
    Row,
    day,
    falling,
    id_of,
    last_if_none,
    made,
    month_of,
    number,
    quotient,
    text,
    total,
)
from tests.integration.reports.asked import ALL, DAYS, Asked, grower_of
from tests.integration.reports.by_hand import GROWERS, ROSE

REPORT = "spend_by_grower"


def spend_by_grower(told: Reporting, asked: Asked = ALL) -> list[Row]:
    """The rows of the report."""
    names, bought, months = told.organizations(), defaultdict(list), defaultdict(list)
    for account, order in asked.orders(told):
        month, currency = month_of(day(order, DELIVERY)), text(order, f"{AMOUNT}.currency")
        bought[account, grower_of(order), month, currency].append(order)
        months[account, month, currency].append(number(order, f"{AMOUNT}.value"))
    rows = []
    for (account, grower, month, currency), orders in bought.items():
        spend = total(number(order, f"{AMOUNT}.value") for order in orders)
        measures = (len(orders), total(order["numberOfPieces"] for order in orders), spend)
        share = quotient(spend, total(months[account, month, currency]))
        extras = [in_currency(orders, name) for name in ("totalAuctionLevies", "totalPackageRentalCosts")]
        rows.append((account, grower, names.get((account, grower)), month, currency, *measures, share, *extras))
    return sorted(rows, key=place)


def in_currency(orders: list[Json], name: str) -> Any:
    """What is told in the currency of the order itself."""
    return total(
        number(order, f"calculatedFields.{name}.value")
        for order in orders
        if (currency := text(order, f"calculatedFields.{name}.currency"))
        and currency == text(order, f"{AMOUNT}.currency")
    )


def place(row: Row) -> Row:
    """Newest months first, in them by currency, in that the grower that is paid most first."""
    account, grower, _, month, currency, _, _, spend, *_ = row
    return (account, falling(month), last_if_none(currency), falling(spend), last_if_none(grower))


def test_the_world_of_a_buyer(buyer_world: Reporting) -> None:
    """Every row of the sandbox's world, in order."""
    rows = buyer_world.report(REPORT)

    assert all(row[2] for row in rows)
    assert {row[9] is None for row in rows} == {True, False}
    assert rows == spend_by_grower(buyer_world)


NARROWED = (Asked(currency="USD"), Asked(grower=UUID(GROWERS[0])), Asked(trade_item=UUID(ROSE)))


@pytest.mark.parametrize("asked", [ALL, *DAYS, *NARROWED], ids=repr)
def test_orders_by_hand(buyer_edges: Reporting, asked: Asked) -> None:
    """Orders without a seller or without both, edges of months, levies in another currency than the order's."""
    rows = buyer_edges.report(REPORT, **asked.given)

    assert rows
    assert rows == spend_by_grower(buyer_edges, asked)


def test_the_seller_is_the_grower(buyer: Reporting) -> None:
    """An auction that names itself as the supplier when it corrects an order takes nothing from the grower."""
    rose, auction = id_of("rose grower"), id_of("auction")
    amount = {"orderAmount": {"currency": "EUR", "value": 10}}
    sold = {"status": "COMMITTED", "numberOfPieces": 1, "calculatedFields": amount, "delivery": None}
    buyer.store(
        ORDERS,
        [
            made("customers", ORDERS, 1, **sold, sellerOrganizationId=rose, supplierOrganizationId=auction),
            made("customers", ORDERS, 2, **sold, sellerOrganizationId=None, supplierOrganizationId=rose),
        ],
    )

    assert [(row[1], row[5], row[7]) for row in buyer.report(REPORT)] == [(UUID(rose), 2, 20)]


def test_no_orders(buyer: Reporting) -> None:
    """The report is there and empty."""
    assert buyer.report(REPORT) == []
