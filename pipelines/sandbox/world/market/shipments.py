"""Advance shipping notices of deliveries to a buyer, and their invoicing (the specification)."""

from __future__ import annotations

import datetime as dt

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.market.buyer_context import BuyerContext
from pipelines.sandbox.world.market.growers import Grower
from pipelines.sandbox.world.market.invoicing import Invoicing
from pipelines.sandbox.world.market.sales_order import Order

FEED = "fulfillment.advance_shipping_notices"


class Shipments:
    """The shipments to a buyer; orders of one grower with the same delivery time share a shipment.

    Args:
        buyer: context of the buyer.
    """

    def __init__(self, buyer: BuyerContext) -> None:
        self._buyer = buyer
        self._invoicing = Invoicing(buyer)
        self._planned: dict[tuple[str, dt.datetime], list[Order]] = {}

    def plan(self, order: Order) -> None:
        """Add a committed order to the shipment of its grower and delivery time."""
        departure = (order.grower.id, max(order.delivery, self._buyer.now + dt.timedelta(hours=1)))
        if departure not in self._planned:
            self._buyer.at(departure[1] - dt.timedelta(minutes=45), lambda: self._announce(order.grower, departure))
        self._planned.setdefault(departure, []).append(order)

    def _announce(self, grower: Grower, departure: tuple[str, dt.datetime]) -> None:
        orders = self._planned.pop(departure)
        notice = self._notice(grower, departure[1], orders)
        self._buyer.publish(FEED, notice)
        self._buyer.after(60, lambda: self._receive(notice, orders))

    def _receive(self, notice: Document, orders: list[Order]) -> None:
        """Accept a shipment, with a few items not OK; a few shipments are cancelled or fail instead."""
        buyer = self._buyer
        status = buyer.rng.choices(("ACCEPTED", "CANCELLED", "FAILED"), (96, 2, 2))[0]
        notice |= {"status": status, "lastModified": buyer.now}
        if status == "ACCEPTED":
            for carrier in notice["loadCarriers"]:
                carrier["receiptDateTime"] = buyer.now if buyer.happens(0.9) else None
                for item in carrier["loadCarrierItems"]:
                    bad = buyer.happens(0.03)
                    reason = "stapel ingezakt" if bad else None
                    item |= {"statusOfReceivedItem": "NOT_OK" if bad else "OK", "statusOfReceivedItemReason": reason}
                self._invoicing.charge_means(notice, carrier)
            for order in orders:
                self._invoicing.settle(order)
        buyer.publish(FEED, notice)

    def _notice(self, grower: Grower, expected: dt.datetime, orders: list[Order]) -> Document:
        buyer = self._buyer
        carrier = buyer.rng.choice(buyer.register.carriers)
        loads = [orders[start : start + 4] for start in range(0, len(orders), 4)]
        warehouse = grower.warehouses[0]
        return {
            "fulfillmentOrderId": buyer.codes.uuid(),
            "expectedDeliveryDateTime": expected,
            "deliveryLocation": {"warehouseId": None, **buyer.location},
            "despatchLocation": {"warehouseId": grower.warehouse_id, **warehouse["location"]},
            "createdDateTime": buyer.now,
            "lastModified": buyer.now,
            "senderOrganizationId": grower.id,
            "logisticHub": buyer.rng.choice(("AALSMEER", "NAALDWIJK", None)),
            "status": "PENDING",
            "carrierOrganization": {"organizationId": carrier["organizationId"], "name": carrier["name"]},
            "loadCarriers": [self._carrier(index, load) for index, load in enumerate(loads)],
        }

    def _carrier(self, index: int, orders: list[Order]) -> Document:
        buyer = self._buyer
        layers = buyer.rng.randint(1, 5)
        note = buyer.codes.note()
        for order in orders:
            order.note = f"{note}A"
        return {
            "numberOfAdditionalLayers": layers - 1,
            "numberOfLayers": layers,
            "loadCarrierItems": [self._item(number, order) for number, order in enumerate(orders)],
            "documentReference": note,
            "loadCarrierType": orders[0].record["packingConfiguration"]["loadCarrier"],
            "sequenceInFulfillment": index,
            "receiptDateTime": None,
            "loadCarrierBarcode": f"{buyer.codes.number(12):012d}",
        }

    def _item(self, index: int, order: Order) -> Document:
        return {
            "salesOrderId": order.id,
            "tradeItemId": order.item.id,
            "numberOfPackages": order.packages,
            "serviceCode": self._buyer.codes.number(4) if self._buyer.happens(0.2) else None,
            "sequenceOnCarrier": index,
            "batchReference": order.record["batchReference"],
            "logisticLabelCode": f"{self._buyer.codes.number(15):015d}",
            "statusOfReceivedItem": None,
            "statusOfReceivedItemReason": None,
        }
