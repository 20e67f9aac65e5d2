"""Report ``customer_changes``: customers that stopped, fell, grew or are new."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise
from statistics import median
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
    id_of,
    make_record,
    nulls_last,
    quotient,
    text,
    timestamp,
    uuid,
)
from tests.integration.reports.comparable_weeks import (
    a_year_earlier,
    added,
    compared_weeks,
    in_both_years,
    monday_of,
    revenue_of,
)
from tests.integration.reports.handmade_orders import BLOOM, PETAL, ROSE, TULIP
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters
from tests.integration.reports.timed_reports import report_with_query_time, today
from tests.moments import NOW, real_now

REPORT = "customer_changes"
AUTUMN = Parameters(from_date=NOW.date() - dt.timedelta(weeks=12), to_date=NOW.date())


def expected_rows(warehouse: ReportWarehouse, now: dt.datetime, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records, in Python."""
    pairs, orders_of, rows = compared_weeks(warehouse, now, parameters, 13), defaultdict(list), []
    for account, order in replace(parameters, from_date=None, to_date=None).select_orders(warehouse):
        orders_of[account, uuid(order, "customerOrganizationId"), text(order, f"{AMOUNT}.currency")].append(order)
    names = warehouse.organization_names()
    for (account, customer, currency), orders in orders_of.items():
        weeks = pairs.get(account, [])
        this_year, last_year = in_both_years(orders, weeks)
        if this_year or last_year or any(is_in_period(order, now, parameters) for order in orders):
            ordered_at = [time for order in orders if (time := timestamp(order, "orderDateTime"))]
            row = (account, customer, names.get((account, customer)), currency)
            last_order = max(ordered_at, default=None)
            measures = change(this_year, last_year)
            rows.append((*row, *measures, len(weeks), last_order, *silence(orders, today(now))))
    return sorted(rows, key=sort_key)


def is_in_period(order: Json, now: dt.datetime, parameters: Parameters) -> bool:
    """Return whether an order is delivered in the period, or in the last 13 weeks and the days since."""
    to_date = parameters.to_date or today(now)
    end = min(to_date + dt.timedelta(days=1), today(now)) if parameters.to_date else today(now)
    from_date = parameters.from_date or monday_of(end) - dt.timedelta(weeks=13)
    date = day(order, DELIVERY)
    return date is not None and from_date <= date <= to_date


def change(this_year: list[Json], last_year: list[Json]) -> tuple[Any, ...]:
    """Return status, orders and revenue of both years, change and growth."""
    revenue, before = revenue_of(this_year), revenue_of(last_year)
    if not this_year and not last_year:
        status = None
    elif not last_year or not this_year:
        status = "STOPPED" if last_year else "NEW"
    elif revenue is None or before is None:
        status = None
    else:
        status = "FALLEN" if revenue < before else "GROWN" if revenue > before else "UNCHANGED"
    change = added(revenue, before)
    return (status, len(this_year), len(last_year), revenue, before, change, quotient(change, before))


def silence(orders: list[Json], today: dt.date) -> tuple[Any, ...]:
    """Return days of silence, usual days between deliveries, whether that is a silence, and last and next delivery."""
    days = sorted({date for order in orders if (date := day(order, DELIVERY))})
    last = max((date for date in days if date <= today), default=None)
    following = min((date for date in days if date > today), default=None)
    silent = (today - last).days if last else None
    intervals = [(after - before).days for before, after in pairwise(days)]
    usual = median(intervals) if len(days) >= 4 else None
    is_long = usual is not None and silent is not None and silent >= 21 and silent >= 4 * usual
    return silent, usual, is_long and following is None, last, following


def sort_key(row: Row) -> Row:
    """Return the sort key: those that lost most first."""
    account, customer, name, currency, *measures = row
    return (account, nulls_last(currency), nulls_last(measures[5]), nulls_last(name), nulls_last(customer))


def test_grower_world(grower_world: ReportWarehouse) -> None:
    """For a grower in the sandbox world, the report has exactly the expected rows."""
    rows, now = report_with_query_time(grower_world, REPORT, AUTUMN)

    assert rows
    assert rows == expected_rows(grower_world, now, AUTUMN)


