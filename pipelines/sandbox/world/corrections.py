"""Requests to change orders afterwards: those that were met, and those that were not (the specification)."""

from __future__ import annotations

import datetime as dt

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world import vocabulary as words
from pipelines.sandbox.world.sales_order import Order
from pipelines.sandbox.world.site import CENT, Site, price

FEED = "orders.sales_order_correction_requests"
_UNMET = ("DECLINED", "EXPIRED", "DELETED", "PENDING", "PENDING_CLAIM")


class Corrections:
    """The correction requests of a nursery's orders.

    Args:
        site: the nursery.
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    def met(self, order: Order, mutation: Document) -> None:
        """A request that led to a mutation: it asks for what the mutation changed."""
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
        self._site.publish(FEED, request)

    def ask(self, order: Order) -> None:
        """A request that waits for an answer, and gets none or a bad one."""
        request = self._request(order, self._site.codes.uuid())
        request["isCancelRequest"] = self._site.happens(0.3)
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
        self._site.publish(FEED, request)
        self._site.after(self._site.chance.randint(20, 900), lambda: self._turn_down(request))

    def _turn_down(self, request: Document) -> None:
        status = self._site.chance.choices(_UNMET, (60, 20, 10, 6, 4))[0]
        if status == "DECLINED":
            request["reclamationActionDecision"] = self._site.chance.choice(("COMPLAINT_NOT_ACCEPTED", None))
        request |= {"status": status, "lastModifiedDateTime": self._site.now}
        self._site.publish(FEED, request)

    def _request(self, order: Order, id: str) -> Document:
        site, record = self._site, order.record
        asked = max(record["orderDateTime"], site.now - dt.timedelta(minutes=site.chance.randint(5, 300)))
        decision = site.chance.choice(("DESTROY", "RETURN_TO_STOCK", "REAUCTION_BY_CUSTOMER", None))
        return {
            "salesOrderCorrectionRequestId": id,
            "salesOrderId": order.id,
            "status": "PENDING",
            "isSalesOrderCreatedBySupplier": record["createdBySupplier"],
            "initiatedBy": site.chance.choices(("CUSTOMER", "SUPPLIER"), (80, 20))[0],
            "expiresAtDateTime": asked + dt.timedelta(hours=24),
            "creationDateTime": asked,
            "lastModifiedDateTime": site.now,
            "customerOrganizationId": order.customer.id,
            "pricePerPiece": None,
            "deliveryPricePerPiece": None,
            "package": None,
            "numberOfPieces": None,
            "piecesPerPackage": None,
            "incoterm": None,
            "shouldReturnPackages": None,
            "reason": site.chance.choice(words.CORRECTION_REASONS),
            "isCancelRequest": False,
            "salesOrderVersionAfterCorrection": None,
            "createdByUserName": site.chance.choice(words.BUYERS) if site.happens(0.7) else None,
            "stockApplication": "NEVER" if order.is_fulfilled else "DIRECT",
            "latestDeliveryDateTime": None,
            "deliveryLocation": None,
            "additionalServices": [],
            "reclamationActionDecision": decision if order.is_fulfilled else None,
        }
