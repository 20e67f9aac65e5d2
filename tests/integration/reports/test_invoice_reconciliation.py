"""Sales orders that are invoiced differently than ordered, or not at all."""

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

from tests.integration.reporting import (
    AMOUNT,
    DELIVERY,
    ORDERS,
    Json,
    Reporting,
    Row,
    at,
    day,
    id_of,
    last_if_none,
    made,
    merged,
    moment,
    number,
    text,
    total,
    uuid,
)
from tests.integration.reports import by_hand
from tests.integration.reports.asked import ALL, DAYS, Asked, grower_of
from tests.integration.reports.at_the_moment import report_at_the_moment
from tests.integration.reports.by_hand import BLOOM, GROWERS
from tests.moments import real_now

REPORT = "invoice_reconciliation"
LINES = "orders.invoice_lines"
CENT = Decimal("0.01")


def invoice_reconciliation(told: Reporting, now: dt.datetime, asked: Asked = ALL) -> list[Row]:
    """The rows of the report."""
    names, lines_of, rows = told.organizations(), defaultdict(list), []
    for account, line in told.served(LINES):
        lines_of[account, uuid(line, "salesOrderId")].append(line)
    for account, order in told.served(ORDERS):
        lines = lines_of[account, uuid(order, "salesOrderId")]
        measures = compared(order, lines)
        if is_asked(order, now, asked) and (lines or not is_silent(order)) and is_wrong(measures):
            seller, buyer = grower_of(order), uuid(order, "customerOrganizationId")
            rows.append(
                (
                    *(account, uuid(order, "salesOrderId"), text(order, "salesChannelOrderId"), day(order, DELIVERY)),
                    *(seller, names.get((account, seller)), buyer, names.get((account, buyer))),
                    *(text(order, "status"), reason(lines), *measures, text(order, f"{AMOUNT}.currency")),
                    *sums([line for line in lines if not has_invoice(line)]),
                )
            )
    return sorted(rows, key=lambda row: (row[0], last_if_none(row[3]), row[1]))


def is_asked(order: Json, now: dt.datetime, asked: Asked) -> bool:
    """Whether its latest delivery has passed or is not known, and it is one of those that are asked for."""
    latest = moment(order, DELIVERY)
    return (
        not order.get("isDeleted")
        and (latest is None or latest <= now)
        and asked.covers(day(order, DELIVERY))
        and asked.currency in (None, text(order, f"{AMOUNT}.currency"))
        and asked.customer in (None, uuid(order, "customerOrganizationId"))
        and asked.grower in (None, grower_of(order))
    )


def is_silent(order: Json) -> bool:
    """Whether it is of an auction that tells nothing of its invoices."""
    return text(order, "salesChannel") in ("PLANTION_CLOCK", "VRM_CLOCK") or text(order, "paymentProvider") in (
        "PLANTION",
        "VRM",
    )


def compared(order: Json, lines: Sequence[Json]) -> tuple[Any, ...]:
    """Pieces ordered and invoiced, amount ordered and invoiced, and the difference of the amounts."""
    is_committed = text(order, "status") == "COMMITTED"
    pieces, amount = (order["numberOfPieces"], number(order, f"{AMOUNT}.value")) if is_committed else (0, Decimal(0))
    invoiced_pieces, invoiced = sums([line for line in lines if has_invoice(line)])
    return pieces, invoiced_pieces, amount, invoiced, None if amount is None else amount - invoiced


def is_wrong(measures: tuple[Any, ...]) -> bool:
    """Whether pieces differ, or amounts by a cent."""
    pieces, invoiced_pieces, *_, difference = measures
    return bool(pieces != invoiced_pieces) or (difference is not None and abs(difference) >= CENT)


def sums(lines: Sequence[Json]) -> tuple[Any, Any]:
    """Pieces and amount of lines."""
    pieces, amounts = (line.get("numberOfPieces") for line in lines), (number(line, "subTotalAmount") for line in lines)
    return total(pieces) or 0, total(amounts) or 0


def has_invoice(line: Json) -> bool:
    """Whether it is past its first phase."""
    return bool(text(line, "invoiceId") or text(line, "invoiceDate"))


