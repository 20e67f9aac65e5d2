"""What is in stock and on offer: batches with their ledger, and the supply lines that sell them.

The ledger is the rule: a batch holds its initial pieces plus every delta, and nothing else changes it.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world import supply_line
from pipelines.sandbox.world import vocabulary as words
from pipelines.sandbox.world.assortment import Item
from pipelines.sandbox.world.batch import Batch
from pipelines.sandbox.world.calendar import day_of, moment
from pipelines.sandbox.world.pricing import Pricing
from pipelines.sandbox.world.site import CENT, Site, price

BATCHES = "supply.batches"
MUTATIONS = "supply.batch_mutations"
LINES = supply_line.FEED

_KEEPS = dt.timedelta(days=6)


class Stock:
    """Batches and supply lines of a nursery.

    Args:
        site: the nursery.
        pricing: what it costs.
    """

    def __init__(self, site: Site, pricing: Pricing) -> None:
        self._site = site
        self._pricing = pricing
        self._batches: dict[str, list[Batch]] = {}
        self._weekly: dict[str, list[Document]] = {}

    def harvest(self, item: Item) -> Batch:
        """Bring in a new batch, and offer most of them for direct sale."""
        site = self._site
        packages = round(site.chance.randint(16, 90) * max(1.0, site.size))
        batch = Batch(self._batch(item, packages * item.pieces_per_package), item, self._price_today(item))
        self._batches.setdefault(item.id, []).append(batch)
        site.publish(BATCHES, batch.record)
        if not item.is_clock_only and site.happens(0.8):
            self._offer(batch)
        return batch

    def find(self, item: Item, pieces: int = 1) -> Batch | None:
        """The oldest batch of an item that can still be sold and holds so many pieces, or else a package."""
        batches = self._batches.get(item.id, [])
        while batches and batches[0].record["creationDateTime"] + _KEEPS < self._site.now:
            self._clear(batches.pop(0))
        whole = [batch for batch in batches if batch.left >= item.pieces_per_package]
        return next((batch for batch in whole if batch.left >= pieces), whole[0] if whole else None)

    def move(self, batch: Batch, delta: int, kind: str, *, order: str | None = None, reason: str | None = None) -> None:
        """Write a line in a batch's ledger, and with it the batch and what is on offer."""
        now = self._site.now
        batch.record["numberOfPieces"] += delta
        batch.record["lastModifiedDateTime"] = now
        mutation = {
            "batchMutationId": self._site.codes.uuid(),
            "batchId": batch.id,
            "deltaNumberOfPieces": delta,
            "reason": reason,
            "targetBatchId": None,
            "creationDateTime": now,
            "type": kind,
            "salesOrderId": order,
        }
        self._site.publish(MUTATIONS, mutation)
        self._site.publish(BATCHES, batch.record)
        self._show_what_is_left(batch)

    def some(self, number: int) -> list[Batch]:
        """Some batches of which something is left."""
        held = [batch for batches in self._batches.values() for batch in batches if batch.left > 0]
        return self._site.chance.sample(held, min(number, len(held)))

    def count(self) -> None:
        """Write off what was lost since the last count, in a batch or two."""
        for batch in self.some(2):
            lost = min(batch.left, self._site.chance.randint(1, batch.item.pieces_per_package))
            self.move(batch, -lost, "CORRECTION", reason=self._site.chance.choice(words.WASTE_REASONS))

    def reprice(self) -> None:
        """Change the price of some lines on offer."""
        for batch in self.some(3):
            if batch.line and batch.line["status"] == "AVAILABLE":
                factor = Decimal(self._site.chance.choice((90, 92, 95, 97, 103, 105))) / 100
                batch.price = max(CENT, (batch.price * factor).quantize(CENT))
                batch.line |= {"pricePerPiece": price(batch.price), "pricePerPieceLastModified": self._site.now}
                self._publish_line(batch, batch.line)

    def withdraw(self) -> None:
        """Take a line off the market, as deleted."""
        for batch in self.some(1):
            self._delete(batch)

    def offer_week(self, item: Item) -> None:
        """Offer an item for the coming week, at one price for each price group; last week's offer ends."""
        for line in self._weekly.get(item.id, []):
            line["status"] = "UNAVAILABLE"
            self._site.publish(LINES, line)
        base = self._price_today(item)
        today = day_of(self._site.now)
        self._pricing.show_week(item, today + dt.timedelta(days=7 - today.weekday()), base)
        self._weekly[item.id] = [self._weekly_line(item, place, base) for place in (0, 1)]
        for line in self._weekly[item.id]:
            self._site.publish(LINES, line)

    def _weekly_line(self, item: Item, group: int, base: Decimal) -> Document:
        pricing = self._pricing
        name, customers = pricing.groups[group]["name"], pricing.customers(group)
        return supply_line.of_week(self._site, item, pricing.price_for(group, base), name, customers)

    def weekly_line(self, item: Item) -> Document | None:
        """A line of this week's offer of an item."""
        lines = self._weekly.get(item.id)
        return self._site.chance.choice(lines) if lines else None

    def _price_today(self, item: Item) -> Decimal:
        return (item.price * Decimal(self._site.chance.randint(88, 112)) / 100).quantize(CENT)

    def _clear(self, batch: Batch) -> None:
        """Too old to be sold: the line goes, and most of what is left is thrown away."""
        self._delete(batch)
        if batch.left and self._site.happens(0.7):
            self.move(batch, -batch.left, "CORRECTION", reason=words.WASTE_REASONS[0])

    def _delete(self, batch: Batch) -> None:
        if batch.line and not batch.line["isDeleted"]:
            batch.line |= {"status": "DELETED", "isDeleted": True, "numberOfPieces": 0}
            self._publish_line(batch, batch.line)

    def _show_what_is_left(self, batch: Batch) -> None:
        line = batch.line
        if line and not line["isDeleted"]:
            line["numberOfPieces"] = batch.left
            line["status"] = "AVAILABLE" if batch.left else "UNAVAILABLE"
            self._publish_line(batch, line)

    def _batch(self, item: Item, pieces: int) -> Document:
        site, packing = self._site, item.packing
        return {
            "batchDate": moment(day_of(site.now), 0),
            "batchId": site.codes.uuid(),
            "tradeItemId": item.id,
            "supplierOrganizationId": site.organization_id,
            "numberOfPieces": pieces,
            "initialNumberOfPieces": pieces,
            "packingConfiguration": {
                "piecesPerPackage": packing["piecesPerPackage"],
                "package": packing["package"],
                "loadCarrier": packing["loadCarrier"],
                "layersPerLoadCarrier": packing["layersPerLoadCarrier"],
                "packagesPerLayer": packing["packagesPerLayer"],
            },
            "warehouseId": site.auction_warehouse_id if item.is_clock_only else site.warehouse_id,
            "imageId": site.codes.uuid() if site.happens(0.2) else None,
            "batchReference": site.codes.batch_reference(),
            "customReference": f"{site.codes.number(4):04d}" if site.happens(0.5) else None,
            "transitStatus": site.chance.choice(("UNKNOWN", "DELIVERED")),
            "tradeItemVersion": item.record["tradeItemVersion"],
            "isDeleted": False,
            "creationDateTime": site.now,
            "lastModifiedDateTime": site.now,
        }

    def _offer(self, batch: Batch) -> None:
        batch.line = supply_line.of_batch(self._site, batch, self._pricing.groups[0]["name"])
        self._publish_line(batch, batch.line)

    def _publish_line(self, batch: Batch, line: Document) -> None:
        self._site.publish(LINES, line)
        self._pricing.show_batch(batch, [line])
