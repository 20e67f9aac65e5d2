"""Builds the record of a fulfillment order with its load carriers, and changes it at receipt and correction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.grower_context import GrowerContext
from pipelines.sandbox.world.sales_order import Order

FEED = "fulfillment.fulfillment_orders"
_LOGISTIC_HUBS = ("NONE", "AALSMEER", "NAALDWIJK", "RIJNSBURG")


def new_record(
    grower: GrowerContext, delivery: Document, orders: Mapping[str, Order], requests: list[Document]
) -> Document:
    """A new fulfillment order, which claims the requests of a delivery order."""
    fulfillment_order_id, code = grower.codes.uuid(), grower.codes.note()
    goods = [(request, _claim(grower, request, fulfillment_order_id)) for request in requests]
    return {
        "fulfillmentOrderId": fulfillment_order_id,
        "latestDeliveryDateTime": delivery["deliveryDateTime"],
        "despatchWarehouseId": delivery["despatchWarehouseId"],
        "fulfillingOrganizationId": grower.organization_id,
        "supplierOrganizationId": grower.organization_id,
        "carrierOrganizationId": delivery["carrierOrganizationId"],
        "destination": delivery["destination"],
        "logisticHub": grower.rng.choice(_LOGISTIC_HUBS),
        "loadCarriers": _load(grower, goods, orders, code),
        "deliveryNoteCodes": [code],
        "type": "DIRECT_SALES",
        "oneLabelOnly": grower.happens(0.1),
        "status": "PENDING",
        "submissionError": None,
        "creationDateTime": grower.now,
        "lastModifiedDateTime": grower.now,
        "fulfillmentOrderCorrections": None,
        "isReAuctioning": False,
    }


def _claim(grower: GrowerContext, request: Document, fulfillment_order_id: str) -> int:
    """Claim the packages of a request, sometimes one less or more; returns the number of claimed packages."""
    requested: int = request["numberOfPackages"]
    packages = requested - 1 if requested > 1 and grower.happens(0.04) else requested
    if grower.happens(0.015):
        packages += 1
    claim = {"fulfillmentOrderId": fulfillment_order_id, "claimedNumberOfPackages": packages}
    request["fulfillmentOrderClaims"] = [*request["fulfillmentOrderClaims"], claim]
    request["numberOfPiecesPicked"] = packages * request["piecesPerPackage"]
    return packages


def _load(
    grower: GrowerContext, goods: list[tuple[Document, int]], orders: Mapping[str, Order], code: str
) -> list[Document]:
    """Fill load carriers one after the other, separately for each type of load carrier."""
    carriers: list[Document] = []
    room: dict[str, int] = {}
    for request, packages in goods:
        order = orders[request["fulfillmentRequestId"]]
        kind, left = request["loadCarrier"], packages
        while left:
            if not room.get(kind):
                carriers.append(_carrier(grower, kind, len(carriers), code))
                room[kind] = _capacity(order)
            part = min(left, room[kind])
            on = next(carrier for carrier in reversed(carriers) if carrier["loadCarrierType"] == kind)
            on["loadCarrierItems"].append(_item(grower, request, order, part, code, index=len(on["loadCarrierItems"])))
            room[kind] -= part
            left -= part
    return carriers


def _capacity(order: Order) -> int:
    packing = order.record["packingConfiguration"]
    return int(packing["packagesPerLayer"] * packing["layersPerLoadCarrier"])


def _carrier(grower: GrowerContext, kind: str, index: int, code: str) -> Document:
    return {
        "loadCarrierItems": [],
        "loadCarrierType": kind,
        "numberOfAdditionalLayers": grower.rng.choice((0, 0, 1, 2, 3)),
        "documentReference": f"{code}-{index + 1}",
        "deliveryNoteCodes": [code],
        "sortIndex": index,
        "loadCarrierReference": None,
        "isReceived": False,
        "receiptDateTime": None,
        "loadCarrierBarcode": f"LC{grower.codes.number(9):09d}" if grower.happens(0.8) else None,
    }


def _item(grower: GrowerContext, request: Document, order: Order, packages: int, code: str, *, index: int) -> Document:
    batch = order.batch
    return {
        "loadCarrierItemId": grower.codes.uuid(),
        "fulfillmentRequestId": request["fulfillmentRequestId"],
        "salesOrderId": order.id,
        "numberOfPackages": packages,
        "serviceCode": request["serviceCode"],
        "packingAgentOrganizationId": None,
        "batchId": request["batchId"],
        "tradeItemId": order.item.id,
        "batchReference": batch.record["batchReference"] if batch else None,
        "deliveryNoteCode": code,
        "deliveryNoteLetter": chr(ord("A") + index % 26),
        "commercialInvoiceReference": f"INV{grower.codes.number(6)}" if grower.happens(0.1) else "",
        "sortIndex": index,
        "deliveryRemarks": request["deliveryRemarks"],
        "statusOfReceivedItem": None,
        "statusOfReceivedItemReason": None,
        "alternativeDisplayName": None,
    }


def receive(grower: GrowerContext, record: Document) -> None:
    """Mark the load carriers as received, and a few items as not OK."""
    for carrier in record["loadCarriers"]:
        carrier |= {"isReceived": True, "receiptDateTime": grower.now}
        for item in carrier["loadCarrierItems"]:
            is_fine = not grower.happens(0.02)
            item["statusOfReceivedItem"] = "OK" if is_fine else "NOT_OK"
            item["statusOfReceivedItemReason"] = None if is_fine else "natte bladeren"


def correct(grower: GrowerContext, record: Document) -> None:
    """Add a correction: one package less and one layer more on the first load carrier."""
    carrier = record["loadCarriers"][0]
    correction = {
        "correctionId": grower.codes.uuid(),
        "deliveryLocationGln": record["destination"]["location"]["gln"],
        "loadCarrierCorrections": [
            {
                "documentReference": carrier["documentReference"],
                "loadCarrierType": carrier["loadCarrierType"],
                "numberOfAdditionalLayers": carrier["numberOfAdditionalLayers"] + 1,
                "loadCarrierItemCorrections": [_correction(item) for item in carrier["loadCarrierItems"]],
            }
        ],
        "status": grower.rng.choice(("SUCCEEDED", "SUCCEEDED", "PENDING", "REJECTED")),
        "creationDateTime": grower.now,
        "lastModifiedDateTime": grower.now + dt.timedelta(minutes=1),
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
