"""Report ``daily_statement``: invoice lines and load carriers by day, with a total for each day."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest

from tests.integration.report_warehouse import (
    AMOUNT,
    BOUNDARY_TIMES,
    ORDERS,
    Json,
    ReportWarehouse,
    Row,
    approx,
    day,
    id_of,
    make_record,
    nulls_last,
    number,
    text,
    total,
    uuid,
    value_at,
)
from tests.integration.reports import handmade_orders
from tests.integration.reports.handmade_deliveries import MEANS
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters
from tests.integration.reports.timed_reports import report_with_query_time, today
from tests.moments import NOW, real_now

REPORT = "daily_statement"
LINES = "orders.invoice_lines"
KINDS = ("LINE", "LOAD_CARRIER", "TOTAL")
DAY, KIND, STATE, INVOICE, LINE, ORDER, PIECES, AMOUNTS, LEVIES, CURRENCY = 1, 2, 3, 4, 5, 7, 16, 17, 18, 19


def expected_rows(warehouse: ReportWarehouse, now: dt.datetime, parameters: Parameters = NO_FILTER) -> list[Any]:
    """Compute the report's rows from the records, in Python."""
    last = parameters.to_date or today(now)
    first = parameters.from_date or last - dt.timedelta(days=30)
    orders = orders_by_id(warehouse)
    lines = [
        line_row(warehouse.api, account, line, orders.get((account, uuid(line, "salesOrderId"))))
        for account, line in existing(warehouse, LINES)
        if is_between(day_of(line), first, last)
    ]
    buyers, items = warehouse.organization_names(), warehouse.trade_item_names()
    named = [
        (*row[:10], buyers.get((row[0], row[9])), row[10], items.get((row[0], row[10])), *row[11:]) for row in lines
    ]
    carriers = [
        carrier_row(account, line)
        for account, line in existing(warehouse, MEANS)
        if is_between(day_of(line), first, last)
    ]
    rows = [*named, *carriers, *totals(named)]
    return sorted(([*row[:LEVIES], levies(row), *row[CURRENCY:]] for row in rows), key=sort_key)


def existing(warehouse: ReportWarehouse, name: str) -> list[tuple[str, Json]]:
    """Return the newest versions of a feed's records that are not deleted."""
    return [(account, record) for account, record in warehouse.newest_records(name) if not record.get("isDeleted")]


def orders_by_id(warehouse: ReportWarehouse) -> dict[tuple[str, UUID | None], Json]:
    """Return all orders by account and identifier."""
    return {(account, uuid(order, "salesOrderId")): order for account, order in warehouse.newest_records(ORDERS)}


def day_of(line: Json) -> dt.date | None:
    """Return the day of a line's invoice, else of its settlement."""
    return next(filter(None, (day(line, path) for path in ("invoiceDate", "creationDateTime", "lastModified"))), None)


def is_between(date: dt.date | None, first: dt.date, last: dt.date) -> bool:
    """Return whether a day is known and within a period."""
    return date is not None and first <= date <= last


def state_of(line: Json) -> str:
    """Return whether a line is invoiced or only settled."""
    return "INVOICED" if text(line, "invoiceId") or text(line, "invoiceDate") else "SETTLED"


def line_row(api: str, account: str, line: Json, order: Json | None) -> Row:
    """Return the row of an invoice line, without names."""
    amount, currency = number(line, "subTotalAmount"), text(order, f"{AMOUNT}.currency")
    return (
        *(account, day_of(line), "LINE", state_of(line), text(line, "invoiceId"), text(line, "invoiceLineId")),
        line.get("isCorrection") if api == "suppliers" else None,
        uuid(line, "salesOrderId"),
        text(order, "salesChannelOrderId") or text(line, "salesChannelOrderId"),
        uuid(order, "customerOrganizationId"),
        uuid(order, "tradeItemId"),
        uuid(order, "batchId") if api == "suppliers" else None,
        value_at(order, "batchReference"),
        *(text(line, "deliveryFormReference"), line.get("numberOfPieces"), amount),
        levies_of(amount, order),
        *(currency, None, None),
    )


def levies_of(amount: Decimal | None, order: Json | None) -> Decimal | None:
    """Return a line's part of its order's levies, if they are in the order's currency."""
    value, whole = number(order, "calculatedFields.totalAuctionLevies.value"), number(order, f"{AMOUNT}.value")
    currency = text(order, "calculatedFields.totalAuctionLevies.currency")
    if None in (amount, value, currency) or not whole or currency != text(order, f"{AMOUNT}.currency"):
        return None
    assert amount is not None
    assert value is not None
    return amount * value / whole


def levies(row: Any) -> Any:
    """Return the levies of a row, for comparison with a rounded number."""
    return None if row[LEVIES] is None else approx(row[LEVIES])


def carrier_row(account: str, line: Json) -> Row:
    """Return the row of a line of load carriers."""
    id = str(uuid(line, "invoiceLineId"))
    known = (account, day_of(line), "LOAD_CARRIER", state_of(line), text(line, "invoiceId"), id)
    means = (text(line, "logisticMeansType"), line.get("numberOfItems"))
    return (*known, *[None] * 9, text(line, "deliveryNoteCode"), *[None] * 4, *means)


