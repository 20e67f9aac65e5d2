"""The dashboard's facts add up to the same figures as the reports."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from pipelines.cli.entry import run
from pipelines.dashboard import write_dashboard
from pipelines.dashboard.content import MANY, MOST_LETTERS, Content, build_content
from pipelines.dashboard.facts import FACTS
from pipelines.errors import PipelineError, UsageError
from pipelines.reports import find_report
from pipelines.warehouse.file.connection import Warehouse
from tests.integration.report_warehouse import ReportWarehouse, Row
from tests.moments import NOW

HANDMADE_NOW = dt.datetime(2027, 1, 4, 9, 0, tzinfo=dt.UTC)
"""A time at which all past handmade orders are less than two years old."""
FIRST_MONDAY = dt.date(1970, 1, 5)

Entry = dict[str, Any]
"""A row of a fact, by column name."""


def content_of(warehouse: ReportWarehouse, now: dt.datetime = NOW, most_letters: int = MOST_LETTERS) -> Content:
    """Return the content that the dashboard page receives."""
    return cached_content(warehouse.path, now, most_letters)


@cache
def cached_content(path: Path, now: dt.datetime, most_letters: int) -> Content:
    """Return the same content, computed once: the tests do not change the shared warehouses."""
    with Warehouse(path).reading() as connection:
        text, _ = build_content(connection, now, most_letters)
    assert len(text) <= most_letters
    unpacked: Content = json.loads(gzip.decompress(base64.b64decode(text)))
    return unpacked


def entries(content: Content, fact: str) -> list[Entry]:
    """Return the rows of a fact, with texts and identifiers instead of their positions in the list of keys."""
    columns = content["facts"][fact]
    splits = {"account", *next(definition.splits for definition in FACTS if definition.name == fact)}
    decoded = {
        name: [content["keys"][index] for index in column] if name in splits else column
        for name, column in columns.items()
    }
    decoded["week"] = [None if week is None else week + content["first"] for week in decoded["week"]]
    return [dict(zip(decoded, row, strict=True)) for row in zip(*decoded.values(), strict=True)]


def iso_week(week: int | None) -> tuple[int | None, int | None]:
    """Return ISO year and week of a week's number, which counts from the first Monday of 1970."""
    if week is None:
        return None, None
    return (FIRST_MONDAY + dt.timedelta(weeks=week)).isocalendar()[:2]


def id_of(text: str | None) -> UUID | None:
    """Return an identifier as UUID."""
    return UUID(text) if text else None


def fact_sums(rows: Iterable[Entry], key: Callable[[Entry], Row], *measures: str) -> dict[Row, Any]:
    """Return the sums of measures by key; they equal numbers that differ by less than a cent."""
    sums: dict[Row, list[Any]] = defaultdict(lambda: [0] * len(measures))
    for row in rows:
        for index, measure in enumerate(measures):
            sums[key(row)][index] += row[measure] or 0
    return {group: pytest.approx(values, rel=1e-9, abs=0.005) for group, values in sums.items()}


def plain_sums(sums: dict[Row, Any]) -> dict[Row, list[Any]]:
    """Return the sums as plain numbers."""
    return {key: values.expected for key, values in sums.items()}


def report_sums(rows: Iterable[Row], key: Callable[[Row], Row], *columns: int) -> dict[Row, list[Any]]:
    """Return the sums of columns of a report by key, with columns identified by their positions."""
    sums: dict[Row, list[Any]] = defaultdict(lambda: [0] * len(columns))
    for row in rows:
        for number, index in enumerate(columns):
            sums[key(row)][number] += float(row[index] or 0)
    return dict(sums)


@pytest.fixture(scope="module", params=["grower_world", "grower_orders", "buyer_world", "buyer_orders"])
def dashboard(request: pytest.FixtureRequest) -> tuple[ReportWarehouse, Content]:
    """A warehouse with orders, and the content of its dashboard."""
    warehouse: ReportWarehouse = request.getfixturevalue(request.param)
    return warehouse, content_of(warehouse, NOW if "world" in request.param else HANDMADE_NOW)


