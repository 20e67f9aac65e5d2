"""The feeds that a figure of the page needs: while one of them was never read, the figure is not known."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cache

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import tables_of
from pipelines.reports import find_report

_NAMES = frozenset(
    {
        "catalog.trade_items",
        "organizations.organizations",
        "organizations.warehouses",
        "organizations.delivery_locations",
    }
)
"""Tables from which reports take names and codes: without them, only these are missing."""
_ESSENTIAL = {
    "open_orders": ("orders.sales_orders",),
    "price_alerts": ("orders.sales_orders",),
    "stock_at_risk": ("supply.batches",),
    "contract_forecast": ("orders.contracts", "orders.sales_orders"),
}
"""Reports that say something without their other tables too."""


def needs_of(reports: Mapping[str, str], api: str, installed: Collection[str]) -> dict[str, list[str]]:
    """The feeds that each fact or list of the page needs, by the report that it is made from.

    ``left`` are those that tell what has left, where the page has such feeds.
    """
    tables = {name: _tables(report) for name, report in reports.items()}
    if "open_orders" in installed:
        tables["left"] = _all_tables("open_orders")
    feeds = _feeds(api)
    return {name: sorted({feeds[table] for table in of_it if table in feeds}) for name, of_it in tables.items()}


def _tables(report: str) -> Iterable[str]:
    return _ESSENTIAL.get(report) or _all_tables(report)


def _all_tables(report: str) -> Iterable[str]:
    return [table for table in find_report(report).tables if table not in _NAMES]


@cache
def _feeds(api: str) -> dict[str, str]:
    """The feed or snapshot of each table of an API."""
    return {
        table.qualified_name: source.name for source in catalogue_of(api).sources for table in tables_of(source).walk()
    }
