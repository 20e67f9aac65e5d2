"""Report ``complaints``: complaints and failed orders by customer, trade item and reason."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from statistics import median
from typing import Any
from uuid import UUID

import pytest

from tests.integration.report_warehouse import (
    AMOUNT,
    DELIVERY,
    ORDERS,
    Json,
    ReportWarehouse,
    Row,
    approx,
    day,
    descending,
    id_of,
    make_record,
    month_of,
    nulls_last,
    number,
    quotient,
    text,
    timestamp,
    total,
    uuid,
    value_at,
)
from tests.integration.reports.handmade_corrections import (
    REQUESTS,
    answer_hours,
    cents,
    changes_by_request,
    most_frequent,
)
from tests.integration.reports.handmade_orders import BLOOM, ROSE
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters

REPORT = "complaints"
FAILED = ("REJECTED", "UNFULFILLABLE", "CANCELLED")

Complaint = tuple[Json | None, int, Decimal | None]
"""A request, None for a failed order, with its pieces and value; a value of None is unknown."""


def expected_rows(warehouse: ReportWarehouse, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records, in Python."""
    customers, items, groups = warehouse.organization_names(), warehouse.trade_item_names(), defaultdict(list)
    for key, complaint in all_complaints(warehouse, parameters):
        groups[key].append(complaint)
    orders = order_counts(warehouse, parameters)
    rows = []
    for (account, month, customer, item, currency, kind, reason), complaints in groups.items():
        count = orders[account, month, customer, item, currency]
        names = (customer, customers.get((account, customer)), item, items.get((account, item)))
        rate = quotient(len(complaints), count)
        rows.append(
            (account, month, *names, kind, reason, currency, count, len(complaints), rate, *measures(complaints))
        )
    return sorted(rows, key=sort_key)


def all_complaints(warehouse: ReportWarehouse, parameters: Parameters) -> Iterator[tuple[Row, Complaint]]:
    """Yield complaints and failed orders, with the columns by which they are grouped."""
    orders = {(account, uuid(order, "salesOrderId")): order for account, order in warehouse.newest_records(ORDERS)}
    changes = changes_by_request(warehouse)
    for account, request in warehouse.newest_records(REQUESTS):
        order = orders.get((account, uuid(request, "salesOrderId")))
        if request["status"] != "DELETED" and text(request, "initiatedBy") != "SUPPLIER":
            key = key_of(account, order, uuid(request, "customerOrganizationId"))
            pieces, value = changes[account, uuid(request, "salesOrderCorrectionRequestId")]
            if is_selected(parameters, order, key):
                yield (
                    (*key, kind_of(request, order), text(request, "reason")),
                    (request, -pieces, None if value is None else -value),
                )
    for (account, _), order in orders.items():
        key = key_of(account, order, uuid(order, "customerOrganizationId"))
        if order["status"] in FAILED and not order.get("isDeleted") and is_selected(parameters, order, key):
            yield (*key, order["status"], None), (None, *first_ordered(order))


def key_of(account: str, order: Json | None, customer: UUID | None) -> Row:
    """Return the columns by which orders are counted."""
    month, item = month_of(day(order, DELIVERY)), uuid(order, "tradeItemId")
    return account, month, customer, item, text(order, f"{AMOUNT}.currency")


def is_selected(parameters: Parameters, order: Json | None, key: Row) -> bool:
    """Return whether an order, and a row's customer, trade item and currency, match the parameters."""
    return (
        parameters.includes(day(order, DELIVERY))
        and parameters.customer in (None, key[2])
        and parameters.trade_item in (None, key[3])
        and parameters.currency in (None, key[4])
    )


def kind_of(request: Json, order: Json | None) -> str:
    """Return whether a request is a complaint about the goods or an earlier correction."""
    made, latest = timestamp(request, "creationDateTime"), timestamp(order, DELIVERY)
    is_after_delivery = made is not None and latest is not None and made > latest
    has_decision = text(request, "reclamationActionDecision") is not None
    return "COMPLAINT" if is_after_delivery or has_decision else "CORRECTION"