def test_sales_by_week_and_trade_item(dashboard: tuple[ReportWarehouse, Content]) -> None:
    """Orders, pieces and revenue by week, trade item and currency equal those of revenue_by_week."""
    warehouse, content = dashboard
    rows = [row for row in warehouse.report("revenue_by_week") if row[6]]  # the others have revenue of last year only

    assert rows
    assert report_sums(rows, lambda row: (row[0], *row[1:4], row[5]), 6, 7, 8) == fact_sums(
        entries(content, "sales"),
        lambda row: (row["account"], *iso_week(row["week"]), id_of(row["item"]), row["currency"]),
        "orders",
        "pieces",
        "revenue",
    )


def test_sales_by_partner(dashboard: tuple[ReportWarehouse, Content]) -> None:
    """Sales by customer equal customer_ranking; for a buyer, sales by grower equal spend_by_grower."""
    warehouse, content = dashboard
    is_buyer = warehouse.api == "customers"
    rows = warehouse.report("spend_by_grower" if is_buyer else "customer_ranking")
    column = 4 if is_buyer else 3

    assert report_sums(rows, lambda row: (row[0], row[1], row[column]), *range(column + 1, column + 4)) == fact_sums(
        entries(content, "sales"),
        lambda row: (row["account"], id_of(row["partner"]), row["currency"]),
        "orders",
        "pieces",
        "revenue",
    )


@pytest.mark.parametrize("weeks", [(2966, 2970), (2900, 2969)], ids=["some weeks", "a year and more"])
def test_sales_by_channel_in_a_period(dashboard: tuple[ReportWarehouse, Content], weeks: tuple[int, int]) -> None:
    """Sales by channel and trade instrument in some weeks equal those of channel_mix in the same period."""
    warehouse, content = dashboard
    first, last = (FIRST_MONDAY + dt.timedelta(weeks=week) for week in weeks)
    rows = warehouse.report("channel_mix", from_date=first, to_date=last + dt.timedelta(days=6))
    selected = [row for row in entries(content, "sales") if row["week"] and weeks[0] <= row["week"] <= weeks[1]]

    assert report_sums(rows, lambda row: (row[0], row[2], row[3], row[5]), 6, 7, 8) == fact_sums(
        selected,
        lambda row: (row["account"], row["channel"], row["instrument"], row["currency"]),
        "orders",
        "pieces",
        "revenue",
    )


@pytest.mark.parametrize("weeks", [(2965, 2968), (2911, 2911)], ids=["November of 2026", "a week of October 2025"])
def test_average_prices(dashboard: tuple[ReportWarehouse, Content], weeks: tuple[int, int]) -> None:
    """Average prices by trade instrument in weeks of one month equal those of clock_versus_direct."""
    warehouse, content = dashboard
    first, last = (FIRST_MONDAY + dt.timedelta(weeks=week) for week in weeks)
    rows = warehouse.report("clock_versus_direct", from_date=first, to_date=last + dt.timedelta(days=6))
    sums = fact_sums(
        (row for row in entries(content, "sales") if row["week"] and weeks[0] <= row["week"] <= weeks[1]),
        lambda row: (row["account"], row["instrument"], row["price_currency"]),
        "orders",
        "pieces",
        "paid",
        "priced_pieces",
    )

    prices = {
        key: (*values[:2], values[2] / values[3] if values[3] else None) for key, values in plain_sums(sums).items()
    }
    assert {(row[0], row[2], row[4]): (row[5], row[6] or 0, row[7] and float(row[7])) for row in rows} == {
        key: (orders, pieces, price and pytest.approx(price, abs=1e-5))
        for key, (orders, pieces, price) in prices.items()
    }


