"""What the dashboard adds its figures up from is what the reports say, whatever is chosen."""

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
from pipelines.warehouse.file.connection import Warehouse
from tests.integration.reporting import Reporting, Row
from tests.moments import NOW

EDGE = dt.datetime(2027, 1, 4, 9, 0, tzinfo=dt.UTC)
"""When all orders that were made by hand are within two years, but for some that are yet to come."""
FIRST_MONDAY = dt.date(1970, 1, 5)

Entry = dict[str, Any]
"""A row of a fact by its columns' names."""


def content(told: Reporting, now: dt.datetime = NOW, most_letters: int = MOST_LETTERS) -> Content:
    """What the page is given."""
    return made_of(told.path, now, most_letters)


@cache
def made_of(path: Path, now: dt.datetime, most_letters: int) -> Content:
    """The same, once: nobody changes the warehouses that are shared."""
    with Warehouse(path).reading() as connection:
        text = build_content(connection, now, most_letters).packed
    assert len(text) <= most_letters
    unpacked: Content = json.loads(gzip.decompress(base64.b64decode(text)))
    return unpacked


def entries(given: Content, fact: str) -> list[Entry]:
    """The rows of a fact, with texts and identifiers as themselves."""
    columns = given["facts"][fact]
    splits = {"account", *next(each.splits for each in FACTS if each.name == fact)}
    read = {
        name: [given["keys"][place] for place in column] if name in splits else column
        for name, column in columns.items()
    }
    read["week"] = [None if week is None else week + given["first"] for week in read["week"]]
    return [dict(zip(read, row, strict=True)) for row in zip(*read.values(), strict=True)]


def iso(week: int | None) -> tuple[int | None, int | None]:
    """ISO year and week of a week's number."""
    if week is None:
        return None, None
    return (FIRST_MONDAY + dt.timedelta(weeks=week)).isocalendar()[:2]


def id_of(text: str | None) -> UUID | None:
    """An identifier."""
    return UUID(text) if text else None


def added(rows: Iterable[Entry], key: Callable[[Entry], Row], *measures: str) -> dict[Row, Any]:
    """The sums of measures for each key, to the cent."""
    sums: dict[Row, list[Any]] = defaultdict(lambda: [0] * len(measures))
    for row in rows:
        for place, measure in enumerate(measures):
            sums[key(row)][place] += row[measure] or 0
    return {each: pytest.approx(values, rel=1e-9, abs=0.005) for each, values in sums.items()}


def values(sums: dict[Row, Any]) -> dict[Row, list[Any]]:
    """The same as plain numbers."""
    return {key: each.expected for key, each in sums.items()}


def reported(rows: Iterable[Row], key: Callable[[Row], Row], *places: int) -> dict[Row, list[Any]]:
    """The same of a report's rows, by the places of its columns."""
    sums: dict[Row, list[Any]] = defaultdict(lambda: [0] * len(places))
    for row in rows:
        for number, place in enumerate(places):
            sums[key(row)][number] += float(row[place] or 0)
    return dict(sums)


@pytest.fixture(scope="module", params=["grower_world", "grower_edges", "buyer_world", "buyer_edges"])
def told(request: pytest.FixtureRequest) -> tuple[Reporting, Content]:
    """A warehouse with orders, and what its dashboard is given."""
    reporting: Reporting = request.getfixturevalue(request.param)
    return reporting, content(reporting, EDGE if "edges" in request.param else NOW)


def test_weeks_and_items(told: tuple[Reporting, Content]) -> None:
    """Orders, pieces and revenue of each week, item and currency, as in revenue_by_week."""
    reporting, given = told
    rows = reporting.report("revenue_by_week")

    assert rows
    assert reported(rows, lambda row: (row[0], *row[1:4], row[5]), 6, 7, 8) == added(
        entries(given, "sales"),
        lambda row: (row["account"], *iso(row["week"]), id_of(row["item"]), row["currency"]),
        "orders",
        "pieces",
        "revenue",
    )


def test_partners(told: tuple[Reporting, Content]) -> None:
    """Those of each customer, as in customer_ranking; of a buyer each grower, as in spend_by_grower."""
    reporting, given = told
    is_buyer = reporting.api == "customers"
    rows = reporting.report("spend_by_grower" if is_buyer else "customer_ranking")
    place = 4 if is_buyer else 3

    assert reported(rows, lambda row: (row[0], row[1], row[place]), *range(place + 1, place + 4)) == added(
        entries(given, "sales"),
        lambda row: (row["account"], id_of(row["partner"]), row["currency"]),
        "orders",
        "pieces",
        "revenue",
    )


