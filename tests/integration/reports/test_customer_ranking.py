"""Which customers bring in most."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby
from uuid import UUID

import pytest

from tests.integration.reporting import (
    AMOUNT,
    ORDERS,
    Json,
    Reporting,
    Row,
    falling,
    id_of,
    last_if_none,
    made,
    number,
    quotient,
    text,
    total,
    uuid,
)
from tests.integration.reports.asked import ALL, DAYS, Asked
from tests.integration.reports.by_hand import BLOOM, PETAL, ROSE

REPORT = "customer_ranking"


def customer_ranking(told: Reporting, asked: Asked = ALL) -> list[Row]:
    """The rows of the report."""
    names, customers = told.organizations(), defaultdict(list)
    for account, order in asked.orders(told):
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
    rows.sort(key=lambda row: (row[0], last_if_none(row[1]), falling(row[5]), last_if_none(row[2])))
    return [
        (account, customer, names.get((account, customer)), currency, *measures)
        for _, ranked in groupby(rows, key=lambda row: row[:2])
        for account, currency, customer, *measures in with_shares(list(ranked))
    ]


def with_shares(rows: list[Row]) -> Iterator[Row]:
    """The customers of one account and currency with their shares and ranks, the highest revenue first."""
    revenues = [row[-1] for row in rows]
    for place, row in enumerate(rows):
        shares = [quotient(part, total(revenues)) for part in (row[-1], total(revenues[: place + 1]))]
        yield (*row, *shares, revenues.index(row[-1]) + 1)


def test_the_world_of_a_grower(grower_world: Reporting) -> None:
    """Every row of the sandbox's world, in order; one customer is not in the register."""
    rows = grower_world.report(REPORT)

    assert {row[3] for row in rows} == {"EUR", "USD"}
    assert None in {row[2] for row in rows}
    assert rows == customer_ranking(grower_world)


def test_the_world_of_a_buyer(buyer_world: Reporting) -> None:
    """A buyer ranks itself and those whom it buys for."""
    rows = buyer_world.report(REPORT)

    assert len(rows) > 2
    assert rows == customer_ranking(buyer_world)


@pytest.mark.parametrize("asked", [ALL, *DAYS, Asked(currency="USD"), Asked(trade_item=UUID(ROSE))], ids=repr)
def test_orders_by_hand(grower_edges: Reporting, asked: Asked) -> None:
    """Two accounts, two currencies, customers that nobody knows; shares and ranks are those of what is asked for."""
    rows = grower_edges.report(REPORT, **asked.given)

    assert rows
    assert rows == customer_ranking(grower_edges, asked)


def test_days_may_be_text(grower_edges: Reporting) -> None:
    """In SQL a day can be written as it is read."""
    asked = DAYS[2]

    rows = grower_edges.report(REPORT, from_date=str(asked.from_date), to_date=str(asked.to_date))

    assert rows == customer_ranking(grower_edges, asked)


def test_equal_revenue_is_an_equal_rank(grower: Reporting) -> None:
    """The next rank is left out; cumulative shares still rise, customer by customer."""
    revenues = {"a": 30, "b": 10, "c": 30, "d": 30}
    grower.store(ORDERS, [order(id_of(name), revenue) for name, revenue in revenues.items()])

    ranks = [(row[6], float(row[7]), float(row[8]), row[9]) for row in grower.report(REPORT)]

    assert ranks == [(30, 0.3, 0.3, 1), (30, 0.3, 0.6, 1), (30, 0.3, 0.9, 1), (10, 0.1, 1.0, 4)]


def test_revenue_of_nothing_has_no_share(grower: Reporting) -> None:
    """Where the revenue of all customers is 0, and where an order does not tell its value."""
    grower.store(ORDERS, [order(BLOOM, 0), {**order(PETAL, 0), "calculatedFields": None}])

    assert [row[3:] for row in grower.report(REPORT)] == [
        ("EUR", 1, 12, 0, None, None, 1),
        (None, 1, 12, None, None, None, 1),
    ]


def test_no_orders(grower: Reporting) -> None:
    """The report is there and empty."""
    assert grower.report(REPORT) == []


def order(customer: str, revenue: int) -> Json:
    """An order of a dozen pieces."""
    return made(
        "suppliers",
        ORDERS,
        UUID(customer).int % 10**9,
        status="COMMITTED",
        customerOrganizationId=customer,
        numberOfPieces=12,
        calculatedFields={"orderAmount": {"currency": "EUR", "value": revenue}},
    )
