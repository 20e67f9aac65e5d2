"""Requests of a buyer for trade items, packing configurations and supply."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world import vocabulary as words
from pipelines.sandbox.world.assortment import PLANTS, Item
from pipelines.sandbox.world.calendar import day_of, days
from pipelines.sandbox.world.market.buyer_context import BuyerContext
from pipelines.sandbox.world.market.goods import characteristics, measures
from pipelines.sandbox.world.market.growers import Grower

TRADE_ITEM_REQUESTS = "catalog.trade_item_requests"
PACKING_REQUESTS = "catalog.packing_configuration_requests"
SUPPLY_REQUESTS = "supply.supply_requests"


class Requests:
    """The requests of a buyer.

    Args:
        buyer: context of the buyer.
    """

    def __init__(self, buyer: BuyerContext) -> None:
        self._buyer = buyer

    def make(self) -> None:
        """Publish one request of each kind; most are answered within a day."""
        grower = self._buyer.rng.choice(self._buyer.suppliers)
        self._ask(TRADE_ITEM_REQUESTS, self._for_item(grower), grower)
        self._ask(PACKING_REQUESTS, self._for_packing(grower), grower)
        supply = self._for_supply(grower)
        self._buyer.publish(SUPPLY_REQUESTS, supply)
        self._buyer.after(self._buyer.rng.randint(60, 900), lambda: self._offer(supply))

    def _ask(self, feed: str, request: Document, grower: Grower) -> None:
        self._buyer.publish(feed, request)
        self._buyer.after(self._buyer.rng.randint(60, 1400), lambda: self._answer(feed, request, grower))

    def _answer(self, feed: str, request: Document, grower: Grower) -> None:
        if self._buyer.happens(0.2):
            return
        request |= {"status": "ACCEPTED" if self._buyer.happens(0.7) else "REJECTED", "lastModified": self._buyer.now}
        if request["status"] == "ACCEPTED" and feed == TRADE_ITEM_REQUESTS:
            request["tradeItemId"] = self._buyer.rng.choice(grower.sold).id
        self._buyer.publish(feed, request)

    def _request(self, grower: Grower) -> Document:
        now = self._buyer.now
        return {
            "added": now,
            "lastModified": now,
            "customerOrganizationId": self._buyer.organization_id,
            "status": "PENDING",
            "supplierOrganizationId": grower.id,
            "remark": self._buyer.rng.choice((*words.WISHES, None)),
            "expiresAt": now + dt.timedelta(days=7),
        }

    def _for_item(self, grower: Grower) -> Document:
        plant = self._buyer.rng.choice(PLANTS)
        return {
            **self._request(grower),
            "tradeItemId": None,
            "tradeItemRequestId": self._buyer.codes.uuid(),
            "vbnProductCode": str(plant.vbn),
            "packingConfiguration": measures(grower.sold[0]),
            "characteristics": characteristics(plant.size, self._buyer.rng),
        }

    def _for_packing(self, grower: Grower) -> Document:
        item = self._buyer.rng.choice(grower.sold)
        packing = measures(item)
        packing["piecesPerPackage"] *= 2
        id = self._buyer.codes.uuid()
        return {**self._request(grower), "packingConfigurationRequestId": id, "tradeItemId": item.id, **packing}

    def _for_supply(self, grower: Grower) -> Document:
        buyer = self._buyer
        id, today = buyer.codes.uuid(), day_of(buyer.now)
        items = buyer.rng.sample(grower.sold, min(3, len(grower.sold)))
        return {
            "supplyRequestId": id,
            "supplyRequestGroupId": buyer.codes.uuid(),
            "title": f"Aanvraag {items[0].record['name']}",
            "supplierOrganizationId": grower.id,
            "orderPeriod": days(today, 1, 6),
            "deliveryPeriod": days(today, 3, 9),
            "responseEndDateTime": buyer.now + dt.timedelta(days=1),
            "description": buyer.rng.choice((*words.WISHES, None)),
            "includedServices": ["DELIVERY", "STICKERING"] if buyer.happens(0.3) else None,
            "added": buyer.now,
            "lastModified": buyer.now,
            "supplyRequestLines": [self._line(id, item) for item in items],
            "agreementReference": None,
            "isDeleted": False,
            "currency": "EUR",
            "status": "PENDING",
        }

    def _line(self, request: str, item: Item) -> Document:
        now = self._buyer.now
        return {
            "supplyRequestLineId": self._buyer.codes.uuid(),
            "supplyRequestId": request,
            "tradeItemId": item.id,
            "supplyLineId": None,
            "packingConfiguration": measures(item),
            "pricePerPiece": item.price if self._buyer.happens(0.6) else None,
            "numberOfPieces": item.pieces_per_package * self._buyer.rng.randint(5, 60),
            "offeredAt": None,
            "added": now,
            "lastModified": now,
            "status": "PENDING",
            "rejectionReason": None,
            "isLockedByCustomer": False,
            "isDeleted": False,
        }

    def _offer(self, request: Document) -> None:
        """Answer each line of a supply request, or sometimes delete the request."""
        now = self._buyer.now
        request["lastModified"] = now
        if self._buyer.happens(0.1):
            request |= {"isDeleted": True}
        else:
            request["status"] = "COMPLETED"
            for line in request["supplyRequestLines"]:
                self._answer_line(line, now)
        self._buyer.publish(SUPPLY_REQUESTS, request)

    def _answer_line(self, line: Document, now: dt.datetime) -> None:
        line["lastModified"] = now
        if self._buyer.happens(0.75):
            value = line["pricePerPiece"] or Decimal("1.25")
            line |= {"status": "ACCEPTED", "offeredAt": now, "pricePerPiece": value}
        else:
            line |= {"status": "REJECTED", "rejectionReason": "niet voorradig"}
