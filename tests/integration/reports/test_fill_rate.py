"""What was delivered of what was first ordered."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tests.integration.reporting import (
    DELIVERY,
    ORDERS,
    Json,
    Reporting,
    Row,
    about,
    at,
    day,
    falling,
    id_of,
    last_if_none,
    made,
    moment,
    quotient,
    text,
    total,
    uuid,
    week_of,
)
from tests.integration.reports import deliveries_by_hand as by_hand
from tests.integration.reports.asked import ALL, DAYS, Asked
from tests.integration.reports.at_the_moment import report_at_the_moment
from tests.integration.reports.by_hand import BLOOM, ROSE
from tests.moments import real_now

REPORT = "fill_rate"
NOTHING_LEFT = ("DRAFT", "CANCELLED", "FAILED")


def fill_rate(told: Reporting, now: dt.datetime, asked: Asked = ALL) -> list[Row]:
    """The rows of the report."""
    names, delivered, weeks = told.items(), delivered_pieces(told), defaultdict(list)
    for account, order in asked.orders(told):
        was_asked_for = (account, uuid(order, "salesOrderId")) in delivered
        is_of_the_clock = (text(order, "tradeInstrument") or "").startswith("CLOCK")
        if is_due(order, now) and (was_asked_for or not is_of_the_clock):
            weeks[account, *week_of(day(order, DELIVERY)), uuid(order, "tradeItemId")].append(order)
    rows = []
    for (account, year, week, item), orders in weeks.items():
        ordered = total(original_pieces(order) for order in orders)
        agreed = total(order["numberOfPieces"] for order in orders)
        came = sum(delivered.get((account, uuid(order, "salesOrderId")), 0) for order in orders)
        measures = (len(orders), ordered, agreed, came, quotient(came, ordered))
        rows.append((account, year, week, item, names.get((account, item)), *measures))
    return sorted(
        rows, key=lambda row: (row[0], falling(row[1]), falling(row[2]), row[8] - row[6], last_if_none(row[3]))
    )


def is_due(order: Json, now: dt.datetime) -> bool:
    """Whether its latest delivery has passed, or is not known."""
    latest = moment(order, DELIVERY)
    return latest is None or latest <= now


def original_pieces(order: Json) -> int:
    """The quantity before the oldest mutation that tells one."""
    pieces = "oldValues.numberOfPieces"
    mutations = [one for one in order.get("mutations") or [] if at(one, pieces) is not None]
    oldest = min(mutations, key=_age, default=None)
    return int(order["numberOfPieces"] if oldest is None else at(oldest, pieces))


def _age(mutation: Json) -> Any:
    return last_if_none(moment(mutation, "createdDateTime")), last_if_none(at(mutation, "basedOnSalesOrderVersion"))


def delivered_pieces(told: Reporting) -> dict[tuple[str, UUID | None], int]:
    """What shipments took of the requests, by account and order: of each request, where it stands now."""
    nothing_left = {
        (account, uuid(shipment, "fulfillmentOrderId"))
        for account, shipment in told.served(by_hand.SHIPMENTS)
        if text(shipment, "status") in NOTHING_LEFT
    }
    pieces: dict[tuple[str, UUID | None], int] = defaultdict(int)
    for account, request in standing_requests(told):
        packages = [
            at(claim, "claimedNumberOfPackages") or 0
            for claim in request.get("fulfillmentOrderClaims") or []
            if (account, uuid(claim, "fulfillmentOrderId")) not in nothing_left
        ]
        pieces[account, uuid(request, "salesOrderId")] += sum(packages) * (at(request, "piecesPerPackage") or 0)
    return {key: came for key, came in pieces.items() if key[1]}


def standing_requests(told: Reporting) -> list[tuple[str, Json]]:
    """Each request once, as the newest delivery order tells it that is not deleted."""
    standing: dict[Any, tuple[str, Json]] = {}
    deliveries = [one for one in told.served(by_hand.REQUESTS) if not one[1].get("isDeleted")]
    for account, delivery in sorted(deliveries, key=lambda one: int(one[1]["sequenceNumber"])):
        for request in delivery.get("fulfillmentRequests") or []:
            if request is not None:
                standing[account, uuid(request, "fulfillmentRequestId")] = (account, request)
    return list(standing.values())


def test_the_world_of_a_grower(grower_world: Reporting) -> None:
    """Every row of the sandbox's world, in order; some weeks fall short, most don't."""
    rows, now = report_at_the_moment(grower_world, REPORT)

    assert {row[9] < 1 for row in rows} == {True, False}
    assert rows == fill_rate(grower_world, now)


def test_the_world_moves_requests(grower_world: Reporting) -> None:
    """The world has requests that stand in two delivery orders: they are counted once."""
    requests = [
        request["fulfillmentRequestId"]
        for _, delivery in grower_world.served(by_hand.REQUESTS)
        for request in delivery["fulfillmentRequests"]
    ]

    assert len(requests) > len(set(requests))


def test_deliveries_by_hand(grower_deliveries: Reporting) -> None:
    """Week and year edges, moved requests, several claims, failed shipments, corrected orders, both accounts."""
    rows, now = report_at_the_moment(grower_deliveries, REPORT)

    assert {row[0] for row in rows} == {"north", "south"}
    assert len(rows) > 40
    assert None in {row[1] for row in rows}
    assert rows == fill_rate(grower_deliveries, now)


@pytest.mark.parametrize("asked", [*DAYS, Asked(customer=UUID(BLOOM)), Asked(trade_item=UUID(ROSE))])
def test_what_is_asked_for(grower_deliveries: Reporting, asked: Asked) -> None:
    """Days of Amsterdam, one buyer, one trade item."""
    rows, now = report_at_the_moment(grower_deliveries, REPORT, asked)

    assert rows == fill_rate(grower_deliveries, now, asked)


def test_a_delivery_that_lies_ahead_is_not_due(grower: Reporting) -> None:
    """An order counts from its latest delivery on, as wholly missing where nothing left."""
    now = real_now()
    for hours in (-1, 1):
        grower.store(ORDERS, [order(hours, delivery={"latestDeliveryDateTime": str(now + dt.timedelta(hours=hours))})])

    assert [row[5:] for row in grower.report(REPORT)] == [(1, 100, 100, 0, 0)]


def test_an_order_is_measured_by_what_was_first_ordered(grower: Reporting) -> None:
    """Two corrections, told in any order, do not make a delivery of half the pieces whole."""
    first = {"createdDateTime": "2026-01-02T10:00:00Z", "oldValues": {"numberOfPieces": 100}}
    second = {"createdDateTime": "2026-01-02T11:00:00Z", "oldValues": {"numberOfPieces": 70}}
    grower.store(ORDERS, [order(1, numberOfPieces=50, mutations=[second, first])])
    grower.store(by_hand.REQUESTS, [delivery(1, 5)])

    assert [row[5:] for row in grower.report(REPORT)] == [(1, 100, 50, 50, about(Decimal("0.5")))]


def test_a_request_that_moved_counts_where_it_stands(grower: Reporting) -> None:
    """What the delivery order before it still says of the request does not count, deleted or not."""
    grower.store(ORDERS, [order(1)])
    grower.store(by_hand.REQUESTS, [delivery(1, 10), delivery(2, 4), delivery(3, 9, isDeleted=True)])

    assert [row[5:] for row in grower.report(REPORT)] == [(1, 100, 100, 40, about(Decimal("0.4")))]


@pytest.mark.parametrize(("status", "came"), [("DELIVERED", 100), ("PENDING", 100), ("FAILED", 0), ("DRAFT", 0)])
def test_what_a_failed_shipment_claims_did_not_leave(grower: Reporting, status: str, came: int) -> None:
    """Claims count by their shipment's status."""
    grower.store(ORDERS, [order(1)])
    grower.store(by_hand.REQUESTS, [delivery(1, 10)])
    grower.store(
        by_hand.SHIPMENTS, [made("suppliers", by_hand.SHIPMENTS, 1, fulfillmentOrderId=id_of("it"), status=status)]
    )

    assert [row[8] for row in grower.report(REPORT)] == [came]


