"""The stock of a nursery: batches with their mutations, and the supply lines that sell them.

A batch always has its initial number of pieces plus the sum of its mutations.
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
from pipelines.sandbox.world.grower_context import CENT, GrowerContext, price
from pipelines.sandbox.world.pricing import Pricing

BATCHES = "supply.batches"
MUTATIONS = "supply.batch_mutations"
LINES = supply_line.FEED

_SHELF_LIFE = dt.timedelta(days=6)


class Stock:
    """Batches and supply lines of a nursery.

    Args:
        grower: context of the nursery.
        pricing: prices of the nursery.
    """

    def __init__(self, grower: GrowerContext, pricing: Pricing) -> None:
        self._grower = grower
        self._pricing = pricing
        self._batches: dict[str, list[Batch]] = {}
        self._weekly: dict[str, list[Document]] = {}

    def harvest(self, item: Item) -> Batch:
        """Make a new batch; most batches get a supply line."""
        grower = self._grower
        packages = round(grower.rng.randint(16, 90) * max(1.0, grower.size))
        batch = Batch(self._batch(item, packages * item.pieces_per_package), item, self._price_today(item))
        self._batches.setdefault(item.id, []).append(batch)
        grower.publish(BATCHES, batch.record)
        if not item.is_clock_only and grower.happens(0.8):
            self._offer(batch)
        return batch

    def find(self, item: Item, pieces: int = 1) -> Batch | None:
        """The oldest batch that is not too old and has so many pieces left, else one with at least a package."""
        batches = self._batches.get(item.id, [])
        while batches and batches[0].record["creationDateTime"] + _SHELF_LIFE < self._grower.now:
            self._write_off(batches.pop(0))
        whole = [batch for batch in batches if batch.left >= item.pieces_per_package]
        return next((batch for batch in whole if batch.left >= pieces), whole[0] if whole else None)

    def record_mutation(
        self,
        batch: Batch,
        delta: int,
        kind: str,
        *,
        order: str | None = None,
        reason: str | None = None,
        target: str | None = None,
    ) -> None:
        """Publish a batch mutation, the changed batch, and its supply line."""
        now = self._grower.now
        batch.record["numberOfPieces"] += delta
        batch.record["lastModifiedDateTime"] = now
        mutation = {
            "batchMutationId": self._grower.codes.uuid(),
            "batchId": batch.id,
            "deltaNumberOfPieces": delta,
            "reason": reason,
            "targetBatchId": target,
            "creationDateTime": now,
            "type": kind,
            "salesOrderId": order,
        }
        self._grower.publish(MUTATIONS, mutation)
        self._grower.publish(BATCHES, batch.record)
        self._update_line(batch)

    def pick_batches(self, number: int) -> list[Batch]:
        """Random batches with pieces left."""
        held = [batch for batches in self._batches.values() for batch in batches if batch.left > 0]
        return self._grower.rng.sample(held, min(number, len(held)))

    def move(self) -> None:
        """Move the pieces left of a batch to the other warehouse, as a new batch of the same harvest."""
        grower = self._grower
        for batch in self.pick_batches(1):
            is_second = batch.record["warehouseId"] == grower.second_warehouse_id
            record = self._batch(batch.item, batch.left)
            record |= {
                "batchDate": batch.record["batchDate"],
                "warehouseId": grower.warehouse_id if is_second else grower.second_warehouse_id,
            }
            moved = Batch(record, batch.item, batch.price)
            self.record_mutation(batch, -batch.left, "WAREHOUSE_CHANGE", target=moved.id)
            self._batches.setdefault(batch.item.id, []).append(moved)
            grower.publish(BATCHES, moved.record)
            if batch.line:
                self._offer(moved)

    def count(self) -> None:
        """Correct the number of pieces of two batches downward."""
        for batch in self.pick_batches(2):
            lost = min(batch.left, self._grower.rng.randint(1, batch.item.pieces_per_package))
            self.record_mutation(batch, -lost, "CORRECTION", reason=self._grower.rng.choice(words.WASTE_REASONS))

    def reprice(self) -> None:
        """Change the price of some available supply lines."""
        for batch in self.pick_batches(3):
            if batch.line and batch.line["status"] == "AVAILABLE":
                factor = Decimal(self._grower.rng.choice((90, 92, 95, 97, 103, 105))) / 100
                batch.price = max(CENT, (batch.price * factor).quantize(CENT))
                batch.line |= {"pricePerPiece": price(batch.price), "pricePerPieceLastModified": self._grower.now}
                self._publish_line(batch, batch.line)

    def withdraw(self) -> None:
        """Delete a supply line."""
        for batch in self.pick_batches(1):
            self._delete(batch)

    def offer_week(self, item: Item) -> None:
        """Offer an item for the coming week to two price groups, and end last week's lines."""
        for line in self._weekly.get(item.id, []):
            line["status"] = "UNAVAILABLE"
            self._grower.publish(LINES, line)
        base = self._price_today(item)
        today = day_of(self._grower.now)
        self._pricing.publish_week(item, today + dt.timedelta(days=7 - today.weekday()), base)
        self._weekly[item.id] = [self._weekly_line(item, index, base) for index in (0, 1)]
        for line in self._weekly[item.id]:
            self._grower.publish(LINES, line)

    def _weekly_line(self, item: Item, group: int, base: Decimal) -> Document:
        pricing = self._pricing
        name, customers = pricing.groups[group]["name"], pricing.customers(group)
        return supply_line.of_week(self._grower, item, pricing.price_for(group, base), name, customers)

    def weekly_line(self, item: Item) -> Document | None:
        """One of the item's supply lines for the week."""
        lines = self._weekly.get(item.id)
        return self._grower.rng.choice(lines) if lines else None

    def _price_today(self, item: Item) -> Decimal:
        return (item.price * Decimal(self._grower.rng.randint(88, 112)) / 100).quantize(CENT)

    def _write_off(self, batch: Batch) -> None:
        """Delete the supply line of a batch that is too old, and mostly write off its pieces."""
        self._delete(batch)
        if batch.left and self._grower.happens(0.7):
            self.record_mutation(batch, -batch.left, "CORRECTION", reason=words.WASTE_REASONS[0])

    def _delete(self, batch: Batch) -> None:
        if batch.line and not batch.line["isDeleted"]:
            batch.line |= {"status": "DELETED", "isDeleted": True, "numberOfPieces": 0}
            self._publish_line(batch, batch.line)

    def _update_line(self, batch: Batch) -> None:
        line = batch.line
        if line and not line["isDeleted"]:
            line["numberOfPieces"] = batch.left
            line["status"] = "AVAILABLE" if batch.left else "UNAVAILABLE"
            self._publish_line(batch, line)

    def _batch(self, item: Item, pieces: int) -> Document:
        grower, packing = self._grower, item.packing
        return {
            "batchDate": moment(day_of(grower.now), 0),
            "batchId": grower.codes.uuid(),
            "tradeItemId": item.id,
            "supplierOrganizationId": grower.organization_id,
            "numberOfPieces": pieces,
            "initialNumberOfPieces": pieces,
            "packingConfiguration": {
                "piecesPerPackage": packing["piecesPerPackage"],
                "package": packing["package"],
                "loadCarrier": packing["loadCarrier"],
                "layersPerLoadCarrier": packing["layersPerLoadCarrier"],
                "packagesPerLayer": packing["packagesPerLayer"],
            },
            "warehouseId": grower.auction_warehouse_id if item.is_clock_only else grower.warehouse_id,
            "imageId": grower.codes.uuid() if grower.happens(0.2) else None,
            "batchReference": grower.codes.batch_reference(),
            "customReference": f"{grower.codes.number(4):04d}" if grower.happens(0.5) else None,
            "transitStatus": grower.rng.choice(("UNKNOWN", "DELIVERED")),
            "tradeItemVersion": item.record["tradeItemVersion"],
            "isDeleted": False,
            "creationDateTime": grower.now,
            "lastModifiedDateTime": grower.now,
        }

    def _offer(self, batch: Batch) -> None:
        batch.line = supply_line.of_batch(self._grower, batch, self._pricing.groups[0]["name"])
        self._publish_line(batch, batch.line)

    def _publish_line(self, batch: Batch, line: Document) -> None:
        self._grower.publish(LINES, line)
        self._pricing.publish_batch(batch, [line])
