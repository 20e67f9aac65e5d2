"""Report ``fill_rate``: delivered pieces as a share of the pieces first ordered."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tests.examples import cases
from tests.integration.report_warehouse import (
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
    nulls_last,
    quotient,
    text,
    timestamp,
    uuid,
    value_at,
    week_of,
)
from tests.integration.reports.handmade_deliveries import REQUESTS, SHIPMENTS
from tests.integration.reports.handmade_orders import BLOOM, ROSE
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters
from tests.integration.reports.timed_reports import report_with_query_time
from tests.moments import real_now

REPORT = "fill_rate"
CORRECTIONS = "orders.sales_order_correction_requests"
UNSHIPPED_STATUSES = ("DRAFT", "CANCELLED", "FAILED")


def expected_rows(warehouse: ReportWarehouse, now: dt.datetime, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records, in Python."""
    names, weeks = warehouse.trade_item_names(), defaultdict(list)
    for account, order, pieces in counted_orders(warehouse, now, parameters):
        weeks[account, *week_of(day(order, DELIVERY)), uuid(order, "tradeItemId")].append(pieces)
    rows = []
    for (account, year, week, item), orders in weeks.items():
        ordered, agreed, delivered, by_grower, by_customer, over = map(sum, zip(*orders, strict=True))
        rate = quotient(ordered - by_grower, ordered)
        measures = (len(orders), ordered, agreed, delivered, by_grower, by_customer, over, rate)
        rows.append((account, year, week, item, names.get((account, item)), *measures))
    return sorted(rows, key=lambda row: (row[0], descending(row[1]), descending(row[2]), -row[9], nulls_last(row[3])))


def counted_orders(
    warehouse: ReportWarehouse, now: dt.datetime, parameters: Parameters
) -> Iterator[tuple[str, Json, tuple[int, ...]]]:
    """Yield the orders that count, with their account and measures."""
    shipped = shipped_pieces(warehouse)
    requests = {
        (account, uuid(request, "salesOrderCorrectionRequestId")): request
        for account, request in warehouse.newest_records(CORRECTIONS)
    }
    for account, order in warehouse.newest_records(ORDERS):
        id = (account, uuid(order, "salesOrderId"))
        is_clock = (text(order, "tradeInstrument") or "").startswith("CLOCK")
        if (
            order["status"] in ("COMMITTED", "UNFULFILLABLE", "CANCELLED")
            and not order.get("isDeleted")
            and is_due(order, now)
            and (order["status"] != "COMMITTED" or not is_clock or id in shipped)
            and parameters.includes(day(order, DELIVERY))
            and parameters.customer in (None, uuid(order, "customerOrganizationId"))
            and parameters.trade_item in (None, uuid(order, "tradeItemId"))
        ):
            own = {key: request for key, request in requests.items() if key[0] == account}
            yield account, order, measures(order, shipped.get(id, 0), {key[1]: value for key, value in own.items()})


def measures(order: Json, shipped: int, requests: dict[UUID | None, Json]) -> tuple[int, ...]:
    """Return ordered, agreed and delivered pieces, those missing by grower and customer, and those too many."""
    ordered, is_cancelled = original_pieces(order), order["status"] == "CANCELLED"
    delivered = min(ordered, shipped)
    reduced = ordered if is_cancelled and not names_canceller(order, requests) else taken_off(order, requests)
    by_customer = min(max(reduced, 0), ordered - delivered)
    agreed = 0 if is_cancelled else order["numberOfPieces"]
    return ordered, agreed, delivered, ordered - delivered - by_customer, by_customer, shipped - delivered


def names_canceller(order: Json, requests: dict[UUID | None, Json]) -> bool:
    """Return whether the records say who cancelled an order: a cancellation, or an accepted request of another side."""
    return any(text(change, "correctionType") == "CANCELLATION" for change in order.get("mutations") or []) or any(
        request["isCancelRequest"] and request["status"] == "ACCEPTED" and request["initiatedBy"] != "CUSTOMER"
        for request in requests.values()
        if uuid(request, "salesOrderId") == uuid(order, "salesOrderId")
    )


