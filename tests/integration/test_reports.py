"""Every figure of a report equals what plain Python makes of the served records."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import pytest

from pipelines.sandbox import Sandbox
from tests.integration.syncing import SUPPLIERS, Syncing
from tests.records import in_json, valid_records

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
ORDERS = "orders.sales_orders"
ITEMS = "catalog.trade_items"
SPACE = UUID("7d0ad9b0-6a36-4c5c-8d4b-5f3d3c2b1a00")

ROSE, TULIP, UNKNOWN = (str(uuid5(SPACE, name)) for name in ("rose", "tulip", "unknown"))

Row = tuple[Any, ...]

MOMENTS = (
    "2024-12-29T22:59:59Z",  # Sunday 23:59:59, still week 52 of 2024
    "2024-12-29T23:00:00Z",  # Monday 0:00 in winter: week 1 of 2025
    "2025-03-30T00:59:59Z",  # the last second of winter time, Sunday of week 13
    "2025-03-30T21:59:59Z",  # Sunday 23:59:59 in summer time
    "2025-03-30T22:00:00Z",  # Monday of week 14
    "2025-10-26T22:59:59Z",  # Sunday after the clock went back, week 43
    "2025-10-26T23:00:00Z",  # Monday of week 44
    "2025-12-28T23:00:00Z",  # Monday of week 1 of 2026
    "2026-03-29T21:59:59Z",  # Sunday of week 13 of 2026
    "2026-12-31T12:00:00Z",  # week 53 of 2026
    "2027-01-03T22:59:59Z",  # Sunday, still week 53 of 2026
    "2027-12-27T12:00:00Z",  # week 52 of 2027, a year without a week 53
    "2026-01-01T12:00:00",  # without an offset, which means UTC
)
STATUSES = ("COMMITTED", "COMMITTED", "COMMITTED", "CANCELLED", "ACCEPTED", "EXPIRED")


def orders(seed: int, count: int) -> Iterator[dict[str, Any]]:
    """Sales orders that are alike but for what the report looks at."""
    for number, made in enumerate(valid_records(SUPPLIERS.feed(ORDERS), seed=seed, count=count)):
        amount = Decimal(7 * number + seed) / 100 + Decimal("0.000001")
        yield {
            **made,
            "tradeItemId": (ROSE, TULIP, UNKNOWN)[number % 3],
            "status": STATUSES[number % len(STATUSES)],
            "numberOfPieces": 10 + number,
            "delivery": {**(made.get("delivery") or {}), "latestDeliveryDateTime": MOMENTS[number % len(MOMENTS)]},
            "calculatedFields": {
                **(made.get("calculatedFields") or {}),
                "orderAmount": {"currency": ("EUR", "EUR", "USD", None)[number % 4], "value": amount},
            },
        }


def day_of(order: Mapping[str, Any]) -> dt.date:
    """The day of the latest delivery in Amsterdam."""
    moment = dt.datetime.fromisoformat(order["delivery"]["latestDeliveryDateTime"])
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).astimezone(AMSTERDAM).date()


def revenue_by_week(
    served: Mapping[str, list[Mapping[str, Any]]],
    names: Mapping[tuple[str, str], str],
    *,
    first: dt.date = dt.date.min,
    last: dt.date = dt.date.max,
) -> set[Row]:
    """The rows of the report, from each account's records and each account's names of trade items."""
    weeks: dict[Row, list[Mapping[str, Any]]] = defaultdict(list)
    revenue: dict[Row, Decimal] = defaultdict(Decimal)
    for account, records in served.items():
        for order in records:
            if order["status"] != "COMMITTED":
                continue
            year, week, _ = day_of(order).isocalendar()
            amount = order["calculatedFields"]["orderAmount"]
            revenue[account, year, week, order["tradeItemId"], amount["currency"]] += amount["value"]
            if first <= day_of(order) <= last:
                weeks[account, year, week, order["tradeItemId"], amount["currency"]].append(order)
    return {
        (
            *(account, year, week, UUID(item), names.get((account, item)), currency),
            len(members),
            sum(order["numberOfPieces"] for order in members),
            sum(order["calculatedFields"]["orderAmount"]["value"] for order in members),
            revenue.get((account, year - 1, week, item, currency)),
        )
        for (account, year, week, item, currency), members in weeks.items()
    }


@pytest.fixture(scope="module")
def nurseries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Syncing, dict[str, Any], dict[Any, str]]]:
    """Two accounts with orders on the edges of weeks and years, synced; what was served; the names of their items."""
    served: dict[str, Any] = {"north": list(orders(1, 400)), "south": list(orders(2, 150))}
    names = {("north", ROSE): "Roos", ("north", TULIP): "Tulp", ("south", TULIP): "Tulp uit het zuiden"}
    with Sandbox(accounts=tuple(served), empty=True) as sandbox:
        for account, records in served.items():
            for number, order in enumerate(records, 1):
                sandbox.book(ORDERS, account).put(in_json({**order, "sequenceNumber": number}), number=number)
        for number, ((account, item), name) in enumerate(names.items(), 1):
            (made,) = valid_records(SUPPLIERS.feed(ITEMS), seed=number, count=1)
            changed = {"tradeItemId": item, "tradeItemName": {"nl": name}, "isDeleted": number == 1}
            sandbox.book(ITEMS, account).put(in_json({**made, **changed, "sequenceNumber": number}), number=number)
        syncing = Syncing(sandbox, tmp_path_factory.mktemp("reports") / "w.duckdb")
        syncing.sync()
        yield syncing, served, names


def test_every_row_is_right(nurseries: tuple[Syncing, dict[str, Any], dict[Any, str]]) -> None:
    """Week and year edges, summer time, currencies, unknown items and both accounts: all rows, nothing else."""
    syncing, served, names = nurseries

    rows = syncing.rows("FROM reports.revenue_by_week")

    assert len(rows) > 100
    assert len(rows) == len(set(rows))
    assert set(rows) == revenue_by_week(served, names)


def test_days_are_those_of_amsterdam(nurseries: tuple[Syncing, dict[str, Any], dict[Any, str]]) -> None:
    """Only orders from the first to the last day count; the revenue of last year is what it is without them."""
    syncing, served, names = nurseries
    first, last = dt.date(2025, 12, 29), dt.date(2026, 3, 29)

    rows = syncing.rows(f"FROM reports.revenue_by_week(from_date := '{first}', to_date := DATE '{last}')")

    assert {row[1:3] for row in rows} == {(2026, 1), (2026, 13)}
    assert [row for row in rows if row[-1] is not None]
    assert set(rows) == revenue_by_week(served, names, first=first, last=last)


def test_a_week_may_be_cut(nurseries: tuple[Syncing, dict[str, Any], dict[Any, str]]) -> None:
    """A day within a week leaves out the days before it."""
    syncing, served, names = nurseries
    first = dt.date(2027, 1, 1)

    rows = syncing.rows(f"FROM reports.revenue_by_week(from_date := DATE '{first}')")

    assert (2026, 53) in {row[1:3] for row in rows}
    assert set(rows) == revenue_by_week(served, names, first=first)


def test_one_currency(nurseries: tuple[Syncing, dict[str, Any], dict[Any, str]]) -> None:
    """With a currency, the rows of the others are left out."""
    syncing, served, names = nurseries

    rows = syncing.rows("FROM reports.revenue_by_week(currency := 'USD')")

    assert set(rows) == {row for row in revenue_by_week(served, names) if row[5] == "USD"}


def test_a_week_53_is_compared_with_a_week_53_alone(
    nurseries: tuple[Syncing, dict[str, Any], dict[Any, str]],
) -> None:
    """2026 has a week 53 and 2025 has none: there is no revenue of last year, although there was one in week 1."""
    syncing, _, _ = nurseries

    rows = syncing.rows("SELECT revenue_last_year FROM reports.revenue_by_week WHERE iso_week = 53")

    assert rows
    assert {value for (value,) in rows} == {None}


def test_newest_weeks_come_first(nurseries: tuple[Syncing, dict[str, Any], dict[Any, str]]) -> None:
    """Rows are ordered by account, then from the newest week to the oldest, then by currency and falling revenue."""
    syncing, _, _ = nurseries

    rows = syncing.rows("FROM reports.revenue_by_week")

    expected = sorted(rows, key=lambda row: (row[0], -row[1], -row[2], row[5] or "~", -row[8]))
    assert [row[:3] + row[5:] for row in rows] == [row[:3] + row[5:] for row in expected]


def test_empty_tables_give_no_rows(tmp_path: Path) -> None:
    """Without an order the report is there and empty."""
    with Sandbox(empty=True) as sandbox:
        syncing = Syncing(sandbox, tmp_path / "w.duckdb")
        syncing.sync()

        assert syncing.rows("FROM reports.revenue_by_week") == []


def test_an_order_without_a_moment_of_delivery_counts(tmp_path: Path) -> None:
    """It stands in a row without a week, unless days are asked for."""
    (order,) = orders(3, 1)
    without = {**order, "delivery": None, "status": "COMMITTED", "sequenceNumber": 1}
    with Sandbox(empty=True) as sandbox:
        sandbox.book(ORDERS).put(in_json(without), number=1)
        syncing = Syncing(sandbox, tmp_path / "w.duckdb")
        syncing.sync()

        assert syncing.rows("SELECT iso_year, iso_week, orders FROM reports.revenue_by_week") == [(None, None, 1)]
        assert syncing.rows("FROM reports.revenue_by_week(from_date := '2000-01-01')") == []
