"""Bundles of several items at one price (the specification)."""

from __future__ import annotations

import datetime as dt

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.assortment import Assortment, Item
from pipelines.sandbox.world.calendar import day_of, days, period
from pipelines.sandbox.world.sales import Sales
from pipelines.sandbox.world.sales_order import CHANNELS
from pipelines.sandbox.world.site import CENT, Site, price

FEED = "supply.bundled_offers"


class Bundles:
    """The bundled offers of a nursery.

    Args:
        site: the nursery.
        assortment: what it grows.
        sales: where buyers take them up.
    """

    def __init__(self, site: Site, assortment: Assortment, sales: Sales) -> None:
        self._site = site
        self._assortment = assortment
        self._sales = sales

    def make(self) -> None:
        """Offer a bundle for two days; some are bought."""
        site = self._site
        grown = [item for item in self._assortment.in_season(day_of(site.now)) if not item.is_clock_only]
        items = site.chance.sample(grown, 3)
        offer = self._offer(items)
        site.publish(FEED, offer)
        for _ in range(site.chance.randint(0, 3)):
            site.after(site.chance.randint(30, 2000), lambda: self._buy(offer, items))
        site.at(offer["orderPeriod"]["endDateTime"], lambda: self._end(offer))

    def _buy(self, offer: Document, items: list[Item]) -> None:
        """Take a bundle: an order for each of its lines, held together by a group."""
        site = self._site
        if not offer["numberOfBundles"]:
            return
        group, customer = (
            site.codes.uuid(),
            site.chance.choice([one for one in site.register.customers if one.currency == "EUR"]),
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
        offer |= {"numberOfBundles": offer["numberOfBundles"] - 1, "lastModifiedDateTime": site.now}
        site.publish(FEED, offer)

    def _end(self, offer: Document) -> None:
        offer |= {"isDeleted": self._site.happens(0.3), "lastModifiedDateTime": self._site.now}
        self._site.publish(FEED, offer)

    def _offer(self, items: list[Item]) -> Document:
        site = self._site
        lines = [self._line(item) for item in items]
        total = sum(line["price"]["value"] * line["numberOfPiecesPerBundle"] for line in lines)
        members = [one.id for one in site.chance.sample(site.register.customers, 4)] if site.happens(0.3) else []
        return {
            "bundledOfferId": site.codes.uuid(),
            "warehouseId": site.warehouse_id,
            "pricePerBundle": price(total),
            "isDraft": False,
            "imageUrl": None,
            "title": site.chance.choice(("Mixkar", "Proefpakket", "Kleurenmix")),
            "description": "drie soorten in een keer",
            "defaultPhotoCode": None,
            "includedServices": ["DELIVERY"] if site.happens(0.3) else [],
            "numberOfBundles": site.chance.randint(2, 12),
            "isCustomerSpecific": bool(members),
            "customerOrganizationIds": members,
            "orderPeriod": period(site.now, site.now + dt.timedelta(days=2)),
            "deliveryPeriod": days(day_of(site.now), 1, 5),
            "agreementReference": None,
            "creationDateTime": site.now,
            "lastModifiedDateTime": site.now,
            "bundledOfferLines": lines,
            "isDeleted": False,
        }

    def _line(self, item: Item) -> Document:
        return {
            "bundledOfferLineId": self._site.codes.uuid(),
            "tradeItemId": item.id,
            "tradeItemVersion": item.record["tradeItemVersion"],
            "price": price((item.price * 9 / 10).quantize(CENT)),
            "numberOfPiecesPerBundle": item.pieces_per_package,
            "packingConfiguration": dict(item.packing),
        }