def taken_off(order: Json, requests: dict[UUID | None, Json]) -> int:
    """Return the pieces that the customer took off until the latest delivery."""
    pieces, latest = 0, timestamp(order, DELIVERY)
    for change in order.get("mutations") or []:
        made = timestamp(change, "createdDateTime")
        old, new = value_at(change, "oldValues.numberOfPieces"), value_at(change, "newValues.numberOfPieces")
        new = 0 if text(change, "correctionType") == "CANCELLATION" else new
        initiator = text(requests.get(uuid(change, "salesOrderCorrectionRequestId")), "initiatedBy")
        is_customer = text(change, "mutationType") == "WITHDRAWN_BY_CUSTOMER" or initiator == "CUSTOMER"
        if is_customer and None not in (old, new) and (made is None or latest is None or made <= latest):
            pieces += old - new
    return pieces


def is_due(order: Json, now: dt.datetime) -> bool:
    """Return whether the latest delivery time has passed or is unknown."""
    latest = timestamp(order, DELIVERY)
    return latest is None or latest <= now


def original_pieces(order: Json) -> int:
    """Return the quantity before the oldest mutation that contains one, below 0 as 0."""
    pieces = "oldValues.numberOfPieces"
    mutations = [mutation for mutation in order.get("mutations") or [] if value_at(mutation, pieces) is not None]
    oldest = min(mutations, key=_age, default=None)
    return max(0, int(order["numberOfPieces"] if oldest is None else value_at(oldest, pieces)))


def _age(mutation: Json) -> Any:
    fields = (timestamp(mutation, "createdDateTime"), value_at(mutation, "basedOnSalesOrderVersion"))
    return tuple(map(nulls_last, fields))


def shipped_pieces(warehouse: ReportWarehouse) -> dict[tuple[str, UUID | None], int]:
    """Return the pieces that shipments claimed of the newest version of each request, by account and order."""
    unshipped = {
        (account, uuid(shipment, "fulfillmentOrderId"))
        for account, shipment in warehouse.newest_records(SHIPMENTS)
        if text(shipment, "status") in UNSHIPPED_STATUSES
    }
    packings = {
        (account, uuid(order, "salesOrderId")): value_at(order, "packingConfiguration.piecesPerPackage")
        for account, order in warehouse.newest_records(ORDERS)
    }
    pieces: dict[tuple[str, UUID | None], int] = defaultdict(int)
    for account, request in newest_requests(warehouse):
        id = (account, uuid(request, "salesOrderId"))
        packages = [
            value_at(claim, "claimedNumberOfPackages") or 0
            for claim in request.get("fulfillmentOrderClaims") or []
            if (account, uuid(claim, "fulfillmentOrderId")) not in unshipped
        ]
        of_request = value_at(request, "piecesPerPackage")
        pieces[id] += sum(packages) * ((packings.get(id) if of_request is None else of_request) or 0)
    return {key: count for key, count in pieces.items() if key[1]}


def newest_requests(warehouse: ReportWarehouse) -> list[tuple[str, Json]]:
    """Return each request once, from the newest delivery order that contains it and is not deleted."""
    newest: dict[Any, tuple[str, Json]] = {}
    deliveries = [pair for pair in warehouse.newest_records(REQUESTS) if not pair[1].get("isDeleted")]
    for account, delivery in sorted(deliveries, key=lambda pair: int(pair[1]["sequenceNumber"])):
        for request in delivery.get("fulfillmentRequests") or []:
            if request is not None:
                newest[account, uuid(request, "fulfillmentRequestId")] = (account, request)
    return list(newest.values())


def test_grower_world(grower_world: ReportWarehouse) -> None:
    """For a grower in the sandbox world, the rows are as expected; some weeks have a fill rate below 1."""
    rows, now = report_with_query_time(grower_world, REPORT)

    assert {row[9] < 1 for row in rows} == {True, False}
    assert rows == expected_rows(grower_world, now)