def test_fill_rate(grower_world: ReportWarehouse, grower_deliveries: ReportWarehouse) -> None:
    """Ordered and delivered pieces by week and trade item equal those of fill_rate."""
    for warehouse in (grower_world, grower_deliveries):
        rows = warehouse.report("fill_rate")
        content = content_of(warehouse, NOW if warehouse is grower_world else HANDMADE_NOW)
        since = content["first"]
        recent = [row for row in rows if row[1] is None or week_number(row[1], row[2]) >= since]

        assert recent
        columns = columns_of("fill_rate")
        measures = ("orders", "ordered_pieces", "delivered_pieces", "short_by_grower", "short_by_customer")
        places = [columns.index(measure) for measure in measures]
        found = entries(content, "fill")
        for row in found:
            row["missing"] = row["short_by_grower"] + row["pending"]
            row["taken_off"] = row["reduced"] + row["cancelled"]
        assert report_sums(recent, lambda row: (row[0], *row[1:4]), *places) == fact_sums(
            found,
            lambda row: (row["account"], *iso_week(row["week"]), id_of(row["item"])),
            "orders",
            "ordered",
            "delivered",
            "missing",
            "taken_off",
        )


def columns_of(report: str) -> list[str]:
    """Return the columns of a report."""
    return list(find_report(report).columns)


def week_number(year: int, week: int) -> int:
    """Return the number of a week, counted from the first Monday of 1970."""
    return (dt.date.fromisocalendar(year, week, 1) - FIRST_MONDAY).days // 7


def test_on_time_delivery(grower_world: ReportWarehouse) -> None:
    """Load carriers by carrier equal those of on_time_delivery over all months."""
    measures = ("load_carriers", "on_time", "late", "not_received")
    places = [columns_of("on_time_delivery").index(measure) for measure in measures]
    assert report_sums(grower_world.report("on_time_delivery"), lambda row: (row[0], row[2]), *places) == fact_sums(
        entries(content_of(grower_world), "deliveries"),
        lambda row: (row["account"], id_of(row["carrier"])),
        *measures,
    )


@pytest.mark.parametrize("world", ["grower_world", "buyer_world"])
def test_corrections_and_invoices(world: str, request: pytest.FixtureRequest) -> None:
    """Corrections by initiator, and invoice differences by cause, equal those of both reports."""
    warehouse: ReportWarehouse = request.getfixturevalue(world)
    content = content_of(warehouse)

    assert report_sums(
        warehouse.report("corrections"), lambda row: (row[0], row[4], row[5]), 6, 7, 8, 9, 10
    ) == fact_sums(
        entries(content, "corrections"),
        lambda row: (row["account"], row["initiator"], row["currency"]),
        "requests",
        "accepted",
        "pieces",
        "value",
        "declined",
    )
    invoices = warehouse.report("invoice_reconciliation")
    cause = columns_of("invoice_reconciliation").index("cause")
    rows = [(*row[:20], 1, row[cause]) for row in invoices]
    assert report_sums(rows, lambda row: (row[0], row[21], row[15]), 20, 12, 13, 18, 19) == fact_sums(
        entries(content, "invoices"),
        lambda row: (row["account"], row["cause"], row["currency"]),
        "orders",
        "ordered",
        "invoiced",
        "open",
        "excess",
    )


def test_stock(grower_world: ReportWarehouse) -> None:
    """Batches and their pieces by trade item equal those of sell_through."""
    rows = [(*row, 1) for row in grower_world.report("sell_through")]
    found = entries(content_of(grower_world), "stock")
    ledger = [row for row in grower_world.report("stock_ledger") if row[6] == "CORRECTION"]
    batches = {(row[0], row[1]) for row in rows}
    for row in found:
        row["changed"] = row["waste"] + row["other"]

    assert sum(row["waste"] for row in found) == -sum(row[8] for row in ledger if row[:2] in batches) > 0
    assert report_sums(rows, lambda row: (row[0], row[5]), 15, 7, 8, 9, 10) == fact_sums(
        found,
        lambda row: (row["account"], id_of(row["item"])),
        "batches",
        "initial",
        "sold",
        "changed",
        "remaining",
    )