def reason(lines: Sequence[Json]) -> str:
    """How far the order's lines are."""
    return "DIFFERENCE" if any(map(has_invoice, lines)) else "NOT_INVOICED" if lines else "NOT_SETTLED"


CHANNELS = ("FLORIDAY", "FLORIDAY", "RFH_CLOCK", "PLANTION_CLOCK", "VRM_CLOCK", None)
PROVIDERS = ("RFH", "RFH", "VRM", "PLANTION", "OTHER", None)


@pytest.fixture(scope="module", params=["suppliers", "customers"])
def invoices(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Reporting:
    """Orders with no, one or several lines: equal, nearly equal, corrected, settled only; of both APIs."""
    told = Reporting(tmp_path_factory.mktemp("invoices") / "w.duckdb", request.param)
    for account, seed, count in (("north", 5, 300), ("south", 6, 100)):
        random = Random(f"invoices {seed}")
        ordered = [
            {**order, "salesChannel": random.choice(CHANNELS), "paymentProvider": random.choice(PROVIDERS)}
            for order in by_hand.orders(told.api, seed, count)
        ]
        told.store(ORDERS, ordered, account)
        told.store(LINES, lines_for(told.api, [*ordered, {"salesOrderId": id_of("unknown order")}], random), account)
    by_hand.store_names(told)
    return told


def lines_for(api: str, ordered: Sequence[Json], random: Random) -> list[Json]:
    """Invoice lines for most orders."""
    lines: list[Json] = []
    for order in ordered:
        for _ in range(random.choice((0, 1, 1, 1, 2))):
            lines.append(_line(api, len(lines), order, random))
    return lines


def _line(api: str, number: int, order: Json, random: Random) -> Json:
    amount = at(order, f"{AMOUNT}.value") or Decimal(0)
    off = random.choice(("0", "0", "0", "0.009", "-0.01", "-7.5"))
    has_invoice = random.random() < 0.8
    told = {
        "salesOrderId": order["salesOrderId"],
        "numberOfPieces": order.get("numberOfPieces", 5) + random.choice((0, 0, 0, 0, -10)),
        "subTotalAmount": random.choice((amount + Decimal(off), amount + Decimal(off), amount + Decimal(off), None)),
        "invoiceId": random.choice(("F-1", None)) if has_invoice else random.choice((None, "")),
        "invoiceDate": "2026-01-02T00:00:00Z" if has_invoice else None,
    }
    return made(api, LINES, number + UUID(order["salesOrderId"]).int % 10**6 * 1000, **told)


def test_the_world_of_a_grower(grower_world: Reporting) -> None:
    """Every row of the sandbox's world, in order, with each reason that there is."""
    rows, now = report_at_the_moment(grower_world, REPORT)

    assert {row[9] for row in rows} == {"NOT_SETTLED", "NOT_INVOICED", "DIFFERENCE"}
    assert len(rows) < len(grower_world.served(ORDERS)) / 2
    assert rows == invoice_reconciliation(grower_world, now)


def test_the_world_of_a_buyer(buyer_world: Reporting) -> None:
    """A buyer reconciles what growers invoice."""
    rows, now = report_at_the_moment(buyer_world, REPORT)

    assert {row[9] for row in rows} >= {"NOT_SETTLED", "DIFFERENCE"}
    assert rows == invoice_reconciliation(buyer_world, now)


def test_invoices_by_hand(invoices: Reporting) -> None:
    """Differences of less than a cent, silent auctions, orders that are not committed, unknown ones, both accounts."""
    rows, now = report_at_the_moment(invoices, REPORT)

    assert {row[0] for row in rows} == {"north", "south"}
    assert {"COMMITTED", "CANCELLED"} < {row[8] for row in rows}
    assert None in {row[3] for row in rows}
    assert rows == invoice_reconciliation(invoices, now)


@pytest.mark.parametrize(
    "asked",
    [*DAYS, Asked(currency="USD"), Asked(customer=UUID(BLOOM)), Asked(grower=UUID(GROWERS[0]))],
)
def test_what_is_asked_for(invoices: Reporting, asked: Asked) -> None:
    """Days of Amsterdam, one currency, one buyer, one grower."""
    rows, now = report_at_the_moment(invoices, REPORT, asked)

    assert rows == invoice_reconciliation(invoices, now, asked)


def test_a_line_is_settled_before_it_is_invoiced(grower: Reporting) -> None:
    """The completed line is the same line, and no correction: then nothing is wrong any more."""
    grower.store(ORDERS, [order()])
    steps = [grower.report(REPORT)]
    for invoice in (None, "F-1"):
        grower.store(LINES, [line(1, 100, "250.00", invoiceId=invoice)])
        steps.append(grower.report(REPORT))

    assert [[row[9:] for row in rows] for rows in steps] == [
        [("NOT_SETTLED", 100, 0, 250, 0, 250, "EUR", 0, 0)],
        [("NOT_INVOICED", 100, 0, 250, 0, 250, "EUR", 100, 250)],
        [],
    ]


def test_corrections_are_lines_of_their_own(grower: Reporting) -> None:
    """A line that takes pieces back makes an order even that was corrected after it was invoiced."""
    grower.store(ORDERS, [order(numberOfPieces=80, calculatedFields={"orderAmount": {"value": 200}})])
    grower.store(LINES, [line(1, 100, "250.00")])

    assert [row[10:15] for row in grower.report(REPORT)] == [(80, 100, 200, 250, -50)]

    grower.store(LINES, [line(2, -20, "-50.00", isCorrection=True)])

    assert grower.report(REPORT) == []


def test_what_was_cancelled_is_not_to_be_invoiced(grower: Reporting) -> None:
    """A cancelled order stands in the report until what was invoiced for it is taken back."""
    grower.store(ORDERS, [order(status="CANCELLED")])

    assert grower.report(REPORT) == []

    grower.store(LINES, [line(1, 100, "250.00")])

    assert [row[8:15] for row in grower.report(REPORT)] == [("CANCELLED", "DIFFERENCE", 0, 100, 0, 250, -250)]


def test_a_silent_auction_is_heard_where_it_speaks(grower: Reporting) -> None:
    """An order of Plantion or VRM is compared as soon as there is a line for it."""
    grower.store(ORDERS, [order(salesChannel="VRM_CLOCK")])

    assert grower.report(REPORT) == []

    grower.store(LINES, [line(1, 100, "249.00")])

    assert [row[14] for row in grower.report(REPORT)] == [1]


def test_a_delivery_that_lies_ahead_is_not_to_be_invoiced(grower: Reporting) -> None:
    """An order is to be invoiced from its latest delivery on."""
    ahead = real_now() + dt.timedelta(hours=1)
    grower.store(ORDERS, [order(delivery={"latestDeliveryDateTime": ahead.isoformat()})])

    assert grower.report(REPORT) == []


def test_no_orders(tmp_path: Path) -> None:
    """The report is there and empty, for both APIs."""
    for api in ("suppliers", "customers"):
        assert Reporting(tmp_path / f"{api}.duckdb", api).report(REPORT) == []


def order(**fields: Any) -> Json:
    """A committed order of a hundred pieces for 250 euros."""
    told = {
        "salesOrderId": id_of("order"),
        "status": "COMMITTED",
        "isDeleted": False,
        "salesChannel": "FLORIDAY",
        "paymentProvider": "RFH",
        "numberOfPieces": 100,
        "delivery": {"latestDeliveryDateTime": "2026-01-05T12:00:00Z"},
        "calculatedFields": {"orderAmount": {"currency": "EUR", "value": 250}},
    }
    return made("suppliers", ORDERS, 1, **merged(told, fields))


def line(number: int, pieces: int, amount: str, **fields: Any) -> Json:
    """An invoiced line for the order."""
    told = {
        "salesOrderId": id_of("order"),
        "numberOfPieces": pieces,
        "subTotalAmount": Decimal(amount),
        "invoiceId": "F-1",
        "invoiceDate": None,
    }
    return made("suppliers", LINES, number, **{**told, **fields})