def test_sandbox_world_moves_requests(grower_world: ReportWarehouse) -> None:
    """The sandbox world contains requests that occur in two delivery orders."""
    requests = [
        request["fulfillmentRequestId"]
        for _, delivery in grower_world.newest_records(REQUESTS)
        for request in delivery["fulfillmentRequests"]
    ]

    assert len(requests) > len(set(requests))


def test_handmade_deliveries(grower_deliveries: ReportWarehouse) -> None:
    """Rows are correct at week boundaries, for moved requests, several claims, failed shipments and corrections."""
    rows, now = report_with_query_time(grower_deliveries, REPORT)

    assert {row[0] for row in rows} == {"north", "south"}
    assert len(rows) > 40
    assert None in {row[1] for row in rows}
    assert rows == expected_rows(grower_deliveries, now)


@pytest.mark.parametrize(
    "parameters", [*DATE_RANGES, Parameters(customer=UUID(BLOOM)), Parameters(trade_item=UUID(ROSE))]
)
def test_parameters(grower_deliveries: ReportWarehouse, parameters: Parameters) -> None:
    """The report is restricted to the orders that match its parameters."""
    rows, now = report_with_query_time(grower_deliveries, REPORT, parameters)

    assert rows == expected_rows(grower_deliveries, now, parameters)


def test_future_delivery_is_not_due(warehouse: ReportWarehouse) -> None:
    """An order counts from its latest delivery time on; without a shipment, all its pieces are missing."""
    now = real_now()
    for hours in (-1, 1):
        delivery = {"latestDeliveryDateTime": str(now + dt.timedelta(hours=hours))}
        warehouse.store(ORDERS, [order(hours, delivery=delivery)])

    assert [row[5:] for row in warehouse.report(REPORT)] == [(1, 100, 100, 0, 100, 0, 0, 0)]


def test_rate_uses_the_quantity_first_ordered(warehouse: ReportWarehouse) -> None:
    """The rate is a share of the quantity before the oldest of two corrections, whatever their order in the record."""
    first = {"createdDateTime": "2026-01-02T10:00:00Z", "oldValues": {"numberOfPieces": 100}}
    second = {"createdDateTime": "2026-01-02T11:00:00Z", "oldValues": {"numberOfPieces": 70}}
    warehouse.store(ORDERS, [order(1, numberOfPieces=50, mutations=[second, first])])
    warehouse.store(REQUESTS, [delivery(1, 5)])

    assert [row[5:] for row in warehouse.report(REPORT)] == [(1, 100, 50, 50, 50, 0, 0, approx(Decimal("0.5")))]


def test_moved_request_counts_once(warehouse: ReportWarehouse) -> None:
    """A request counts as in the newest delivery order that contains it and is not deleted."""
    warehouse.store(ORDERS, [order(1)])
    warehouse.store(REQUESTS, [delivery(1, 10), delivery(2, 4), delivery(3, 9, isDeleted=True)])

    assert [row[5:] for row in warehouse.report(REPORT)] == [(1, 100, 100, 40, 60, 0, 0, approx(Decimal("0.4")))]


@cases(("status", "delivered"), [("DELIVERED", 100), ("PENDING", 100), ("FAILED", 0), ("DRAFT", 0)], quick=1)
def test_claims_of_failed_shipments_do_not_count(warehouse: ReportWarehouse, status: str, delivered: int) -> None:
    """Claims count as delivered unless their shipment is a draft, cancelled or failed."""
    warehouse.store(ORDERS, [order(1)])
    warehouse.store(REQUESTS, [delivery(1, 10)])
    warehouse.store(
        SHIPMENTS, [make_record("suppliers", SHIPMENTS, 1, fulfillmentOrderId=id_of("shipment"), status=status)]
    )

    assert [row[8] for row in warehouse.report(REPORT)] == [delivered]