def totals(lines: list[Row]) -> list[Row]:
    """Return the totals of the invoice lines, by account, day and currency."""
    groups = defaultdict(list)
    for row in lines:
        groups[row[0], row[DAY], row[CURRENCY]].append(row)
    return [
        (
            account,
            date,
            "TOTAL",
            *[None] * 13,
            *(total(row[i] for row in rows) for i in (16, 17, 18)),
            money,
            None,
            None,
        )
        for (account, date, money), rows in groups.items()
    ]


def sort_key(row: Any) -> Row:
    """Return the sort key: the newest day first, its lines, its load carriers, its totals."""
    invoice, order, line, currency = (nulls_last(row[index]) for index in (INVOICE, ORDER, LINE, CURRENCY))
    return (row[0], -row[DAY].toordinal(), KINDS.index(row[KIND]), invoice, order, line, currency)


def report(warehouse: ReportWarehouse, parameters: Parameters = NO_FILTER) -> tuple[list[Any], dt.datetime]:
    """Return the rows of the report as lists, and DuckDB's time of the query."""
    rows, now = report_with_query_time(warehouse, REPORT, parameters)
    return [list(row) for row in rows], now


@pytest.fixture(scope="module", params=["suppliers", "customers"])
def statements(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ReportWarehouse:
    """A warehouse, for each API, with orders, their invoice lines and load carriers, at the boundaries of days."""
    warehouse = ReportWarehouse(tmp_path_factory.mktemp("statements") / "w.duckdb", request.param)
    for account, seed, count in (("north", 21, 200), ("south", 22, 60)):
        random = Random(f"statements {seed}")
        ordered = handmade_orders.orders(warehouse.api, seed, count)
        warehouse.store(ORDERS, ordered, account)
        ids = [*(order["salesOrderId"] for order in ordered), id_of("unknown order")]
        warehouse.store(LINES, [invoice_line(warehouse.api, n, random, ids) for n in range(count)], account)
        warehouse.store(MEANS, [means_line(warehouse.api, n, random) for n in range(count // 4)], account)
    handmade_orders.store_names(warehouse)
    return warehouse


def invoice_line(api: str, number: int, random: Random, orders: list[str]) -> Json:
    """Return an invoice line of a random order: invoiced, or settled at one time or another."""
    return make_record(
        api, LINES, number, **moments(api, random), salesOrderId=random.choice(orders), **quantities(random)
    )


def means_line(api: str, number: int, random: Random) -> Json:
    """Return a line of load carriers: invoiced, or settled at one time or another."""
    return make_record(api, MEANS, number, **moments(api, random), numberOfItems=random.choice((1, 3, -1, None)))


def moments(api: str, random: Random) -> Json:
    """Return the invoice and the times of a line; only growers see when it was created."""
    created = {"creationDateTime": random.choice((*BOUNDARY_TIMES, None))} if api == "suppliers" else {}
    has_invoice = random.random() < 0.6
    return {
        **created,
        "invoiceId": random.choice(("F-1", "F-2", None)) if has_invoice else random.choice((None, "")),
        "invoiceDate": random.choice((*BOUNDARY_TIMES, None)) if has_invoice else None,
        "lastModified": random.choice(BOUNDARY_TIMES),
    }


def quantities(random: Random) -> Json:
    """Return the pieces and the amount of a line, some of which are negative or missing."""
    amounts = (Decimal("-12.5"), Decimal("0.333333"), Decimal(240), None)
    return {"numberOfPieces": random.choice((-10, 0, 120)), "subTotalAmount": random.choice(amounts)}


WORLD = Parameters(from_date=NOW.date() - dt.timedelta(days=40), to_date=NOW.date() + dt.timedelta(days=2))


def test_grower_world(grower_world: ReportWarehouse) -> None:
    """For a grower in the sandbox world, the rows are as expected: of every kind and state, with batches."""
    rows, now = report(grower_world, WORLD)

    assert {(row[KIND], row[STATE]) for row in rows} >= {("LINE", "SETTLED"), ("LINE", "INVOICED"), ("TOTAL", None)}
    assert any(row[13] for row in rows)
    assert rows == expected_rows(grower_world, now, WORLD)


def test_buyer_world(buyer_world: ReportWarehouse) -> None:
    """For a buyer in the sandbox world, the rows are as expected, with levies."""
    rows, now = report(buyer_world, WORLD)

    assert any(row[LEVIES] for row in rows)
    assert rows == expected_rows(buyer_world, now, WORLD)


@pytest.mark.slow
@pytest.mark.parametrize("parameters", [NO_FILTER, *DATE_RANGES], ids=repr)
def test_handmade_statements(statements: ReportWarehouse, parameters: Parameters) -> None:
    """Rows are correct at day boundaries, for unknown orders, missing amounts and foreign currencies."""
    rows, now = report(statements, parameters)

    assert rows == expected_rows(statements, now, parameters)


@pytest.mark.slow
def test_totals_are_the_sums_of_their_lines(statements: ReportWarehouse) -> None:
    """The totals of all days add up to the lines of all days, in each currency, with nothing counted twice."""
    rows, _ = report(statements, Parameters(from_date=dt.date(2020, 1, 1), to_date=dt.date(2030, 1, 1)))

    assert {row[KIND] for row in rows} == set(KINDS)
    for currency in ("EUR", "USD", None):
        lines, sums = (
            [row for row in rows if row[KIND] == kind and row[CURRENCY] == currency] for kind in ("LINE", "TOTAL")
        )
        assert lines
        assert total(row[AMOUNTS] for row in lines) == total(row[AMOUNTS] for row in sums)
        assert total(row[PIECES] for row in lines) == total(row[PIECES] for row in sums)


@pytest.mark.slow
def test_a_line_moves_to_the_day_of_its_invoice(warehouse: ReportWarehouse) -> None:
    """A settled line is on the day of its settlement, and on the day of its invoice as soon as there is one."""
    settled = {"creationDateTime": "2026-03-02T22:59:00Z", "invoiceId": None, "invoiceDate": None}
    invoiced = {**settled, "invoiceId": "F-1", "invoiceDate": "2026-03-05T23:00:00Z"}
    days = []
    for moment in (settled, invoiced):
        warehouse.store(LINES, [make_record("suppliers", LINES, 1, isDeleted=False, **moment)])
        rows, _ = report(warehouse, Parameters(from_date=dt.date(2026, 3, 1), to_date=dt.date(2026, 3, 31)))
        days.append([(row[KIND], row[DAY], row[STATE]) for row in rows])

    assert days == [
        [("LINE", dt.date(2026, 3, 2), "SETTLED"), ("TOTAL", dt.date(2026, 3, 2), None)],
        [("LINE", dt.date(2026, 3, 6), "INVOICED"), ("TOTAL", dt.date(2026, 3, 6), None)],
    ]


@pytest.mark.slow
def test_the_last_31_days_are_shown(warehouse: ReportWarehouse) -> None:
    """Without parameters, the report has the lines of today and of the 30 days before."""
    ages = (-1, 0, 30, 32)
    moments = [{"invoiceId": str(n), "invoiceDate": str(real_now() - dt.timedelta(days=n))} for n in ages]
    warehouse.store(LINES, [make_record("suppliers", LINES, n, **moment) for n, moment in enumerate(moments)])
    rows, now = report(warehouse)

    assert rows == expected_rows(warehouse, now)
    assert [row[INVOICE] for row in rows if row[KIND] == "LINE"] == ["0", "30"]


@pytest.mark.slow
def test_a_correction_is_a_line_of_its_own(warehouse: ReportWarehouse) -> None:
    """A correction lowers the total of its own day, not of the day of the invoice that it corrects."""
    first = {"numberOfPieces": 100, "subTotalAmount": 250, "invoiceDate": "2026-03-02T12:00:00Z", "isCorrection": False}
    second = {"numberOfPieces": -20, "subTotalAmount": -50, "invoiceDate": "2026-03-04T12:00:00Z", "isCorrection": True}
    warehouse.store(LINES, [make_record("suppliers", LINES, n, **line) for n, line in enumerate((first, second))])
    rows, _ = report(warehouse, Parameters(from_date=dt.date(2026, 3, 1), to_date=dt.date(2026, 3, 31)))

    assert [(row[DAY].day, row[KIND], row[6], row[PIECES], row[AMOUNTS]) for row in rows] == [
        (4, "LINE", True, -20, -50),
        (4, "TOTAL", None, -20, -50),
        (2, "LINE", False, 100, 250),
        (2, "TOTAL", None, 100, 250),
    ]


@pytest.mark.slow
def test_levies_are_divided_by_amount(buyer_warehouse: ReportWarehouse) -> None:
    """The lines of an order have its levies in proportion to their amounts."""
    fields = {"orderAmount": {"currency": "EUR", "value": 200}, "totalAuctionLevies": {"currency": "EUR", "value": 6}}
    id = id_of("order")
    buyer_warehouse.store(ORDERS, [make_record("customers", ORDERS, 1, salesOrderId=id, calculatedFields=fields)])
    line = {"salesOrderId": id, "invoiceDate": "2026-03-02T12:00:00Z"}
    lines = [make_record("customers", LINES, n, **line, subTotalAmount=amount) for n, amount in enumerate((150, 50))]
    buyer_warehouse.store(LINES, lines)
    rows, _ = report(buyer_warehouse, Parameters(from_date=dt.date(2026, 3, 2), to_date=dt.date(2026, 3, 2)))

    assert sorted((row[KIND], row[AMOUNTS], row[LEVIES]) for row in rows) == [
        ("LINE", 50, Decimal("1.5")),
        ("LINE", 150, Decimal("4.5")),
        ("TOTAL", 200, 6),
    ]


@pytest.mark.slow
def test_empty_warehouse(tmp_path: Path) -> None:
    """Without any records, the report exists and has no rows, for both APIs."""
    for api in ("suppliers", "customers"):
        assert ReportWarehouse(tmp_path / f"{api}.duckdb", api).report(REPORT) == []