def test_an_order_of_the_clock_counts_where_its_delivery_was_asked_for(grower: Reporting) -> None:
    """Other orders of the clock are delivered to the auction, which does not tell it by order."""
    grower.store(ORDERS, [order(1, tradeInstrument="CLOCK_PRESALES"), order(2, tradeInstrument="CLOCK_SALES")])
    grower.store(by_hand.REQUESTS, [delivery(1, 10)])

    assert [row[5:9] for row in grower.report(REPORT)] == [(1, 100, 100, 100)]


def test_orders_of_nothing_have_no_rate(grower: Reporting) -> None:
    """Where nothing was ordered, there is nothing to divide by."""
    grower.store(ORDERS, [order(1, numberOfPieces=0)])

    assert [row[5:] for row in grower.report(REPORT)] == [(1, 0, 0, 0, None)]


def test_no_orders(grower: Reporting) -> None:
    """The report is there and empty."""
    assert grower.report(REPORT) == []


def order(number: int, **fields: Any) -> Json:
    """An order of a hundred pieces that was to be delivered in January 2026."""
    told = {
        "salesOrderId": id_of(f"order {number}"),
        "status": "COMMITTED",
        "tradeInstrument": "DIRECT_SALES",
        "tradeItemId": ROSE,
        "numberOfPieces": 100,
        "mutations": [],
        "delivery": {"latestDeliveryDateTime": "2026-01-05T12:00:00Z"},
    }
    return made("suppliers", ORDERS, 10 + number, **{**told, **fields})


def delivery(number: int, packages: int, **fields: Any) -> Json:
    """A delivery order with the request for the first order, which a shipment claims in packages of ten."""
    request = {
        "fulfillmentRequestId": id_of("request"),
        "salesOrderId": id_of("order 1"),
        "piecesPerPackage": 10,
        "fulfillmentOrderClaims": [{"fulfillmentOrderId": id_of("it"), "claimedNumberOfPackages": packages}],
    }
    told = {"fulfillmentRequests": [request], "isDeleted": False}
    return made("suppliers", by_hand.REQUESTS, number, **{**told, **fields})
