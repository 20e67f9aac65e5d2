"""The facts from which the page sums its figures: one SQL file each, grouped by week, partner, item and other splits.

A partner is the organization that trades with the account: the customer of a grower, the grower of a buyer. The rows
are in temporary tables, from which ``row_limit`` reads as many as the size of the page allows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any
from uuid import UUID

import duckdb

from pipelines.dashboard.selection import Selection
from pipelines.reports import define_details, find_report, installed
from pipelines.settings.values import AMSTERDAM

Row = tuple[Any, ...]

FIRST_MONDAY = dt.date(1970, 1, 5)  # the first day of week 0
RANKED = frozenset({"partner", "item"})  # splits whose identifiers are replaced by their ranks by revenue, from 1
NONE, OTHER = 0, -1  # instead of a rank: there is no identifier, or it is merged with others
_PARTNERS = {"suppliers": "d.customer_organization_id", "customers": "d.seller_organization_id"}
"""The column with the partner, by API."""
_NO_OPEN_ORDERS = """(
    SELECT '' AS account, CAST(NULL AS UUID) AS sales_order_id, '' AS status, '' AS next_step, 0 AS claimed_packages
    WHERE false
)"""
"""SQL in place of the report of open orders, where its tables are not synced."""
_NO_DELIVERIES = """(
    SELECT '' AS account, CAST(NULL AS UUID) AS sales_order_id, 0 AS agreed_pieces, 0 AS delivered_pieces
    WHERE false
)"""
"""SQL in place of the orders of the fill rate, where its tables are not synced."""
_REASONS = """reasons AS (
    SELECT d.account, d.reason
    FROM {report}_detail() d
    WHERE d.reason IS NOT NULL
    GROUP BY d.account, d.reason
    QUALIFY row_number() OVER (PARTITION BY d.account ORDER BY count(*) DESC, d.reason) <= 25
)"""
"""The step with the most frequent reasons of each account, which are free text."""


@dataclass(frozen=True)
class Fact:
    """A set of rows that the page sums."""

    name: str  # of its SQL file
    report: str  # name of the report with the same figures; the fact is left out if it is not installed
    splits: tuple[str, ...]  # columns by which it is grouped, besides account and week
    measures: tuple[str, ...]  # columns that are summed

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of its rows."""
        return ("account", "week", *self.splits, *self.measures)


SALES = Fact(
    "sales",
    "revenue_by_week",
    ("partner", "item", "channel", "instrument", "currency", "price_currency"),
    ("orders", "pieces", "revenue", "paid", "priced_pieces"),
)
FACTS = (
    SALES,
    Fact(
        "fill",
        "fill_rate",
        ("partner", "item"),
        (
            *("orders", "cancelled_orders", "unfulfillable_orders", "pending_orders"),
            *("ordered", "delivered", "short_by_grower", "pending", "reduced", "cancelled", "over"),
        ),
    ),
    Fact("deliveries", "on_time_delivery", ("carrier",), ("load_carriers", "on_time", "late", "not_received")),
    Fact(
        "corrections",
        "corrections",
        ("partner", "item", "currency", "initiator", "kind", "reason"),
        (
            "requests",
            "accepted",
            "declined",
            "pending",
            "overdue",
            "expired",
            "pieces",
            "value",
            "waited",
            "waited_overdue",
            "open_worth",
        ),
    ),
    Fact(
        "complaints",
        "complaints",
        ("partner", "item", "currency", "kind", "reason", "decision"),
        ("complaints", "accepted", "declined", "answers", "hours", "pieces", "value"),
    ),
    Fact("prices", "price_alerts", ("partner", "item", "currency", "kind"), ("orders", "pieces", "paid", "due")),
    Fact(
        "invoices",
        "invoice_reconciliation",
        ("partner", "item", "currency", "cause", "outside", "age"),
        ("orders", "ordered", "invoiced", "open", "excess", "undelivered", "unreported"),
    ),
    Fact("stock", "sell_through", ("item",), ("batches", "initial", "sold", "waste", "other", "remaining")),
    Fact("loadcarriers", "load_carriers", ("kind",), ("carriers", "layers", "invoiced", "invoiced_layers")),
    Fact("actions", "purchase_order_exceptions", ("partner", "item", "reason"), ("orders", "mentions")),
)


