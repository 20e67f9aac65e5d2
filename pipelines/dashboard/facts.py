"""What the page adds its figures up from: one SQL file a fact, by week, partner, item and what else it splits by.

A partner is who trades with the account: a customer to a grower, a grower to a buyer. The rows are kept in temporary
tables, of which ``bound`` has as much read as there is room for.
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

from pipelines.reports import find_report
from pipelines.settings.values import AMSTERDAM

Row = tuple[Any, ...]

FIRST_MONDAY = dt.date(1970, 1, 5)
"""Week 0: weeks are counted from it."""
RANKED = frozenset({"partner", "item"})
"""What is told by its place, those that bring in most first, from 1."""
NONE, OTHER = 0, -1
"""Instead of a place: none is told, or it is one of those that are shown together."""

_GROWER = "coalesce(o.seller_organization_id, o.supplier_organization_id)"
_PARTNERS = {
    "suppliers": {
        "partner": "o.customer_organization_id",
        "requester": "r.customer_organization_id",
        "invoiced": "r.customer_organization_id",
    },
    "customers": {"partner": _GROWER, "requester": _GROWER, "invoiced": "r.seller_organization_id"},
}
"""Where the partner stands in the tables of each API."""


@dataclass(frozen=True)
class Fact:
    """Something that is counted.

    Args:
        name: of its SQL file.
        report: the report that counts the same; without it in the warehouse there is no such fact.
        splits: what it is split by, besides account and week.
        measures: what is added up.
    """

    name: str
    report: str
    splits: tuple[str, ...]
    measures: tuple[str, ...]

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
    Fact("fill", "fill_rate", ("partner", "item"), ("orders", "ordered", "delivered")),
    Fact("deliveries", "on_time_delivery", ("carrier",), ("load_carriers", "on_time")),
    Fact(
        "corrections",
        "corrections",
        ("partner", "item", "currency", "initiator"),
        ("requests", "accepted", "pieces", "value"),
    ),
    Fact(
        "invoices",
        "invoice_reconciliation",
        ("partner", "item", "currency", "reason"),
        ("orders", "ordered", "invoiced", "difference"),
    ),
    Fact("stock", "sell_through", ("item",), ("batches", "initial", "sold", "other", "remaining")),
    Fact("actions", "purchase_order_exceptions", ("partner", "item", "reason"), ("orders",)),
)


def week_number(day: dt.date) -> int:
    """The week that a day belongs to, counted from ``FIRST_MONDAY``."""
    return (day - FIRST_MONDAY).days // 7


def this_week(now: dt.datetime) -> int:
    """The week in Amsterdam."""
    return week_number(now.astimezone(AMSTERDAM).date())


def facts_of(reports: Collection[str]) -> tuple[Fact, ...]:
    """The facts whose reports the warehouse has."""
    return tuple(fact for fact in FACTS if fact.report in reports)


def define_weeks(connection: duckdb.DuckDBPyConnection) -> None:
    """Have ``week_of`` mean to the files what ``week_number`` means here."""
    connection.execute(
        "CREATE OR REPLACE TEMP MACRO week_of(day) AS"
        f" (CAST(date_trunc('week', day) AS DATE) - DATE '{FIRST_MONDAY}') // 7"
    )


def gather(connection: duckdb.DuckDBPyConnection, fact: Fact, api: str) -> None:
    """Keep all rows of a fact in its temporary table; needs the weeks to be defined."""
    shared = {"days": _text("days"), "delivered_of_orders": find_report("fill_rate").steps(before="days")}
    sql = _text(fact.name).format_map({**_PARTNERS[api], **shared})
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table_of(fact)} AS {sql}")


def table_of(fact: Fact) -> str:
    """The temporary table of a fact."""
    return f"temp.dashboard_{fact.name}"


def count(connection: duckdb.DuckDBPyConnection, fact: Fact, alone: int, first_week: int) -> int:
    """How many rows ``read`` gives."""
    sql, values = _coarse(fact, alone, first_week)
    (found,) = connection.execute(f"SELECT count(*) FROM ({sql})", values).fetchall()[0]
    return int(found)


def read(connection: duckdb.DuckDBPyConnection, fact: Fact, alone: int, first_week: int) -> list[Row]:
    """The rows of a fact from a week on and without any, in a fixed order.

    Args:
        connection: where ``gather`` and ``rank`` were.
        fact: which.
        alone: up to which place partners and items stand alone.
        first_week: the week.
    """
    sql, values = _coarse(fact, alone, first_week)
    rows = connection.execute(f"{sql} ORDER BY ALL", values).fetchall()
    return [tuple(map(_plain, row)) for row in rows]


def _coarse(fact: Fact, alone: int, first_week: int) -> tuple[str, dict[str, object]]:
    """The rows as a query with its values; partners and items after a place are added up."""
    splits = "".join(
        f", if(f.{split} > $alone, {OTHER}, f.{split}) AS {split}" if split in RANKED else f", f.{split}"
        for split in fact.splits
    )
    sums = "".join(f", sum(f.{measure}) AS {measure}" for measure in fact.measures)
    sql = (
        f"SELECT f.account, f.week{splits}{sums} FROM {table_of(fact)} f"
        " WHERE f.week IS NULL OR f.week >= $first_week GROUP BY ALL"
    )
    is_ranked = not RANKED.isdisjoint(fact.splits)
    return sql, {"first_week": first_week, **({"alone": alone} if is_ranked else {})}


def _plain(value: object) -> object:
    """A value as JSON has it: whole numbers whole, others to the hundredth of a cent, identifiers as text."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else round(float(value), 4)
    return str(value) if isinstance(value, UUID) else value


@cache
def _text(name: str) -> str:
    return (resources.files("pipelines.dashboard") / "sql" / f"{name}.sql").read_text(encoding="utf-8").strip()
