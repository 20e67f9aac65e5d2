"""Lists of single orders and customers: the first rows of some reports, whatever weeks the page shows."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection
from typing import Any

import duckdb

from pipelines.dashboard.facts import other_reports
from pipelines.dashboard.listed_reports import LISTED, LISTS, MOST_LISTED, ReportList
from pipelines.dashboard.selection import Selection
from pipelines.reports import define_details, find_report

Lists = dict[str, list[list[Any]]]


def read_lists(
    connection: duckdb.DuckDBPyConnection, reports: Collection[str], api: str, selection: Selection
) -> tuple[Lists, Lists]:
    """The rows of each list whose report is installed and can be limited to the selection, by the list's name.

    Beside them, what each list has of its report: account, currency (None if the list has no such filter), the number
    of rows in the list, and that of all rows.
    """
    found = [each for each in LISTS if each.report in reports and selection.required.issubset(each.splits)]
    delivered = other_reports(connection)["delivered"]
    rows = {each.name: _rows(connection, each, delivered, api, selection) for each in found}
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
    columns = {name: name for name in ("account", "currency")}
    columns |= {"partner": "customer_organization_id", "item": "trade_item_id"}
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


def _rows(
    connection: duckdb.DuckDBPyConnection, wanted: ReportList, delivered: str, api: str, selection: Selection
) -> list[list[Any]]:
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
    more, join = "", ""
    if wanted.with_delivered:
        pieces = f"SELECT account, sales_order_id, delivered_pieces FROM {delivered}"
        more, join = ", delivered_pieces", f" LEFT JOIN ({pieces}) USING (account, sales_order_id)"
    sql = (
        f"SELECT account, {', '.join(wanted.columns)}{more}, list_currency, list_rows FROM (SELECT *,"
        f" row_number() OVER (PARTITION BY account, list_currency, {wanted.parts} ORDER BY {order}) AS list_place,"
        f" count(*) OVER (PARTITION BY account, list_currency) AS list_rows"
        f" FROM (SELECT {every} FROM {source}) WHERE ({wanted.where}){where})"
        f"{join} WHERE list_place <= {LISTED}"
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
