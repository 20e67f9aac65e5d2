"""Report ``credit_risk``: orders by credit claim status, and the unpaid amount."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
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
    make_record,
    nulls_last,
    number,
    text,
    total,
)
from tests.integration.reports.handmade_orders import BLOOM
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters
from tests.integration.reports.timed_reports import noon, report_with_query_time, today

REPORT = "credit_risk"
LONG = 10**6
AGES = (range(-LONG, 0), range(31), range(31, 61), range(61, 91), range(91, LONG))
"""Days from the latest delivery to today, in the order of the columns."""
ALL_AGES = range(-LONG, LONG)


def expected_rows(warehouse: ReportWarehouse, now: dt.datetime, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records, in Python."""
    claims = defaultdict(list)
    for account, order in parameters.select_orders(warehouse):
        claim = [text(order, name) for name in ("creditClaimStatus", "paymentProvider", f"{AMOUNT}.currency")]
        delivered = day(order, DELIVERY)
        age = -1 if delivered is None else (today(now) - delivered).days
        claims[account, *claim].append((number(order, f"{AMOUNT}.value"), order.get("isPaid"), age))
    rows: list[Row] = []
    for group, orders in claims.items():
        unpaid = [amount for amount, is_paid, _ in orders if is_paid is False]
        amount = total(amount for amount, _, _ in orders)
        still_open = [(amount, age) for amount, is_paid, age in orders if not is_paid]
        by_age = [total_or_0([amount for amount, age in still_open if age in ages]) for ages in (ALL_AGES, *AGES)]
        rows.append((*group, len(orders), amount, len(unpaid), total_or_0(unpaid), *by_age))
    return sorted(rows, key=sort_key)


def total_or_0(amounts: list[Decimal | None]) -> Any:
    """Return the sum of the known amounts, 0 without any order, and None if no amount is known."""
    return total(amounts) if amounts else 0


def sort_key(row: Row) -> Row:
    """Return the sort key: by currency, then the highest amount first."""
    account, status, provider, currency, _, amount, *_ = row
    return (account, nulls_last(currency), descending(amount), nulls_last(status), nulls_last(provider))


def test_grower_world(grower_world: ReportWarehouse) -> None:
    """For a grower in the sandbox world, the report has exactly the expected rows."""
    rows, now = report_with_query_time(grower_world, REPORT)

    assert {row[1] for row in rows} == {"OK", "NOT_CHECKED", "PLANNED", "FAILED"}
    assert any(row[6] for row in rows)
    assert rows == expected_rows(grower_world, now)


def test_buyer_world(buyer_world: ReportWarehouse) -> None:
    """For a buyer in the sandbox world, the report has exactly the expected rows."""
    rows, now = report_with_query_time(buyer_world, REPORT)

    assert rows
    assert rows == expected_rows(buyer_world, now)


@pytest.mark.parametrize(
    "parameters", [NO_FILTER, *DATE_RANGES, Parameters(currency="USD"), Parameters(customer=UUID(BLOOM))], ids=repr
)
def test_handmade_orders(grower_orders: ReportWarehouse, parameters: Parameters) -> None:
    """Rows are correct for two currencies, and for unknown or missing statuses and payment providers."""
    rows, now = report_with_query_time(grower_orders, REPORT, parameters)

    assert rows
    assert rows == expected_rows(grower_orders, now, parameters)


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

    assert [row[:9] for row in warehouse.report(REPORT)] == [("main", "FAILED", "RFH", "EUR", 4, 15, 2, 12, 13)]


def test_ages(warehouse: ReportWarehouse) -> None:
    """An amount that is not marked as paid is in the column of its days since the latest delivery."""
    for power, days in enumerate((-1, 0, 30, 31, 60, 61, 90, 91, 400)):
        warehouse.store(ORDERS, [unpaid(power, days, 2**power)])

    assert [row[8:] for row in warehouse.report(REPORT)] == [(511, 1, 2 + 4, 8 + 16, 32 + 64, 128 + 256)]


def test_unknown_amounts(warehouse: ReportWarehouse) -> None:
    """A sum leaves out unknown amounts, is NULL if all are unknown, and 0 without any order that is not paid."""
    warehouse.store(ORDERS, [unpaid(1, 0, 5), unpaid(2, 0, None), unpaid(3, 40, None, isPaid=False)])
    warehouse.store(ORDERS, [unpaid(4, 70, None, isPaid=True)])

    assert [row[6:] for row in warehouse.report(REPORT)] == [(1, None, 5, 0, 5, None, 0, 0)]


def unpaid(seed: int, days: int, amount: int | None, **fields: Any) -> Json:
    """Return an order that was to be delivered some days ago, of which is not known whether it is paid."""
    defaults = {
        "delivery": {"latestDeliveryDateTime": str(noon(days))},
        "calculatedFields": {"orderAmount": {"currency": "EUR", "value": amount}},
        "status": "COMMITTED",
        "isPaid": None,
        "creditClaimStatus": "FAILED",
        "paymentProvider": "RFH",
    }
    return make_record("suppliers", ORDERS, seed, **{**defaults, **fields})


def test_empty_warehouse(warehouse: ReportWarehouse) -> None:
    """Without any records, the report exists and has no rows."""
    assert warehouse.report(REPORT) == []