def first_ordered(order: Json) -> tuple[int, Decimal | None]:
    """Return the pieces and the value of an order before its oldest change; without a price, its present value."""
    changes, present = order.get("mutations") or [], number(order, f"{AMOUNT}.value")
    if not changes:
        return order["numberOfPieces"], present
    oldest = min(changes, key=lambda each: (timestamp(each, "createdDateTime"), each["basedOnSalesOrderVersion"]))
    pieces, price = value_at(oldest, "oldValues.numberOfPieces"), number(oldest, "oldValues.totalPricePerPiece")
    return pieces, present if price is None else cents(price * pieces)


def order_counts(warehouse: ReportWarehouse, parameters: Parameters) -> Counter[Row]:
    """Return the number of orders that were accepted or failed, by the columns of ``key_of``."""
    return Counter(
        key_of(account, order, uuid(order, "customerOrganizationId"))
        for account, order in warehouse.newest_records(ORDERS)
        if order["status"] in ("ACCEPTED", "COMMITTED", *FAILED)
        and not order.get("isDeleted")
        and parameters.includes(day(order, DELIVERY))
    )


def measures(complaints: Sequence[Complaint]) -> Row:
    """Return pieces, value, accepted and declined complaints, the median answer hours and the decision."""
    requests = [request for request, _, _ in complaints if request]
    statuses = Counter(request["status"] for request in requests)
    hours = [answer for request in requests if (answer := answer_hours(request)) is not None]
    return (
        *(total(pieces for _, pieces, _ in complaints), total(value for _, _, value in complaints)),
        *(statuses["ACCEPTED"], statuses["DECLINED"], approx(median(hours)) if hours else None),
        most_frequent(text(request, "reclamationActionDecision") for request in requests),
    )


def sort_key(row: Row) -> Row:
    """Return the sort key: newest month first, then by currency, then the most complaints first."""
    account, month, customer, _, item, _, kind, reason, currency, _, complaints, *_ = row
    ids = (nulls_last(customer), nulls_last(item), kind, nulls_last(reason))
    return account, descending(month), nulls_last(currency), -complaints, *ids


@pytest.mark.parametrize("world", ["grower_world", "buyer_world"])
def test_sandbox_worlds(world: str, request: pytest.FixtureRequest) -> None:
    """For growers and buyers in the sandbox world, the rows are as expected; there are complaints and failed orders."""
    warehouse: ReportWarehouse = request.getfixturevalue(world)
    rows = warehouse.report(REPORT)

    assert "COMPLAINT" in {row[6] for row in rows}
    assert {row[6] for row in rows} & set(FAILED)
    assert rows == expected_rows(warehouse)


FILTERS = (Parameters(currency="USD"), Parameters(customer=UUID(BLOOM)), Parameters(trade_item=UUID(ROSE)))


@pytest.mark.slow
@pytest.mark.parametrize("parameters", [NO_FILTER, *DATE_RANGES, *FILTERS], ids=repr)
def test_handmade_requests(grower_corrections: ReportWarehouse, parameters: Parameters) -> None:
    """Rows are correct at month boundaries, for failed and corrected orders, several reasons and unknown orders."""
    rows = grower_corrections.report(REPORT, **parameters.arguments)

    assert rows
    assert rows == expected_rows(grower_corrections, parameters)


@pytest.mark.slow
def test_rate_of_a_reason(warehouse: ReportWarehouse) -> None:
    """Of four orders of a customer, two have a complaint of the same reason and one was rejected."""
    warehouse.store(ORDERS, [order(1), order(2), order(3), order(4, status="REJECTED"), order(5, status="PENDING")])
    times = {"creationDateTime": "2026-01-06T08:00:00Z", "lastModifiedDateTime": "2026-01-06T09:30:00Z"}
    complaints = [
        request(1, "ACCEPTED", reclamationActionDecision="DESTROY", **times),
        request(2, "DECLINED", **times),
        request(3, "ACCEPTED", initiatedBy="SUPPLIER", **times),
    ]
    warehouse.store(REQUESTS, complaints)

    assert [row[6:] for row in warehouse.report(REPORT)] == [
        ("COMPLAINT", "bloei", "EUR", 4, 2, rate("0.5"), 0, 0, 1, 1, approx(Decimal("1.5")), "DESTROY"),
        ("REJECTED", None, "EUR", 4, 1, rate("0.25"), 100, 25, 0, 0, None, None),
    ]


