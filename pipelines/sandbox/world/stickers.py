"""Stickers that buyers want on their goods (the specification)."""

from __future__ import annotations

from functools import partial

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.sales_order import Order
from pipelines.sandbox.world.site import Site

FEED = "fulfillment.customer_stickers"


class Stickers:
    """The stickers that a nursery is asked for.

    Args:
        site: the nursery.
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    def request(self, order: Order) -> None:
        """Ask for the stickers that an order's services name; the grower deals with most of them."""
        for service in order.record["additionalServices"]:
            if service["stickerId"]:
                sticker = self._sticker(order, service)
                self._site.publish(FEED, sticker)
                self._site.after(self._site.chance.randint(30, 600), partial(self._handle, sticker))

    def _handle(self, sticker: Document) -> None:
        ending = "isHandled" if self._site.happens(0.9) else "isDeleted"
        sticker |= {ending: True, "lastRequestedOn": self._site.now}
        self._site.publish(FEED, sticker)

    def _sticker(self, order: Order, service: Document) -> Document:
        site = self._site
        is_mixed = site.happens(0.3)
        composition = {"stickerType": "POT", "numberOfUnits": service["numberOfUnits"]}
        return {
            "stickerId": service["stickerId"],
            "customerOrganizationId": order.customer.id,
            "supplierOrganizationId": site.organization_id,
            "deliveryDateTime": order.record["delivery"]["latestDeliveryDateTime"],
            "stickerType": "MULTIPLE_TYPE" if is_mixed else "PACKAGE",
            "salesOrderId": order.id,
            "despatchWarehouseId": site.warehouse_id,
            "additionalInformation": "op de lange zijde" if site.happens(0.3) else None,
            "stickerSize": {"widthInMm": 60, "heightInMm": 40},
            "isHandled": False,
            "creationDateTime": site.now,
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
