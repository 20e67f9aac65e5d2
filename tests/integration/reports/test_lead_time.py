"""Report ``lead_time``: the time between order and delivery."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tests.integration.report_warehouse import (
    DELIVERY,
    ORDERS,
    Json,
    ReportWarehouse,
    Row,
    approx,
    day,
    descending,
    make_record,
    month_of,
    timestamp,
)
from tests.integration.reports.handmade_orders import BLOOM, ROSE
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters

REPORT = "lead_time"
MICROSECOND = dt.timedelta(microseconds=1)


def expected_rows(warehouse: ReportWarehouse, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records, in Python."""
    months = defaultdict(list)
    for account, order in parameters.select_orders(warehouse):
        ordered, delivered = timestamp(order, "orderDateTime"), timestamp(order, DELIVERY)
        if ordered and delivered:
            hours = Decimal((delivered - ordered) // MICROSECOND) / 3_600_000_000
            months[account, month_of(day(order, DELIVERY))].append(hours)
    rows = [(*month, len(hours), percentile(hours, 50), percentile(hours, 90)) for month, hours in months.items()]
    return sorted(rows, key=lambda row: (row[0], descending(row[1])))


def percentile(hours: list[Decimal], percent: int) -> Any:
    """Return a percentile, interpolated linearly between the two nearest values."""
    ascending, position = sorted(hours), Decimal(percent * (len(hours) - 1)) / 100
    below = int(position)
    above = min(below + 1, len(hours) - 1)
    return approx(ascending[below] + (ascending[above] - ascending[below]) * (position - below), "0.0051")


def test_grower_world(grower_world: ReportWarehouse) -> None:
    """For a grower in the sandbox world, the rows are as expected, with lead times below a month."""
    rows = grower_world.report(REPORT)

    assert all(0 < p50 <= p90 < 24 * 31 for *_, p50, p90 in rows)
    assert rows == expected_rows(grower_world)


def test_buyer_world(buyer_world: ReportWarehouse) -> None:
    """For a buyer in the sandbox world, the report has exactly the expected rows."""
    rows = buyer_world.report(REPORT)

    assert rows
    assert rows == expected_rows(buyer_world)


@pytest.mark.parametrize(
    "parameters",
    [NO_FILTER, *DATE_RANGES, Parameters(customer=UUID(BLOOM)), Parameters(trade_item=UUID(ROSE))],
    ids=repr,
)
def test_handmade_orders(grower_orders: ReportWarehouse, parameters: Parameters) -> None:
    """Rows are correct across summer time changes, for orders after their delivery, and for missing times."""
    rows = grower_orders.report(REPORT, **parameters.arguments)

    assert rows
    assert rows == expected_rows(grower_orders, parameters)


def test_hours_across_summer_time_changes(warehouse: ReportWarehouse) -> None:
    """From noon to noon are 23 hours when summer time begins, and 25 when it ends."""
    nights = [
        ("2025-03-29T12:00:00+01:00", "2025-03-30T12:00:00+02:00"),
        ("2025-10-25T12:00:00+02:00", "2025-10-26T12:00:00+01:00"),
    ]
    warehouse.store(ORDERS, [order(seed, *times) for seed, times in enumerate(nights)])

    assert warehouse.report(REPORT) == [
        ("main", dt.date(2025, 10, 1), 1, 25, 25),
        ("main", dt.date(2025, 3, 1), 1, 23, 23),
    ]


def test_percentiles_are_interpolated(warehouse: ReportWarehouse) -> None:
    """Of 10, 20, 30 and 40 hours, the median is 25 and the 90th percentile 37."""
    for seed, hours in enumerate((40, 10, 30, 20)):
        begins = dt.datetime(2026, 3, 10, tzinfo=dt.UTC)
        ends = begins + dt.timedelta(hours=hours)
        warehouse.store(ORDERS, [order(seed, begins.isoformat(), ends.isoformat())])

    assert warehouse.report(REPORT) == [("main", dt.date(2026, 3, 1), 4, 25, 37)]


def test_empty_warehouse(warehouse: ReportWarehouse) -> None:
    """Without any records, the report exists and has no rows."""
    assert warehouse.report(REPORT) == []


def order(seed: int, ordered: str, delivered: str) -> Json:
    """Return an order with an order time and a latest delivery time."""
    delivery = {"latestDeliveryDateTime": delivered}
    return make_record("suppliers", ORDERS, seed, status="COMMITTED", orderDateTime=ordered, delivery=delivery)
