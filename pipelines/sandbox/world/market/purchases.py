"""Purchase orders, which become sales orders or require an action."""

from __future__ import annotations

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.calendar import day_of, moment, workday_after
from pipelines.sandbox.world.grower_context import HUBS, price
from pipelines.sandbox.world.market.buyer_context import BuyerContext
from pipelines.sandbox.world.market.goods import characteristics, measures
from pipelines.sandbox.world.market.growers import Grower
from pipelines.sandbox.world.market.sales_order import Order

FEED = "orders.purchase_orders"
_ACTIONS = ("DIFFERENT_PRICE", "SUPPLY_NOT_FOUND", "NOT_ENOUGH_IN_STOCK", "SUPPLY_EXPIRED", "PACKAGE_DIFFERENCE")


class Purchases:
    """The purchase orders of a buyer.

    Args:
        buyer: context of the buyer.
    """

    def __init__(self, buyer: BuyerContext) -> None:
        self._buyer = buyer
        self._open: list[Document] = []

    def match(self, order: Order) -> None:
        """Publish the purchase order that a sales order was made from."""
        sales_order = order.record
        members = {name: sales_order[name] for name in ("salesOrderId", "supplyLineId", "customerOrderReference")}
        record = self._record(order.grower, order.grower.items.index(order.item))
        record |= {
            **members,
            "pricePerPiece": sales_order["pricePerPiece"],
            "orderDateTime": sales_order["orderDateTime"],
        }
        record["quantity"] = {"amount": sales_order["numberOfPieces"], "unit": "PIECE"}
        record["delivery"] |= {"latestDeliveryDateTime": order.delivery}
        record["purchaseOrderToSalesOrderOrigin"] = "ONE_TO_ONE_MATCH"
        self._buyer.publish(FEED, record)

    def place_unmatched(self) -> None:
        """Publish a purchase order without matching supply: it requires an action, or is an order request."""
        grower = self._buyer.rng.choice(self._buyer.suppliers)
        record = self._record(grower, self._buyer.rng.randrange(len(grower.items)))
        if self._buyer.happens(0.3):
            record |= {"isOrderRequest": True, "orderRequestStatus": "PENDING"}
        else:
            record["actionsRequired"] = self._buyer.rng.sample(_ACTIONS, self._buyer.rng.randint(1, 2))
        self._open.append(record)
        self._buyer.publish(FEED, record)

    def resolve_oldest(self) -> None:
        """Resolve the oldest open purchase order."""
        if not self._open:
            return
        record = self._open.pop(0)
        record["actionsRequired"] = []
        if record["isOrderRequest"]:
            accepted = self._buyer.happens(0.6)
            record["orderRequestStatus"] = "ACCEPTED" if accepted else "DECLINED"
            record["orderRequestDeclineReason"] = None if accepted else "geen voorraad"
            record["actionsRequired"] = [] if accepted else ["ORDER_REQUEST_REJECTED_BY_SUPPLIER"]
        self._buyer.publish(FEED, record)

    def _record(self, grower: Grower, index: int) -> Document:
        buyer, item = self._buyer, grower.items[index]
        packing = measures(item)
        return {
            "purchaseOrderId": buyer.codes.uuid(),
            "salesOrderId": None,
            "supplyLineId": None,
            "tradeItemId": item.id,
            "supplierOrganizationId": grower.id,
            "tradeItemCode": item.record["code"],
            "vbnProductCode": item.record["vbnProductCode"],
            "actionsRequired": [],
            "purchaseOrderToSalesOrderOrigin": "UNKNOWN",
            "customerOrderReference": f"INK-{buyer.codes.number(7)}",
            "orderDateTime": buyer.now,
            "quantity": {"amount": buyer.rng.randint(1, 12), "unit": "PACKAGE"},
            "pricePerPiece": price(item.price),
            "packingConfiguration": {**packing.pop("package"), **packing, "additionalPrice": None},
            "characteristics": characteristics(("S01", "012"), buyer.rng) if buyer.happens(0.4) else None,
            "additionalServices": None,
            "delivery": {
                "deliveryConditionId": grower.condition_id("DDP"),
                "latestDeliveryDateTime": moment(workday_after(day_of(buyer.now), 2), 7),
                "regionGln": HUBS[0],
                "location": buyer.location,
                "incoterm": "DDP",
                "nextLegIdentifier": None,
            },
            "deliveryRemarks": None,
            "isOrderRequest": False,
            "orderRequestDeclineReason": None,
            "orderRequestStatus": None,
            "paymentProvider": "RFH" if buyer.happens(0.5) else None,
        }
