"""What a buyer wants to buy: purchase orders, which become sales orders or ask for an action."""

from __future__ import annotations

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.calendar import day_of, moment, workday_after
from pipelines.sandbox.world.market.desk import Desk
from pipelines.sandbox.world.market.goods import characteristics, measures
from pipelines.sandbox.world.market.growers import Grower
from pipelines.sandbox.world.market.sales_order import Order
from pipelines.sandbox.world.site import HUBS, price

FEED = "orders.purchase_orders"
_ACTIONS = ("DIFFERENT_PRICE", "SUPPLY_NOT_FOUND", "NOT_ENOUGH_IN_STOCK", "SUPPLY_EXPIRED", "PACKAGE_DIFFERENCE")


class Purchases:
    """The purchase orders of a buyer.

    Args:
        desk: the buyer.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._open: list[Document] = []

    def match(self, order: Order) -> None:
        """Tell which purchase order a sales order came of."""
        told = order.record
        members = {name: told[name] for name in ("salesOrderId", "supplyLineId", "customerOrderReference")}
        record = self._record(order.grower, order.grower.items.index(order.item))
        record |= {**members, "pricePerPiece": told["pricePerPiece"], "orderDateTime": told["orderDateTime"]}
        record["quantity"] = {"amount": told["numberOfPieces"], "unit": "PIECE"}
        record["delivery"] |= {"latestDeliveryDateTime": order.delivery}
        record["purchaseOrderToSalesOrderOrigin"] = "ONE_TO_ONE_MATCH"
        self._desk.publish(FEED, record)

    def demand(self) -> None:
        """Want something that nothing on offer matches: it asks for an action, or is sent as a request."""
        grower = self._desk.chance.choice(self._desk.suppliers)
        record = self._record(grower, self._desk.chance.randrange(len(grower.items)))
        if self._desk.happens(0.3):
            record |= {"isOrderRequest": True, "orderRequestStatus": "PENDING"}
        else:
            record["actionsRequired"] = self._desk.chance.sample(_ACTIONS, self._desk.chance.randint(1, 2))
        self._open.append(record)
        self._desk.publish(FEED, record)

    def settle(self) -> None:
        """Let the oldest one that is open be dealt with."""
        if not self._open:
            return
        record = self._open.pop(0)
        record["actionsRequired"] = []
        if record["isOrderRequest"]:
            accepted = self._desk.happens(0.6)
            record["orderRequestStatus"] = "ACCEPTED" if accepted else "DECLINED"
            record["orderRequestDeclineReason"] = None if accepted else "geen voorraad"
            record["actionsRequired"] = [] if accepted else ["ORDER_REQUEST_REJECTED_BY_SUPPLIER"]
        self._desk.publish(FEED, record)

    def _record(self, grower: Grower, place: int) -> Document:
        desk, item = self._desk, grower.items[place]
        packing = measures(item)
        return {
            "purchaseOrderId": desk.codes.uuid(),
            "salesOrderId": None,
            "supplyLineId": None,
            "tradeItemId": item.id,
            "supplierOrganizationId": grower.id,
            "tradeItemCode": item.record["code"],
            "vbnProductCode": item.record["vbnProductCode"],
            "actionsRequired": [],
            "purchaseOrderToSalesOrderOrigin": "UNKNOWN",
            "customerOrderReference": f"INK-{desk.codes.number(7)}",
            "orderDateTime": desk.now,
            "quantity": {"amount": desk.chance.randint(1, 12), "unit": "PACKAGE"},
            "pricePerPiece": price(item.price),
            "packingConfiguration": {**packing.pop("package"), **packing, "additionalPrice": None},
            "characteristics": characteristics(("S01", "012"), desk.chance) if desk.happens(0.4) else None,
            "additionalServices": None,
            "delivery": {
                "deliveryConditionId": grower.condition_id("DDP"),
                "latestDeliveryDateTime": moment(workday_after(day_of(desk.now), 2), 7),
                "regionGln": HUBS[0],
                "location": desk.location,
                "incoterm": "DDP",
                "nextLegIdentifier": None,
            },
            "deliveryRemarks": None,
            "isOrderRequest": False,
            "orderRequestDeclineReason": None,
            "orderRequestStatus": None,
            "paymentProvider": "RFH" if desk.happens(0.5) else None,
        }
