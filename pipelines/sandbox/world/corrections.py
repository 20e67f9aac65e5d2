"""Correction requests of sales orders, accepted and not accepted (the specification)."""

from __future__ import annotations

import datetime as dt

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world import vocabulary as words
from pipelines.sandbox.world.grower_context import CENT, GrowerContext, price
from pipelines.sandbox.world.sales_order import Order

FEED = "orders.sales_order_correction_requests"
_NOT_ACCEPTED = ("DECLINED", "EXPIRED", "DELETED", "PENDING", "PENDING_CLAIM")


class Corrections:
    """The correction requests of a nursery's orders.

    Args:
        grower: context of the nursery.
    """

    def __init__(self, grower: GrowerContext) -> None:
        self._grower = grower

    def record_accepted(self, order: Order, mutation: Document) -> None:
        """Publish an accepted request, with the values of the mutation that it led to."""
        request = self._request(order, mutation["salesOrderCorrectionRequestId"])
        old, new, currency = mutation["oldValues"], mutation["newValues"], order.customer.currency
        request |= {
            "status": "ACCEPTED",
            "reason": mutation["salesOrderCorrectionRequestReason"],
            "salesOrderVersionAfterCorrection": mutation["basedOnSalesOrderVersion"] + 1,
        }
        if new["numberOfPieces"] != old["numberOfPieces"]:
            request["numberOfPieces"] = new["numberOfPieces"]
        if new["pricePerPiece"] != old["pricePerPiece"]:
            request["pricePerPiece"] = price(new["pricePerPiece"], currency)
        self._grower.publish(FEED, request)

    def request(self, order: Order) -> None:
        """Publish a pending request that is not accepted later."""
        request = self._request(order, self._grower.codes.uuid())
        request["isCancelRequest"] = self._grower.happens(0.3)
        request["reclamationActionDecision"] = None  # only an answer decides on the goods
        if not request["isCancelRequest"]:
            lower = (order.record["pricePerPiece"]["value"] * 9 / 10).quantize(CENT)
            request["pricePerPiece"] = price(max(CENT, lower), order.customer.currency)
            request["additionalServices"] = [
                {
                    "additionalServiceId": service["additionalServiceId"],
                    "pricePerUnit": service["price"]["value"],
                    "isDeleted": True,
                }
                for service in order.record["additionalServices"][:1]
            ]
        self._grower.publish(FEED, request)
        self._grower.after(self._grower.rng.randint(20, 900), lambda: self._decline(request))

    def _decline(self, request: Document) -> None:
        status = self._grower.rng.choices(_NOT_ACCEPTED, (60, 20, 10, 6, 4))[0]
        if status == "DECLINED":
            request["reclamationActionDecision"] = self._grower.rng.choice(("COMPLAINT_NOT_ACCEPTED", None))
        request |= {"status": status, "lastModifiedDateTime": self._grower.now}
        self._grower.publish(FEED, request)

    def _request(self, order: Order, id: str) -> Document:
        grower, record = self._grower, order.record
        created_at = max(record["orderDateTime"], grower.now - dt.timedelta(minutes=grower.rng.randint(5, 300)))
        decision = grower.rng.choice(("DESTROY", "RETURN_TO_STOCK", "REAUCTION_BY_CUSTOMER", None))
        return {
            "salesOrderCorrectionRequestId": id,
            "salesOrderId": order.id,
            "status": "PENDING",
            "isSalesOrderCreatedBySupplier": record["createdBySupplier"],
            "initiatedBy": grower.rng.choices(("CUSTOMER", "SUPPLIER"), (80, 20))[0],
            "expiresAtDateTime": created_at + dt.timedelta(hours=24),
            "creationDateTime": created_at,
            "lastModifiedDateTime": grower.now,
            "customerOrganizationId": order.customer.id,
            "pricePerPiece": None,
            "deliveryPricePerPiece": None,
            "package": None,
            "numberOfPieces": None,
            "piecesPerPackage": None,
            "incoterm": None,
            "shouldReturnPackages": None,
            "reason": grower.rng.choice(words.CORRECTION_REASONS if order.is_fulfilled else words.EARLY_REASONS),
            "isCancelRequest": False,
            "salesOrderVersionAfterCorrection": None,
            "createdByUserName": grower.rng.choice(words.BUYERS) if grower.happens(0.7) else None,
            "stockApplication": "NEVER" if order.is_fulfilled else "DIRECT",
            "latestDeliveryDateTime": None,
            "deliveryLocation": None,
            "additionalServices": [],
            "reclamationActionDecision": decision if order.is_fulfilled else None,
        }
