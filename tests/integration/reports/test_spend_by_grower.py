"""Report ``spend_by_grower``: a buyer's spend by grower and month."""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from uuid import UUID

import pytest

from tests.integration.report_warehouse import (
    AMOUNT,
    DELIVERY,
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
    number,
    quotient,
    text,
    total,
)
from tests.integration.reports.handmade_orders import GROWERS, ROSE
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters, grower_of

REPORT = "spend_by_grower"


def expected_rows(warehouse: ReportWarehouse, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records, in Python."""
    names, orders_by, months = warehouse.organization_names(), defaultdict(list), defaultdict(list)
    for account, order in parameters.select_orders(warehouse):
        month, currency = month_of(day(order, DELIVERY)), text(order, f"{AMOUNT}.currency")
        orders_by[account, grower_of(order), month, currency].append(order)
        months[account, month, currency].append(number(order, f"{AMOUNT}.value"))
    rows = []
    for (account, grower, month, currency), orders in orders_by.items():
        spend = total(number(order, f"{AMOUNT}.value") for order in orders)
        measures = (len(orders), total(order["numberOfPieces"] for order in orders), spend)
        share = quotient(spend, total(months[account, month, currency]))
        extras = [total_in_order_currency(orders, name) for name in ("totalAuctionLevies", "totalPackageRentalCosts")]
        rows.append((account, grower, names.get((account, grower)), month, currency, *measures, share, *extras))
    return sorted(rows, key=sort_key)


def total_in_order_currency(orders: list[Json], name: str) -> Any:
    """Return the sum of an amount of the orders, of those with the amount in the order's own currency."""
    return total(
        number(order, f"calculatedFields.{name}.value")
        for order in orders
        if (currency := text(order, f"calculatedFields.{name}.currency"))
        and currency == text(order, f"{AMOUNT}.currency")
    )


def sort_key(row: Row) -> Row:
    """Return the sort key: newest month first, then by currency, then the highest spend first."""
    account, grower, _, month, currency, _, _, spend, *_ = row
    return (account, descending(month), nulls_last(currency), descending(spend), nulls_last(grower))


def test_buyer_world(buyer_world: ReportWarehouse) -> None:
    """For a buyer in the sandbox world, the report has exactly the expected rows."""
    rows = buyer_world.report(REPORT)

    assert all(row[2] for row in rows)
    assert {row[9] is None for row in rows} == {True, False}
    assert rows == expected_rows(buyer_world)


FILTERS = (Parameters(currency="USD"), Parameters(grower=UUID(GROWERS[0])), Parameters(trade_item=UUID(ROSE)))


@pytest.mark.parametrize("parameters", [NO_FILTER, *DATE_RANGES, *FILTERS], ids=repr)
def test_handmade_orders(buyer_orders: ReportWarehouse, parameters: Parameters) -> None:
    """Rows are correct at month boundaries, for orders without a seller, and for levies in other currencies."""
    rows = buyer_orders.report(REPORT, **parameters.arguments)

    assert rows
    assert rows == expected_rows(buyer_orders, parameters)


def test_seller_is_the_grower(buyer_warehouse: ReportWarehouse) -> None:
    """The seller is the grower of an order, even if an auction's correction made the auction its supplier."""
    rose, auction = id_of("rose grower"), id_of("auction")
    amount = {"orderAmount": {"currency": "EUR", "value": 10}}
    sold = {"status": "COMMITTED", "numberOfPieces": 1, "calculatedFields": amount, "delivery": None}
    buyer_warehouse.store(
        ORDERS,
        [
            make_record("customers", ORDERS, 1, **sold, sellerOrganizationId=rose, supplierOrganizationId=auction),
            make_record("customers", ORDERS, 2, **sold, sellerOrganizationId=None, supplierOrganizationId=rose),
        ],
    )

    assert [(row[1], row[5], row[7]) for row in buyer_warehouse.report(REPORT)] == [(UUID(rose), 2, 20)]


def test_empty_warehouse(buyer_warehouse: ReportWarehouse) -> None:
    """Without any records, the report exists and has no rows."""
    assert buyer_warehouse.report(REPORT) == []
