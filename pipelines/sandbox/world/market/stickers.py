"""Customer stickers of a buyer's orders."""

from __future__ import annotations

from pipelines.sandbox.world.market.buyer_context import BuyerContext
from pipelines.sandbox.world.market.sales_order import Order

FEED = "fulfillment.customer_stickers"


class Stickers:
    """The customer stickers of a buyer.

    Args:
        buyer: context of the buyer.
    """

    def __init__(self, buyer: BuyerContext) -> None:
        self._buyer = buyer

    def order(self, order: Order) -> None:
        """Publish the stickers of an order; they are handled later, or sometimes deleted."""
        buyer = self._buyer
        record = {
            "stickerId": buyer.codes.uuid(),
            "customerOrganizationId": buyer.organization_id,
            "supplierOrganizationId": order.grower.id,
            "deliveryDateTime": order.delivery,
            "stickerType": "POT",
            "salesOrderId": order.id,
            "purchaseOrderId": None,
            "blanketOrderLineId": None,
            "additionalInformation": "achterzijde pot" if buyer.happens(0.3) else None,
            "stickerSize": {"widthInMm": 40, "heightInMm": 25},
            "isHandled": False,
            "creationDateTime": buyer.now,
            "lastRequestedOn": None,
            "isDeleted": False,
            "stickerFileInformation": {
                "uploadLayout": "SINGLE",
                "numberOfPages": 1,
                "numberOfCopies": order.record["numberOfPieces"],
                "deliverSeparately": False,
                "stickerProvidedBy": buyer.rng.choice(("SUPPLIER", "CUSTOMER")),
                "shouldBePrinted": True,
                "parentId": None,
            },
            "compositions": [{"stickerType": "POT", "numberOfUnits": order.record["numberOfPieces"]}],
        }
        buyer.publish(FEED, record)
        changed = {"isDeleted": True} if buyer.happens(0.1) else {"isHandled": True, "lastRequestedOn": buyer.now}
        buyer.after(buyer.rng.randint(30, 200), lambda: buyer.publish(FEED, {**record, **changed}))
