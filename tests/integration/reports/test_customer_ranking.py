"""Report ``customer_ranking``: customers by revenue."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from uuid import UUID

import pytest

from tests.integration.report_warehouse import (
    AMOUNT,
    ORDERS,
    Json,
    ReportWarehouse,
    Row,
    descending,
    id_of,
    make_record,
    merged,
    nulls_last,
    number,
    quotient,
    text,
    total,
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
from tests.integration.reports.handmade_orders import BLOOM, PETAL, ROSE
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters
from tests.integration.reports.timed_reports import report_with_query_time, today
from tests.moments import real_now

REPORT = "customer_ranking"


def expected_rows(warehouse: ReportWarehouse, now: dt.datetime, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records, in Python."""
    pairs, orders_of = compared_weeks(warehouse, now, parameters, 52), defaultdict(list)
    for account, order in replace(parameters, from_date=None, to_date=None).select_orders(warehouse):
        orders_of[account, uuid(order, "customerOrganizationId"), text(order, f"{AMOUNT}.currency")].append(order)
    growths = {}
    for group, orders in orders_of.items():
        this_year, last_year = in_both_years(orders, pairs.get(group[0], []))
        ratio = quotient(added(revenue_of(this_year), revenue_of(last_year)), revenue_of(last_year))
        growths[group] = (ratio, len(pairs.get(group[0], [])))
    return [(*row, *growths[row[0], row[1], row[3]]) for row in ranking(warehouse, parameters)]


def ranking(warehouse: ReportWarehouse, parameters: Parameters) -> list[Row]:
    """Compute the report's rows without the growth."""
    names, customers = warehouse.organization_names(), defaultdict(list)
    for account, order in parameters.select_orders(warehouse):
        customers[account, text(order, f"{AMOUNT}.currency"), uuid(order, "customerOrganizationId")].append(order)
    rows = [
        (
            *customer,
            len(orders),
            total(order["numberOfPieces"] for order in orders),
            total(number(order, f"{AMOUNT}.value") for order in orders),
        )
        for customer, orders in customers.items()
    ]
    rows.sort(key=lambda row: (row[0], nulls_last(row[1]), descending(row[5]), nulls_last(row[2])))
    return [
        (account, customer, names.get((account, customer)), currency, *measures)
        for _, ranked in groupby(rows, key=lambda row: row[:2])
        for account, currency, customer, *measures in with_shares(list(ranked))
    ]


def with_shares(rows: list[Row]) -> Iterator[Row]:
    """Add shares and ranks to the rows of one account and currency, which are in descending order of revenue."""
    revenues = [row[-1] for row in rows]
    for index, row in enumerate(rows):
        shares = [quotient(part, total(revenues)) for part in (row[-1], total(revenues[: index + 1]))]
        yield (*row, *shares, revenues.index(row[-1]) + 1)


def test_grower_world(grower_world: ReportWarehouse) -> None:
    """For a grower in the sandbox world, the rows are as expected; one customer's organization is unknown."""
    rows, now = report_with_query_time(grower_world, REPORT)

    assert {row[3] for row in rows} == {"EUR", "USD"}
    assert None in {row[2] for row in rows}
    assert rows == expected_rows(grower_world, now)


def test_buyer_world(buyer_world: ReportWarehouse) -> None:
    """For a buyer in the sandbox world, the rows are as expected: itself and the organizations it buys for."""
    rows, now = report_with_query_time(buyer_world, REPORT)

    assert len(rows) > 2
    assert rows == expected_rows(buyer_world, now)


@pytest.mark.parametrize(
    "parameters", [NO_FILTER, *DATE_RANGES, Parameters(currency="USD"), Parameters(trade_item=UUID(ROSE))], ids=repr
)
def test_handmade_orders(grower_orders: ReportWarehouse, parameters: Parameters) -> None:
    """Rows are correct for two accounts, two currencies and unknown customers; parameters also restrict the shares."""
    rows, now = report_with_query_time(grower_orders, REPORT, parameters)

    assert rows
    assert rows == expected_rows(grower_orders, now, parameters)


def test_days_as_text(grower_orders: ReportWarehouse) -> None:
    """In SQL, a day can be passed as text."""
    parameters = DATE_RANGES[2]

    rows = grower_orders.report(REPORT, from_date=str(parameters.from_date), to_date=str(parameters.to_date))

    assert rows == expected_rows(grower_orders, real_now(), parameters)


