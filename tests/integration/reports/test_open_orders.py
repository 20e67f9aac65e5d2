"""Report ``open_orders``: orders with something still to commit, pick, despatch or deliver."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
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
    day,
    id_of,
    make_record,
    nulls_last,
    text,
    timestamp,
    uuid,
    value_at,
)
from tests.integration.reports.handmade_deliveries import CARRIER, REQUESTS, SHIPMENTS
from tests.integration.reports.handmade_orders import BLOOM, ROSE
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters
from tests.integration.reports.timed_reports import report_with_query_time, today
from tests.moments import NOW, real_now

REPORT = "open_orders"
WAREHOUSES, LOCATIONS = "organizations.warehouses", "organizations.delivery_locations"
LAST_DAYS = dt.timedelta(days=14)


@dataclass
class Claims:
    """The requests of an order, and the packages that shipments claimed of them."""

    delivery: Json = field(default_factory=dict)
    ordered: int = 0
    claimed: int = 0
    open: int = 0
    delivered: int = 0
    despatched: int = 0
    pieces: int = 0


def expected_rows(warehouse: ReportWarehouse, now: dt.datetime, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records, in Python."""
    orders = [pair for pair in warehouse.newest_records(ORDERS) if is_selected(pair[1], now, parameters)]
    claims = claims_by_order(warehouse, {(account, uuid(order, "salesOrderId")): order for account, order in orders})
    names = Names(warehouse)
    rows = [
        row
        for account, order in orders
        if (row := row_of(account, order, claims.get((account, uuid(order, "salesOrderId"))), names))
    ]
    return sorted(rows, key=lambda row: (row[0], nulls_last(row[1]), row[3]))


def is_selected(order: Json, now: dt.datetime, parameters: Parameters) -> bool:
    """Return whether the status of an order, its day and the parameters allow it in the report."""
    date, first = day(order, DELIVERY), parameters.from_date or today(now) - LAST_DAYS
    is_recent = parameters.from_date is None if date is None else date >= first
    return (
        text(order, "status") in ("ACCEPTED", "COMMITTED")
        and not order.get("isDeleted")
        and is_recent
        and (parameters.to_date is None or (date is not None and date <= parameters.to_date))
        and parameters.customer in (None, uuid(order, "customerOrganizationId"))
        and parameters.trade_item in (None, uuid(order, "tradeItemId"))
    )


class Names:
    """The names that the report shows, by account and identifier."""

    def __init__(self, warehouse: ReportWarehouse) -> None:
        self.items = warehouse.trade_item_names()
        self.organizations = warehouse.organization_names()
        self.warehouses = warehouse.names_by_id(WAREHOUSES, "warehouseId", "name")
        self.places: dict[tuple[str, str | None], str] = {}
        for account, place in warehouse.newest_records(LOCATIONS):
            key, name = (account, text(place, "gln")), text(place, "name")
            if name:
                self.places[key] = min(name, self.places.get(key, name))

    def destination(self, account: str, location: Json | None) -> str | None:
        """Return the name or address of a destination, with its town."""
        gln = text(location, "gln")
        name = self.places.get((account, gln)) or text(location, "address.addressLine") or gln
        return ", ".join(part for part in (name, text(location, "address.city")) if part) or None


def claims_by_order(warehouse: ReportWarehouse, orders: dict[Any, Json]) -> dict[Any, Claims]:
    """Return what was claimed of each of the orders that have requests."""
    shipments = {
        (account, uuid(body, "fulfillmentOrderId")): body for account, body in warehouse.newest_records(SHIPMENTS)
    }
    newest: dict[Any, tuple[str, Json, Json]] = {}
    for account, delivery in sorted(
        warehouse.newest_records(REQUESTS), key=lambda pair: int(pair[1]["sequenceNumber"])
    ):
        for request in delivery.get("fulfillmentRequests") or []:
            if (
                request is not None
                and (account, uuid(request, "salesOrderId")) in orders
                and not delivery.get("isDeleted")
            ):
                newest[account, uuid(request, "fulfillmentRequestId")] = (account, delivery, request)
    claims: dict[Any, Claims] = defaultdict(Claims)
    for account, delivery, request in newest.values():
        key = (account, uuid(request, "salesOrderId"))
        add_request(
            claims[key],
            delivery,
            request,
            orders[key],
            {id: s for (owner, id), s in shipments.items() if owner == account},
        )
    return claims


