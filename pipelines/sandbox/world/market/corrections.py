"""Correction requests of committed sales orders (the specification)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world import vocabulary as words
from pipelines.sandbox.world.grower_context import CENT, price
from pipelines.sandbox.world.market.buyer_context import BuyerContext
from pipelines.sandbox.world.market.sales_order import Order, calculated, mutables

FEED = "orders.sales_order_correction_requests"


class Corrections:
    """The correction requests of a buyer.

    Args:
        buyer: context of the buyer.
    """

    def __init__(self, buyer: BuyerContext) -> None:
        self._buyer = buyer

    def plan(self, order: Order) -> None:
        """Plan a correction request after the delivery of an order; the answer follows some hours later."""
        self._buyer.at(order.delivery + dt.timedelta(hours=self._buyer.rng.randint(1, 9)), lambda: self._ask(order))

    def _ask(self, order: Order) -> None:
        request = self._request(order)
        self._buyer.publish(FEED, request)
        self._buyer.after(self._buyer.rng.randint(20, 900), lambda: self._answer(order, request))

    def _answer(self, order: Order, request: Document) -> None:
        statuses = ("ACCEPTED", "DECLINED", "EXPIRED", "DELETED")
        status = self._buyer.rng.choices(statuses, (70, 15, 8, 7))[0]
        request |= {"status": status, "lastModifiedDateTime": self._buyer.now}
        if status == "ACCEPTED":
            self._apply(order, request)
        self._buyer.publish(FEED, request)

    def _apply(self, order: Order, request: Document) -> None:
        record = order.record
        version, before = record["salesOrderVersion"], mutables(record)
        if request["isCancelRequest"]:
            record["status"] = "CANCELLED"
        for name in ("pricePerPiece", "numberOfPieces"):
            record[name] = record[name] if request[name] is None else request[name]
        record |= {"salesOrderVersion": version + 1, "lastModifiedDateTime": self._buyer.now}
        record["calculatedFields"] = calculated(record)
        request["salesOrderVersionAfterCorrection"] = version + 1
        mutation = {
            "basedOnSalesOrderVersion": version,
            "salesOrderCorrectionRequestId": request["salesOrderCorrectionRequestId"],
            "salesOrderCorrectionRequestReason": request["reason"],
            "oldValues": before,
            "newValues": mutables(record),
            "mutationType": "CORRECTION_REQUEST",
            "correctionType": "CANCELLATION" if request["isCancelRequest"] else "MODIFICATION",
            "createdDateTime": self._buyer.now,
        }
        record["mutations"] = [*record["mutations"], mutation]
        self._buyer.publish("orders.sales_orders", record)

    def _request(self, order: Order) -> Document:
        buyer = self._buyer
        kind = buyer.rng.choices(("price", "pieces", "cancel"), (45, 45, 10))[0]
        record = order.record
        lower = (record["pricePerPiece"]["value"] * Decimal("0.9")).quantize(CENT)
        fewer = max(0, order.packages - 1) * record["packingConfiguration"]["piecesPerPackage"]
        return {
            "salesOrderCorrectionRequestId": buyer.codes.uuid(),
            "salesOrderId": order.id,
            "status": "PENDING",
            "isSalesOrderCreatedBySupplier": record["isCreatedBySupplier"],
            "initiatedBy": "CUSTOMER" if buyer.happens(0.8) else "SUPPLIER",
            "expiresAtDateTime": buyer.now + dt.timedelta(days=3),
            "creationDateTime": buyer.now,
            "lastModifiedDateTime": buyer.now,
            "customerOrganizationId": record["customerOrganizationId"],
            "pricePerPiece": price(lower) if kind == "price" else None,
            "deliveryPricePerPiece": None,
            "package": None,
            "numberOfPieces": fewer if kind == "pieces" else None,
            "piecesPerPackage": None,
            "incoterm": None,
            "shouldReturnPackages": False if kind == "cancel" else None,
            "reason": buyer.rng.choice(words.CORRECTION_REASONS),
            "isCancelRequest": kind == "cancel",
            "salesOrderVersionAfterCorrection": None,
            "createdByUserName": buyer.rng.choice((*words.BUYERS, None)),
            "latestDeliveryDateTime": None,
            "deliveryLocation": None,
            "additionalServices": [],
            "reclamationActionDecision": "DESTROY" if kind == "cancel" else None,
        }
