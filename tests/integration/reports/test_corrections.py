"""Report ``corrections``: corrections of orders after the sale."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
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
    text,
    total,
    uuid,
    value_at,
)
from tests.integration.reports.handmade_corrections import REQUESTS, answer_hours, changes_by_request, most_frequent
from tests.integration.reports.handmade_orders import BLOOM, ROSE
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters

REPORT = "corrections"


def expected_rows(warehouse: ReportWarehouse, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records, in Python."""
    names, groups = warehouse.organization_names(), defaultdict(list)
    orders = {(account, uuid(order, "salesOrderId")): order for account, order in warehouse.newest_records(ORDERS)}
    changes = changes_by_request(warehouse)
    for account, request in warehouse.newest_records(REQUESTS):
        order = orders.get((account, uuid(request, "salesOrderId")))
        if request["status"] != "DELETED" and is_selected(parameters, request, order):
            group = (
                account,
                month_of(day(order, DELIVERY)),
                uuid(request, "customerOrganizationId"),
                text(request, "initiatedBy"),
                text(order, f"{AMOUNT}.currency"),
            )
            effect = changes[account, uuid(request, "salesOrderCorrectionRequestId")]
            groups[group].append((request, *effect))
    rows = []
    for (account, month, customer, initiator, currency), found in groups.items():
        requests, pieces, values = zip(*found, strict=True)
        name = names.get((account, customer))
        sums = (len(requests), status_count(requests, "ACCEPTED"), total(pieces), total(values))
        rows.append((account, month, customer, name, initiator, currency, *sums, *answers(requests)))
    return sorted(rows, key=sort_key)


def status_count(requests: Sequence[Json], status: str) -> int:
    """Return the number of requests with a status."""
    return sum(request["status"] == status for request in requests)


def answers(requests: Sequence[Json]) -> Row:
    """Return declined requests, the most frequent reason, decisions about the goods, and the median answer hours."""
    decisions = [decision for request in requests if (decision := text(request, "reclamationActionDecision"))]
    hours = [answer for request in requests if (answer := answer_hours(request)) is not None]
    return (
        status_count(requests, "DECLINED"),
        most_frequent(text(request, "reason") for request in requests),
        len(decisions),
        most_frequent(decisions),
        approx(median(hours)) if hours else None,
    )


def is_selected(parameters: Parameters, request: Json, order: Json | None) -> bool:
    """Return whether a request matches the parameters; the values of an unknown order are None."""
    return (
        parameters.includes(day(order, DELIVERY))
        and parameters.currency in (None, text(order, f"{AMOUNT}.currency"))
        and parameters.customer in (None, uuid(request, "customerOrganizationId"))
        and parameters.trade_item in (None, uuid(order, "tradeItemId"))
    )


def sort_key(row: Row) -> Row:
    """Return the sort key: newest month first, then by currency, then the most requests first."""
    account, month, customer, _, initiator, currency, requests, *_ = row
    return (
        account,
        descending(month),
        nulls_last(currency),
        -requests,
        nulls_last(customer),
        nulls_last(initiator),
    )


def test_grower_world(grower_world: ReportWarehouse) -> None:
    """For a grower in the sandbox world, the rows are as expected, with fewer pieces and lower prices."""
    rows = grower_world.report(REPORT)

    assert {row[4] for row in rows} == {"CUSTOMER", "SUPPLIER"}
    assert any(row[6] > row[7] > 0 and row[8] < 0 and row[9] < 0 for row in rows)
    assert rows == expected_rows(grower_world)


def test_buyer_world(buyer_world: ReportWarehouse) -> None:
    """For a buyer in the sandbox world, the rows are as expected, including cancellations."""
    orders = [order for _, order in buyer_world.newest_records(ORDERS)]
    types = {value_at(change, "correctionType") for order in orders for change in order["mutations"]}
    rows = buyer_world.report(REPORT)

    assert types == {"CANCELLATION", "MODIFICATION"}
    assert rows == expected_rows(buyer_world)


FILTERS = (Parameters(currency="USD"), Parameters(customer=UUID(BLOOM)), Parameters(trade_item=UUID(ROSE)))