def test_purchase_order_exceptions(buyer_world: ReportWarehouse) -> None:
    """Purchase orders by reason equal those of purchase_order_exceptions."""
    rows = buyer_world.report("purchase_order_exceptions")

    assert rows
    actions = entries(content_of(buyer_world), "actions")
    by_reason = report_sums([(row[0], reason, 1) for row in rows for reason in row[3]], lambda row: row[:2], 2)
    assert by_reason == fact_sums(actions, lambda row: (row["account"], row["reason"]), "mentions")
    orders = report_sums([(row[0], 1) for row in rows], lambda row: row[:1], 1)
    assert orders == fact_sums(actions, lambda row: (row["account"],), "orders")


def test_merged_customers_and_items_keep_totals(grower_world: ReportWarehouse) -> None:
    """A limited page merges small customers and items, states how many, and keeps the totals."""
    whole, small = content_of(grower_world), content_of(grower_world, most_letters=29_000)

    def totals(content: Content, fact: str, *measures: str) -> dict[Row, Any]:
        return fact_sums(
            entries(content, fact), lambda row: (row["account"], row["week"], row.get("currency")), *measures
        )

    def named_keys(content: Content, split: str) -> set[str]:
        facts = ("sales", "fill", "corrections", "complaints", "prices", "invoices", "stock")
        return {row[split] for fact in facts for row in entries(content, fact) if row.get(split)} - {MANY}

    assert whole["merged"] == {"partners": 0, "items": 0}
    for split in ("partner", "item"):
        assert small["merged"][f"{split}s"] == len(named_keys(whole, split) - named_keys(small, split)) > 0
        assert named_keys(small, split)
    for fact, measures in {"sales": ("orders", "pieces"), "fill": ("ordered", "delivered"), "stock": ("sold",)}.items():
        assert plain_sums(totals(small, fact, *measures)) == plain_sums(totals(whole, fact, *measures))


def test_older_weeks_are_left_out(grower_orders: ReportWarehouse) -> None:
    """Orders older than two years are counted and left out; orders without a week stay."""
    content = content_of(grower_orders, HANDMADE_NOW + dt.timedelta(weeks=200))
    dated_orders = sum(row[6] for row in grower_orders.report("revenue_by_week") if row[1] is not None)

    assert {row["week"] for row in entries(content, "sales")} == {None}
    assert content["outside"]["older"] == dated_orders


def test_file_replaces_and_is_private(warehouse: ReportWarehouse, tmp_path: Path) -> None:
    """The file replaces an earlier one, is readable by its owner only, and is alone in the folder that was created."""
    path = tmp_path / "pages" / "monday.html"

    write_dashboard(Warehouse(warehouse.path), path)
    written = write_dashboard(Warehouse(warehouse.path), path)

    assert (written.path, written.size) == (path, path.stat().st_size)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["monday.html"]


def test_command_writes_the_file(
    warehouse: ReportWarehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command prints the path of the file, which is beside the warehouse or at the path of ``--output``."""
    monkeypatch.setenv("FLORIDAY_WAREHOUSE", str(warehouse.path))
    monkeypatch.chdir(tmp_path)

    assert run(["dashboard"]) == run(["dashboard", "--output", "pages/monday.html"]) == 0

    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{tmp_path / 'dashboard.html'}: 0 orders, ")
    assert second.startswith("pages/monday.html: ")
    sizes = [(tmp_path / name).stat().st_size for name in ("dashboard.html", "pages/monday.html")]
    assert abs(sizes[0] - sizes[1]) < 100, "they differ in the time of writing, which is compressed"


def test_errors_of_writing(warehouse: ReportWarehouse, tmp_path: Path) -> None:
    """The warehouse is never overwritten; a missing warehouse and an unusable path raise an error that explains it."""
    with pytest.raises(UsageError, match="is the warehouse itself"):
        write_dashboard(Warehouse(warehouse.path), warehouse.path)
    with pytest.raises(PipelineError, match="run `floriday sync` first"):
        write_dashboard(Warehouse(tmp_path / "none.duckdb"), tmp_path / "page.html")
    with pytest.raises(PipelineError, match="cannot be written"):
        write_dashboard(Warehouse(warehouse.path), warehouse.path / "page.html")
