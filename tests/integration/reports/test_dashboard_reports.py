"""For random filters, the figures that a browser shows equal the sums of the reports with the same parameters."""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from playwright.sync_api import Browser

from pipelines.dashboard import write_dashboard
from pipelines.reports import find_report
from pipelines.warehouse.file.connection import Warehouse
from tests.integration.report_warehouse import AMOUNT, ReportWarehouse, Row, text
from tests.integration.reports.test_dashboard_page import (
    DashboardPage,
    normalized,
    open_page,
    pytestmark,
)
from tests.moments import NOW

__all__ = ["pytestmark"]

THIS_WEEK = dt.date(2026, 11, 23)
"""The first day of the running week of the sandbox world."""
CHANGE_ADDRESS = """
    address => new Promise(resolve => {
      window.addEventListener("hashchange", resolve, { once: true });
      window.location.hash = address;
    })
"""


@dataclass(frozen=True)
class Filters:
    """A random choice; None and empty lists mean everything.

    Args:
        weeks: first and last Monday.
        partners: customers of a grower, growers of a buyer.
    """

    account: str | None
    weeks: tuple[dt.date, dt.date] | None
    partners: tuple[UUID, ...]
    items: tuple[UUID, ...]
    currency: str

    @classmethod
    def random(cls, warehouse: ReportWarehouse, random: Random) -> Filters:
        """Return a choice of what the warehouse has."""
        account = random.choice(["main", "second", None])
        orders = [order for owner, order in warehouse.committed_orders() if account in (None, owner)]
        field = "customerOrganizationId" if warehouse.api == "suppliers" else "sellerOrganizationId"
        partners = sorted({order[field] for order in orders if order.get(field)})
        items = sorted({order["tradeItemId"] for order in orders})
        currencies = sorted({text(order, f"{AMOUNT}.currency") or "" for order in orders} - {""})
        first, second = sorted(random.choices(range(1, 60), k=2), reverse=True)
        weeks = (THIS_WEEK - dt.timedelta(weeks=first), THIS_WEEK - dt.timedelta(weeks=random.choice([1, second])))
        return cls(
            account,
            random.choice([None, (min(weeks), max(weeks))]),
            tuple(map(UUID, random.sample(partners, random.choice([0, 0, 1, 3])))),
            tuple(map(UUID, random.sample(items, random.choice([0, 0, 1, 4])))),
            random.choice(currencies),
        )

    @property
    def address(self) -> str:
        """The end of the page's address that chooses the same."""
        weeks = "all" if self.weeks is None else "~".join("{}-W{:02}".format(*day.isocalendar()) for day in self.weeks)
        pairs = [("account", self.account or "*"), ("weeks", weeks), ("currency", self.currency)]
        return urlencode([*pairs, *(("partner", id) for id in self.partners), *(("item", id) for id in self.items)])

    def rows(self, warehouse: ReportWarehouse, report: str) -> list[Row]:
        """Return the rows of a report for these filters, as far as it has the parameters."""
        known = find_report(report).parameters
        values: dict[str, Any] = {"currency": self.currency}
        if self.weeks:
            values |= {"from_date": self.weeks[0], "to_date": self.weeks[1] + dt.timedelta(days=6)}
        partner = "customer" if warehouse.api == "suppliers" else "grower"
        choices = product(
            [{partner: id} for id in self.partners if partner in known] or [{}],
            [{"trade_item": id} for id in self.items if "trade_item" in known] or [{}],
        )
        rows = []
        for one, other in choices:
            parameters = {name: value for name, value in {**values, **one, **other}.items() if name in known}
            rows += [row for row in warehouse.report(report, **parameters) if self.account in (None, row[0])]
        return rows


def sums(report: str, rows: Sequence[Row], *columns: str, by: tuple[str, ...] = ()) -> dict[Row, list[Decimal]]:
    """Return the sums of columns of a report's rows, by the values of others."""
    names = list(find_report(report).columns)
    found: defaultdict[Row, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * len(columns))
    for row in rows:
        key = tuple(row[names.index(name)] for name in by)
        found[key] = [total + (row[names.index(name)] or 0) for total, name in zip(found[key], columns, strict=True)]
    return dict(found)


