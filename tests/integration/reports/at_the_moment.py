"""Reports that depend on the time: what they give, and the moment at which they were asked."""

from __future__ import annotations

import datetime as dt

from tests.integration.reporting import AMSTERDAM, Reporting, Row
from tests.integration.reports.asked import ALL, Asked
from tests.moments import real_now


def report_at_the_moment(told: Reporting, name: str, asked: Asked = ALL) -> tuple[list[Row], dt.datetime]:
    """All rows of a report, in its order, and what the time was to DuckDB."""
    given = ", ".join(f"{parameter} := ${parameter}" for parameter in asked.given)
    rows = told.rows(f"SELECT now(), * FROM reports.{name}({given})", asked.given)
    return [row[1:] for row in rows], rows[0][0] if rows else real_now()


def today(now: dt.datetime) -> dt.date:
    """The day in Amsterdam."""
    return now.astimezone(AMSTERDAM).date()