def add_request(claims: Claims, delivery: Json, request: Json, order: Json, shipments: dict[UUID | None, Json]) -> None:
    """Add a request, and the claims of shipments that are neither cancelled nor failed."""
    claimed = 0
    for claim in request.get("fulfillmentOrderClaims") or []:
        shipment = shipments.get(uuid(claim, "fulfillmentOrderId"))
        status, packages = text(shipment, "status"), value_at(claim, "claimedNumberOfPackages") or 0
        if status not in ("CANCELLED", "FAILED"):
            is_delivered = status == "DELIVERED" or is_received(shipment)
            claimed += packages
            claims.delivered += packages if is_delivered else 0
            claims.despatched += packages if is_delivered or status == "ACCEPTED" else 0
    content = value_at(request, "piecesPerPackage") or value_at(order, "packingConfiguration.piecesPerPackage") or 0
    requested = request.get("numberOfPackages") or 0
    claims.delivery = max(claims.delivery, delivery, key=lambda record: int(record.get("sequenceNumber", 0)))
    claims.ordered += requested
    claims.claimed += claimed
    claims.open += max(requested - claimed, 0)
    claims.pieces += claimed * content


def is_received(shipment: Json | None) -> bool:
    """Return whether a shipment has load carriers, and all of them were received."""
    carriers = (shipment or {}).get("loadCarriers") or []
    return bool(carriers) and all(value_at(c, "isReceived") or text(c, "receiptDateTime") for c in carriers)


def row_of(account: str, order: Json, claims: Claims | None, names: Names) -> Row | None:
    """Return the row of an order; None if nothing of it is open."""
    if claims is None and (text(order, "tradeInstrument") or "").startswith("CLOCK"):
        return None
    pieces, status = order["numberOfPieces"], text(order, "status")
    content = value_at(order, "packingConfiguration.piecesPerPackage")
    packages = -(-pieces // content) if content else None
    of = claims or Claims(ordered=packages or 0, open=packages or 0)
    open_pieces = 0 if claims and not claims.open else max(pieces - of.pieces, 0)
    if not open_pieces and not of.open and of.claimed <= of.delivered:
        return None
    step = "PICK" if open_pieces or of.open else "DESPATCH" if of.claimed > of.despatched else "DELIVER"
    despatch = uuid(of.delivery, "despatchWarehouseId") or uuid(order, "despatchWarehouseId")
    carrier, customer, item = (
        uuid(of.delivery, "carrierOrganizationId"),
        uuid(order, "customerOrganizationId"),
        uuid(order, "tradeItemId"),
    )
    location = value_at(of.delivery, "destination.location") if claims else value_at(order, "delivery.location")
    return (
        account,
        timestamp(order, DELIVERY),
        day(order, DELIVERY),
        uuid(order, "salesOrderId"),
        text(order, "salesChannelOrderId"),
        status,
        "COMMIT" if status == "ACCEPTED" else step,
        customer,
        names.organizations.get((account, customer)),
        despatch,
        names.warehouses.get((account, despatch)),
        names.destination(account, location),
        carrier,
        names.organizations.get((account, carrier)),
        item,
        names.items.get((account, item)),
        pieces,
        of.pieces,
        open_pieces,
        of.ordered if claims else packages,
        of.claimed,
        of.open if claims else packages,
        of.delivered,
        timestamp(order, "cancellationDeadline") if status == "ACCEPTED" else None,
        text(order, f"{AMOUNT}.currency"),
        value_at(order, "packingConfiguration.package.vbnPackageCode"),
    )


STEP, OPEN, UNTIL = 6, slice(16, 23), 23


def test_grower_world(grower_world: ReportWarehouse) -> None:
    """For a grower in the sandbox world, the rows are as expected, with names."""
    parameters = Parameters(from_date=NOW.date() - LAST_DAYS)
    rows, now = report_with_query_time(grower_world, REPORT, parameters)

    assert "PICK" in {row[STEP] for row in rows}
    assert all(row[index] for row in rows for index in (8, 10, 11, 15))
    assert rows == expected_rows(grower_world, now, parameters)


@pytest.mark.slow
@pytest.mark.parametrize(
    "parameters",
    [NO_FILTER, *DATE_RANGES, Parameters(customer=UUID(BLOOM)), Parameters(trade_item=UUID(ROSE))],
    ids=repr,
)
def test_handmade_deliveries(grower_deliveries: ReportWarehouse, parameters: Parameters) -> None:
    """Rows are correct for moved requests, several claims, failed shipments, and orders without a time or a request."""
    rows, now = report_with_query_time(grower_deliveries, REPORT, parameters)

    assert rows == expected_rows(grower_deliveries, now, parameters)


@pytest.mark.slow
def test_every_step_occurs(grower_deliveries: ReportWarehouse) -> None:
    """The handmade deliveries contain orders of every next step, and of both accounts."""
    parameters = Parameters(from_date=dt.date(2024, 1, 1))
    rows, now = report_with_query_time(grower_deliveries, REPORT, parameters)

    assert {row[STEP] for row in rows} == {"COMMIT", "PICK", "DESPATCH", "DELIVER"}
    assert {row[0] for row in rows} == {"north", "south"}
    assert rows == expected_rows(grower_deliveries, now, parameters)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "claimed", "expected"),
    [
        ("ACCEPTED", 4, ("PICK", 100, 40, 60, 10, 4, 6, 0)),
        ("DELIVERED", 4, ("PICK", 100, 40, 60, 10, 4, 6, 4)),
        ("DRAFT", 10, ("DESPATCH", 100, 100, 0, 10, 10, 0, 0)),
        ("ACCEPTED", 12, ("DELIVER", 100, 120, 0, 10, 12, 0, 0)),
        ("FAILED", 10, ("PICK", 100, 0, 100, 10, 0, 10, 0)),
    ],
)
def test_steps(warehouse: ReportWarehouse, status: str, claimed: int, expected: Row) -> None:
    """What is on no shipment must be picked, what is on a draft despatched, and what has left delivered."""
    warehouse.store(ORDERS, [order(1)])
    warehouse.store(REQUESTS, [delivery(1, claimed)])
    warehouse.store(SHIPMENTS, [shipment(status)])

    assert [(row[STEP], *row[OPEN]) for row in warehouse.report(REPORT)] == [expected]


