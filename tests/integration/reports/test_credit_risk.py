"""Whether buyers' credit was claimed."""

from __future__ import annotations

from collections import defaultdict
from uuid import UUID

import pytest

from tests.integration.reporting import AMOUNT, ORDERS, Reporting, Row, falling, last_if_none, made, number, text, total
from tests.integration.reports.asked import ALL, DAYS, Asked
from tests.integration.reports.by_hand import BLOOM

REPORT = "credit_risk"


def credit_risk(told: Reporting, asked: Asked = ALL) -> list[Row]:
    """The rows of the report."""
    claims = defaultdict(list)
    for account, order in asked.orders(told):
        claim = [text(order, name) for name in ("creditClaimStatus", "paymentProvider", f"{AMOUNT}.currency")]
        claims[account, *claim].append((number(order, f"{AMOUNT}.value"), order.get("isPaid")))
    rows: list[Row] = []
    for group, orders in claims.items():
        unpaid = [amount for amount, is_paid in orders if is_paid is False]
        amount = total(amount for amount, _ in orders)
        rows.append((*group, len(orders), amount, len(unpaid), total(unpaid) or 0))
    return sorted(rows, key=place)


def place(row: Row) -> Row:
    """By currency, in that the highest amount first."""
    account, status, provider, currency, _, amount, *_ = row
    return (account, last_if_none(currency), falling(amount), last_if_none(status), last_if_none(provider))


def test_the_world_of_a_grower(grower_world: Reporting) -> None:
    """Every row of the sandbox's world, in order."""
    rows = grower_world.report(REPORT)

    assert {row[1] for row in rows} == {"OK", "NOT_CHECKED", "PLANNED", "FAILED"}
    assert any(row[6] for row in rows)
    assert rows == credit_risk(grower_world)


def test_the_world_of_a_buyer(buyer_world: Reporting) -> None:
    """The same of what a buyer orders."""
    rows = buyer_world.report(REPORT)

    assert rows
    assert rows == credit_risk(buyer_world)


@pytest.mark.parametrize("asked", [ALL, *DAYS, Asked(currency="USD"), Asked(customer=UUID(BLOOM))], ids=repr)
def test_orders_by_hand(grower_edges: Reporting, asked: Asked) -> None:
    """Two currencies, statuses and providers that are new or missing."""
    rows = grower_edges.report(REPORT, **asked.given)

    assert rows
    assert rows == credit_risk(grower_edges, asked)


def test_only_what_says_so_is_unpaid(grower: Reporting) -> None:
    """An order that does not tell whether it is paid is not unpaid."""
    claim = {"status": "COMMITTED", "creditClaimStatus": "FAILED", "paymentProvider": "RFH"}
    amounts = {1: None, 2: True, 4: False, 8: False}
    grower.store(
        ORDERS,
        [
            made(
                "suppliers",
                ORDERS,
                value,
                **claim,
                isPaid=is_paid,
                calculatedFields={"orderAmount": {"currency": "EUR", "value": value}},
            )
            for value, is_paid in amounts.items()
        ],
    )

    assert grower.report(REPORT) == [("main", "FAILED", "RFH", "EUR", 4, 15, 2, 12)]


def test_no_orders(grower: Reporting) -> None:
    """The report is there and empty."""
    assert grower.report(REPORT) == []
