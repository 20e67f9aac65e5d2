"""Report ``customer_ranking``: customers by revenue."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby
from uuid import UUID

import pytest

from tests.integration.report_warehouse import (
    AMOUNT,
    ORDERS,
    Json,
    ReportWarehouse,
    Row,
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
from tests.integration.reports.handmade_orders import BLOOM, PETAL, ROSE
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters

REPORT = "customer_ranking"


def expected_rows(warehouse: ReportWarehouse, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records, in Python."""
    names, customers = warehouse.organization_names(), defaultdict(list)
    for account, order in parameters.select_orders(warehouse):
        customers[account, text(order, f"{AMOUNT}.currency"), uuid(order, "customerOrganizationId")].append(order)
    rows = [
        (
            *customer,
            len(orders),
            total(order["numberOfPieces"] for order in orders),
            total(number(order, f"{AMOUNT}.value") for order in orders),
        )
        for customer, orders in customers.items()
    ]
    rows.sort(key=lambda row: (row[0], nulls_last(row[1]), descending(row[5]), nulls_last(row[2])))
    return [
        (account, customer, names.get((account, customer)), currency, *measures)
        for _, ranked in groupby(rows, key=lambda row: row[:2])
        for account, currency, customer, *measures in with_shares(list(ranked))
    ]


def with_shares(rows: list[Row]) -> Iterator[Row]:
    """Add shares and ranks to the rows of one account and currency, which are in descending order of revenue."""
    revenues = [row[-1] for row in rows]
    for index, row in enumerate(rows):
        shares = [quotient(part, total(revenues)) for part in (row[-1], total(revenues[: index + 1]))]
        yield (*row, *shares, revenues.index(row[-1]) + 1)


def test_grower_world(grower_world: ReportWarehouse) -> None:
    """For a grower in the sandbox world, the rows are as expected; one customer's organization is unknown."""
    rows = grower_world.report(REPORT)

    assert {row[3] for row in rows} == {"EUR", "USD"}
    assert None in {row[2] for row in rows}
    assert rows == expected_rows(grower_world)


def test_buyer_world(buyer_world: ReportWarehouse) -> None:
    """For a buyer in the sandbox world, the rows are as expected: itself and the organizations it buys for."""
    rows = buyer_world.report(REPORT)

    assert len(rows) > 2
    assert rows == expected_rows(buyer_world)


@pytest.mark.parametrize(
    "parameters", [NO_FILTER, *DATE_RANGES, Parameters(currency="USD"), Parameters(trade_item=UUID(ROSE))], ids=repr
)
def test_handmade_orders(grower_orders: ReportWarehouse, parameters: Parameters) -> None:
    """Rows are correct for two accounts, two currencies and unknown customers; parameters also restrict the shares."""
    rows = grower_orders.report(REPORT, **parameters.arguments)

    assert rows
    assert rows == expected_rows(grower_orders, parameters)


def test_days_as_text(grower_orders: ReportWarehouse) -> None:
    """In SQL, a day can be passed as text."""
    parameters = DATE_RANGES[2]

    rows = grower_orders.report(REPORT, from_date=str(parameters.from_date), to_date=str(parameters.to_date))

    assert rows == expected_rows(grower_orders, parameters)


def test_equal_revenue_has_equal_rank(warehouse: ReportWarehouse) -> None:
    """Customers with equal revenue have the same rank, the next ranks are skipped, and cumulative shares still rise."""
    revenues = {"a": 30, "b": 10, "c": 30, "d": 30}
    warehouse.store(ORDERS, [order(id_of(name), revenue) for name, revenue in revenues.items()])

    ranks = [(row[6], float(row[7]), float(row[8]), row[9]) for row in warehouse.report(REPORT)]

    assert ranks == [(30, 0.3, 0.3, 1), (30, 0.3, 0.6, 1), (30, 0.3, 0.9, 1), (10, 0.1, 1.0, 4)]


def test_no_share_of_zero_or_unknown_revenue(warehouse: ReportWarehouse) -> None:
    """A customer has no share if the total revenue is 0 or if the orders have no value."""
    warehouse.store(ORDERS, [order(BLOOM, 0), {**order(PETAL, 0), "calculatedFields": None}])

    assert [row[3:] for row in warehouse.report(REPORT)] == [
        ("EUR", 1, 12, 0, None, None, 1),
        (None, 1, 12, None, None, None, 1),
    ]


def test_empty_warehouse(warehouse: ReportWarehouse) -> None:
    """Without any records, the report exists and has no rows."""
    assert warehouse.report(REPORT) == []


def order(customer: str, revenue: int) -> Json:
    """Return an order of twelve pieces."""
    return make_record(
        "suppliers",
        ORDERS,
        UUID(customer).int % 10**9,
        status="COMMITTED",
        customerOrganizationId=customer,
        numberOfPieces=12,
        calculatedFields={"orderAmount": {"currency": "EUR", "value": revenue}},
    )
