"""Lists of single orders and customers: the first rows of some reports, whatever weeks the page shows."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import duckdb

from pipelines.dashboard.selection import Selection
from pipelines.reports import define_details, find_report

LISTED = 200  # the most rows of a list, for each account and currency
MOST_LISTED = 400  # the most rows of a list together: of many accounts, each has fewer


_TODAY = "CAST(timezone('Europe/Amsterdam', now()) AS DATE)"
_DUE = f"""
CASE
    WHEN next_step = 'DELIVER' THEN 'left'
    WHEN departure < now() THEN 'late'
    WHEN departure_date <= {_TODAY} + 1 THEN CAST(departure_date AS VARCHAR)
    WHEN departure_date < date_trunc('week', {_TODAY}) + INTERVAL 7 DAY THEN 'week'
    ELSE 'later'
END"""
"""SQL: when an open order is due, as the filter of the page has it; each part has rows of its own."""


@dataclass(frozen=True)
class ReportList:
    """Which rows of a report a list has, and which of its columns."""

    name: str
    report: str
    columns: tuple[str, ...]  # besides the account; those of ``splits`` are filters of the page
    splits: dict[str, str]  # by split, the column that the page and a selection filter by
    order: str  # SQL: the most important rows first
    where: str = "true"  # SQL: the rows that the list can have
    is_detail: bool = False  # whether it reads the report's step ``detail`` instead of its rows
    parts: str = "true"  # SQL: which part a row belongs to; each part has at most LISTED rows
    grower: str = "supplier_organization_id"  # the column with the partner of a buyer, where it has ``partner``

    @property
    def identifiers(self) -> tuple[int, ...]:
        """Places of identifiers in a row, which begins with the account."""
        splits = {column for split, column in self.splits.items() if split != "currency"}
        return tuple(place for place, column in enumerate(self.columns, start=1) if column in splits)


_INVOICED = (
    "sales_channel_order_id",
    "partner",
    "trade_item_id",
    "delivery_date",
    "days_open",
    "cause",
    "state",
    "invoice_numbers",
    "ordered_pieces",
    "invoiced_pieces",
    "order_amount",
    "invoiced_amount",
    "difference",
    "currency",
)
"""The columns of both lists of invoices."""

LISTS = (
    ReportList(
        "actions",
        "purchase_order_exceptions",
        (
            "customer_order_reference",
            "reasons",
            "delivery_date",
            "supplier_organization_id",
            "trade_item_id",
            "quantity",
        ),
        {"partner": "supplier_organization_id", "item": "trade_item_id"},
        "delivery_date DESC NULLS LAST",
    ),
    ReportList(
        "departures",
        "open_orders",
        (
            "departure",
            "sales_channel_order_id",
            "next_step",
            "customer_organization_id",
            "trade_item_id",
            "destination",
            "open_pieces",
            "open_packages",
            "carrier",
            "currency",
            "warehouse",
            "cancellable_until",
            "ordered_pieces",
            "package_code",
        ),
        {"partner": "customer_organization_id", "item": "trade_item_id"},
        "departure NULLS LAST",
        parts=_DUE,
    ),
    ReportList(
        "changes",
        "customer_changes",
        (
            "customer_organization_id",
            "status",
            "revenue",
            "comparable_revenue",
            "currency",
            "last_order",
            "silent_days",
            "usual_interval",
            "is_silent",
            "last_delivery",
            "next_delivery",
        ),
        {"partner": "customer_organization_id", "currency": "currency"},
        "is_silent OR coalesce(status = 'STOPPED', false) DESC, greatest(comparable_revenue, revenue) DESC",
    ),
    ReportList(
        "contracts",
        "contract_forecast",
        (
            "contract_reference",
            "partner",
            "trade_item_id",
            "last_day",
            "agreed_pieces",
            "called_off_pieces",
            "remaining_pieces",
            "days_left",
            "expected_at_end",
            "expected_share",
            "currency",
            "contract_price",
            "delivered_pieces",
            "first_day",
            "pace",
            "outstanding_pieces",
        ),
        {"partner": "partner", "item": "trade_item_id", "currency": "currency"},
        "expected_share NULLS LAST",
        where=f"last_day >= {_TODAY}",
    ),
    ReportList(
        "requests",
        "corrections",
        (
            "sales_channel_order_id",
            "partner",
            "trade_item_id",
            "initiated_by",
            "reason",
            "requested_at",
            "expires_at",
            "money",
            "order_amount",
            "is_overdue",
            "kind",
        ),
        {"partner": "partner", "item": "trade_item_id", "currency": "money"},
        "requested_at DESC NULLS LAST",
        where="status IN ('PENDING', 'PENDING_CLAIM')",
        is_detail=True,
    ),
    ReportList(
        "leftovers",
        "stock_at_risk",
        (
            *("trade_item_id", "warehouse_name", "batches", "oldest_batch_days"),
            *("pieces_left", "offered_pieces", "age_class"),
        ),
        {"item": "trade_item_id"},
        "oldest_batch_days DESC NULLS LAST, pieces_left DESC",
        where="pieces_left > 0",
    ),
    ReportList(
        "uninvoiced",
        "invoice_reconciliation",
        _INVOICED,
        {"partner": "partner", "item": "trade_item_id", "currency": "currency"},
        "open_amount DESC NULLS LAST",
        where="cause = 'NOT_INVOICED'",
        grower="seller_organization_id",
    ),
    ReportList(
        "differences",
        "invoice_reconciliation",
        _INVOICED,
        {"partner": "partner", "item": "trade_item_id", "currency": "currency"},
        "abs(difference) DESC NULLS LAST",
        parts="cause",
        where="cause NOT IN ('NOT_INVOICED', 'CANNOT_BE_KNOWN')",
        grower="seller_organization_id",
    ),
    ReportList(
        "deliverycosts",
        "delivery_cost_recovery",
        ("month", "incoterm", "currency", "orders", "orders_without_cost", "delivery_cost", "delivery_revenue"),
        {"currency": "currency"},
        "month DESC NULLS LAST, incoterm NULLS LAST",
    ),
)


Lists = dict[str, list[list[Any]]]


def read_lists(
    connection: duckdb.DuckDBPyConnection, reports: Collection[str], api: str, selection: Selection
) -> tuple[Lists, Lists]:
    """The rows of each list whose report is installed and can be limited to the selection, by the list's name.

    Beside them, what each list has of its report: account, currency (None if the list has no such filter), the number
    of rows in the list, and that of all rows.
    """
    found = [each for each in LISTS if each.report in reports and selection.required.issubset(each.splits)]
    rows = {each.name: _rows(connection, each, api, selection) for each in found}
    groups = {name: Counter((row[0], *row[-2:]) for row in of_list) for name, of_list in rows.items()}
    lists = {name: [row[:-2] for row in of_list] for name, of_list in rows.items()}
    return lists, {
        name: [[account, currency, number, whole] for (account, currency, whole), number in counted.items()]
        for name, counted in groups.items()
    }


def read_dues(connection: duckdb.DuckDBPyConnection, numbers: Lists, selection: Selection) -> list[list[Any]]:
    """If not all open orders are listed, sums by account, hour of departure, next step, deadline and warehouse."""
    if all(number == whole for *_, number, whole in numbers.get("departures", [])):
        return []
    columns = {"account": "account", "partner": "customer_organization_id", "item": "trade_item_id"}
    where, limits = selection.conditions(columns)
    sql = f"""
        SELECT
            account, date_trunc('hour', departure) AS hour, next_step, count(*) AS orders,
            CAST(sum(open_pieces) AS BIGINT) AS pieces, CAST(sum(open_packages) AS BIGINT) AS packages,
            date_trunc('minute', cancellable_until) AS until, warehouse
        FROM reports.open_orders
        WHERE true{where}
        GROUP BY ALL
        ORDER BY ALL
    """
    return [list(map(in_json, row)) for row in connection.execute(sql, limits).fetchall()]


def identifiers_in(lists: Lists) -> set[str]:
    """All identifiers of partners and trade items in the lists."""
    known = {each.name: each for each in LISTS}
    return {row[place] for name, rows in lists.items() for row in rows for place in known[name].identifiers} - {None}


def _rows(connection: duckdb.DuckDBPyConnection, wanted: ReportList, api: str, selection: Selection) -> list[list[Any]]:
    """The rows of a list; each ends with its currency, and the number of rows of its account and currency."""
    columns = {"account": "account", **wanted.splits}
    where, limits = selection.conditions(columns)
    if wanted.is_detail:
        define_details(connection, find_report(wanted.report))
    partner = wanted.grower if api == "customers" else "customer_organization_id"
    every = f"*, {partner} AS partner" if "partner" in wanted.columns else "*"
    source = f"{wanted.report}_detail()" if wanted.is_detail else f"reports.{wanted.report}"
    every += (
        f", {wanted.splits['currency']} AS list_currency" if "currency" in wanted.splits else ", NULL AS list_currency"
    )
    order = f"{wanted.order}, account, {', '.join(wanted.columns)}"
    sql = (
        f"SELECT account, {', '.join(wanted.columns)}, list_currency, list_rows FROM (SELECT *,"
        f" row_number() OVER (PARTITION BY account, list_currency, {wanted.parts} ORDER BY {order}) AS list_place,"
        f" count(*) OVER (PARTITION BY account, list_currency) AS list_rows"
        f" FROM (SELECT {every} FROM {source}) WHERE ({wanted.where}){where})"
        f" WHERE list_place <= {LISTED}"
        f" QUALIFY row_number() OVER (ORDER BY list_place) <= {MOST_LISTED} ORDER BY {order}"
    )
    return [list(map(in_json, row)) for row in connection.execute(sql, limits).fetchall()]


def in_json(value: object) -> object:
    """A value for JSON: times in UTC as ISO 8601, other values that JSON lacks as text."""
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat(timespec="seconds")
    if value is None or isinstance(value, bool | int | list):
        return value
    return str(value)