@pytest.mark.parametrize("parameters", [NO_FILTER, *DATE_RANGES, *FILTERS], ids=repr)
def test_handmade_requests(grower_corrections: ReportWarehouse, parameters: Parameters) -> None:
    """Rows are correct at month boundaries, for several or no changes by a request, and for unknown orders."""
    rows = grower_corrections.report(REPORT, **parameters.arguments)

    assert rows
    assert rows == expected_rows(grower_corrections, parameters)


def test_cancellation_removes_all_pieces(warehouse: ReportWarehouse) -> None:
    """A cancellation counts as minus all pieces, even if its new values repeat the old ones."""
    values = {"numberOfPieces": 100, "totalPricePerPiece": Decimal("0.25")}
    store_corrected(warehouse, change(values, values, "CANCELLATION"))

    assert [row[5:10] for row in warehouse.report(REPORT)] == [("EUR", 1, 1, -100, -25)]


def test_value_is_in_cents(warehouse: ReportWarehouse) -> None:
    """An order of 360.00 that is halved loses 180.00, although its price of a piece has no exact decimals."""
    price = Decimal(360) / 1080
    old, new = ({"numberOfPieces": pieces, "totalPricePerPiece": price} for pieces in (1080, 540))
    store_corrected(warehouse, change(old, new))

    assert [row[8:10] for row in warehouse.report(REPORT)] == [(-540, Decimal("-180.00"))]


def test_unknown_value(warehouse: ReportWarehouse) -> None:
    """What a correction changed is NULL, and not 0, if the prices are unknown."""
    old, new = ({"numberOfPieces": pieces, "totalPricePerPiece": None} for pieces in (100, 60))
    store_corrected(warehouse, change(old, new))

    assert [row[8:10] for row in warehouse.report(REPORT)] == [(-40, None)]


def test_reason_decision_and_answer(warehouse: ReportWarehouse) -> None:
    """The most frequent reason and decision are shown; only accepted and declined requests have an answer time."""
    requests = [
        ("ACCEPTED", "2026-01-05T10:00:00Z", "bloei", "DESTROY"),
        ("DECLINED", "2026-01-05T13:30:00Z", "te laat", "COMPLAINT_NOT_ACCEPTED"),
        ("EXPIRED", "2026-01-09T08:00:00Z", "te laat", None),
        ("PENDING", "2026-01-05T08:00:00Z", None, None),
    ]
    warehouse.store(
        REQUESTS,
        [
            request(
                number,
                status=status,
                creationDateTime="2026-01-05T08:00:00Z",
                lastModifiedDateTime=answered,
                reason=reason,
                reclamationActionDecision=decision,
            )
            for number, (status, answered, reason, decision) in enumerate(requests)
        ],
    )

    assert [row[6:] for row in warehouse.report(REPORT)] == [
        (4, 1, 0, 0, 1, "te laat", 2, "COMPLAINT_NOT_ACCEPTED", approx(Decimal("3.75")))
    ]


def change(old: Json, new: Json, type: str = "MODIFICATION") -> Json:
    """Return a change of an order by request 1."""
    return {
        "salesOrderCorrectionRequestId": id_of("request 1"),
        "oldValues": old,
        "newValues": new,
        "correctionType": type,
    }


def request(number: int, **fields: Any) -> Json:
    """Return a correction request of the order."""
    defaults = {
        "salesOrderCorrectionRequestId": id_of(f"request {number}"),
        "salesOrderId": id_of("order"),
        "customerOrganizationId": BLOOM,
        "initiatedBy": "CUSTOMER",
        "status": "ACCEPTED",
    }
    return make_record("suppliers", REQUESTS, number, **{**defaults, **fields})


def store_corrected(warehouse: ReportWarehouse, change: Json) -> None:
    """Store an order in euros with a change, and its accepted request."""
    fields: dict[str, Any] = {
        "salesOrderId": id_of("order"),
        "mutations": [change],
        "calculatedFields": {"orderAmount": {"currency": "EUR", "value": 25}},
        "status": "CANCELLED",
    }
    warehouse.store(ORDERS, [make_record("suppliers", ORDERS, 1, **fields)])
    warehouse.store(REQUESTS, [request(1)])


def test_empty_warehouse(warehouse: ReportWarehouse) -> None:
    """Without any records, the report exists and has no rows."""
    assert warehouse.report(REPORT) == []
