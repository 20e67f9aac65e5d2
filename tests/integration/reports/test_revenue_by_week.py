"""Report ``revenue_by_week``: revenue by week of delivery."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import replace
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
    id_of,
    make_record,
    nulls_last,
    number,
    text,
    total,
    uuid,
    week_of,
)
from tests.integration.reports.comparable_weeks import a_year_earlier, monday_of
from tests.integration.reports.handmade_orders import BLOOM, ROSE
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters
from tests.integration.reports.timed_reports import report_with_query_time, today
from tests.moments import real_now

REPORT = "revenue_by_week"


def expected_rows(warehouse: ReportWarehouse, now: dt.datetime, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records at the time of the query, in Python."""
    running = week_of(today(now))
    names, rows = warehouse.trade_item_names(), []
    all_weeks = weeks(warehouse, replace(parameters, from_date=None, to_date=None))
    sold = weeks(warehouse, parameters)
    for key in {*sold, *only_last_year(warehouse, parameters, all_weeks, running)}:
        (account, year, week, item, currency), orders = key, sold.get(key, [])
        is_over = year and (year, week) < running
        before = all_weeks.get((account, year - 1, week, item, currency)) if is_over else None
        sums = (total(order["numberOfPieces"] for order in orders), revenue(orders)) if orders else (0, 0)
        measures = (len(orders), *sums, before and revenue(before))
        rows.append((account, year, week, item, names.get((account, item)), currency, *measures))
    return sorted(rows, key=sort_key)


def only_last_year(
    warehouse: ReportWarehouse, parameters: Parameters, all_weeks: dict[Row, list[Json]], running: Row
) -> set[Row]:
    """Return the keys of rows for what was sold a year before weeks that are over and that the report covers."""
    days = defaultdict(list)
    for account, order in NO_FILTER.select_orders(warehouse):
        if delivered := day(order, DELIVERY):
            days[account].append(delivered)
    found = set()
    for account, year, week, item, currency in all_weeks:
        first, last = parameters.from_date or min(days[account]), parameters.to_date or max(days[account])
        has_week = year and week <= dt.date(year + 1, 12, 28).isocalendar().week
        if has_week and week_of(first) <= (year + 1, week) <= week_of(last) and (year + 1, week) < running:
            found.add((account, year + 1, week, item, currency))
    return found


def weeks(warehouse: ReportWarehouse, parameters: Parameters) -> dict[Row, list[Json]]:
    """Return the selected orders by account, year, week, trade item and currency."""
    found = defaultdict(list)
    for account, order in parameters.select_orders(warehouse):
        week = week_of(day(order, DELIVERY))
        found[account, *week, uuid(order, "tradeItemId"), text(order, f"{AMOUNT}.currency")].append(order)
    return found


def revenue(orders: list[Json]) -> Any:
    """Return the revenue of orders in one currency."""
    return total(number(order, f"{AMOUNT}.value") for order in orders)


def sort_key(row: Row) -> Row:
    """Return the sort key: newest week first, then by currency, then the highest revenue first."""
    account, year, week, item, _, currency, _, _, value, _ = row
    return (account, descending(year), descending(week), nulls_last(currency), descending(value), nulls_last(item))


def test_grower_world(grower_world: ReportWarehouse) -> None:
    """For a grower in the sandbox world, the rows are as expected, some with revenue of the year before."""
    rows, now = report_with_query_time(grower_world, REPORT)

    assert any(row[-1] for row in rows)
    assert rows == expected_rows(grower_world, now)


def test_buyer_world(buyer_world: ReportWarehouse) -> None:
    """For a buyer in the sandbox world, the report has exactly the expected rows."""
    rows, now = report_with_query_time(buyer_world, REPORT)

    assert any(row[4] for row in rows)
    assert rows == expected_rows(buyer_world, now)


FILTERS = (Parameters(currency="USD"), Parameters(customer=UUID(BLOOM)), Parameters(trade_item=UUID(ROSE)))


@pytest.mark.parametrize("parameters", [NO_FILTER, *DATE_RANGES, *FILTERS], ids=repr)
def test_handmade_orders(grower_orders: ReportWarehouse, parameters: Parameters) -> None:
    """Rows are correct at week boundaries, across summer time changes, and for unknown trade items."""
    rows, now = report_with_query_time(grower_orders, REPORT, parameters)

    assert rows
    assert rows == expected_rows(grower_orders, now, parameters)


def test_handmade_orders_of_a_buyer(buyer_orders: ReportWarehouse) -> None:
    """For a buyer, the names of trade items come from another field."""
    rows, now = report_with_query_time(buyer_orders, REPORT)

    assert {"Roos", "Tulp", "Tulp uit het zuiden"} <= {row[4] for row in rows}
    assert rows == expected_rows(buyer_orders, now)


