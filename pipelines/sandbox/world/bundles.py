"""Bundled offers: several items at one price (the specification)."""

from __future__ import annotations

import datetime as dt

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.assortment import Assortment, Item
from pipelines.sandbox.world.calendar import day_of, days, period
from pipelines.sandbox.world.grower_context import CENT, GrowerContext, price
from pipelines.sandbox.world.sales import Sales
from pipelines.sandbox.world.sales_order import CHANNELS

FEED = "supply.bundled_offers"


class Bundles:
    """The bundled offers of a nursery.

    Args:
        grower: context of the nursery.
        assortment: trade items of the nursery.
        sales: places the orders of buyers that accept.
    """

    def __init__(self, grower: GrowerContext, assortment: Assortment, sales: Sales) -> None:
        self._grower = grower
        self._assortment = assortment
        self._sales = sales

    def make(self) -> None:
        """Offer a bundle for two days; buyers order it up to three times."""
        grower = self._grower
        grown = [item for item in self._assortment.in_season(day_of(grower.now)) if not item.is_clock_only]
        items = grower.rng.sample(grown, 3)
        offer = self._offer(items)
        grower.publish(FEED, offer)
        for _ in range(grower.rng.randint(0, 3)):
            grower.after(grower.rng.randint(30, 2000), lambda: self._buy(offer, items))
        grower.at(offer["orderPeriod"]["endDateTime"], lambda: self._end(offer))

    def _buy(self, offer: Document, items: list[Item]) -> None:
        """Order a bundle: one sales order for each line, all with the same group id."""
        grower = self._grower
        if not offer["numberOfBundles"]:
            return
        group, customer = (
            grower.codes.uuid(),
            grower.rng.choice([customer for customer in grower.customers if customer.currency == "EUR"]),
        )
        for item, line in zip(items, offer["bundledOfferLines"], strict=True):
            self._sales.sell(
                item,
                customer,
                CHANNELS[0],
                pieces=line["numberOfPiecesPerBundle"],
                value=line["price"]["value"],
                salesOrderGroupId=group,
                bundledOfferLineId=line["bundledOfferLineId"],
            )
        offer |= {"numberOfBundles": offer["numberOfBundles"] - 1, "lastModifiedDateTime": grower.now}
        grower.publish(FEED, offer)

    def _end(self, offer: Document) -> None:
        offer |= {"isDeleted": self._grower.happens(0.3), "lastModifiedDateTime": self._grower.now}
        self._grower.publish(FEED, offer)

    def _offer(self, items: list[Item]) -> Document:
        grower = self._grower
        lines = [self._line(item) for item in items]
        total = sum(line["price"]["value"] * line["numberOfPiecesPerBundle"] for line in lines)
        members = [customer.id for customer in grower.rng.sample(grower.customers, 4)] if grower.happens(0.3) else []
        return {
            "bundledOfferId": grower.codes.uuid(),
            "warehouseId": grower.warehouse_id,
            "pricePerBundle": price(total),
            "isDraft": False,
            "imageUrl": None,
            "title": grower.rng.choice(("Mixkar", "Proefpakket", "Kleurenmix")),
            "description": "drie soorten in een keer",
            "defaultPhotoCode": None,
            "includedServices": ["DELIVERY"] if grower.happens(0.3) else [],
            "numberOfBundles": grower.rng.randint(2, 12),
            "isCustomerSpecific": bool(members),
            "customerOrganizationIds": members,
            "orderPeriod": period(grower.now, grower.now + dt.timedelta(days=2)),
            "deliveryPeriod": days(day_of(grower.now), 1, 5),
            "agreementReference": None,
            "creationDateTime": grower.now,
            "lastModifiedDateTime": grower.now,
            "bundledOfferLines": lines,
            "isDeleted": False,
        }

    def _line(self, item: Item) -> Document:
        return {
            "bundledOfferLineId": self._grower.codes.uuid(),
            "tradeItemId": item.id,
            "tradeItemVersion": item.record["tradeItemVersion"],
            "price": price((item.price * 9 / 10).quantize(CENT)),
            "numberOfPiecesPerBundle": item.pieces_per_package,
            "packingConfiguration": dict(item.packing),
        }