@pytest.mark.parametrize("weeks", [(2966, 2970), (2900, 2969)], ids=["some weeks", "a year and more"])
def test_channels_of_some_weeks(told: tuple[Reporting, Content], weeks: tuple[int, int]) -> None:
    """Those of each channel and way of trading in a period, as in channel_mix from its Monday to its Sunday."""
    reporting, given = told
    first, last = (FIRST_MONDAY + dt.timedelta(weeks=week) for week in weeks)
    rows = reporting.report("channel_mix", from_date=first, to_date=last + dt.timedelta(days=6))
    chosen = [row for row in entries(given, "sales") if row["week"] and weeks[0] <= row["week"] <= weeks[1]]

    assert reported(rows, lambda row: (row[0], row[2], row[3], row[5]), 6, 7, 8) == added(
        chosen,
        lambda row: (row["account"], row["channel"], row["instrument"], row["currency"]),
        "orders",
        "pieces",
        "revenue",
    )


@pytest.mark.parametrize("weeks", [(2965, 2968), (2911, 2911)], ids=["November of 2026", "a week of October 2025"])
def test_prices(told: tuple[Reporting, Content], weeks: tuple[int, int]) -> None:
    """Of each way of trading the average price of a bare piece, as in clock_versus_direct for weeks of one month."""
    reporting, given = told
    first, last = (FIRST_MONDAY + dt.timedelta(weeks=week) for week in weeks)
    rows = reporting.report("clock_versus_direct", from_date=first, to_date=last + dt.timedelta(days=6))
    sums = added(
        (row for row in entries(given, "sales") if row["week"] and weeks[0] <= row["week"] <= weeks[1]),
        lambda row: (row["account"], row["instrument"], row["price_currency"]),
        "orders",
        "pieces",
        "paid",
        "priced_pieces",
    )

    prices = {key: (*each[:2], each[2] / each[3] if each[3] else None) for key, each in values(sums).items()}
    assert {(row[0], row[2], row[4]): (row[5], row[6] or 0, row[7] and float(row[7])) for row in rows} == {
        key: (orders, pieces, price and pytest.approx(price, abs=1e-5))
        for key, (orders, pieces, price) in prices.items()
    }


def test_fill_rate(grower_world: Reporting, grower_deliveries: Reporting) -> None:
    """What was ordered first and what was delivered, as in fill_rate."""
    for reporting in (grower_world, grower_deliveries):
        rows = reporting.report("fill_rate")
        given = content(reporting, NOW if reporting is grower_world else EDGE)
        since = given["first"]
        recent = [row for row in rows if row[1] is None or week_number(row[1], row[2]) >= since]

        assert recent
        assert reported(recent, lambda row: (row[0], *row[1:4]), 5, 6, 8) == added(
            entries(given, "fill"),
            lambda row: (row["account"], *iso(row["week"]), id_of(row["item"])),
            "orders",
            "ordered",
            "delivered",
        )


def week_number(year: int, week: int) -> int:
    """A week's number, of its ISO year and week."""
    return (dt.date.fromisocalendar(year, week, 1) - FIRST_MONDAY).days // 7


def test_punctuality(grower_world: Reporting) -> None:
    """Each carrier's load carriers, as in on_time_delivery over all months."""
    assert reported(grower_world.report("on_time_delivery"), lambda row: (row[0], row[2]), 4, 5) == added(
        entries(content(grower_world), "deliveries"),
        lambda row: (row["account"], id_of(row["carrier"])),
        "load_carriers",
        "on_time",
    )


@pytest.mark.parametrize("world", ["grower_world", "buyer_world"])
def test_corrections_and_invoices(world: str, request: pytest.FixtureRequest) -> None:
    """What was corrected, by whose request, and what is not invoiced and why, as in both reports."""
    reporting: Reporting = request.getfixturevalue(world)
    given = content(reporting)

    assert reported(reporting.report("corrections"), lambda row: (row[0], row[4], row[5]), 6, 7, 8, 9) == added(
        entries(given, "corrections"),
        lambda row: (row["account"], row["initiator"], row["currency"]),
        "requests",
        "accepted",
        "pieces",
        "value",
    )
    rows = [(*row, 1) for row in reporting.report("invoice_reconciliation")]
    assert reported(rows, lambda row: (row[0], row[9], row[15]), 18, 12, 13, 14) == added(
        entries(given, "invoices"),
        lambda row: (row["account"], row["reason"], row["currency"]),
        "orders",
        "ordered",
        "invoiced",
        "difference",
    )


