"""The delivery of committed orders: delivery orders with requests, fulfillment orders with load carriers."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world import fulfillment_order, sales_order
from pipelines.sandbox.world.grower_context import GrowerContext, package
from pipelines.sandbox.world.invoicing import Invoicing
from pipelines.sandbox.world.sales_order import Order
from pipelines.sandbox.world.tracking import Tracking

DELIVERIES = "fulfillment.delivery_orders"
FULFILLMENTS = fulfillment_order.FEED

Group = tuple[str, dt.datetime]


@dataclass
class Delivery:
    """A delivery order that has not left yet.

    Args:
        record: record of the delivery order.
        group: customer and delivery time of all its orders.
        orders: sales orders by the ids of their fulfillment requests.
    """

    record: Document
    group: Group
    orders: dict[str, Order] = field(default_factory=dict)

    @property
    def requests(self) -> list[Document]:
        """Its fulfillment requests."""
        requests: list[Document] = self.record["fulfillmentRequests"]
        return requests


class Logistics:
    """The deliveries of a nursery.

    Args:
        grower: context of the nursery.
        invoicing: writes the invoice lines of deliveries.
        tracking: writes the scans of deliveries.
    """

    def __init__(self, grower: GrowerContext, invoicing: Invoicing, tracking: Tracking) -> None:
        self._grower = grower
        self._invoicing = invoicing
        self._tracking = tracking
        self._open: dict[Group, Delivery] = {}
        self._of_order: dict[str, Delivery] = {}

    def request(self, order: Order) -> None:
        """Add an order to the delivery order of its customer and delivery time."""
        latest: dt.datetime = order.record["delivery"]["latestDeliveryDateTime"]
        delivery = self._delivery((order.customer.id, latest), order)
        request = _request(self._grower, order)
        delivery.requests.append(request)
        delivery.orders[request["fulfillmentRequestId"]] = order
        self._of_order[order.id] = delivery
        self._publish(delivery)

    def correct(self, order: Order) -> None:
        """Update the fulfillment request of a corrected order that has not left yet."""
        delivery = self._of_order.get(order.id)
        if delivery is None or order.is_fulfilled:
            return
        for request in delivery.requests:
            if request["salesOrderId"] == order.id:
                request["numberOfPackages"] = order.packages
        self._publish(delivery)

    def _delivery(self, group: Group, order: Order) -> Delivery:
        if group not in self._open:
            delivery = Delivery(self._delivery_order(order, group[1]), group)
            self._open[group] = delivery
            hours = self._grower.rng.uniform(3, 9)
            departure = max(group[1] - dt.timedelta(hours=hours), self._grower.now + dt.timedelta(minutes=30))
            self._grower.at(departure, lambda: self._depart(delivery))
        return self._open[group]

    def _delivery_order(self, order: Order, latest: dt.datetime) -> Document:
        carriers = self._grower.register.carriers
        return {
            "deliveryOrderId": self._grower.codes.uuid(),
            "creationDateTime": self._grower.now,
            "fulfillmentRequests": [],
            "deliveryDateTime": latest,
            "destination": {
                "organizationId": order.customer.id,
                "warehouseId": None,
                "location": order.customer.location,
            },
            "despatchWarehouseId": order.record["despatchWarehouseId"],
            "fulfilled": False,
            "isDeleted": False,
            "lastModifiedDateTime": self._grower.now,
            "carrierOrganizationId": self._grower.rng.choice(carriers)["organizationId"],
            "startedOrderPickingAt": None,
        }

    def _depart(self, delivery: Delivery) -> None:
        """Load a delivery; sometimes one of its requests is postponed to the next day."""
        del self._open[delivery.group]
        if self._grower.happens(0.03):
            self._postpone(delivery)
        if not delivery.record["isDeleted"]:
            self._load(delivery)

    def _postpone(self, delivery: Delivery) -> None:
        """Move a request to another delivery order. A delivery order that loses its only one is deleted."""
        request = delivery.requests[-1]
        order = delivery.orders[request["fulfillmentRequestId"]]
        customer, latest = delivery.group
        later = self._delivery((customer, latest + dt.timedelta(days=1)), order)
        later.requests.append(request)
        later.orders[request["fulfillmentRequestId"]] = order
        self._of_order[order.id] = later
        if len(delivery.requests) > 1:
            delivery.record["fulfillmentRequests"] = delivery.requests[:-1]
        else:
            delivery.record["fulfillmentRequests"] = [dict(request)]
            delivery.record["isDeleted"] = True
        self._publish(delivery)
        self._publish(later)

    def _load(self, delivery: Delivery) -> None:
        """Make the fulfillment order of a delivery, and mark its orders as fulfilled."""
        goods = [request for request in delivery.requests if request["numberOfPackages"]]
        if not goods:
            return
        record = fulfillment_order.new_record(self._grower, delivery.record, delivery.orders, goods)
        delivery.record["fulfilled"] = all(_is_claimed(request) for request in goods)
        delivery.record["startedOrderPickingAt"] = self._grower.now - dt.timedelta(hours=1)
        self._publish(delivery)
        self._grower.publish(FULFILLMENTS, record)
        for request in goods:
            self._set_fulfilled(delivery.orders[request["fulfillmentRequestId"]])
        self._grower.after(4, lambda: self._accepted(record, delivery))

    def _set_fulfilled(self, order: Order) -> None:
        order.is_fulfilled = True
        if order.batch:
            order.record["batchReference"] = int(order.batch.record["batchReference"])
        order.record["lastModifiedDateTime"] = self._grower.now
        self._grower.publish(sales_order.FEED, order.record)
        self._of_order.pop(order.id, None)

    def _accepted(self, record: Document, delivery: Delivery) -> None:
        if self._grower.happens(0.01):
            self._set_status(record, "FAILED")
            return
        self._set_status(record, "ACCEPTED")
        self._invoicing.settle_delivery(record, delivery.orders)
        self._tracking.scan_departure(record)
        if self._grower.happens(0.03):
            return  # nobody reports its receipt
        late = self._grower.happens(0.08)
        minutes = self._grower.rng.randint(5, 240) if late else -self._grower.rng.randint(5, 150)
        arrives = record["latestDeliveryDateTime"] + dt.timedelta(minutes=minutes)
        self._grower.at(max(arrives, self._grower.now), lambda: self._received(record))

    def _received(self, record: Document) -> None:
        fulfillment_order.receive(self._grower, record)
        self._set_status(record, "DELIVERED")
        self._tracking.scan_arrival(record)
        if self._grower.happens(0.04):
            self._grower.after(self._grower.rng.randint(60, 1500), lambda: self._corrected(record))

    def _corrected(self, record: Document) -> None:
        fulfillment_order.correct(self._grower, record)
        self._set_status(record, record["status"])

    def _set_status(self, record: Document, status: str) -> None:
        record |= {"status": status, "lastModifiedDateTime": self._grower.now}
        self._grower.publish(FULFILLMENTS, record)

    def _publish(self, delivery: Delivery) -> None:
        delivery.record["lastModifiedDateTime"] = self._grower.now
        self._grower.publish(DELIVERIES, delivery.record)


def _is_claimed(request: Document) -> bool:
    claimed = sum(claim["claimedNumberOfPackages"] for claim in request["fulfillmentOrderClaims"])
    return bool(claimed >= request["numberOfPackages"])


def _request(grower: GrowerContext, order: Order) -> Document:
    record, batch = order.record, order.batch
    services = [service["additionalServiceId"] for service in record["additionalServices"]]
    return {
        "fulfillmentRequestId": grower.codes.uuid(),
        "batchId": batch.id if batch else None,
        "numberOfPackages": order.packages,
        "initialNumberOfPackages": order.packages,
        "salesOrderId": order.id,
        "clockPreSalesPrice": None,
        "clockMinimumPrice": None,
        "additionalServiceIds": services or None,
        "package": package(record["packingConfiguration"]["package"]["vbnPackageCode"]),
        "piecesPerPackage": order.item.pieces_per_package,
        "loadCarrier": record["packingConfiguration"]["loadCarrier"],
        "serviceCode": grower.codes.number(3) if grower.happens(0.3) else None,
        "packingAgentOrganizationId": None,
        "nextLegIdentifier": record["delivery"]["nextLegIdentifier"],
        "deliveryRemarks": record["deliveryRemarks"],
        "numberOfPiecesPicked": 0,
        "salesStrategyId": None,
        "fulfillmentOrderClaims": [],
    }