def test_clock_orders_count_only_with_a_request(warehouse: ReportWarehouse) -> None:
    """A clock order without a delivery request does not count: the auction does not record its delivery by order."""
    warehouse.store(ORDERS, [order(1, tradeInstrument="CLOCK_PRESALES"), order(2, tradeInstrument="CLOCK_SALES")])
    warehouse.store(REQUESTS, [delivery(1, 10)])

    assert [row[5:9] for row in warehouse.report(REPORT)] == [(1, 100, 100, 100)]


def test_too_many_pieces_do_not_make_up_for_missing_ones(warehouse: ReportWarehouse) -> None:
    """Fifty pieces too many for one customer leave the thirty that another one lacks."""
    warehouse.store(ORDERS, [order(1), order(2)])
    warehouse.store(REQUESTS, [delivery(1, 15), delivery(2, 7, of="order 2")])

    assert [row[5:] for row in warehouse.report(REPORT)] == [(2, 200, 200, 170, 30, 0, 50, approx(Decimal("0.85")))]


def test_request_without_pieces_per_package(warehouse: ReportWarehouse) -> None:
    """Packages of a request without pieces per package have as many pieces as those of the order."""
    warehouse.store(ORDERS, [order(1, packingConfiguration={"piecesPerPackage": 20})])
    warehouse.store(REQUESTS, [delivery(1, 4, per_package=None)])

    assert [row[8:] for row in warehouse.report(REPORT)] == [(80, 20, 0, 0, approx(Decimal("0.8")))]


@cases(
    ("initiator", "made", "by_grower", "by_customer"),
    [
        ("CUSTOMER", "2026-01-05T12:00:00Z", 10, 30),
        ("CUSTOMER", "2026-01-05T12:00:01Z", 40, 0),
        ("SUPPLIER", "2026-01-02T12:00:00Z", 40, 0),
        ("AGENT", "2026-01-02T12:00:00Z", 40, 0),
    ],
    quick=1,
)
def test_shortage_by_who_caused_it(
    warehouse: ReportWarehouse, initiator: str, made: str, by_grower: int, by_customer: int
) -> None:
    """Pieces that the customer took off until the latest delivery are no shortage by the grower."""
    warehouse.store(ORDERS, [order(1, numberOfPieces=70, mutations=[mutation(made, new=70)])])
    warehouse.store(CORRECTIONS, [correction(initiator)])
    warehouse.store(REQUESTS, [delivery(1, 6)])

    rate = approx(1 - Decimal(by_grower) / 100)
    assert [row[5:] for row in warehouse.report(REPORT)] == [(1, 100, 70, 60, by_grower, by_customer, 0, rate)]


def test_customer_who_took_off_and_added_pieces(warehouse: ReportWarehouse) -> None:
    """Pieces that the customer added again are not taken off."""
    changes = [mutation("2026-01-02T10:00:00Z", 100, 40), mutation("2026-01-02T11:00:00Z", 40, 90)]
    warehouse.store(ORDERS, [order(1, numberOfPieces=90, mutations=changes)])
    warehouse.store(CORRECTIONS, [correction("CUSTOMER")])
    warehouse.store(REQUESTS, [delivery(1, 5)])

    assert [row[8:12] for row in warehouse.report(REPORT)] == [(50, 40, 10, 0)]


def test_unfulfillable_order(warehouse: ReportWarehouse) -> None:
    """A pre-sale of the clock that the grower did not deliver counts, also without a delivery request."""
    warehouse.store(ORDERS, [order(1, tradeInstrument="CLOCK_PRESALES", status="UNFULFILLABLE")])

    assert [row[5:] for row in warehouse.report(REPORT)] == [(1, 100, 100, 0, 100, 0, 0, 0)]


@cases(
    ("initiator", "changes", "by_grower"),
    [("SUPPLIER", 1, 100), ("SUPPLIER", 0, 100), ("CUSTOMER", 1, 0), ("CUSTOMER", 0, 0), (None, 0, 0)],
    quick=2,
)
def test_cancelled_order(warehouse: ReportWarehouse, initiator: str | None, changes: int, by_grower: int) -> None:
    """A cancelled order is short by the customer, unless another side requested the cancellation."""
    cancellation = mutation("2026-01-02T10:00:00Z", correctionType="CANCELLATION")
    warehouse.store(ORDERS, [order(1, status="CANCELLED", mutations=[cancellation] * changes)])
    if initiator:
        warehouse.store(CORRECTIONS, [correction(initiator, isCancelRequest=True)])

    assert [row[5:12] for row in warehouse.report(REPORT)] == [(1, 100, 0, 0, by_grower, 100 - by_grower, 0)]