def number(shown: str) -> Decimal:
    """Return a number of a table; a dash is zero."""
    return Decimal(re.sub(r"[^0-9.\-]", "", normalized(shown)) or 0)


def shown_total(dashboard: DashboardPage, section: str, columns: slice) -> list[Decimal]:
    """Return some cells of the total of a section's table; zeros if it has no rows."""
    rows = dashboard.cells(f"#{section} tfoot tr")
    return [number(cell) for cell in rows[0][columns]] if rows else [Decimal(0)] * (columns.stop - columns.start)


def shown_rows(dashboard: DashboardPage, section: str, columns: slice) -> list[list[Decimal]]:
    """Return some cells of all rows of a section's table, in order of their values."""
    return sorted([number(cell) for cell in row[columns]] for row in dashboard.cells(f"#{section} tbody tr"))


TOTALS = (
    ("revenue", "revenue_by_week", slice(2, 5), ("orders", "pieces", "revenue")),
    ("partners", "channel_mix", slice(2, 5), ("orders", "pieces", "revenue")),
    ("clock", "clock_versus_direct", slice(1, 3), ("orders", "pieces")),
    ("fill", "fill_rate", slice(1, 4), ("orders", "ordered_pieces", "delivered_pieces")),
    ("loadcarriers", "load_carriers", slice(1, 5), ("carriers", "additional_layers", "invoiced", "invoiced_layers")),
    ("punctuality", "on_time_delivery", slice(1, 5), ("load_carriers", "on_time", "late", "not_received")),
    ("corrections", "corrections", slice(1, 4), ("requests", "accepted", "declined")),
    ("corrections", "corrections", slice(5, 7), ("pieces_delta", "value_delta")),
    ("stock", "sell_through", slice(2, 4), ("initial_pieces", "sold_pieces")),
    ("stock", "sell_through", slice(6, 7), ("remaining_pieces",)),
)
"""Sections, and for some cells of the total of their tables, the report and the columns that they add up."""


def check_grower(dashboard: DashboardPage, warehouse: ReportWarehouse, filters: Filters) -> None:
    """Compare all sections of a grower's page with the reports."""
    dashboard.page.evaluate(CHANGE_ADDRESS, filters.address)
    for section, report, columns, measures in TOTALS:
        expected = sums(report, filters.rows(warehouse, report), *measures).get((), [Decimal(0)] * len(measures))
        assert shown_total(dashboard, section, columns) == rounded(expected), section
    check_missing_pieces(dashboard, filters.rows(warehouse, "fill_rate"))
    others = sums("sell_through", filters.rows(warehouse, "sell_through"), "other_pieces")
    assert [sum(shown_total(dashboard, "stock", slice(4, 6)))] == others.get((), [Decimal(0)])
    costs = shown_total(dashboard, "corrections", slice(1, 7))
    assert shown_total(dashboard, "causes", slice(1, 7)) == costs
    sold = filters.rows(warehouse, "revenue_by_week")
    by_item = sums("revenue_by_week", sold, "orders", "pieces", "revenue", by=("account", "trade_item_id"))
    shown = [row for row in shown_rows(dashboard, "items", slice(1, 4)) if row[0]]  # others sold only a year earlier
    assert shown == sorted(rounded(row) for row in by_item.values() if row[0])
    check_last_year(dashboard, sold, filters)
    if not filters.partners:
        ranking = filters.rows(warehouse, "customer_ranking")
        customers = sums("customer_ranking", ranking, "orders", "pieces", "revenue", by=("customer_organization_id",))
        assert shown_rows(dashboard, "partners", slice(2, 5)) == sorted(map(rounded, customers.values()))
    if not filters.items:
        of_all_weeks = replace(filters, weeks=None).rows(warehouse, "invoice_reconciliation")
        cause = list(find_report("invoice_reconciliation").columns).index("cause")
        invoices = [row for row in of_all_weeks if row[cause] != "CANNOT_BE_KNOWN"]
        amounts = sums(
            "invoice_reconciliation", invoices, "order_amount", "invoiced_amount", "open_amount", "excess_amount"
        )
        expected = [Decimal(len(invoices)), *amounts.get((), [Decimal(0)] * 4)]
        assert shown_total(dashboard, "invoices", slice(2, 7)) == rounded(expected)


