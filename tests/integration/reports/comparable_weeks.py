"""Weeks that both years have, computed from the records in Python."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from tests.integration.report_warehouse import AMOUNT, DELIVERY, Json, ReportWarehouse, day, number, total
from tests.integration.reports.report_parameters import NO_FILTER, Parameters
from tests.integration.reports.timed_reports import today

WeekPair = tuple[dt.date, dt.date]
"""The Monday of a week, and that of the week of the same number a year earlier."""


def monday_of(date: dt.date) -> dt.date:
    """Return the Monday of a day's week."""
    return date - dt.timedelta(days=date.weekday())


def a_year_earlier(monday: dt.date) -> dt.date | None:
    """Return the Monday of the week of the same number a year earlier; None for a week 53 that the year lacks."""
    year, week, _ = monday.isocalendar()
    has_week = week <= dt.date(year - 1, 12, 28).isocalendar().week
    return dt.date.fromisocalendar(year - 1, week, 1) if has_week else None


def compared_weeks(
    warehouse: ReportWarehouse, now: dt.datetime, parameters: Parameters, default_weeks: int
) -> dict[str, list[WeekPair]]:
    """Return the weeks that can be compared in the period, by account.

    Args:
        warehouse: warehouse that contains the orders.
        now: time of the report's query.
        parameters: parameters of the report.
        default_weeks: number of weeks before the end of the period that are compared if it has no first day.
    """
    days = defaultdict(set)
    for account, order in NO_FILTER.select_orders(warehouse):
        if (date := day(order, DELIVERY)) and monday_of(date) < monday_of(today(now)):
            days[account].add(date)
    end = min(today(now), parameters.to_date + dt.timedelta(days=1) if parameters.to_date else today(now))
    first = parameters.from_date or monday_of(end) - dt.timedelta(weeks=default_weeks)
    return {
        account: [
            pair
            for pair in _pairs(sold)
            if pair[0] >= first and (parameters.to_date is None or pair[0] + dt.timedelta(days=6) <= parameters.to_date)
        ]
        for account, sold in days.items()
    }


def _pairs(days: Iterable[dt.date]) -> list[WeekPair]:
    """Return the weeks that have an order in both years; the first week must not begin later than its counterpart."""
    weeks = defaultdict(list)
    for date in sorted(days):
        weeks[date.isocalendar()[:2]].append(date)
    first_week = min(weeks)
    return [
        (monday_of(sold[0]), monday_of(weeks[year - 1, week][0]))
        for (year, week), sold in sorted(weeks.items())
        if (year - 1, week) in weeks
        and ((year - 1, week) != first_week or weeks[year - 1, week][0].weekday() <= sold[0].weekday())
    ]


def in_both_years(orders: Iterable[Json], pairs: Iterable[WeekPair]) -> tuple[list[Json], list[Json]]:
    """Return the orders of the compared weeks, and those of the same weeks a year earlier."""
    mondays = [(order, monday_of(date)) for order in orders if (date := day(order, DELIVERY))]
    this_year, last_year = ({pair[index] for pair in pairs} for index in (0, 1))
    return (
        [order for order, monday in mondays if monday in this_year],
        [order for order, monday in mondays if monday in last_year],
    )


def revenue_of(orders: Sequence[Json]) -> Any:
    """Return the revenue of orders in one currency, 0 without any order, None if no amount is known."""
    return total(number(order, f"{AMOUNT}.value") for order in orders) if orders else 0


def added(revenue: Any, before: Any) -> Any:
    """Return the difference of two revenues, None if one of them is not known."""
    return None if revenue is None or before is None else revenue - before
