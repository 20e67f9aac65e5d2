"""Customer stickers, which buyers order with their goods (the specification)."""

from __future__ import annotations

from functools import partial

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.grower_context import GrowerContext
from pipelines.sandbox.world.sales_order import Order

FEED = "fulfillment.customer_stickers"


class Stickers:
    """The customer stickers of a nursery's orders.

    Args:
        grower: context of the nursery.
    """

    def __init__(self, grower: GrowerContext) -> None:
        self._grower = grower

    def request(self, order: Order) -> None:
        """Publish the stickers of an order's services; most are handled later, some deleted."""
        for service in order.record["additionalServices"]:
            if service["stickerId"]:
                sticker = self._sticker(order, service)
                self._grower.publish(FEED, sticker)
                self._grower.after(self._grower.rng.randint(30, 600), partial(self._handle, sticker))

    def _handle(self, sticker: Document) -> None:
        ending = "isHandled" if self._grower.happens(0.9) else "isDeleted"
        sticker |= {ending: True, "lastRequestedOn": self._grower.now}
        self._grower.publish(FEED, sticker)

    def _sticker(self, order: Order, service: Document) -> Document:
        grower = self._grower
        is_mixed = grower.happens(0.3)
        composition = {"stickerType": "POT", "numberOfUnits": service["numberOfUnits"]}
        return {
            "stickerId": service["stickerId"],
            "customerOrganizationId": order.customer.id,
            "supplierOrganizationId": grower.organization_id,
            "deliveryDateTime": order.record["delivery"]["latestDeliveryDateTime"],
            "stickerType": "MULTIPLE_TYPE" if is_mixed else "PACKAGE",
            "salesOrderId": order.id,
            "despatchWarehouseId": grower.warehouse_id,
            "additionalInformation": "op de lange zijde" if grower.happens(0.3) else None,
            "stickerSize": {"widthInMm": 60, "heightInMm": 40},
            "isHandled": False,
            "creationDateTime": grower.now,
            "lastRequestedOn": None,
            "isDeleted": False,
            "stickerFileInformation": {
                "uploadLayout": "SINGLE",
                "numberOfPages": 1,
                "numberOfCopies": service["numberOfUnits"],
                "deliverSeparately": False,
                "stickerProvidedBy": "CUSTOMER",
                "shouldBePrinted": True,
                "parentId": None,
            },
            "compositions": [composition, {"stickerType": "PACKAGE", "numberOfUnits": 1}] if is_mixed else [],
        }