def test_period_does_not_restrict_last_year(warehouse: ReportWarehouse) -> None:
    """The period restricts the orders of this year's week, but not those of the same week last year."""
    days = ("2025-03-10", "2025-03-16", "2026-03-09", "2026-03-15")
    warehouse.store(ORDERS, [order(seed, f"{date}T12:00:00Z") for seed, date in enumerate(days)])

    rows = warehouse.report(REPORT, from_date="2026-03-15", to_date="2026-03-15")

    assert [(*row[1:3], row[-2], row[-1]) for row in rows] == [(2026, 11, 10, 20)]


def test_last_year_of_weeks_that_are_not_over(warehouse: ReportWarehouse) -> None:
    """Weeks that are not over stand beside no revenue of last year, and have no row for what was sold only then."""
    monday = monday_of(today(real_now()))
    mondays = [monday + dt.timedelta(weeks=weeks) for weeks in (-1, 0, 1)]
    earlier = [found for each in mondays if (found := a_year_earlier(each))]
    sold = [order(seed, f"{date}T12:00:00Z") for seed, date in enumerate([*mondays, *earlier])]
    only_then = [{**order(seed + 9, f"{date}T12:00:00Z"), "tradeItemId": BLOOM} for seed, date in enumerate(earlier)]
    warehouse.store(ORDERS, [*sold, *only_then])

    rows, now = report_with_query_time(warehouse, REPORT)

    assert rows == expected_rows(warehouse, now)
    assert {row[-1] for row in rows if row[1:3] >= week_of(today(now))} == {None}


def test_week_53_without_week_53_last_year(warehouse: ReportWarehouse) -> None:
    """Week 53 has no revenue of last year if last year has no week 53."""
    days = ("2025-12-29", "2026-12-31", "2027-01-03")
    warehouse.store(ORDERS, [order(seed, f"{date}T12:00:00Z") for seed, date in enumerate(days)])

    assert [(*row[1:3], row[-2], row[-1]) for row in warehouse.report(REPORT)] == [
        (2026, 53, 20, None),
        (2026, 1, 10, None),
    ]


def test_an_item_that_was_sold_only_last_year(warehouse: ReportWarehouse) -> None:
    """An item that is not sold any more has a row with last year's revenue, so that the sums of weeks are complete."""
    tulips = {**order(1, "2025-03-11T12:00:00Z"), "tradeItemId": id_of("tulip")}
    warehouse.store(ORDERS, [tulips, order(2, "2025-03-12T12:00:00Z"), order(3, "2026-03-10T12:00:00Z")])
    warehouse.store(ORDERS, [order(4, "2026-03-17T12:00:00Z"), order(5, "2024-12-31T12:00:00Z")])

    rows = [row[1:3] + row[6:] for row in warehouse.report(REPORT) if row[1] == 2026]

    assert rows == [
        (2026, 12, 1, 12, 10, None),
        (2026, 11, 1, 12, 10, 10),
        (2026, 11, 0, 0, 0, 10),
        (2026, 1, 0, 0, 0, 10),
    ]


def test_order_without_delivery_time(warehouse: ReportWarehouse) -> None:
    """An order without a delivery time has a row without a week, and is not within any period."""
    warehouse.store(ORDERS, [order(1, None)])

    assert [row[1:3] for row in warehouse.report(REPORT)] == [(None, None)]
    assert warehouse.report(REPORT, from_date="2000-01-01") == []
    assert warehouse.report(REPORT, to_date="2100-01-01") == []


def test_only_newest_versions_count(warehouse: ReportWarehouse) -> None:
    """Only the newest version of an order counts, and an order that was cancelled has no row."""
    warehouse.store(ORDERS, [order(1, "2026-03-10T12:00:00Z"), order(2, "2026-03-10T12:00:00Z")])
    changed = {"numberOfPieces": 3, "calculatedFields": {"orderAmount": {"currency": "EUR", "value": 7}}}
    warehouse.store(ORDERS, [{**order(1, "2026-03-17T12:00:00Z"), **changed}])
    warehouse.store(ORDERS, [{**order(2, "2026-03-10T12:00:00Z"), "status": "CANCELLED"}])

    assert [row[1:3] + row[6:] for row in warehouse.report(REPORT)] == [(2026, 12, 1, 3, 7, None)]


def test_empty_warehouse(warehouse: ReportWarehouse) -> None:
    """Without any records, the report exists and has no rows."""
    assert warehouse.report(REPORT) == []


def order(seed: int, delivery: str | None) -> dict[str, Any]:
    """Return an order of twelve roses for 10 euros."""
    return make_record(
        "suppliers",
        ORDERS,
        seed,
        status="COMMITTED",
        tradeItemId=ROSE,
        numberOfPieces=12,
        delivery={"latestDeliveryDateTime": delivery},
        calculatedFields={"orderAmount": {"currency": "EUR", "value": 10}},
    )
