"""Revenue by week of delivery."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
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
    last_if_none,
    made,
    number,
    text,
    total,
    uuid,
    week_of,
)
from tests.integration.reports.asked import ALL, DAYS, Asked
from tests.integration.reports.by_hand import BLOOM, ROSE

REPORT = "revenue_by_week"


def revenue_by_week(told: Reporting, asked: Asked = ALL) -> list[Row]:
    """The rows of the report."""
    names, rows = told.items(), []
    ever = weeks(told, replace(asked, from_date=None, to_date=None))
    for (account, year, week, item, currency), orders in weeks(told, asked).items():
        before = ever.get((account, year - 1, week, item, currency)) if year else None
        pieces = total(order["numberOfPieces"] for order in orders)
        measures = (len(orders), pieces, revenue(orders), before and revenue(before))
        rows.append((account, year, week, item, names.get((account, item)), currency, *measures))
    return sorted(rows, key=place)


def weeks(told: Reporting, asked: Asked) -> dict[Row, list[Json]]:
    """The orders of each account, year, week, trade item and currency."""
    found = defaultdict(list)
    for account, order in asked.orders(told):
        week = week_of(day(order, DELIVERY))
        found[account, *week, uuid(order, "tradeItemId"), text(order, f"{AMOUNT}.currency")].append(order)
    return found


def revenue(orders: list[Json]) -> Any:
    """What orders of one currency are worth."""
    return total(number(order, f"{AMOUNT}.value") for order in orders)


def place(row: Row) -> Row:
    """Newest weeks first, in them by currency, in that what brings in most first."""
    account, year, week, item, _, currency, _, _, value, _ = row
    return (account, falling(year), falling(week), last_if_none(currency), falling(value), last_if_none(item))


def test_the_world_of_a_grower(grower_world: Reporting) -> None:
    """Every row of the sandbox's world, in order, some with revenue a year earlier."""
    rows = grower_world.report(REPORT)

    assert any(row[-1] for row in rows)
    assert rows == revenue_by_week(grower_world)


def test_the_world_of_a_buyer(buyer_world: Reporting) -> None:
    """The same of what a buyer orders."""
    rows = buyer_world.report(REPORT)

    assert any(row[4] for row in rows)
    assert rows == revenue_by_week(buyer_world)


NARROWED = (Asked(currency="USD"), Asked(customer=UUID(BLOOM)), Asked(trade_item=UUID(ROSE)))


@pytest.mark.parametrize("asked", [ALL, *DAYS, *NARROWED], ids=repr)
def test_orders_by_hand(grower_edges: Reporting, asked: Asked) -> None:
    """Week and year edges, summer time, currencies, unknown items and both accounts: all rows, nothing else."""
    rows = grower_edges.report(REPORT, **asked.given)

    assert rows
    assert rows == revenue_by_week(grower_edges, asked)


def test_orders_of_a_buyer_by_hand(buyer_edges: Reporting) -> None:
    """The names of trade items stand elsewhere there."""
    rows = buyer_edges.report(REPORT)

    assert {"Roos", "Tulp", "Tulp uit het zuiden"} <= {row[4] for row in rows}
    assert rows == revenue_by_week(buyer_edges)


def test_last_year_is_the_whole_week(grower: Reporting) -> None:
    """Days narrow down this year's week, not the one that it is compared with."""
    days = ("2025-03-10", "2025-03-16", "2026-03-09", "2026-03-15")
    grower.store(ORDERS, [order(seed, f"{date}T12:00:00Z") for seed, date in enumerate(days)])

    rows = grower.report(REPORT, from_date="2026-03-15", to_date="2026-03-15")

    assert [(*row[1:3], row[-2], row[-1]) for row in rows] == [(2026, 11, 10, 20)]


def test_a_week_53_is_compared_with_a_week_53_alone(grower: Reporting) -> None:
    """2026 has a week 53 and 2025 has none: there is no revenue of last year, although there was one in week 1."""
    days = ("2025-12-29", "2026-12-31", "2027-01-03")
    grower.store(ORDERS, [order(seed, f"{date}T12:00:00Z") for seed, date in enumerate(days)])

    assert [(*row[1:3], row[-2], row[-1]) for row in grower.report(REPORT)] == [
        (2026, 53, 20, None),
        (2026, 1, 10, None),
    ]


def test_an_order_without_a_moment_of_delivery_counts(grower: Reporting) -> None:
    """It stands in a row without a week, unless days are asked for."""
    grower.store(ORDERS, [order(1, None)])

    assert [row[1:3] for row in grower.report(REPORT)] == [(None, None)]
    assert grower.report(REPORT, from_date="2000-01-01") == []
    assert grower.report(REPORT, to_date="2100-01-01") == []


def test_a_corrected_order_counts_as_it_is_now(grower: Reporting) -> None:
    """A later version of an order takes the place of the former; one that was cancelled meanwhile is gone."""
    grower.store(ORDERS, [order(1, "2026-03-10T12:00:00Z"), order(2, "2026-03-10T12:00:00Z")])
    changed = {"numberOfPieces": 3, "calculatedFields": {"orderAmount": {"currency": "EUR", "value": 7}}}
    grower.store(ORDERS, [{**order(1, "2026-03-17T12:00:00Z"), **changed}])
    grower.store(ORDERS, [{**order(2, "2026-03-10T12:00:00Z"), "status": "CANCELLED"}])

    assert [row[1:3] + row[6:] for row in grower.report(REPORT)] == [(2026, 12, 1, 3, 7, None)]


def test_no_orders(grower: Reporting) -> None:
    """The report is there and empty."""
    assert grower.report(REPORT) == []


def order(seed: int, delivery: str | None) -> dict[str, Any]:
    """An order of a dozen roses for 10 euros."""
    return made(
        "suppliers",
        ORDERS,
        seed,
        status="COMMITTED",
        tradeItemId=ROSE,
        numberOfPieces=12,
        delivery={"latestDeliveryDateTime": delivery},
        calculatedFields={"orderAmount": {"currency": "EUR", "value": 10}},
    )
