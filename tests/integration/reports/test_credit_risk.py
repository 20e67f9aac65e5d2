"""Report ``credit_risk``: orders by credit claim status, and the unpaid amount."""

from __future__ import annotations

from collections import defaultdict
from uuid import UUID

import pytest

from tests.integration.report_warehouse import (
    AMOUNT,
    ORDERS,
    ReportWarehouse,
    Row,
    descending,
    make_record,
    nulls_last,
    number,
    text,
    total,
)
from tests.integration.reports.handmade_orders import BLOOM
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters

REPORT = "credit_risk"


def expected_rows(warehouse: ReportWarehouse, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records, in Python."""
    claims = defaultdict(list)
    for account, order in parameters.select_orders(warehouse):
        claim = [text(order, name) for name in ("creditClaimStatus", "paymentProvider", f"{AMOUNT}.currency")]
        claims[account, *claim].append((number(order, f"{AMOUNT}.value"), order.get("isPaid")))
    rows: list[Row] = []
    for group, orders in claims.items():
        unpaid = [amount for amount, is_paid in orders if is_paid is False]
        amount = total(amount for amount, _ in orders)
        rows.append((*group, len(orders), amount, len(unpaid), total(unpaid) or 0))
    return sorted(rows, key=sort_key)


def sort_key(row: Row) -> Row:
    """Return the sort key: by currency, then the highest amount first."""
    account, status, provider, currency, _, amount, *_ = row
    return (account, nulls_last(currency), descending(amount), nulls_last(status), nulls_last(provider))


def test_grower_world(grower_world: ReportWarehouse) -> None:
    """For a grower in the sandbox world, the report has exactly the expected rows."""
    rows = grower_world.report(REPORT)

    assert {row[1] for row in rows} == {"OK", "NOT_CHECKED", "PLANNED", "FAILED"}
    assert any(row[6] for row in rows)
    assert rows == expected_rows(grower_world)


def test_buyer_world(buyer_world: ReportWarehouse) -> None:
    """For a buyer in the sandbox world, the report has exactly the expected rows."""
    rows = buyer_world.report(REPORT)

    assert rows
    assert rows == expected_rows(buyer_world)


@pytest.mark.parametrize(
    "parameters", [NO_FILTER, *DATE_RANGES, Parameters(currency="USD"), Parameters(customer=UUID(BLOOM))], ids=repr
)
def test_handmade_orders(grower_orders: ReportWarehouse, parameters: Parameters) -> None:
    """Rows are correct for two currencies, and for unknown or missing statuses and payment providers."""
    rows = grower_orders.report(REPORT, **parameters.arguments)

    assert rows
    assert rows == expected_rows(grower_orders, parameters)


def test_unknown_payment_is_not_unpaid(warehouse: ReportWarehouse) -> None:
    """An order without ``isPaid`` does not count as unpaid."""
    claim = {"status": "COMMITTED", "creditClaimStatus": "FAILED", "paymentProvider": "RFH"}
    amounts = {1: None, 2: True, 4: False, 8: False}
    warehouse.store(
        ORDERS,
        [
            make_record(
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

    assert warehouse.report(REPORT) == [("main", "FAILED", "RFH", "EUR", 4, 15, 2, 12)]


def test_empty_warehouse(warehouse: ReportWarehouse) -> None:
    """Without any records, the report exists and has no rows."""
    assert warehouse.report(REPORT) == []
