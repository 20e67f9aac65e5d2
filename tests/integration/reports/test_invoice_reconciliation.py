"""Report ``invoice_reconciliation``: orders that are invoiced differently than ordered, or not at all."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest

from tests.integration.report_warehouse import (
    AMOUNT,
    AMSTERDAM,
    DELIVERY,
    ORDERS,
    Json,
    ReportWarehouse,
    Row,
    day,
    id_of,
    make_record,
    merged,
    nulls_last,
    number,
    text,
    timestamp,
    total,
    uuid,
    value_at,
)
from tests.integration.reports import handmade_orders
from tests.integration.reports.handmade_orders import BLOOM, GROWERS
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters, grower_of
from tests.integration.reports.timed_reports import report_with_query_time, today
from tests.moments import real_now

REPORT = "invoice_reconciliation"
LINES = "orders.invoice_lines"
CENT = Decimal("0.01")
GRACE_DAYS = 7


def expected_rows(warehouse: ReportWarehouse, now: dt.datetime, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records, in Python."""
    names, lines_of, rows = warehouse.organization_names(), defaultdict(list), []
    for account, line in warehouse.newest_records(LINES):
        lines_of[account, uuid(line, "salesOrderId")].append(line)
    for account, order in warehouse.newest_records(ORDERS):
        lines = lines_of[account, uuid(order, "salesOrderId")]
        measures, state = compared(order, lines), state_of(order, lines)
        date, difference = day(order, DELIVERY), None if state == "CANNOT_BE_KNOWN" else measures[-1]
        days_open = (today(now) - date).days if date else None
        is_due = state == "DIFFERS" or days_open is None or days_open >= (parameters.grace_days or GRACE_DAYS)
        if is_selected(order, now, parameters) and has_difference(measures) and is_due:
            seller, buyer = grower_of(order), uuid(order, "customerOrganizationId")
            rows.append(
                (
                    *(account, uuid(order, "salesOrderId"), text(order, "salesChannelOrderId"), day(order, DELIVERY)),
                    *(seller, names.get((account, seller)), buyer, names.get((account, buyer))),
                    *(text(order, "status"), state, *measures, text(order, f"{AMOUNT}.currency")),
                    *sums([line for line in lines if not has_invoice(line)]),
                    *(None if difference is None else max(sign * difference, 0) for sign in (1, -1)),
                    *(days_open, uuid(order, "tradeItemId"), cause_of(order, lines), numbers_of(lines)),
                )
            )
    return sorted(rows, key=lambda row: (row[0], nulls_last(row[3]), row[1]))


def is_selected(order: Json, now: dt.datetime, parameters: Parameters) -> bool:
    """Return whether an order's latest delivery time has passed or is unknown, and the order matches the parameters."""
    latest = timestamp(order, DELIVERY)
    return (
        not order.get("isDeleted")
        and (latest is None or latest <= now)
        and parameters.includes(day(order, DELIVERY))
        and parameters.currency in (None, text(order, f"{AMOUNT}.currency"))
        and parameters.customer in (None, uuid(order, "customerOrganizationId"))
        and parameters.grower in (None, grower_of(order))
    )


def is_outside(order: Json) -> bool:
    """Return whether an order was sold by an auction, or is paid in a way, whose invoices Floriday does not serve."""
    return text(order, "salesChannel") in ("PLANTION_CLOCK", "VRM_CLOCK") or text(order, "paymentProvider") in (
        "PLANTION",
        "VRM",
        "OTHER",
    )


def compared(order: Json, lines: Sequence[Json]) -> tuple[Any, ...]:
    """Return pieces ordered and invoiced, amounts ordered and invoiced, and the difference of the amounts."""
    is_committed = text(order, "status") == "COMMITTED"
    pieces, amount = (order["numberOfPieces"], number(order, f"{AMOUNT}.value")) if is_committed else (0, Decimal(0))
    invoiced_pieces, invoiced = sums([line for line in lines if has_invoice(line)])
    difference = None if amount is None or invoiced is None else amount - invoiced
    return pieces, invoiced_pieces, amount, invoiced, difference