def test_stock(grower_world: Reporting) -> None:
    """Batches and their pieces, as in sell_through."""
    rows = [(*row, 1) for row in grower_world.report("sell_through")]

    assert reported(rows, lambda row: (row[0], row[5]), 14, 7, 8, 9, 10) == added(
        entries(content(grower_world), "stock"),
        lambda row: (row["account"], id_of(row["item"])),
        "batches",
        "initial",
        "sold",
        "other",
        "remaining",
    )


def test_purchase_orders_that_need_action(buyer_world: Reporting) -> None:
    """Each reason of each order, as in purchase_order_exceptions."""
    rows = buyer_world.report("purchase_order_exceptions")

    assert rows
    assert reported([(row[0], reason, 1) for row in rows for reason in row[3]], lambda row: row[:2], 2) == added(
        entries(content(buyer_world), "actions"), lambda row: (row["account"], row["reason"]), "orders"
    )


def test_a_small_page_keeps_its_totals(grower_world: Reporting) -> None:
    """Where there is room for few rows, small customers and items are shown together, and the page says how many."""
    whole, small = content(grower_world), content(grower_world, most_letters=15_000)

    def totals(given: Content, fact: str, *measures: str) -> dict[Row, Any]:
        return added(entries(given, fact), lambda row: (row["account"], row["week"], row.get("currency")), *measures)

    def told(given: Content, split: str) -> set[str]:
        facts = ("sales", "fill", "corrections", "invoices", "stock")
        return {row[split] for fact in facts for row in entries(given, fact) if row.get(split)} - {MANY}

    assert whole["merged"] == {"partners": 0, "items": 0, "older": 0}
    for split in ("partner", "item"):
        assert small["merged"][f"{split}s"] == len(told(whole, split) - told(small, split)) > 0
        assert told(small, split)
    for fact, measures in {"sales": ("orders", "pieces"), "fill": ("ordered", "delivered"), "stock": ("sold",)}.items():
        assert values(totals(small, fact, *measures)) == values(totals(whole, fact, *measures))


def test_older_weeks_are_counted_and_left_out(grower_edges: Reporting) -> None:
    """Two years later nothing of them is there; orders without a week are."""
    given = content(grower_edges, EDGE + dt.timedelta(weeks=200))
    counted = sum(row[6] for row in grower_edges.report("revenue_by_week") if row[1] is not None)

    assert {row["week"] for row in entries(given, "sales")} == {None}
    assert given["merged"]["older"] == counted


def test_the_file_is_whole_and_private(grower: Reporting, tmp_path: Path) -> None:
    """It replaces the one before, only its owner reads it, its folder is made, and nothing else is left there."""
    path = tmp_path / "pages" / "monday.html"

    write_dashboard(Warehouse(grower.path), path)
    made = write_dashboard(Warehouse(grower.path), path)

    assert (made.path, made.size) == (path, path.stat().st_size)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["monday.html"]


def test_the_command_writes_it_beside_the_warehouse(
    grower: Reporting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It prints where; ``--output`` writes it elsewhere."""
    monkeypatch.setenv("FLORIDAY_WAREHOUSE", str(grower.path))
    monkeypatch.chdir(tmp_path)

    assert run(["dashboard"]) == run(["dashboard", "--output", "pages/monday.html"]) == 0

    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{tmp_path / 'dashboard.html'}: 0 orders, ")
    assert second.startswith("pages/monday.html: ")
    assert (tmp_path / "dashboard.html").stat().st_size == (tmp_path / "pages" / "monday.html").stat().st_size


def test_what_cannot_be_written_is_told(grower: Reporting, tmp_path: Path) -> None:
    """The warehouse is never written over; without one, or with a file in the folder's place, a line says so."""
    with pytest.raises(UsageError, match="is the warehouse itself"):
        write_dashboard(Warehouse(grower.path), grower.path)
    with pytest.raises(PipelineError, match="run `floriday sync` first"):
        write_dashboard(Warehouse(tmp_path / "none.duckdb"), tmp_path / "page.html")
    with pytest.raises(PipelineError, match="cannot be written"):
        write_dashboard(Warehouse(grower.path), grower.path / "page.html")
