"""Rows of reports that depend on the current time, with the time at which DuckDB computed them."""

from __future__ import annotations

import datetime as dt

from tests.integration.report_warehouse import AMSTERDAM, ReportWarehouse, Row
from tests.integration.reports.report_parameters import NO_FILTER, Parameters
from tests.moments import real_now


def report_with_query_time(
    warehouse: ReportWarehouse, name: str, parameters: Parameters = NO_FILTER
) -> tuple[list[Row], dt.datetime]:
    """Return all rows of a report, in its order, and DuckDB's time of the query."""
    arguments = ", ".join(f"{parameter} := ${parameter}" for parameter in parameters.arguments)
    rows = warehouse.rows(f"SELECT now(), * FROM reports.{name}({arguments})", parameters.arguments)
    return [row[1:] for row in rows], rows[0][0] if rows else real_now()


def today(now: dt.datetime) -> dt.date:
    """Return the day of a time in Amsterdam."""
    return now.astimezone(AMSTERDAM).date()


def noon(days: int) -> dt.datetime:
    """Return noon in Amsterdam, some days ago, or after today if ``days`` is below 0."""
    return dt.datetime.combine(today(real_now()) - dt.timedelta(days=days), dt.time(12), AMSTERDAM)
