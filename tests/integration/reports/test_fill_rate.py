"""Report ``fill_rate``: delivered pieces as a share of the pieces first ordered."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

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
    total,
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
UNSHIPPED_STATUSES = ("DRAFT", "CANCELLED", "FAILED")


def expected_rows(warehouse: ReportWarehouse, now: dt.datetime, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records, in Python."""
    names, delivered, weeks = warehouse.trade_item_names(), delivered_pieces(warehouse), defaultdict(list)
    for account, order in parameters.select_orders(warehouse):
        has_request = (account, uuid(order, "salesOrderId")) in delivered
        is_clock = (text(order, "tradeInstrument") or "").startswith("CLOCK")
        if is_due(order, now) and (has_request or not is_clock):
            weeks[account, *week_of(day(order, DELIVERY)), uuid(order, "tradeItemId")].append(order)
    rows = []
    for (account, year, week, item), orders in weeks.items():
        ordered = total(original_pieces(order) for order in orders)
        agreed = total(order["numberOfPieces"] for order in orders)
        pieces = sum(delivered.get((account, uuid(order, "salesOrderId")), 0) for order in orders)
        measures = (len(orders), ordered, agreed, pieces, quotient(pieces, ordered))
        rows.append((account, year, week, item, names.get((account, item)), *measures))
    return sorted(
        rows, key=lambda row: (row[0], descending(row[1]), descending(row[2]), row[8] - row[6], nulls_last(row[3]))
    )


def is_due(order: Json, now: dt.datetime) -> bool:
    """Return whether the latest delivery time has passed or is unknown."""
    latest = timestamp(order, DELIVERY)
    return latest is None or latest <= now


def original_pieces(order: Json) -> int:
    """Return the quantity before the oldest mutation that contains one."""
    pieces = "oldValues.numberOfPieces"
    mutations = [mutation for mutation in order.get("mutations") or [] if value_at(mutation, pieces) is not None]
    oldest = min(mutations, key=_age, default=None)
    return int(order["numberOfPieces"] if oldest is None else value_at(oldest, pieces))


def _age(mutation: Json) -> Any:
    fields = (timestamp(mutation, "createdDateTime"), value_at(mutation, "basedOnSalesOrderVersion"))
    return tuple(map(nulls_last, fields))


def delivered_pieces(warehouse: ReportWarehouse) -> dict[tuple[str, UUID | None], int]:
    """Return the pieces that shipments claimed of the newest version of each request, by account and order."""
    unshipped = {
        (account, uuid(shipment, "fulfillmentOrderId"))
        for account, shipment in warehouse.newest_records(SHIPMENTS)
        if text(shipment, "status") in UNSHIPPED_STATUSES
    }
    pieces: dict[tuple[str, UUID | None], int] = defaultdict(int)
    for account, request in newest_requests(warehouse):
        packages = [
            value_at(claim, "claimedNumberOfPackages") or 0
            for claim in request.get("fulfillmentOrderClaims") or []
            if (account, uuid(claim, "fulfillmentOrderId")) not in unshipped
        ]
        pieces[account, uuid(request, "salesOrderId")] += sum(packages) * (value_at(request, "piecesPerPackage") or 0)
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

    assert [row[5:] for row in warehouse.report(REPORT)] == [(1, 100, 100, 0, 0)]


def test_rate_uses_the_quantity_first_ordered(warehouse: ReportWarehouse) -> None:
    """The rate is a share of the quantity before the oldest of two corrections, whatever their order in the record."""
    first = {"createdDateTime": "2026-01-02T10:00:00Z", "oldValues": {"numberOfPieces": 100}}
    second = {"createdDateTime": "2026-01-02T11:00:00Z", "oldValues": {"numberOfPieces": 70}}
    warehouse.store(ORDERS, [order(1, numberOfPieces=50, mutations=[second, first])])
    warehouse.store(REQUESTS, [delivery(1, 5)])

    assert [row[5:] for row in warehouse.report(REPORT)] == [(1, 100, 50, 50, approx(Decimal("0.5")))]


def test_moved_request_counts_once(warehouse: ReportWarehouse) -> None:
    """A request counts as in the newest delivery order that contains it and is not deleted."""
    warehouse.store(ORDERS, [order(1)])
    warehouse.store(REQUESTS, [delivery(1, 10), delivery(2, 4), delivery(3, 9, isDeleted=True)])

    assert [row[5:] for row in warehouse.report(REPORT)] == [(1, 100, 100, 40, approx(Decimal("0.4")))]


@pytest.mark.parametrize(("status", "delivered"), [("DELIVERED", 100), ("PENDING", 100), ("FAILED", 0), ("DRAFT", 0)])
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


def test_no_rate_of_zero_pieces(warehouse: ReportWarehouse) -> None:
    """Orders of 0 pieces have no fill rate."""
    warehouse.store(ORDERS, [order(1, numberOfPieces=0)])

    assert [row[5:] for row in warehouse.report(REPORT)] == [(1, 0, 0, 0, None)]


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


def delivery(number: int, packages: int, **fields: Any) -> Json:
    """Return a delivery order with the request for order 1, of which a shipment claims packages of ten pieces."""
    request = {
        "fulfillmentRequestId": id_of("request"),
        "salesOrderId": id_of("order 1"),
        "piecesPerPackage": 10,
        "fulfillmentOrderClaims": [{"fulfillmentOrderId": id_of("shipment"), "claimedNumberOfPackages": packages}],
    }
    defaults = {"fulfillmentRequests": [request], "isDeleted": False}
    return make_record("suppliers", REQUESTS, number, **{**defaults, **fields})
