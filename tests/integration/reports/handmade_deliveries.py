"""Handmade deliveries: requests that move and are claimed in parts, failed shipments, late load carriers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from random import Random
from typing import Any

from tests.integration.report_warehouse import BOUNDARY_TIMES, ORDERS, Json, ReportWarehouse, id_of, make_record
from tests.integration.reports import handmade_orders

REQUESTS = "fulfillment.delivery_orders"
SHIPMENTS = "fulfillment.fulfillment_orders"
MEANS = "fulfillment.logistic_means_invoice_lines"

CARRIER, HAULIER, STRANGER = id_of("carrier"), id_of("haulier"), id_of("strange carrier")
SHIPMENT_STATUSES = ("ACCEPTED", "DELIVERED", "DELIVERED", "DELIVERED", "DRAFT", "CANCELLED", "FAILED", None)
LOAD_CARRIERS = ("DANISH_TROLLEY", "DANISH_TROLLEY", "AUCTION_TROLLEY", "DANISH_TROLLEY_WATER_TRAY", "PALLET", None)
MEANS_TYPES = ("DANISH_TROLLEY", "DANISH_TROLLEY_LAYER", "AUCTION_TROLLEY", "AUCTION_TROLLEY_LAYER", "PACKAGE", None)


def store_all(warehouse: ReportWarehouse) -> ReportWarehouse:
    """Store orders of two accounts, their deliveries, and the invoice lines of the load carriers."""
    for account, seed, count in (("north", 3, 400), ("south", 4, 120)):
        ordered = handmade_orders.orders("suppliers", seed, count)
        warehouse.store(ORDERS, ordered, account)
        warehouse.store(REQUESTS, delivery_orders(ordered, seed), account)
        warehouse.store(SHIPMENTS, shipments(seed, 60), account)
        warehouse.store(MEANS, means(seed, 150), account)
    handmade_orders.store_names(warehouse)
    carrier = [
        make_record("suppliers", "organizations.organizations", 5, organizationId=CARRIER, name="Bloemenvervoer")
    ]
    warehouse.store("organizations", carrier, "north")
    return warehouse


def shipment_id(seed: int, number: int) -> str:
    """Return the identifier of a shipment; the highest numbers belong to no stored shipment."""
    return id_of(f"shipment {seed} {number}")


def delivery_orders(ordered: Sequence[Json], seed: int) -> list[Json]:
    """Return delivery orders with up to five requests each; some requests occur again in a later delivery order."""
    random = Random(f"delivery orders {seed}")
    requests = [
        _request(order["salesOrderId"], random) for order in ordered for _ in range(random.choice((0, 1, 1, 2)))
    ]
    moved = [{**request, "fulfillmentOrderClaims": _claims(random)} for request in requests if random.random() < 0.15]
    records: list[Json] = []
    for group in (requests, moved):
        for start in range(0, len(group), 5):
            number = 1000 * seed + len(records)
            part: list[Any] = [*group[start : start + 5], *random.choice(([], [], [None]))]
            is_deleted = random.random() < 0.1
            records.append(make_record("suppliers", REQUESTS, number, fulfillmentRequests=part, isDeleted=is_deleted))
    return records


def _request(order: str, random: Random) -> dict[str, Any]:
    return {
        "fulfillmentRequestId": id_of(f"request {order} {random.random()}"),
        "salesOrderId": order if random.random() < 0.95 else None,
        "piecesPerPackage": random.choice((1, 10, 12, None)),
        "fulfillmentOrderClaims": _claims(random),
    }


def _claims(random: Random) -> list[Any]:
    seed, number = random.choice((3, 4)), random.choice((0, 1, 1, 1, 2))
    claims = [
        {
            "fulfillmentOrderId": shipment_id(seed, random.randrange(70)),
            "claimedNumberOfPackages": random.choice((0, 1, 3, 20, None)),
        }
        for _ in range(number)
    ]
    return [*claims, *random.choice(([], [], [None]))]


def shipments(seed: int, count: int) -> list[Json]:
    """Return shipments of all statuses at day boundaries, with load carriers received on time, late or never."""
    random = Random(f"shipments {seed}")
    records: list[Json] = []
    for number in range(count):
        latest = random.choice((*BOUNDARY_TIMES, None))
        fields: dict[str, Any] = {
            "fulfillmentOrderId": shipment_id(seed, number),
            "status": random.choice(SHIPMENT_STATUSES),
            "latestDeliveryDateTime": latest,
            "carrierOrganizationId": random.choice((CARRIER, HAULIER, STRANGER, None)),
            "loadCarriers": random.choice((None, [], *([_load_carriers(latest, random)] * 6))),
        }
        records.append(make_record("suppliers", SHIPMENTS, 1000 * seed + number, **fields))
    return records


def _load_carriers(latest: str | None, random: Random) -> list[Any]:
    carriers = [
        {
            "loadCarrierType": random.choice(LOAD_CARRIERS),
            "numberOfAdditionalLayers": random.choice((0, 1, 3, None)),
            "isReceived": random.choice((True, False)),
            "receiptDateTime": _receipt(latest, random),
            "loadCarrierItems": [{"numberOfPackages": 1}] * random.randrange(4),
        }
        for _ in range(random.randrange(1, 4))
    ]
    return [*carriers, *random.choice(([], [], [None]))]


def _receipt(latest: str | None, random: Random) -> str | None:
    """Return a receipt exactly at the latest time, shortly before or after it, or None."""
    if latest is None or random.random() < 0.2:
        return None
    seconds = random.choice((0, -1, 1, -3600, 5400.5, random.randrange(-9000, 20_000)))
    return (dt.datetime.fromisoformat(latest) + dt.timedelta(seconds=seconds)).isoformat()


def means(seed: int, count: int) -> list[Json]:
    """Return invoice lines for load carriers, layers and packages; some have no invoice, some an unknown shipment."""
    random = Random(f"means {seed}")
    records: list[Json] = []
    for number in range(count):
        has_invoice = random.random() < 0.8
        fields: dict[str, Any] = {
            "fulfillmentOrderId": shipment_id(seed, random.randrange(75)),
            "logisticMeansType": random.choice(MEANS_TYPES),
            "numberOfItems": random.choice((1, 1, 2, -1, None)),
            "invoiceId": random.choice(("L-1", None)) if has_invoice else random.choice((None, "", " ")),
            "invoiceDate": random.choice(BOUNDARY_TIMES) if has_invoice and random.random() < 0.9 else None,
        }
        records.append(make_record("suppliers", MEANS, 1000 * seed + number, **fields))
    return records