@pytest.mark.slow
def test_request_before_the_delivery_is_a_correction(warehouse: ReportWarehouse) -> None:
    """A request before the latest delivery is a correction, unless it led to a decision about the goods."""
    warehouse.store(ORDERS, [order(1), order(2)])
    decision = {"reclamationActionDecision": "RETURN_TO_STOCK"}
    warehouse.store(REQUESTS, [request(1, "ACCEPTED"), request(2, "ACCEPTED", **decision)])

    assert {row[6]: row[10] for row in warehouse.report(REPORT)} == {"CORRECTION": 1, "COMPLAINT": 1}


@pytest.mark.slow
def test_value_of_an_accepted_complaint(warehouse: ReportWarehouse) -> None:
    """Pieces and value are what the complaint took off the order."""
    change = {
        "salesOrderCorrectionRequestId": id_of("request 1"),
        "oldValues": {"numberOfPieces": 100, "totalPricePerPiece": Decimal("0.25")},
        "newValues": {"numberOfPieces": 60, "totalPricePerPiece": Decimal("0.25")},
        "correctionType": "MODIFICATION",
    }
    warehouse.store(ORDERS, [order(1, mutations=[change], numberOfPieces=60)])
    warehouse.store(REQUESTS, [request(1, "ACCEPTED", creationDateTime="2026-01-06T08:00:00Z")])

    assert [row[12:15] for row in warehouse.report(REPORT)] == [(40, 10, 1)]


@pytest.mark.slow
def test_unknown_value(warehouse: ReportWarehouse) -> None:
    """The value of failed orders without an amount is NULL, and not 0; a sum leaves out what is unknown."""
    unknown = {"orderAmount": {"currency": "EUR", "value": None}}
    rejected = [order(1, status="REJECTED", calculatedFields=unknown), order(2, status="REJECTED")]
    warehouse.store(ORDERS, [*rejected, order(3, status="CANCELLED", calculatedFields=unknown)])

    assert [(row[6], *row[12:14]) for row in warehouse.report(REPORT)] == [
        ("REJECTED", 200, 25),
        ("CANCELLED", 100, None),
    ]


@pytest.mark.slow
def test_empty_warehouse(warehouse: ReportWarehouse) -> None:
    """Without any records, the report exists and has no rows."""
    assert warehouse.report(REPORT) == []


def rate(value: str) -> Any:
    """Return a rate for comparison."""
    return approx(Decimal(value))


def order(number: int, **fields: Any) -> Json:
    """Return an order of a hundred pieces with its latest delivery in January 2026."""
    defaults = {
        "salesOrderId": id_of(f"order {number}"),
        "status": "COMMITTED",
        "isDeleted": False,
        "tradeItemId": ROSE,
        "customerOrganizationId": BLOOM,
        "numberOfPieces": 100,
        "calculatedFields": {"orderAmount": {"currency": "EUR", "value": 25}},
        "mutations": [],
        "delivery": {"latestDeliveryDateTime": "2026-01-05T12:00:00Z"},
    }
    return make_record("suppliers", ORDERS, number, **{**defaults, **fields})


def request(number: int, status: str, **fields: Any) -> Json:
    """Return the request of the customer for an order, on the morning of the latest delivery."""
    defaults = {
        "salesOrderCorrectionRequestId": id_of(f"request {number}"),
        "salesOrderId": id_of(f"order {number}"),
        "customerOrganizationId": BLOOM,
        "initiatedBy": "CUSTOMER",
        "status": status,
        "reason": "bloei",
        "creationDateTime": "2026-01-05T08:00:00Z",
        "reclamationActionDecision": None,
    }
    return make_record("suppliers", REQUESTS, number, **{**defaults, **fields})
