"""Deliveries made by hand: requests that move and are claimed in parts, shipments that fail, late load carriers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from random import Random
from typing import Any

from tests.integration.reporting import EDGES, ORDERS, Json, Reporting, id_of, made
from tests.integration.reports import by_hand

REQUESTS = "fulfillment.delivery_orders"
SHIPMENTS = "fulfillment.fulfillment_orders"
MEANS = "fulfillment.logistic_means_invoice_lines"

CARRIER, HAULIER, STRANGER = id_of("carrier"), id_of("haulier"), id_of("strange carrier")
SHIPMENT_STATUSES = ("ACCEPTED", "DELIVERED", "DELIVERED", "DELIVERED", "DRAFT", "CANCELLED", "FAILED", None)
LOAD_CARRIERS = ("DANISH_TROLLEY", "DANISH_TROLLEY", "AUCTION_TROLLEY", "DANISH_TROLLEY_WATER_TRAY", "PALLET", None)
MEANS_TYPES = ("DANISH_TROLLEY", "DANISH_TROLLEY_LAYER", "AUCTION_TROLLEY", "AUCTION_TROLLEY_LAYER", "PACKAGE", None)


def store_all(told: Reporting) -> Reporting:
    """Two accounts with orders, their deliveries and what was invoiced for the load carriers."""
    for account, seed, count in (("north", 3, 400), ("south", 4, 120)):
        ordered = by_hand.orders("suppliers", seed, count)
        told.store(ORDERS, ordered, account)
        told.store(REQUESTS, delivery_orders(ordered, seed), account)
        told.store(SHIPMENTS, shipments(seed, 60), account)
        told.store(MEANS, means(seed, 150), account)
    by_hand.store_names(told)
    named = [made("suppliers", "organizations.organizations", 5, organizationId=CARRIER, name="Bloemenvervoer")]
    told.store("organizations", named, "north")
    return told


def shipment_id(seed: int, number: int) -> str:
    """The identifier of a shipment, the last ones of which are not known."""
    return id_of(f"shipment {seed} {number}")


def delivery_orders(ordered: Sequence[Json], seed: int) -> list[Json]:
    """Requests for most orders, up to five in a delivery order; some of them stand in a later one too."""
    random = Random(f"delivery orders {seed}")
    requests = [
        _request(order["salesOrderId"], random) for order in ordered for _ in range(random.choice((0, 1, 1, 2)))
    ]
    moved = [{**request, "fulfillmentOrderClaims": _claims(random)} for request in requests if random.random() < 0.15]
    records: list[Json] = []
    for some in (requests, moved):
        for start in range(0, len(some), 5):
            number = 1000 * seed + len(records)
            part: list[Any] = [*some[start : start + 5], *random.choice(([], [], [None]))]
            is_deleted = random.random() < 0.1
            records.append(made("suppliers", REQUESTS, number, fulfillmentRequests=part, isDeleted=is_deleted))
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
    """Shipments of all statuses, on the edges of days; some load carriers are received in time, some late or never."""
    random = Random(f"shipments {seed}")
    records: list[Json] = []
    for number in range(count):
        latest = random.choice((*EDGES, None))
        told: dict[str, Any] = {
            "fulfillmentOrderId": shipment_id(seed, number),
            "status": random.choice(SHIPMENT_STATUSES),
            "latestDeliveryDateTime": latest,
            "carrierOrganizationId": random.choice((CARRIER, HAULIER, STRANGER, None)),
            "loadCarriers": random.choice((None, [], *([_load_carriers(latest, random)] * 6))),
        }
        records.append(made("suppliers", SHIPMENTS, 1000 * seed + number, **told))
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
    """At the last moment, a little before or after it, or never told."""
    if latest is None or random.random() < 0.2:
        return None
    seconds = random.choice((0, -1, 1, -3600, 5400.5, random.randrange(-9000, 20_000)))
    return (dt.datetime.fromisoformat(latest) + dt.timedelta(seconds=seconds)).isoformat()


def means(seed: int, count: int) -> list[Json]:
    """Lines for load carriers, layers and packages; some are settled only, some of shipments that nobody knows."""
    random = Random(f"means {seed}")
    records: list[Json] = []
    for number in range(count):
        has_invoice = random.random() < 0.8
        told: dict[str, Any] = {
            "fulfillmentOrderId": shipment_id(seed, random.randrange(75)),
            "logisticMeansType": random.choice(MEANS_TYPES),
            "numberOfItems": random.choice((1, 1, 2, -1, None)),
            "invoiceId": random.choice(("L-1", None)) if has_invoice else random.choice((None, "", " ")),
            "invoiceDate": random.choice(EDGES) if has_invoice and random.random() < 0.9 else None,
        }
        records.append(made("suppliers", MEANS, 1000 * seed + number, **told))
    return records
