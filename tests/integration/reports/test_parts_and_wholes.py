"""Reports of the same orders agree: shares sum to 1, and sums over weeks, customers and channels are equal."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import pytest

from pipelines.warehouse.file.connection import Warehouse
from tests.integration.report_warehouse import ReportWarehouse, Row
from tests.integration.reports.handmade_orders import ROSE, TULIP, UNKNOWN

WITH_REVENUE = ("revenue_by_week", "customer_ranking", "channel_mix")


def combinations(count: int) -> Iterable[dict[str, Any]]:
    """Yield combinations of the parameters that the reports share."""
    random = Random("parameters of reports")
    for _ in range(count):
        days = sorted(dt.date(2024, 12, 20) + dt.timedelta(days=random.randrange(760)) for _ in range(2))
        values = {
            "from_date": random.choice((None, days[0])),
            "to_date": random.choice((None, days[1])),
            "currency": random.choice((None, "EUR", "USD")),
            "trade_item": random.choice((None, UUID(ROSE), UUID(TULIP), UUID(UNKNOWN))),
        }
        yield {name: value for name, value in values.items() if value is not None}


def sums(rows: Iterable[Row]) -> dict[Row, Row]:
    """Return orders, pieces and revenue by account and currency, of those with orders."""
    found: dict[Row, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
    for account, currency, *measures in rows:
        if measures[0]:
            group = found[account, currency]
            found[account, currency] = [total + (value or 0) for total, value in zip(group, measures, strict=True)]
    return {group: tuple(totals) for group, totals in found.items()}


def test_reports_of_the_same_orders_have_equal_sums(grower_orders: ReportWarehouse) -> None:
    """For any combination of parameters, orders, pieces and revenue of three reports are equal."""
    with Warehouse(grower_orders.path).reading() as connection:
        for parameters in combinations(50):
            arguments = ", ".join(f"{name} := ${name}" for name in parameters)
            select = "SELECT account, currency, orders, pieces, revenue FROM reports"
            totals = [
                sums(connection.execute(f"{select}.{name}({arguments})", parameters).fetchall())
                for name in WITH_REVENUE
            ]

            assert totals[0] == totals[1] == totals[2], parameters


def shares(rows: Iterable[Row], group: slice, share: int) -> Mapping[Row, Decimal]:
    """Return the sums of known shares by group."""
    found: dict[Row, Decimal] = defaultdict(Decimal)
    for row in rows:
        if row[share] is not None:
            found[row[group]] += row[share]
    return found


@pytest.mark.parametrize("world", ["grower_world", "buyer_world", "grower_orders"])
def test_shares_sum_to_one(world: str, request: pytest.FixtureRequest) -> None:
    """Shares of customers in a currency, and those of channels in a month and currency, sum to 1."""
    warehouse: ReportWarehouse = request.getfixturevalue(world)
    ranking = "SELECT account, currency, share FROM reports.customer_ranking"
    mix = "SELECT account, month, currency, share FROM reports.channel_mix"

    customers = shares(warehouse.rows(ranking), slice(2), 2)
    channels = shares(warehouse.rows(mix), slice(3), 3)

    assert customers
    assert channels
    for sums_to_one in (*customers.values(), *channels.values()):
        assert sums_to_one == pytest.approx(1, abs=1e-4)