def has_difference(measures: tuple[Any, ...]) -> bool:
    """Return whether the pieces differ, or the amounts by a cent or more."""
    pieces, invoiced_pieces, *_, difference = measures
    return bool(pieces != invoiced_pieces) or (difference is not None and abs(difference) >= CENT)


def sums(lines: Sequence[Json]) -> tuple[Any, Any]:
    """Return the pieces and the amount of lines; an amount of None is unknown."""
    pieces, amounts = (line.get("numberOfPieces") for line in lines), (number(line, "subTotalAmount") for line in lines)
    return total(pieces) or 0, total(amounts) if lines else 0


def has_invoice(line: Json) -> bool:
    """Return whether a line is invoiced, and not only settled."""
    return bool(text(line, "invoiceId") or text(line, "invoiceDate"))


def state_of(order: Json, lines: Sequence[Json]) -> str:
    """Return the state of an order whose invoices are missing or differ."""
    if not lines:
        return "CANNOT_BE_KNOWN" if is_outside(order) else "NOT_SETTLED"
    ordered, _, amount, *_ = compared(order, lines)
    pieces = sums(lines)[0]
    parts = [sums([line for line in lines if has_invoice(line) is invoiced])[1] for invoiced in (True, False)]
    rest = None if amount is None or None in parts else amount - sum(parts)
    if pieces == ordered and (rest is None or abs(rest) < CENT):
        return "NOT_INVOICED"
    return "SETTLED_IN_PART" if 0 < pieces < ordered and (rest is None or rest >= CENT) else "DIFFERS"


def cause_of(order: Json, lines: Sequence[Json]) -> str:
    """Return why the invoices of an order differ from it."""
    ordered, pieces, _, amount, difference = compared(order, lines)
    if not any(map(has_invoice, lines)):
        return "CANNOT_BE_KNOWN" if state_of(order, lines) == "CANNOT_BE_KNOWN" else "NOT_INVOICED"
    if text(order, "status") != "COMMITTED":
        return "NOT_COMMITTED"
    if pieces == 0 and amount is not None and abs(amount) < CENT:
        return "CREDITED"
    if pieces > ordered and (difference is None or difference < CENT):
        return "MORE_PIECES"
    if pieces < ordered and (difference is None or difference >= CENT):
        return "IN_PART"
    return "LOWER_PRICE" if difference >= CENT else "HIGHER_PRICE"


def numbers_of(lines: Sequence[Json]) -> str | None:
    """Return the numbers of an order's invoices."""
    return ", ".join(sorted({str(each["invoiceId"]) for each in lines if text(each, "invoiceId")})) or None


STATES = {"NOT_SETTLED", "SETTLED_IN_PART", "NOT_INVOICED", "DIFFERS", "CANNOT_BE_KNOWN"}
CHANNELS = ("FLORIDAY", "FLORIDAY", "RFH_CLOCK", "PLANTION_CLOCK", "VRM_CLOCK", None)
PROVIDERS = ("RFH", "RFH", "RFH", "VRM", "PLANTION", "OTHER", None)