def test_withdrawn_order(warehouse: ReportWarehouse) -> None:
    """An order that the customer withdrew is short by the customer."""
    change = mutation("2026-01-02T10:00:00Z", new=0, mutationType="WITHDRAWN_BY_CUSTOMER")
    warehouse.store(ORDERS, [order(1, status="CANCELLED", numberOfPieces=0, mutations=[change])])

    assert [row[5:12] for row in warehouse.report(REPORT)] == [(1, 100, 0, 0, 0, 100, 0)]


@cases("status", ["PENDING", "ACCEPTED", "REJECTED", "EXPIRED"], quick=1)
def test_orders_that_were_never_agreed(warehouse: ReportWarehouse, status: str) -> None:
    """Orders that were not (yet) agreed do not count."""
    warehouse.store(ORDERS, [order(1, status=status)])

    assert warehouse.report(REPORT) == []


def test_no_rate_of_zero_pieces(warehouse: ReportWarehouse) -> None:
    """Orders of 0 pieces have no fill rate."""
    warehouse.store(ORDERS, [order(1, numberOfPieces=0)])

    assert [row[5:] for row in warehouse.report(REPORT)] == [(1, 0, 0, 0, 0, 0, 0, None)]


def test_empty_warehouse(warehouse: ReportWarehouse) -> None:
    """Without any records, the report exists and has no rows."""
    assert warehouse.report(REPORT) == []


def order(number: int, **fields: Any) -> Json:
    """Return an order of a hundred pieces with its latest delivery in January 2026."""
    defaults = {
        "salesOrderId": id_of(f"order {number}"),
        "status": "COMMITTED",
        "tradeInstrument": "DIRECT_SALES",
        "tradeItemId": ROSE,
        "numberOfPieces": 100,
        "mutations": [],
        "delivery": {"latestDeliveryDateTime": "2026-01-05T12:00:00Z"},
    }
    return make_record("suppliers", ORDERS, 10 + number, **{**defaults, **fields})


def mutation(made: str, old: int = 100, new: int = 100, **fields: Any) -> Json:
    """Return a change of the pieces of an order, by the correction request."""
    return {
        "createdDateTime": made,
        "salesOrderCorrectionRequestId": id_of("correction"),
        "oldValues": {"numberOfPieces": old},
        "newValues": {"numberOfPieces": new},
        "mutationType": "CORRECTION_REQUEST",
        "correctionType": "MODIFICATION",
        **fields,
    }


def correction(initiator: str, **fields: Any) -> Json:
    """Return the accepted correction request of order 1."""
    defaults = {
        "salesOrderCorrectionRequestId": id_of("correction"),
        "salesOrderId": id_of("order 1"),
        "initiatedBy": initiator,
        "status": "ACCEPTED",
        "isCancelRequest": False,
    }
    return make_record("suppliers", CORRECTIONS, 1, **{**defaults, **fields})


def delivery(number: int, packages: int, of: str = "order 1", per_package: int | None = 10, **fields: Any) -> Json:
    """Return a delivery order with the request for an order, of which a shipment claims packages of ten pieces."""
    request = {
        "fulfillmentRequestId": id_of(f"request of {of}"),
        "salesOrderId": id_of(of),
        "piecesPerPackage": per_package,
        "fulfillmentOrderClaims": [{"fulfillmentOrderId": id_of("shipment"), "claimedNumberOfPackages": packages}],
    }
    defaults = {"fulfillmentRequests": [request], "isDeleted": False}
    return make_record("suppliers", REQUESTS, number, **{**defaults, **fields})
