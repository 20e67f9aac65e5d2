"""How a fulfillment order is written down: what stands on which load carrier, and what becomes of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.sales_order import Order
from pipelines.sandbox.world.site import Site

FEED = "fulfillment.fulfillment_orders"
_LOGISTIC_HUBS = ("NONE", "AALSMEER", "NAALDWIJK", "RIJNSBURG")


def write(site: Site, delivery: Document, orders: Mapping[str, Order], requests: list[Document]) -> Document:
    """A complete fulfillment order for the requests of a delivery order, which it claims as far as there are goods."""
    fulfillment_order_id, code = site.codes.uuid(), site.codes.note()
    goods = [(request, _claim(site, request, fulfillment_order_id)) for request in requests]
    return {
        "fulfillmentOrderId": fulfillment_order_id,
        "latestDeliveryDateTime": delivery["deliveryDateTime"],
        "despatchWarehouseId": delivery["despatchWarehouseId"],
        "fulfillingOrganizationId": site.organization_id,
        "supplierOrganizationId": site.organization_id,
        "carrierOrganizationId": delivery["carrierOrganizationId"],
        "destination": delivery["destination"],
        "logisticHub": site.chance.choice(_LOGISTIC_HUBS),
        "loadCarriers": _load(site, goods, orders, code),
        "deliveryNoteCodes": [code],
        "type": "DIRECT_SALES",
        "oneLabelOnly": site.happens(0.1),
        "status": "PENDING",
        "submissionError": None,
        "creationDateTime": site.now,
        "lastModifiedDateTime": site.now,
        "fulfillmentOrderCorrections": None,
        "isReAuctioning": False,
    }


def _claim(site: Site, request: Document, fulfillment_order_id: str) -> int:
    """Claim the packages of a request; now and then one is missing."""
    asked: int = request["numberOfPackages"]
    packages = asked - 1 if asked > 1 and site.happens(0.04) else asked
    claim = {"fulfillmentOrderId": fulfillment_order_id, "claimedNumberOfPackages": packages}
    request["fulfillmentOrderClaims"] = [*request["fulfillmentOrderClaims"], claim]
    request["numberOfPiecesPicked"] = packages * request["piecesPerPackage"]
    return packages


def _load(site: Site, goods: list[tuple[Document, int]], orders: Mapping[str, Order], code: str) -> list[Document]:
    """Fill load carriers one after the other, a kind of its own for each kind that is asked for."""
    carriers: list[Document] = []
    room: dict[str, int] = {}
    for request, packages in goods:
        order = orders[request["fulfillmentRequestId"]]
        kind, left = request["loadCarrier"], packages
        while left:
            if not room.get(kind):
                carriers.append(_carrier(site, kind, len(carriers), code))
                room[kind] = _capacity(order)
            part = min(left, room[kind])
            on = next(carrier for carrier in reversed(carriers) if carrier["loadCarrierType"] == kind)
            on["loadCarrierItems"].append(_item(site, request, order, part, code, place=len(on["loadCarrierItems"])))
            room[kind] -= part
            left -= part
    return carriers


def _capacity(order: Order) -> int:
    packing = order.record["packingConfiguration"]
    return int(packing["packagesPerLayer"] * packing["layersPerLoadCarrier"])


def _carrier(site: Site, kind: str, place: int, code: str) -> Document:
    return {
        "loadCarrierItems": [],
        "loadCarrierType": kind,
        "numberOfAdditionalLayers": site.chance.choice((0, 0, 1, 2, 3)),
        "documentReference": f"{code}-{place + 1}",
        "deliveryNoteCodes": [code],
        "sortIndex": place,
        "loadCarrierReference": None,
        "isReceived": False,
        "receiptDateTime": None,
        "loadCarrierBarcode": f"LC{site.codes.number(9):09d}" if site.happens(0.8) else None,
    }


def _item(site: Site, request: Document, order: Order, packages: int, code: str, *, place: int) -> Document:
    batch = order.batch
    return {
        "loadCarrierItemId": site.codes.uuid(),
        "fulfillmentRequestId": request["fulfillmentRequestId"],
        "salesOrderId": order.id,
        "numberOfPackages": packages,
        "serviceCode": request["serviceCode"],
        "packingAgentOrganizationId": None,
        "batchId": request["batchId"],
        "tradeItemId": order.item.id,
        "batchReference": batch.record["batchReference"] if batch else None,
        "deliveryNoteCode": code,
        "deliveryNoteLetter": chr(ord("A") + place % 26),
        "commercialInvoiceReference": f"INV{site.codes.number(6)}" if site.happens(0.1) else "",
        "sortIndex": place,
        "deliveryRemarks": request["deliveryRemarks"],
        "statusOfReceivedItem": None,
        "statusOfReceivedItemReason": None,
        "alternativeDisplayName": None,
    }


def receive(site: Site, record: Document) -> None:
    """The load carriers arrive; some goods are not as they should be."""
    for carrier in record["loadCarriers"]:
        carrier |= {"isReceived": True, "receiptDateTime": site.now}
        for item in carrier["loadCarrierItems"]:
            is_fine = not site.happens(0.02)
            item["statusOfReceivedItem"] = "OK" if is_fine else "NOT_OK"
            item["statusOfReceivedItemReason"] = None if is_fine else "natte bladeren"


def correct(site: Site, record: Document) -> None:
    """Say afterwards that the first load carrier held a package less, and a layer more."""
    carrier = record["loadCarriers"][0]
    correction = {
        "correctionId": site.codes.uuid(),
        "deliveryLocationGln": record["destination"]["location"]["gln"],
        "loadCarrierCorrections": [
            {
                "documentReference": carrier["documentReference"],
                "loadCarrierType": carrier["loadCarrierType"],
                "numberOfAdditionalLayers": carrier["numberOfAdditionalLayers"] + 1,
                "loadCarrierItemCorrections": [_correction(item) for item in carrier["loadCarrierItems"]],
            }
        ],
        "status": site.chance.choice(("SUCCEEDED", "SUCCEEDED", "PENDING", "REJECTED")),
        "creationDateTime": site.now,
        "lastModifiedDateTime": site.now + dt.timedelta(minutes=1),
    }
    record["fulfillmentOrderCorrections"] = [*(record["fulfillmentOrderCorrections"] or []), correction]


def _correction(item: Document) -> Document:
    return {
        "isDeleted": False,
        "numberOfPackages": max(0, item["numberOfPackages"] - 1),
        "packingAgentOrganizationId": None,
        "deliveryNoteCode": item["deliveryNoteCode"],
        "deliveryNoteLetter": item["deliveryNoteLetter"],
    }