def check_missing_pieces(dashboard: DashboardPage, rows: Sequence[Row]) -> None:
    """Compare missing pieces with the report: what did not leave yet is short there, and a cancelled order reduced."""
    expected = sums("fill_rate", rows, "short_by_grower", "short_by_customer", "over_delivered")
    short, pending, reduced, cancelled, over = shown_total(dashboard, "fill", slice(4, 9))
    assert [short + pending, reduced + cancelled, over] == expected.get((), [Decimal(0)] * 3)


def check_last_year(dashboard: DashboardPage, sold: Sequence[Row], filters: Filters) -> None:
    """Compare what each week brought in a year earlier, if it can be compared, with the report's column."""
    if filters.account is None:
        return
    before = sums("revenue_by_week", sold, "revenue_last_year", by=("iso_year", "iso_week"))
    names = dashboard.page.locator("#revenue thead th").all_text_contents()
    place = names.index("A year earlier") if names else 0
    for row in dashboard.rows("revenue"):
        week, earlier = row[0], row[place]
        found = re.fullmatch(r"week (\d+), (\d+)", week)
        if found and earlier != "\u2013":
            expected = before.get((int(found[2]), int(found[1])), [Decimal(0)])
            assert number(earlier) == rounded(expected)[0], week


def rounded(values: Sequence[Decimal]) -> list[Decimal]:
    """Return values with the decimals of the page's tables."""
    return [Decimal(value).quantize(Decimal("0.01")) if value != int(value) else Decimal(value) for value in values]


def check_buyer(dashboard: DashboardPage, warehouse: ReportWarehouse, filters: Filters) -> None:
    """Compare the spend on a buyer's page with the report."""
    dashboard.page.evaluate(CHANGE_ADDRESS, filters.address)
    spend = filters.rows(warehouse, "spend_by_grower")
    expected = sums("spend_by_grower", spend, "orders", "pieces", "spend")
    assert shown_total(dashboard, "revenue", slice(2, 5)) == rounded(expected.get((), [Decimal(0)] * 3))
    growers = sums("spend_by_grower", spend, "orders", "pieces", "spend", by=("grower_organization_id",))
    assert shown_rows(dashboard, "partners", slice(2, 5)) == sorted(map(rounded, growers.values()))


def check_random(warehouse: ReportWarehouse, browser: Browser, folder: Path, seeds: range) -> None:
    """Compare the page with the reports for a random choice of each seed."""
    path = write_dashboard(Warehouse(warehouse.path), folder / "page.html", NOW).path
    check = check_grower if warehouse.api == "suppliers" else check_buyer
    with open_page(browser, path) as dashboard:
        for seed in seeds:
            check(dashboard, warehouse, Filters.random(warehouse, Random(seed)))


@pytest.mark.parametrize(("world", "seeds"), [("grower_world", range(1)), ("buyer_world", range(3))])
def test_figures_equal_the_reports(
    world: str, seeds: range, browser: Browser, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """For a few random filters, the tables of the page add up to the rows of the reports."""
    check_random(request.getfixturevalue(world), browser, tmp_path, seeds)


@pytest.mark.slow
@pytest.mark.parametrize("world", ["grower_world", "buyer_world"])
def test_figures_equal_the_reports_for_many_filters(
    world: str, browser: Browser, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """For fifty random filters, the tables of the page add up to the rows of the reports."""
    check_random(request.getfixturevalue(world), browser, tmp_path, range(100, 150))
