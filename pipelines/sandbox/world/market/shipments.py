"""What is on its way to a buyer: advance shipping notices, and the invoices that follow (the specification)."""

from __future__ import annotations

import datetime as dt

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.market.desk import Desk
from pipelines.sandbox.world.market.growers import Grower
from pipelines.sandbox.world.market.invoicing import Invoicing
from pipelines.sandbox.world.market.sales_order import Order

FEED = "fulfillment.advance_shipping_notices"


class Shipments:
    """The shipments to a buyer: what one grower delivers at one moment travels together.

    Args:
        desk: the buyer.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._invoicing = Invoicing(desk)
        self._planned: dict[tuple[str, dt.datetime], list[Order]] = {}

    def plan(self, order: Order) -> None:
        """Let a committed order leave with whatever else the grower delivers then."""
        leaves = (order.grower.id, max(order.delivery, self._desk.now + dt.timedelta(hours=1)))
        if leaves not in self._planned:
            self._desk.at(leaves[1] - dt.timedelta(minutes=45), lambda: self._announce(order.grower, leaves))
        self._planned.setdefault(leaves, []).append(order)

    def _announce(self, grower: Grower, leaves: tuple[str, dt.datetime]) -> None:
        orders = self._planned.pop(leaves)
        notice = self._notice(grower, leaves[1], orders)
        self._desk.publish(FEED, notice)
        self._desk.after(60, lambda: self._receive(notice, orders))

    def _receive(self, notice: Document, orders: list[Order]) -> None:
        """Let the carriers arrive, a few with something wrong; few shipments are cancelled or fail before that."""
        desk = self._desk
        status = desk.chance.choices(("ACCEPTED", "CANCELLED", "FAILED"), (96, 2, 2))[0]
        notice |= {"status": status, "lastModified": desk.now}
        if status == "ACCEPTED":
            for carrier in notice["loadCarriers"]:
                carrier["receiptDateTime"] = desk.now if desk.happens(0.9) else None
                for item in carrier["loadCarrierItems"]:
                    bad = desk.happens(0.03)
                    reason = "stapel ingezakt" if bad else None
                    item |= {"statusOfReceivedItem": "NOT_OK" if bad else "OK", "statusOfReceivedItemReason": reason}
                self._invoicing.charge_means(notice, carrier)
            for order in orders:
                self._invoicing.settle(order)
        desk.publish(FEED, notice)

    def _notice(self, grower: Grower, expected: dt.datetime, orders: list[Order]) -> Document:
        desk = self._desk
        carrier = desk.chance.choice(desk.register.carriers)
        loads = [orders[start : start + 4] for start in range(0, len(orders), 4)]
        warehouse = grower.warehouses[0]
        return {
            "fulfillmentOrderId": desk.codes.uuid(),
            "expectedDeliveryDateTime": expected,
            "deliveryLocation": {"warehouseId": None, **desk.location},
            "despatchLocation": {"warehouseId": grower.warehouse_id, **warehouse["location"]},
            "createdDateTime": desk.now,
            "lastModified": desk.now,
            "senderOrganizationId": grower.id,
            "logisticHub": desk.chance.choice(("AALSMEER", "NAALDWIJK", None)),
            "status": "PENDING",
            "carrierOrganization": {"organizationId": carrier["organizationId"], "name": carrier["name"]},
            "loadCarriers": [self._carrier(place, load) for place, load in enumerate(loads)],
        }

    def _carrier(self, place: int, orders: list[Order]) -> Document:
        desk = self._desk
        layers = desk.chance.randint(1, 5)
        note = desk.codes.note()
        for order in orders:
            order.note = f"{note}A"
        return {
            "numberOfAdditionalLayers": layers - 1,
            "numberOfLayers": layers,
            "loadCarrierItems": [self._item(number, order) for number, order in enumerate(orders)],
            "documentReference": note,
            "loadCarrierType": orders[0].record["packingConfiguration"]["loadCarrier"],
            "sequenceInFulfillment": place,
            "receiptDateTime": None,
            "loadCarrierBarcode": f"{desk.codes.number(12):012d}",
        }

    def _item(self, place: int, order: Order) -> Document:
        return {
            "salesOrderId": order.id,
            "tradeItemId": order.item.id,
            "numberOfPackages": order.packages,
            "serviceCode": self._desk.codes.number(4) if self._desk.happens(0.2) else None,
            "sequenceOnCarrier": place,
            "batchReference": order.record["batchReference"],
            "logisticLabelCode": f"{self._desk.codes.number(15):015d}",
            "statusOfReceivedItem": None,
            "statusOfReceivedItemReason": None,
        }