def test_equal_revenue_has_equal_rank(warehouse: ReportWarehouse) -> None:
    """Customers with equal revenue have the same rank, the next ranks are skipped, and cumulative shares still rise."""
    revenues = {"a": 30, "b": 10, "c": 30, "d": 30}
    warehouse.store(ORDERS, [order(id_of(name), revenue) for name, revenue in revenues.items()])

    ranks = [(row[6], float(row[7]), float(row[8]), row[9]) for row in warehouse.report(REPORT)]

    assert ranks == [(30, 0.3, 0.3, 1), (30, 0.3, 0.6, 1), (30, 0.3, 0.9, 1), (10, 0.1, 1.0, 4)]


def test_no_share_of_zero_or_unknown_revenue(warehouse: ReportWarehouse) -> None:
    """A customer has no share if the total revenue is 0 or if the orders have no value."""
    warehouse.store(ORDERS, [order(BLOOM, 0), {**order(PETAL, 0), "calculatedFields": None}])

    assert [row[3:10] for row in warehouse.report(REPORT)] == [
        ("EUR", 1, 12, 0, None, None, 1),
        (None, 1, 12, None, None, None, 1),
    ]


def test_steady_sales_do_not_grow(warehouse: ReportWarehouse) -> None:
    """Of sixty weeks with equal sales on each day, the last weeks that both years have are compared: no growth."""
    last = monday_of(today(real_now())) - dt.timedelta(days=1)
    days = [last - dt.timedelta(days=number) for number in range(60 * 7 - 3)]  # the first week has four days
    warehouse.store(ORDERS, [sale(number, date) for number, date in enumerate(days)])

    ((*_, growth, weeks),) = warehouse.report(REPORT, from_date=last - dt.timedelta(days=52 * 7 - 1), to_date=last)

    assert growth == 0
    assert 6 <= weeks <= 8  # a year of 53 weeks has one week without a counterpart


def test_the_running_week_is_not_compared(warehouse: ReportWarehouse) -> None:
    """Sales of the running week, and of weeks to come, do not change the growth."""
    monday = monday_of(today(real_now()))
    weeks = [monday + dt.timedelta(weeks=number) for number in (-2, -1, 0, 1)]
    earlier = [date for date in map(a_year_earlier, weeks) if date]
    warehouse.store(ORDERS, [sale(number, date) for number, date in enumerate([*earlier, *weeks])])
    warehouse.store(ORDERS, [sale(100 + number, monday) for number in range(3)])

    compared = sum(a_year_earlier(week) is not None for week in weeks[:2])  # both, unless one is a week 53
    assert [row[-2:] for row in warehouse.report(REPORT)] == [(0, compared)]


def test_growth_of_customers_in_comparable_weeks(warehouse: ReportWarehouse) -> None:
    """Weeks that only one year has are left out for all customers, also for those that bought in them."""
    warehouse.store(
        ORDERS,
        [
            sale(1, dt.date(2024, 3, 4), BLOOM),  # week 10
            sale(2, dt.date(2025, 3, 3), BLOOM),
            sale(3, dt.date(2025, 3, 4), BLOOM),
            sale(4, dt.date(2025, 3, 4), PETAL),
            sale(5, dt.date(2025, 3, 11), BLOOM),  # week 11, unknown a year earlier
        ],
    )

    rows = warehouse.report(REPORT, from_date=dt.date(2025, 3, 3), to_date=dt.date(2025, 3, 16))

    assert [(row[1], row[6], *row[-2:]) for row in rows] == [(UUID(BLOOM), 30, 1, 1), (UUID(PETAL), 10, None, 1)]
    assert [row[-2:] for row in warehouse.report(REPORT, from_date="2025-03-10", to_date="2025-03-16")] == [(None, 0)]
    assert [row[-1] for row in warehouse.report(REPORT, from_date="2025-03-04", to_date="2025-03-16")] == [0, 0]


def test_empty_warehouse(warehouse: ReportWarehouse) -> None:
    """Without any records, the report exists and has no rows."""
    assert warehouse.report(REPORT) == []


def order(customer: str, revenue: int) -> Json:
    """Return an order of twelve pieces."""
    return make_record(
        "suppliers",
        ORDERS,
        UUID(customer).int % 10**9,
        status="COMMITTED",
        customerOrganizationId=customer,
        numberOfPieces=12,
        calculatedFields={"orderAmount": {"currency": "EUR", "value": revenue}},
    )


def sale(seed: int, date: dt.date, customer: str = BLOOM) -> Json:
    """Return an order for ten euros that is delivered on a day."""
    delivery = {"latestDeliveryDateTime": f"{date:%Y-%m-%d}T10:00:00Z"}
    return merged(order(customer, 10), {"salesOrderId": id_of(f"sale {seed}"), "delivery": delivery})