def week_number(day: dt.date) -> int:
    """The number of the week of a day, counted from ``FIRST_MONDAY``."""
    return (day - FIRST_MONDAY).days // 7


def this_week(now: dt.datetime) -> int:
    """The number of the present week in Amsterdam."""
    return week_number(now.astimezone(AMSTERDAM).date())


def facts_of(reports: Collection[str], selection: Selection) -> tuple[Fact, ...]:
    """The facts whose reports are installed, and whose rows can be limited to the selection."""
    return tuple(fact for fact in FACTS if fact.report in reports and selection.required.issubset(fact.splits))


def define_weeks(connection: duckdb.DuckDBPyConnection) -> None:
    """Define the SQL function ``week_of``, which does the same as :func:`week_number`."""
    connection.execute(
        "CREATE OR REPLACE TEMP MACRO week_of(day) AS"
        f" (CAST(date_trunc('week', day) AS DATE) - DATE '{FIRST_MONDAY}') // 7"
    )


def gather(
    connection: duckdb.DuckDBPyConnection, fact: Fact, api: str, selection: Selection, others: dict[str, str]
) -> None:
    """Write the selected rows of a fact to its temporary table, after :func:`define_weeks`.

    The SQL of a fact only groups the rows that its report counts, the rows of the report's step ``detail``. What it
    reads beside them are ``others``, those of :func:`other_reports`.
    """
    define_details(connection, find_report(fact.report))
    steps = {"partner": _PARTNERS[api], "reasons": _REASONS.format(report=fact.report), **others}
    sql = _text(fact.name).format(**steps)
    where, limits = selection.conditions({split: f"f.{split}" for split in ("account", *fact.splits)})
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {table_of(fact)} AS SELECT * FROM ({sql}) f WHERE true{where}", limits
    )


def other_reports(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """SQL of the rows of other reports that facts and lists read; without rows, if a report is not installed."""
    reports = installed(connection)
    if "fill_rate" in reports:
        define_details(connection, find_report("fill_rate"))
    return {
        "open_orders": "reports.open_orders" if "open_orders" in reports else _NO_OPEN_ORDERS,
        "delivered": "fill_rate_detail()" if "fill_rate" in reports else _NO_DELIVERIES,
    }


def table_of(fact: Fact) -> str:
    """The name of the temporary table of a fact."""
    return f"temp.dashboard_{fact.name}"


def count(connection: duckdb.DuckDBPyConnection, fact: Fact, alone: int, weeks: range) -> int:
    """The number of rows that :func:`read` returns."""
    sql, params = _query(fact, alone, weeks)
    (found,) = connection.execute(f"SELECT count(*) FROM ({sql})", params).fetchall()[0]
    return int(found)


def read(connection: duckdb.DuckDBPyConnection, fact: Fact, alone: int, weeks: range) -> list[Row]:
    """The rows of a fact in some weeks, or without a week, in order; others after rank ``alone`` merged."""
    sql, params = _query(fact, alone, weeks)
    rows = connection.execute(f"{sql} ORDER BY ALL", params).fetchall()
    return [tuple(map(_plain, row)) for row in rows]


def _query(fact: Fact, alone: int, weeks: range) -> tuple[str, dict[str, object]]:
    """The query of the rows with its parameters; partners and items after a rank are merged."""
    splits = "".join(
        f", if(f.{split} > $alone, {OTHER}, f.{split}) AS {split}" if split in RANKED else f", f.{split}"
        for split in fact.splits
    )
    sums = "".join(f", sum(f.{measure}) AS {measure}" for measure in fact.measures)
    sql = (
        f"SELECT f.account, f.week{splits}{sums} FROM {table_of(fact)} f"
        " WHERE f.week IS NULL OR f.week BETWEEN $first_week AND $last_week GROUP BY ALL"
    )
    is_ranked = not RANKED.isdisjoint(fact.splits)
    params: dict[str, object] = {"first_week": weeks[0], "last_week": weeks[-1]}
    return sql, {**params, "alone": alone} if is_ranked else params


def _plain(value: object) -> object:
    """A value for JSON: decimals as integers or rounded to the hundredth of a cent, identifiers as text."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else round(float(value), 4)
    return str(value) if isinstance(value, UUID) else value


@cache
def _text(name: str) -> str:
    return (resources.files("pipelines.dashboard") / "sql" / f"{name}.sql").read_text(encoding="utf-8").strip()
