"""Lists of single orders and customers: the first rows of some reports, whatever weeks the page shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import duckdb

from pipelines.dashboard.selection import Selection
from pipelines.reports import define_details, find_report

LISTED = 200  # the most rows of a list, or of each part of it


PARTNERS = {"suppliers": "customer_organization_id", "customers": "supplier_organization_id"}
"""The column with the partner, by API, where a list has ``partner``."""

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

    @property
    def identifiers(self) -> tuple[int, ...]:
        """Places of identifiers in a row, which begins with the account."""
        splits = {column for split, column in self.splits.items() if split != "currency"}
        return tuple(place for place, column in enumerate(self.columns, start=1) if column in splits)


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
        ),
        {"partner": "customer_organization_id", "currency": "currency"},
        "is_silent DESC, comparable_revenue - revenue DESC NULLS LAST",
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
            "trade_item_id",
            "warehouse_name",
            "batches",
            "oldest_batch_days",
            "pieces_left",
            "offered_pieces",
        ),
        {"item": "trade_item_id"},
        "oldest_batch_days DESC NULLS LAST, pieces_left DESC",
        where="pieces_left > 0",
    ),
    ReportList(
        "uninvoiced",
        "invoice_reconciliation",
        (
            "sales_channel_order_id",
            "partner",
            "trade_item_id",
            "day",
            "days_open",
            "state",
            "order_amount",
            "invoiced_amount",
            "open_amount",
            "money",
        ),
        {"partner": "partner", "item": "trade_item_id", "currency": "money"},
        "open_amount DESC",
        where="open_amount > 0",
        is_detail=True,
    ),
)


@dataclass(frozen=True)
class Lists:
    """The rows of the lists, and how many there are."""

    rows: dict[str, list[list[Any]]]  # by name of the list
    found: dict[str, dict[str, int]]  # by name and account, the number of rows without the limit
    dues: list[list[Any]]  # if not all open orders are listed: their sums by account, hour, next step and status


def read_lists(
    connection: duckdb.DuckDBPyConnection, reports: Collection[str], api: str, selection: Selection
) -> Lists:
    """The rows of each list whose report is installed and can be limited to the selection."""
    lists = Lists({}, {}, [])
    for each in LISTS:
        if each.report in reports and selection.required.issubset(each.splits):
            _gather(connection, each, api, selection)
            lists.rows[each.name] = _rows(connection, each)
            lists.found[each.name] = dict(connection.execute(_FOUND).fetchall())
            if each.parts == _DUE and len(lists.rows[each.name]) < sum(lists.found[each.name].values()):
                lists.dues.extend(list(map(in_json, row)) for row in connection.execute(_DUES).fetchall())
    return lists


def identifiers_in(lists: dict[str, list[list[Any]]]) -> set[str]:
    """All identifiers of partners and trade items in the lists."""
    known = {each.name: each for each in LISTS}
    return {row[place] for name, rows in lists.items() for row in rows for place in known[name].identifiers} - {None}


_FOUND = "SELECT account, count(*) FROM temp.dashboard_list GROUP BY account ORDER BY account"
_DUES = """
    SELECT
        account, date_trunc('hour', departure) AS hour, next_step, count(*),
        CAST(sum(open_pieces) AS BIGINT), CAST(sum(open_packages) AS BIGINT)
    FROM temp.dashboard_list GROUP BY ALL ORDER BY ALL
"""


def _gather(connection: duckdb.DuckDBPyConnection, wanted: ReportList, api: str, selection: Selection) -> None:
    """Write all rows that a list can have to a temporary table."""
    columns = {"account": "account", **wanted.splits}
    limits = {split: value for split, value in selection.limits.items() if split in columns}
    where = "".join(f" AND CAST({columns[split]} AS VARCHAR) = ${split}" for split in limits)
    if wanted.is_detail:
        define_details(connection, find_report(wanted.report))
    every = f"*, {PARTNERS[api]} AS partner" if "partner" in wanted.columns else "*"
    source = f"{wanted.report}_detail()" if wanted.is_detail else f"reports.{wanted.report}"
    sql = (
        f"SELECT account, {', '.join(wanted.columns)}, {wanted.parts} AS part"
        f" FROM (SELECT {every} FROM {source}) WHERE {wanted.where}{where}"
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE dashboard_list AS {sql}", limits)


def _rows(connection: duckdb.DuckDBPyConnection, wanted: ReportList) -> list[list[Any]]:
    """The first rows of each part of a list, after :func:`_gather`."""
    positions = ", ".join(wanted.columns)
    place = f"row_number() OVER (PARTITION BY part ORDER BY {wanted.order}, account, {positions})"
    sql = (
        f"SELECT account, {positions} FROM temp.dashboard_list QUALIFY {place} <= {LISTED}"
        f" ORDER BY {wanted.order}, account, {positions}"
    )
    return [list(map(in_json, row)) for row in connection.execute(sql).fetchall()]


def in_json(value: object) -> object:
    """A value for JSON: times in UTC as ISO 8601, other values that JSON lacks as text."""
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat(timespec="seconds")
    if value is None or isinstance(value, bool | int | list):
        return value
    return str(value)