def test_buyer_world(buyer_world: ReportWarehouse) -> None:
    """For a buyer in the sandbox world, the report has exactly the expected rows."""
    rows, now = report_with_query_time(buyer_world, REPORT, AUTUMN)

    assert rows
    assert rows == expected_rows(buyer_world, now, AUTUMN)


PERIOD = Parameters(from_date=dt.date(2025, 1, 1), to_date=dt.date(2026, 12, 31))
FILTERS = (
    PERIOD,
    replace(PERIOD, currency="USD"),
    replace(PERIOD, customer=UUID(BLOOM)),
    replace(PERIOD, trade_item=UUID(ROSE)),
)


@pytest.mark.parametrize("parameters", [NO_FILTER, *DATE_RANGES, *FILTERS], ids=repr)
def test_handmade_orders(grower_orders: ReportWarehouse, parameters: Parameters) -> None:
    """Rows are correct for two accounts, two currencies, unknown customers and orders without a day or a value."""
    rows, now = report_with_query_time(grower_orders, REPORT, parameters)

    assert rows == expected_rows(grower_orders, now, parameters)
    if parameters in FILTERS:
        assert {row[4] for row in rows} & {"GROWN", "FALLEN", "NEW", "STOPPED"}


@pytest.fixture
def changes(warehouse: ReportWarehouse) -> ReportWarehouse:
    """A warehouse in which one customer of each status bought in the last weeks and in those a year earlier."""
    sales = {"bloom": (30, 20), "petal": (10, 20), "new": (10, 0), "stopped": (0, 10), "equal": (20, 20)}
    for number, (name, revenues) in enumerate(sales.items()):
        orders = [
            sale(10 * number + index, date, id_of(name), revenue)
            for index, (date, revenue) in enumerate(zip(("2026-03-10", "2025-03-11"), revenues, strict=True))
            if revenue
        ]
        warehouse.store(ORDERS, orders)
    warehouse.store(ORDERS, [sale(100, "2026-03-18", id_of("stopped"), 500)])  # week 12 is unknown a year earlier
    return warehouse


def test_a_customer_of_each_status(changes: ReportWarehouse) -> None:
    """Customers that lost most are first; a week that only one year has changes no status."""
    rows = changes.report(REPORT, from_date="2026-03-02", to_date="2026-03-31")

    assert [(row[1], row[4], *row[7:10], row[11]) for row in rows] == [
        (UUID(id_of("petal")), "FALLEN", 10, 20, -10, 1),
        (UUID(id_of("stopped")), "STOPPED", 0, 10, -10, 1),
        (UUID(id_of("equal")), "UNCHANGED", 20, 20, 0, 1),
        (UUID(id_of("bloom")), "GROWN", 30, 20, 10, 1),
        (UUID(id_of("new")), "NEW", 10, 0, 10, 1),
    ]


def test_an_unknown_revenue_is_not_a_loss(changes: ReportWarehouse) -> None:
    """If the amounts of a year are unknown, revenue, change, growth and status are NULL, and not those of a loss."""
    changes.store(
        ORDERS, [sale(300, "2026-03-10", id_of("unknown"), None), sale(301, "2025-03-11", id_of("unknown"), 9)]
    )

    row = changes.report(REPORT, from_date="2026-03-02", to_date="2026-03-31")[-1]

    assert (row[1], *row[4:11]) == (UUID(id_of("unknown")), None, 1, 1, None, 9, None, None)


def test_no_status_without_comparable_weeks(changes: ReportWarehouse) -> None:
    """A customer that bought in weeks without a counterpart has a row without status and growth."""
    rows = changes.report(REPORT, from_date="2026-03-16", to_date="2026-03-22")

    assert [(row[1], row[4], row[7], row[10], row[11]) for row in rows] == [(UUID(id_of("stopped")), None, 0, None, 0)]


