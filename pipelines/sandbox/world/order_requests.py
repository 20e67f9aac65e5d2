"""What buyers would like to order, which the grower has to accept first (the specification)."""

from __future__ import annotations

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world import packing
from pipelines.sandbox.world import vocabulary as words
from pipelines.sandbox.world.assortment import Assortment, Item
from pipelines.sandbox.world.calendar import day_of, moment, workday_after
from pipelines.sandbox.world.parties import Customer
from pipelines.sandbox.world.sales import Sales
from pipelines.sandbox.world.sales_order import CHANNELS
from pipelines.sandbox.world.site import CENT, HUBS, Site, price

FEED = "orders.order_requests"
_ANSWERS = ("ACCEPTED", "REJECTED", "EXPIRED", "DECLINED_WITH_COUNTER_OFFER", "PENDING")


class OrderRequests:
    """The order requests that a nursery gets and answers.

    Args:
        site: the nursery.
        assortment: what it grows.
        sales: where the accepted ones become orders.
    """

    def __init__(self, site: Site, assortment: Assortment, sales: Sales) -> None:
        self._site = site
        self._assortment = assortment
        self._sales = sales

    def come_in(self) -> None:
        """A buyer bids for an item; the answer comes within some hours."""
        site = self._site
        grown = [item for item in self._assortment.in_season(day_of(site.now)) if not item.is_clock_only]
        item, customer = site.chance.choice(grown), site.chance.choice(site.register.customers)
        request = self._request(item, customer)
        site.publish(FEED, request)
        site.after(site.chance.randint(20, 300), lambda: self._answer(request, item, customer))

    def _answer(self, request: Document, item: Item, customer: Customer) -> None:
        site = self._site
        status = site.chance.choices(_ANSWERS, (50, 20, 12, 8, 10))[0]
        request["status"] = status
        if status in ("REJECTED", "DECLINED_WITH_COUNTER_OFFER"):
            request["declinedReason"] = "bod te laag"
        request["isDeleted"] = status == "EXPIRED" and site.happens(0.5)
        site.publish(FEED, request)
        if status == "ACCEPTED":
            pieces, value = request["numberOfPieces"], request["pricePerPiece"]["value"]
            reference = request["reference"]
            latest = request["delivery"]["latestDeliveryDateTime"]
            self._sales.sell(
                item, customer, CHANNELS[0], pieces=pieces, value=value, latest=latest, customerOrderId=reference
            )

    def _request(self, item: Item, customer: Customer) -> Document:
        site = self._site
        bid = (item.price * site.chance.randint(75, 95) / 100).quantize(CENT)
        return {
            "orderRequestId": site.codes.uuid(),
            "customerOrganizationId": customer.id,
            "supplyLineId": None,
            "tradeItemId": item.id,
            "numberOfPieces": site.chance.randint(1, 12) * item.pieces_per_package,
            "pricePerPiece": price(max(CENT, bid), customer.currency),
            "packingConfiguration": packing.with_codes(item),
            "delivery": {
                "deliveryConditionSetId": site.delivery_condition_set_id,
                "latestDeliveryDateTime": moment(workday_after(day_of(site.now), 2), 7),
                "regionGln": site.chance.choice(HUBS),
                "location": customer.location,
                "incoterm": customer.incoterm,
                "nextLegIdentifier": None,
            },
            "deliveryRemarks": site.chance.choice(words.REMARKS) if site.happens(0.2) else None,
            "reference": f"BOD-{site.codes.number(6)}",
            "additionalServiceIds": [site.service_ids[0]] if site.happens(0.2) else [],
            "added": site.now,
            "status": "PENDING",
            "declinedReason": None,
            "paymentProvider": customer.payment_provider,
            "isDeleted": False,
        }