@pytest.mark.slow
def test_delivered_orders_are_done(warehouse: ReportWarehouse) -> None:
    """An order is done when its shipment is delivered, or when all load carriers of the shipment are received."""
    warehouse.store(ORDERS, [order(1)])
    warehouse.store(REQUESTS, [delivery(1, 10)])
    received = {"isReceived": True, "receiptDateTime": None}
    warehouse.store(SHIPMENTS, [shipment("ACCEPTED", received, {**received, "isReceived": False})])
    one_is_missing = warehouse.report(REPORT)
    warehouse.store(SHIPMENTS, [shipment("ACCEPTED", received, received)])

    assert [row[STEP] for row in one_is_missing] == ["DELIVER"]
    assert warehouse.report(REPORT) == []


@pytest.mark.slow
def test_accepted_order_shows_until_when_it_can_be_cancelled(warehouse: ReportWarehouse) -> None:
    """An accepted order is open as a whole, in packages too, until the end of its cancellation time."""
    deadline = {"cancellationDeadline": "2026-01-02T10:00:00Z"}
    packing = {"piecesPerPackage": 30}
    warehouse.store(
        ORDERS, [order(1, status="ACCEPTED", packingConfiguration=packing, **deadline), order(2, **deadline)]
    )
    rows = {row[3]: row for row in warehouse.report(REPORT)}
    accepted, committed = rows[UUID(id_of("order 1"))], rows[UUID(id_of("order 2"))]

    assert (accepted[STEP], *accepted[OPEN]) == ("COMMIT", 100, 0, 100, 4, 0, 4, 0)
    assert accepted[UNTIL] == dt.datetime(2026, 1, 2, 10, tzinfo=dt.UTC)
    assert (committed[STEP], committed[UNTIL]) == ("PICK", None)


