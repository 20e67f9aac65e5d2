"""Order requests, which the grower has to accept (the specification)."""

from __future__ import annotations

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world import packing
from pipelines.sandbox.world import vocabulary as words
from pipelines.sandbox.world.assortment import Assortment, Item
from pipelines.sandbox.world.calendar import day_of, moment, workday_after
from pipelines.sandbox.world.grower_context import CENT, HUBS, GrowerContext, price
from pipelines.sandbox.world.parties import Customer
from pipelines.sandbox.world.sales import Sales
from pipelines.sandbox.world.sales_order import CHANNELS

FEED = "orders.order_requests"
_ANSWERS = ("ACCEPTED", "REJECTED", "EXPIRED", "DECLINED_WITH_COUNTER_OFFER", "PENDING")


class OrderRequests:
    """The order requests to a nursery.

    Args:
        grower: context of the nursery.
        assortment: trade items of the nursery.
        sales: places the orders of accepted requests.
    """

    def __init__(self, grower: GrowerContext, assortment: Assortment, sales: Sales) -> None:
        self._grower = grower
        self._assortment = assortment
        self._sales = sales

    def receive(self) -> None:
        """Publish a buyer's bid for an item; the answer follows some hours later."""
        grower = self._grower
        grown = [item for item in self._assortment.in_season(day_of(grower.now)) if not item.is_clock_only]
        item, customer = grower.rng.choice(grown), grower.rng.choice(grower.customers)
        request = self._request(item, customer)
        grower.publish(FEED, request)
        grower.after(grower.rng.randint(20, 300), lambda: self._answer(request, item, customer))

    def _answer(self, request: Document, item: Item, customer: Customer) -> None:
        grower = self._grower
        status = grower.rng.choices(_ANSWERS, (50, 20, 12, 8, 10))[0]
        request["status"] = status
        if status in ("REJECTED", "DECLINED_WITH_COUNTER_OFFER"):
            request["declinedReason"] = "bod te laag"
        request["isDeleted"] = status == "EXPIRED" and grower.happens(0.5)
        grower.publish(FEED, request)
        if status == "ACCEPTED":
            pieces, value = request["numberOfPieces"], request["pricePerPiece"]["value"]
            reference = request["reference"]
            latest = request["delivery"]["latestDeliveryDateTime"]
            self._sales.sell(
                item, customer, CHANNELS[0], pieces=pieces, value=value, latest=latest, customerOrderId=reference
            )

    def _request(self, item: Item, customer: Customer) -> Document:
        grower = self._grower
        bid = (item.price * grower.rng.randint(75, 95) / 100).quantize(CENT)
        return {
            "orderRequestId": grower.codes.uuid(),
            "customerOrganizationId": customer.id,
            "supplyLineId": None,
            "tradeItemId": item.id,
            "numberOfPieces": grower.rng.randint(1, 12) * item.pieces_per_package,
            "pricePerPiece": price(max(CENT, bid), customer.currency),
            "packingConfiguration": packing.with_package_codes(item),
            "delivery": {
                "deliveryConditionSetId": grower.delivery_condition_set_id,
                "latestDeliveryDateTime": moment(workday_after(day_of(grower.now), 2), 7),
                "regionGln": grower.rng.choice(HUBS),
                "location": customer.location,
                "incoterm": customer.incoterm,
                "nextLegIdentifier": None,
            },
            "deliveryRemarks": grower.rng.choice(words.REMARKS) if grower.happens(0.2) else None,
            "reference": f"BOD-{grower.codes.number(6)}",
            "additionalServiceIds": [grower.service_ids[0]] if grower.happens(0.2) else [],
            "added": grower.now,
            "status": "PENDING",
            "declinedReason": None,
            "paymentProvider": customer.payment_provider,
            "isDeleted": False,
        }
