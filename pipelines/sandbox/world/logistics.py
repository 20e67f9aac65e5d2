"""How committed orders leave: delivery orders with requests, fulfillment orders with load carriers."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world import fulfillment_order, sales_order
from pipelines.sandbox.world.invoicing import Invoicing
from pipelines.sandbox.world.sales_order import Order
from pipelines.sandbox.world.site import Site, package
from pipelines.sandbox.world.tracking import Tracking

DELIVERIES = "fulfillment.delivery_orders"
FULFILLMENTS = fulfillment_order.FEED

Group = tuple[str, dt.datetime]


@dataclass
class Delivery:
    """A delivery order that is still to leave.

    Args:
        record: the delivery order.
        group: what its orders have in common: customer and time of delivery.
        orders: the orders, by the ids of their requests.
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
        site: the nursery.
        invoicing: what settles them.
        tracking: what follows them.
    """

    def __init__(self, site: Site, invoicing: Invoicing, tracking: Tracking) -> None:
        self._site = site
        self._invoicing = invoicing
        self._tracking = tracking
        self._open: dict[Group, Delivery] = {}
        self._of_order: dict[str, Delivery] = {}

    def request(self, order: Order) -> None:
        """Ask for an order to be delivered, together with what goes to the same customer at the same time."""
        latest: dt.datetime = order.record["delivery"]["latestDeliveryDateTime"]
        delivery = self._delivery((order.customer.id, latest), order)
        request = _request(self._site, order)
        delivery.requests.append(request)
        delivery.orders[request["fulfillmentRequestId"]] = order
        self._of_order[order.id] = delivery
        self._publish(delivery)

    def correct(self, order: Order) -> None:
        """Bring what was asked for, or has left, in line with a corrected order."""
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
            hours = self._site.chance.uniform(3, 9)
            leaves = max(group[1] - dt.timedelta(hours=hours), self._site.now + dt.timedelta(minutes=30))
            self._site.at(leaves, lambda: self._leave(delivery))
        return self._open[group]

    def _delivery_order(self, order: Order, latest: dt.datetime) -> Document:
        carriers = self._site.register.carriers
        return {
            "deliveryOrderId": self._site.codes.uuid(),
            "creationDateTime": self._site.now,
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
            "lastModifiedDateTime": self._site.now,
            "carrierOrganizationId": self._site.chance.choice(carriers)["organizationId"],
            "startedOrderPickingAt": None,
        }

    def _leave(self, delivery: Delivery) -> None:
        """Load what is to be delivered, unless a request has to wait for the next day."""
        del self._open[delivery.group]
        if self._site.happens(0.03):
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
        """Claim what is there for a fulfillment order, and let it go."""
        goods = [request for request in delivery.requests if request["numberOfPackages"]]
        if not goods:
            return
        record = fulfillment_order.write(self._site, delivery.record, delivery.orders, goods)
        delivery.record["fulfilled"] = all(_is_claimed(request) for request in goods)
        delivery.record["startedOrderPickingAt"] = self._site.now - dt.timedelta(hours=1)
        self._publish(delivery)
        self._site.publish(FULFILLMENTS, record)
        for request in goods:
            self._has_left(delivery.orders[request["fulfillmentRequestId"]])
        self._site.after(4, lambda: self._accepted(record, delivery))

    def _has_left(self, order: Order) -> None:
        order.is_fulfilled = True
        if order.batch:
            order.record["batchReference"] = int(order.batch.record["batchReference"])
        order.record["lastModifiedDateTime"] = self._site.now
        self._site.publish(sales_order.FEED, order.record)
        self._of_order.pop(order.id, None)

    def _accepted(self, record: Document, delivery: Delivery) -> None:
        if self._site.happens(0.01):
            self._set_status(record, "FAILED")
            return
        self._set_status(record, "ACCEPTED")
        self._invoicing.settle_delivery(record, delivery.orders)
        self._tracking.leave(record)
        late = self._site.happens(0.08)
        minutes = self._site.chance.randint(5, 240) if late else -self._site.chance.randint(5, 150)
        arrives = record["latestDeliveryDateTime"] + dt.timedelta(minutes=minutes)
        self._site.at(max(arrives, self._site.now), lambda: self._received(record))

    def _received(self, record: Document) -> None:
        fulfillment_order.receive(self._site, record)
        self._set_status(record, "DELIVERED")
        self._tracking.arrive(record)
        if self._site.happens(0.04):
            self._site.after(self._site.chance.randint(60, 1500), lambda: self._corrected(record))

    def _corrected(self, record: Document) -> None:
        fulfillment_order.correct(self._site, record)
        self._set_status(record, record["status"])

    def _set_status(self, record: Document, status: str) -> None:
        record |= {"status": status, "lastModifiedDateTime": self._site.now}
        self._site.publish(FULFILLMENTS, record)

    def _publish(self, delivery: Delivery) -> None:
        delivery.record["lastModifiedDateTime"] = self._site.now
        self._site.publish(DELIVERIES, delivery.record)


def _is_claimed(request: Document) -> bool:
    claimed = sum(claim["claimedNumberOfPackages"] for claim in request["fulfillmentOrderClaims"])
    return bool(claimed >= request["numberOfPackages"])


def _request(site: Site, order: Order) -> Document:
    record, batch = order.record, order.batch
    services = [service["additionalServiceId"] for service in record["additionalServices"]]
    return {
        "fulfillmentRequestId": site.codes.uuid(),
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
        "serviceCode": site.codes.number(3) if site.happens(0.3) else None,
        "packingAgentOrganizationId": None,
        "nextLegIdentifier": record["delivery"]["nextLegIdentifier"],
        "deliveryRemarks": record["deliveryRemarks"],
        "numberOfPiecesPicked": 0,
        "salesStrategyId": None,
        "fulfillmentOrderClaims": [],
    }