@pytest.fixture(scope="module", params=["suppliers", "customers"])
def invoices(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ReportWarehouse:
    """A warehouse, for each API, with orders and invoice lines: equal, nearly equal, corrected, or only settled."""
    warehouse = ReportWarehouse(tmp_path_factory.mktemp("invoices") / "w.duckdb", request.param)
    for account, seed, count in (("north", 5, 300), ("south", 6, 100)):
        random = Random(f"invoices {seed}")
        ordered = [
            {**order, "salesChannel": random.choice(CHANNELS), "paymentProvider": random.choice(PROVIDERS)}
            for order in handmade_orders.orders(warehouse.api, seed, count)
        ]
        warehouse.store(ORDERS, ordered, account)
        invoiced = [*ordered, {"salesOrderId": id_of("unknown order")}]
        warehouse.store(LINES, lines_for(warehouse.api, invoiced, random), account)
    handmade_orders.store_names(warehouse)
    return warehouse


def lines_for(api: str, ordered: Sequence[Json], random: Random) -> list[Json]:
    """Return up to two invoice lines for each order."""
    lines: list[Json] = []
    for order in ordered:
        for _ in range(random.choice((0, 1, 1, 1, 2))):
            lines.append(_line(api, len(lines), order, random))
    return lines


def _line(api: str, number: int, order: Json, random: Random) -> Json:
    amount = value_at(order, f"{AMOUNT}.value") or Decimal(0)
    deviation = Decimal(random.choice(("0", "0", "0", "0.009", "-0.01", "-7.5")))
    has_invoice = random.random() < 0.8
    fields = {
        "salesOrderId": order["salesOrderId"],
        "numberOfPieces": order.get("numberOfPieces", 5) + random.choice((0, 0, 0, 0, -10)),
        "subTotalAmount": random.choice((*[amount + deviation] * 3, None)),
        "invoiceId": random.choice(("F-1", None)) if has_invoice else random.choice((None, "")),
        "invoiceDate": "2026-01-02T00:00:00Z" if has_invoice else None,
    }
    return make_record(api, LINES, number + UUID(order["salesOrderId"]).int % 10**6 * 1000, **fields)


def test_grower_world(grower_world: ReportWarehouse) -> None:
    """For a grower in the sandbox world, the rows are as expected, with each reason."""
    rows, now = report_with_query_time(grower_world, REPORT)

    assert {row[9] for row in rows} >= {"NOT_SETTLED", "CANNOT_BE_KNOWN"}
    assert len(rows) < len(grower_world.newest_records(ORDERS)) / 2
    assert rows == expected_rows(grower_world, now)


def test_buyer_world(buyer_world: ReportWarehouse) -> None:
    """For a buyer in the sandbox world, the rows are as expected: the growers' invoices."""
    rows, now = report_with_query_time(buyer_world, REPORT)

    assert "NOT_SETTLED" in {row[9] for row in rows}
    assert rows == expected_rows(buyer_world, now)


@pytest.mark.slow
def test_handmade_invoices(invoices: ReportWarehouse) -> None:
    """Rows are correct for differences below a cent, auctions without invoices, cancelled orders and unknown orders."""
    rows, now = report_with_query_time(invoices, REPORT)

    assert {row[0] for row in rows} == {"north", "south"}
    assert {"COMMITTED", "CANCELLED"} < {row[8] for row in rows}
    assert {row[9] for row in rows} == STATES
    assert None in {row[3] for row in rows}
    assert rows == expected_rows(invoices, now)


FILTERS = (
    Parameters(currency="USD"),
    Parameters(customer=UUID(BLOOM)),
    Parameters(grower=UUID(GROWERS[0])),
    Parameters(grace_days=10**6),
)


@pytest.mark.slow
@pytest.mark.parametrize("parameters", [*DATE_RANGES, *FILTERS], ids=repr)
def test_parameters(invoices: ReportWarehouse, parameters: Parameters) -> None:
    """The report is restricted to the orders that match its parameters."""
    rows, now = report_with_query_time(invoices, REPORT, parameters)

    assert rows == expected_rows(invoices, now, parameters)


CAUSES: dict[str, tuple[dict[str, Any], list[tuple[int, str, str | None]]]] = {
    "NOT_INVOICED": ({}, [(100, "250.00", None)]),
    "CANNOT_BE_KNOWN": ({"paymentProvider": "OTHER"}, []),
    "IN_PART": ({}, [(60, "150.00", "F-1")]),
    "MORE_PIECES": ({}, [(100, "250.00", "F-2"), (10, "25.00", "F-1"), (10, "25.00", "F-2")]),
    "LOWER_PRICE": ({}, [(100, "240.00", "F-1")]),
    "HIGHER_PRICE": ({}, [(90, "270.00", "F-1")]),
    "CREDITED": ({}, [(100, "250.00", "F-1"), (-100, "-250.00", "F-2")]),
    "NOT_COMMITTED": ({"status": "CANCELLED"}, [(100, "250.00", "F-1")]),
}
"""By cause, the fields of an order, and its lines with pieces, amount and invoice."""


def test_causes_and_invoice_numbers(warehouse: ReportWarehouse) -> None:
    """Each row says why the invoices differ from the order, and has their numbers, each one once."""
    orders = [{**order(**fields), "salesOrderId": id_of(cause)} for cause, (fields, _) in CAUSES.items()]
    lines = [
        line(100 * place + seed, pieces, amount, salesOrderId=id_of(cause), invoiceId=invoice)
        for place, (cause, (_, of_order)) in enumerate(CAUSES.items())
        for seed, (pieces, amount, invoice) in enumerate(of_order)
    ]
    warehouse.store(ORDERS, orders)
    warehouse.store(LINES, lines)

    rows, now = report_with_query_time(warehouse, REPORT)

    found = {row[1]: row[22:] for row in rows}
    assert {cause: found[UUID(id_of(cause))][0] for cause in CAUSES} == {cause: cause for cause in CAUSES}
    assert found[UUID(id_of("MORE_PIECES"))][1] == "F-1, F-2"
    assert found[UUID(id_of("NOT_INVOICED"))][1] is None
    assert rows == expected_rows(warehouse, now)


@pytest.mark.slow
def test_line_is_settled_then_invoiced(warehouse: ReportWarehouse) -> None:
    """A settled line changes an order's reason; when the same line is invoiced, the order leaves the report."""
    warehouse.store(ORDERS, [order()])
    reports = [warehouse.report(REPORT)]
    for invoice in (None, "F-1"):
        warehouse.store(LINES, [line(1, 100, "250.00", invoiceId=invoice)])
        reports.append(warehouse.report(REPORT))

    assert [[row[9:18] for row in rows] for rows in reports] == [
        [("NOT_SETTLED", 100, 0, 250, 0, 250, "EUR", 0, 0)],
        [("NOT_INVOICED", 100, 0, 250, 0, 250, "EUR", 100, 250)],
        [],
    ]


def test_an_unknown_amount_is_not_compared(warehouse: ReportWarehouse) -> None:
    """If the invoiced amount is unknown, pieces alone are compared, and what is open is NULL, not the whole order."""
    warehouse.store(ORDERS, [order()])
    warehouse.store(LINES, [line(1, 60, None)])

    assert [(row[9], *row[10:15], *row[18:20]) for row in warehouse.report(REPORT)] == [
        ("SETTLED_IN_PART", 100, 60, 250, None, None, None, None)
    ]

    warehouse.store(LINES, [line(2, 40, None)])

    assert warehouse.report(REPORT) == []


@pytest.mark.slow
def test_correction_lines_are_added(warehouse: ReportWarehouse) -> None:
    """A correction line with negative pieces resolves the difference of an order that was reduced after its invoice."""
    warehouse.store(ORDERS, [order(numberOfPieces=80, calculatedFields={"orderAmount": {"value": 200}})])
    warehouse.store(LINES, [line(1, 100, "250.00")])

    assert [row[10:15] for row in warehouse.report(REPORT)] == [(80, 100, 200, 250, -50)]

    warehouse.store(LINES, [line(2, -20, "-50.00", isCorrection=True)])

    assert warehouse.report(REPORT) == []


@pytest.mark.slow
def test_cancelled_order_must_not_be_invoiced(warehouse: ReportWarehouse) -> None:
    """A cancelled order is in the report only if it is invoiced."""
    warehouse.store(ORDERS, [order(status="CANCELLED")])

    assert warehouse.report(REPORT) == []

    warehouse.store(LINES, [line(1, 100, "250.00")])

    assert [row[8:15] for row in warehouse.report(REPORT)] == [("CANCELLED", "DIFFERS", 0, 100, 0, 250, -250)]


@pytest.mark.slow
def test_partly_settled_order(warehouse: ReportWarehouse) -> None:
    """An order of which some pieces are settled or invoiced is settled in part; with all its pieces, it differs."""
    warehouse.store(ORDERS, [order()])
    states = []
    for seed, (pieces, amount) in enumerate(((60, "150.00"), (30, "75.00"), (10, "24.00"), (5, "12.00"))):
        warehouse.store(LINES, [line(seed, pieces, amount)])
        states += [(row[9], row[14], *row[18:20]) for row in warehouse.report(REPORT)]

    assert states == [
        ("SETTLED_IN_PART", 100, 100, 0),
        ("SETTLED_IN_PART", 25, 25, 0),
        ("DIFFERS", 1, 1, 0),
        ("DIFFERS", -11, 0, 11),
    ]


@pytest.mark.slow
def test_open_and_excess_amounts_are_not_subtracted(warehouse: ReportWarehouse) -> None:
    """What is open and what was invoiced too much are two figures of several orders."""
    other = {**order(), "salesOrderId": id_of("other order")}
    warehouse.store(ORDERS, [order(), other])
    warehouse.store(LINES, [line(1, 100, "1860.00")])

    rows = warehouse.report(REPORT)

    assert [sum(row[column] for row in rows) for column in (14, 18, 19)] == [-1360, 250, 1610]


@pytest.mark.slow
@pytest.mark.parametrize("fields", [{"salesChannel": "VRM_CLOCK"}, {"paymentProvider": "OTHER"}], ids=repr)
def test_invoices_outside_of_floriday(warehouse: ReportWarehouse, fields: dict[str, str]) -> None:
    """Without a line, it cannot be known whether such an order is invoiced; a line that differs is a difference."""
    warehouse.store(ORDERS, [order(**fields)])

    assert [(row[9], *row[18:20]) for row in warehouse.report(REPORT)] == [("CANNOT_BE_KNOWN", None, None)]

    warehouse.store(LINES, [line(1, 100, "249.00")])

    assert [(row[9], row[14]) for row in warehouse.report(REPORT)] == [("DIFFERS", 1)]


@pytest.mark.slow
def test_grace_period(warehouse: ReportWarehouse) -> None:
    """A missing invoice is reported from the seventh day on, or as given; a difference at once."""
    delivered = dt.datetime.combine(today(real_now()) - dt.timedelta(days=6), dt.time(), AMSTERDAM)
    warehouse.store(ORDERS, [order(delivery={"latestDeliveryDateTime": delivered.isoformat()})])

    assert warehouse.report(REPORT) == []
    assert [(row[9], row[20]) for row in warehouse.report(REPORT, grace_days=6)] == [("NOT_SETTLED", 6)]

    warehouse.store(LINES, [line(1, 101, "252.50")])

    assert [(row[9], row[20]) for row in warehouse.report(REPORT)] == [("DIFFERS", 6)]


@pytest.mark.slow
def test_future_delivery_is_not_due(warehouse: ReportWarehouse) -> None:
    """An order with a future delivery is not in the report."""
    in_one_hour = real_now() + dt.timedelta(hours=1)
    warehouse.store(ORDERS, [order(delivery={"latestDeliveryDateTime": in_one_hour.isoformat()})])

    assert warehouse.report(REPORT) == []


@pytest.mark.slow
def test_empty_warehouse(tmp_path: Path) -> None:
    """Without any records, the report exists and has no rows, for both APIs."""
    for api in ("suppliers", "customers"):
        assert ReportWarehouse(tmp_path / f"{api}.duckdb", api).report(REPORT) == []


def order(**fields: Any) -> Json:
    """Return a committed order of a hundred pieces for 250 euros."""
    defaults = {
        "salesOrderId": id_of("order"),
        "status": "COMMITTED",
        "isDeleted": False,
        "salesChannel": "FLORIDAY",
        "paymentProvider": "RFH",
        "numberOfPieces": 100,
        "delivery": {"latestDeliveryDateTime": "2026-01-05T12:00:00Z"},
        "calculatedFields": {"orderAmount": {"currency": "EUR", "value": 250}},
    }
    return make_record("suppliers", ORDERS, 1, **merged(defaults, fields))


def line(number: int, pieces: int, amount: str | None, **fields: Any) -> Json:
    """Return an invoiced line for the order."""
    defaults = {
        "salesOrderId": id_of("order"),
        "numberOfPieces": pieces,
        "subTotalAmount": None if amount is None else Decimal(amount),
        "invoiceId": "F-1",
        "invoiceDate": None,
    }
    return make_record("suppliers", LINES, number, **{**defaults, **fields})