@pytest.mark.slow
def test_other_orders_are_not_open(warehouse: ReportWarehouse) -> None:
    """Orders that are not agreed, deleted, of the clock without a request, or due long ago are left out."""
    long_ago = {"latestDeliveryDateTime": str(real_now() - dt.timedelta(days=16))}
    warehouse.store(
        ORDERS,
        [
            *(order(number, status=status) for number, status in enumerate(("PENDING", "CANCELLED", "UNFULFILLABLE"))),
            order(3, isDeleted=True),
            order(4, tradeInstrument="CLOCK_SALES"),
            order(5, delivery=long_ago),
        ],
    )

    assert warehouse.report(REPORT) == []
    assert len(warehouse.report(REPORT, from_date=dt.date(2020, 1, 1))) == 1


@pytest.mark.slow
def test_a_smaller_request_leaves_nothing_to_pick(warehouse: ReportWarehouse) -> None:
    """The packages that must be picked are those of the request, even if nobody corrected the order."""
    warehouse.store(ORDERS, [order(1)])
    request = {"numberOfPackages": 8}
    warehouse.store(REQUESTS, [delivery(1, 8, request)])
    warehouse.store(SHIPMENTS, [shipment("DELIVERED")])

    assert warehouse.report(REPORT) == []


@pytest.mark.slow
def test_names_of_the_journey(warehouse: ReportWarehouse) -> None:
    """Warehouse, destination and carrier are those of the newest delivery order, with their names."""
    shed = id_of("shed")
    destination = {
        "location": {"gln": "8713783479063", "address": {"addressLine": "Legmeerdijk 313", "city": "Aalsmeer"}}
    }
    fields: dict[str, Any] = {"despatchWarehouseId": shed, "destination": destination, "carrierOrganizationId": CARRIER}
    warehouse.store(ORDERS, [order(1)])
    warehouse.store(REQUESTS, [delivery(1, 0), delivery(2, 0, None, **fields)])
    before = warehouse.report(REPORT)
    location = make_record("suppliers", LOCATIONS, 1, gln="8713783479063", name="Dock 7")
    warehouse.store(LOCATIONS, [location])
    warehouse.store(WAREHOUSES, [make_record("suppliers", WAREHOUSES, 1, warehouseId=shed, name="Shed")])
    haulier = make_record("suppliers", "organizations.organizations", 1, organizationId=CARRIER, name="Haulier")
    warehouse.store("organizations.organizations", [haulier])
    after = warehouse.report(REPORT)

    assert [(row[10], row[11], row[13]) for row in before] == [(None, "Legmeerdijk 313, Aalsmeer", None)]
    assert [(row[10], row[11], row[13]) for row in after] == [("Shed", "Dock 7, Aalsmeer", "Haulier")]


@pytest.mark.slow
def test_empty_warehouse(warehouse: ReportWarehouse) -> None:
    """Without any records, the report exists and has no rows."""
    assert warehouse.report(REPORT) == []


def order(number: int, **fields: Any) -> Json:
    """Return a committed order of a hundred pieces in packages of ten, which must be delivered tomorrow."""
    defaults = {
        "salesOrderId": id_of(f"order {number}"),
        "status": "COMMITTED",
        "isDeleted": False,
        "tradeInstrument": "DIRECT_SALES",
        "numberOfPieces": 100,
        "packingConfiguration": {"piecesPerPackage": 10},
        "delivery": {"latestDeliveryDateTime": str(real_now() + dt.timedelta(days=1))},
    }
    return make_record("suppliers", ORDERS, 10 + number, **{**defaults, **fields})


def delivery(number: int, claimed: int, request: Json | None = None, **fields: Any) -> Json:
    """Return a delivery order with the request for order 1, of which a shipment claims packages of ten pieces."""
    defaults = {
        "fulfillmentRequestId": id_of("request"),
        "salesOrderId": id_of("order 1"),
        "numberOfPackages": 10,
        "piecesPerPackage": 10,
        "fulfillmentOrderClaims": [{"fulfillmentOrderId": id_of("shipment"), "claimedNumberOfPackages": claimed}],
    }
    requests = [{**defaults, **(request or {})}]
    return make_record("suppliers", REQUESTS, number, fulfillmentRequests=requests, isDeleted=False, **fields)


def shipment(status: str, *carriers: Json) -> Json:
    """Return the shipment that claims the packages of order 1."""
    id = id_of("shipment")
    return make_record("suppliers", SHIPMENTS, 1, fulfillmentOrderId=id, status=status, loadCarriers=list(carriers))
