"""Stickers that a buyer wants on what it ordered."""

from __future__ import annotations

from pipelines.sandbox.world.market.buyer_context import Desk
from pipelines.sandbox.world.market.sales_order import Order

FEED = "fulfillment.customer_stickers"


class Stickers:
    """The customer stickers of a buyer.

    Args:
        desk: the buyer.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def order(self, order: Order) -> None:
        """Ask for stickers with an order; the grower prints them before it delivers, unless they are taken back."""
        desk = self._desk
        record = {
            "stickerId": desk.codes.uuid(),
            "customerOrganizationId": desk.organization_id,
            "supplierOrganizationId": order.grower.id,
            "deliveryDateTime": order.delivery,
            "stickerType": "POT",
            "salesOrderId": order.id,
            "purchaseOrderId": None,
            "blanketOrderLineId": None,
            "additionalInformation": "achterzijde pot" if desk.happens(0.3) else None,
            "stickerSize": {"widthInMm": 40, "heightInMm": 25},
            "isHandled": False,
            "creationDateTime": desk.now,
            "lastRequestedOn": None,
            "isDeleted": False,
            "stickerFileInformation": {
                "uploadLayout": "SINGLE",
                "numberOfPages": 1,
                "numberOfCopies": order.record["numberOfPieces"],
                "deliverSeparately": False,
                "stickerProvidedBy": desk.chance.choice(("SUPPLIER", "CUSTOMER")),
                "shouldBePrinted": True,
                "parentId": None,
            },
            "compositions": [{"stickerType": "POT", "numberOfUnits": order.record["numberOfPieces"]}],
        }
        desk.publish(FEED, record)
        changed = {"isDeleted": True} if desk.happens(0.1) else {"isHandled": True, "lastRequestedOn": desk.now}
        desk.after(desk.chance.randint(30, 200), lambda: desk.publish(FEED, {**record, **changed}))