def test_the_last_thirteen_weeks_are_compared(warehouse: ReportWarehouse) -> None:
    """Without a period, the last 13 ended weeks are compared, and a customer that stopped keeps its last order."""
    monday = monday_of(today(real_now()))
    weeks = [monday - dt.timedelta(weeks=number) for number in (14, 13, 1, 0)]
    earlier = [date for date in map(a_year_earlier, weeks) if date]
    warehouse.store(ORDERS, [sale(number, f"{week}", BLOOM, 10) for number, week in enumerate(weeks)])
    warehouse.store(ORDERS, [sale(10 + number, f"{week}", PETAL, 10) for number, week in enumerate(earlier)])

    rows = {row[1]: row[4:6] + row[11:13] for row in warehouse.report(REPORT)}

    ordered_at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    compared = sum(a_year_earlier(week) is not None for week in weeks[1:3])  # both, unless one is a week 53
    assert rows == {
        UUID(BLOOM): ("NEW", compared, compared, ordered_at),
        UUID(PETAL): ("STOPPED", 0, compared, ordered_at),
    }


def test_silence_is_measured_by_the_own_rhythm(warehouse: ReportWarehouse) -> None:
    """Four weeks without a delivery are a silence for a weekly customer, but not for one that orders every ten days."""
    end = today(real_now())
    rhythms = {"weekly": (7, 28), "ten days": (10, 39), "yesterday": (1, 20), "few": (7, 60)}
    for number, (name, (interval, silent)) in enumerate(rhythms.items()):
        days = [end - dt.timedelta(days=silent + interval * place) for place in range(3 if name == "few" else 6)]
        warehouse.store(
            ORDERS, [sale(10 * number + place, f"{date}", id_of(name), 10) for place, date in enumerate(days)]
        )

    rows = {row[1]: row[13:16] for row in warehouse.report(REPORT)}

    assert {name: rows[UUID(id_of(name))] for name in rhythms} == {
        "weekly": (28, 7, True),
        "ten days": (39, 10, False),
        "yesterday": (20, 1, False),
        "few": (60, None, False),
    }


def test_a_customer_with_a_delivery_to_come_is_not_silent(warehouse: ReportWarehouse) -> None:
    """The last delivery is the last one until today; a later one ends the silence, and has a column of its own."""
    end = today(real_now())
    days = [end - dt.timedelta(days=30 + 7 * place) for place in range(6)]
    coming = [end + dt.timedelta(days=place) for place in (3, 9)]
    warehouse.store(ORDERS, [sale(place, f"{date}", PETAL, 10) for place, date in enumerate([*days, *coming])])

    ((*_, silent, usual, is_silent, last, following),) = warehouse.report(REPORT)
    assert (silent, usual, is_silent) == (30, 7, False)
    assert (last, following) == (days[0], coming[0])


def test_the_orders_behind_a_change(changes: ReportWarehouse) -> None:
    """The report sums the orders of its weeks in both years, for each item alone too."""
    changes.store(ORDERS, [{**sale(200, "2026-03-12", PETAL, 7), "tradeItemId": TULIP}])

    rows = changes.report(REPORT, from_date="2026-03-02", to_date="2026-03-31", trade_item=TULIP)

    assert [(row[1], row[4], row[7]) for row in rows] == [(UUID(PETAL), "NEW", 7)]


def test_empty_warehouse(warehouse: ReportWarehouse) -> None:
    """Without any records, the report exists and has no rows."""
    assert warehouse.report(REPORT) == []


def sale(seed: int, date: str, customer: str, revenue: int | None) -> Json:
    """Return an order of roses that is delivered on a day."""
    return make_record(
        "suppliers",
        ORDERS,
        seed,
        status="COMMITTED",
        isDeleted=False,
        customerOrganizationId=customer,
        tradeItemId=ROSE,
        numberOfPieces=12,
        orderDateTime="2026-01-01T00:00:00Z",
        delivery={"latestDeliveryDateTime": f"{date}T10:00:00Z"},
        calculatedFields={"orderAmount": {"currency": "EUR", "value": revenue}},
    )
