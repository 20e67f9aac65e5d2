"""How long before its delivery an order comes in."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tests.integration.reporting import (
    DELIVERY,
    ORDERS,
    Json,
    Reporting,
    Row,
    about,
    day,
    falling,
    made,
    moment,
    month_of,
)
from tests.integration.reports.asked import ALL, DAYS, Asked
from tests.integration.reports.by_hand import BLOOM, ROSE

REPORT = "lead_time"
MICROSECOND = dt.timedelta(microseconds=1)


def lead_time(told: Reporting, asked: Asked = ALL) -> list[Row]:
    """The rows of the report."""
    months = defaultdict(list)
    for account, order in asked.orders(told):
        ordered, delivered = moment(order, "orderDateTime"), moment(order, DELIVERY)
        if ordered and delivered:
            hours = Decimal((delivered - ordered) // MICROSECOND) / 3_600_000_000
            months[account, month_of(day(order, DELIVERY))].append(hours)
    rows = [(*month, len(hours), percentile(hours, 50), percentile(hours, 90)) for month, hours in months.items()]
    return sorted(rows, key=lambda row: (row[0], falling(row[1])))


def percentile(hours: list[Decimal], percent: int) -> Any:
    """The value below which so many per cent lie, between the two nearest in proportion to their distance."""
    ascending, place = sorted(hours), Decimal(percent * (len(hours) - 1)) / 100
    below = int(place)
    above = min(below + 1, len(hours) - 1)
    return about(ascending[below] + (ascending[above] - ascending[below]) * (place - below), "0.0051")


def test_the_world_of_a_grower(grower_world: Reporting) -> None:
    """Every row of the sandbox's world, in order: half of the orders take some hours or days, none takes a month."""
    rows = grower_world.report(REPORT)

    assert all(0 < p50 <= p90 < 24 * 31 for *_, p50, p90 in rows)
    assert rows == lead_time(grower_world)


def test_the_world_of_a_buyer(buyer_world: Reporting) -> None:
    """The same of what a buyer orders."""
    rows = buyer_world.report(REPORT)

    assert rows
    assert rows == lead_time(buyer_world)


@pytest.mark.parametrize("asked", [ALL, *DAYS, Asked(customer=UUID(BLOOM)), Asked(trade_item=UUID(ROSE))], ids=repr)
def test_orders_by_hand(grower_edges: Reporting, asked: Asked) -> None:
    """Nights on which the clock is changed, orders that came after their delivery, moments that are not told."""
    rows = grower_edges.report(REPORT, **asked.given)

    assert rows
    assert rows == lead_time(grower_edges, asked)


def test_hours_are_real_ones(grower: Reporting) -> None:
    """From noon to noon are 23 hours on the night in which the clock goes forward, 25 when it goes back."""
    nights = [
        ("2025-03-29T12:00:00+01:00", "2025-03-30T12:00:00+02:00"),
        ("2025-10-25T12:00:00+02:00", "2025-10-26T12:00:00+01:00"),
    ]
    grower.store(ORDERS, [order(seed, *moments) for seed, moments in enumerate(nights)])

    assert grower.report(REPORT) == [
        ("main", dt.date(2025, 10, 1), 1, 25, 25),
        ("main", dt.date(2025, 3, 1), 1, 23, 23),
    ]


def test_percentiles_lie_between_orders(grower: Reporting) -> None:
    """Of 10, 20, 30 and 40 hours, half is 25 and nine tenths 37."""
    for seed, hours in enumerate((40, 10, 30, 20)):
        begins = dt.datetime(2026, 3, 10, tzinfo=dt.UTC)
        ends = begins + dt.timedelta(hours=hours)
        grower.store(ORDERS, [order(seed, begins.isoformat(), ends.isoformat())])

    assert grower.report(REPORT) == [("main", dt.date(2026, 3, 1), 4, 25, 37)]


def test_no_orders(grower: Reporting) -> None:
    """The report is there and empty."""
    assert grower.report(REPORT) == []


def order(seed: int, ordered: str, delivered: str) -> Json:
    """An order that was delivered in time."""
    delivery = {"latestDeliveryDateTime": delivered}
    return made("suppliers", ORDERS, seed, status="COMMITTED", orderDateTime=ordered, delivery=delivery)
