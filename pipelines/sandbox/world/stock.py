"""What is in stock and on offer: batches with their ledger, and the supply lines that sell them.

The ledger is the rule: a batch holds its initial pieces plus every delta, and nothing else changes it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal

from pipelines.sandbox.entries import Document
from pipelines.sandbox.world import vocabulary as words
from pipelines.sandbox.world.assortment import Item
from pipelines.sandbox.world.calendar import day_of, moment
from pipelines.sandbox.world.site import CENT, Site, package, price

BATCHES = "supply.batches"
MUTATIONS = "supply.batch_mutations"
LINES = "supply.supply_lines"

PRICE_GROUPS = (("Exporteurs", Decimal("1.00")), ("Cash & carry", Decimal("1.08")))
_KEEPS = dt.timedelta(days=6)


@dataclass
class Batch:
    """Pieces of one item that were harvested together.

    Args:
        record: the batch.
        item: what it is.
        price: price of a piece.
        line: the supply line that sells it, if there is one.
    """

    record: Document
    item: Item
    price: Decimal
    line: Document | None = field(default=None)

    @property
    def id(self) -> str:
        """The batch's id."""
        return str(self.record["batchId"])

    @property
    def left(self) -> int:
        """Pieces that are not sold."""
        return int(self.record["numberOfPieces"])


class Stock:
    """Batches and supply lines of a nursery.

    Args:
        site: the nursery.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._batches: dict[str, list[Batch]] = {}
        self._weekly: dict[str, list[Document]] = {}

    def harvest(self, item: Item) -> None:
        """Bring in a new batch, and offer most of them for direct sale."""
        site = self._site
        packages = round(site.chance.randint(16, 90) * max(1.0, site.size))
        batch = Batch(self._batch(item, packages * item.pieces_per_package), item, self._price_today(item))
        self._batches.setdefault(item.id, []).append(batch)
        site.publish(BATCHES, batch.record)
        if not item.is_clock_only and site.happens(0.8):
            self._offer(batch)

    def find(self, item: Item) -> Batch | None:
        """The oldest batch of an item that can still be sold and holds a package."""
        batches = self._batches.get(item.id, [])
        while batches and batches[0].record["creationDateTime"] + _KEEPS < self._site.now:
            self._clear(batches.pop(0))
        return next((batch for batch in batches if batch.left >= item.pieces_per_package), None)

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

    def count(self) -> None:
        """Write off what was lost since the last count, in a batch or two."""
        for batch in self._some(2):
            lost = min(batch.left, self._site.chance.randint(1, batch.item.pieces_per_package))
            self.move(batch, -lost, "CORRECTION", reason=self._site.chance.choice(words.WASTE_REASONS))

    def reprice(self) -> None:
        """Change the price of some lines on offer."""
        for batch in self._some(3):
            if batch.line and batch.line["status"] == "AVAILABLE":
                factor = Decimal(self._site.chance.choice((90, 92, 95, 97, 103, 105))) / 100
                batch.price = max(CENT, (batch.price * factor).quantize(CENT))
                self._set_price(batch.line, batch.price)

    def withdraw(self) -> None:
        """Take a line off the market, as deleted."""
        for batch in self._some(1):
            self._delete(batch)

    def offer_week(self, item: Item) -> None:
        """Offer an item for the coming week, at one price for each price group; last week's offer ends."""
        for line in self._weekly.get(item.id, []):
            line["status"] = "UNAVAILABLE"
            self._site.publish(LINES, line)
        base = self._price_today(item)
        lines = [self._weekly_line(item, name, (base * factor).quantize(CENT)) for name, factor in PRICE_GROUPS]
        self._weekly[item.id] = lines
        for line in lines:
            self._site.publish(LINES, line)

    def weekly_line(self, item: Item) -> Document | None:
        """A line of this week's offer of an item."""
        lines = self._weekly.get(item.id)
        return self._site.chance.choice(lines) if lines else None

    def _some(self, number: int) -> list[Batch]:
        held = [batch for batches in self._batches.values() for batch in batches if batch.left > 0]
        return self._site.chance.sample(held, min(number, len(held)))

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
            self._site.publish(LINES, batch.line)

    def _show_what_is_left(self, batch: Batch) -> None:
        line = batch.line
        if line and not line["isDeleted"]:
            line["numberOfPieces"] = batch.left
            line["status"] = "AVAILABLE" if batch.left else "UNAVAILABLE"
            self._site.publish(LINES, line)

    def _set_price(self, line: Document, value: Decimal) -> None:
        line["pricePerPiece"] = price(value)
        line["pricePerPieceLastModified"] = self._site.now
        self._site.publish(LINES, line)

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
        now = self._site.now
        has_window = self._site.happens(0.6)
        batch.line = {
            **self._line(batch.item, batch.price, "BATCH_PRICE"),
            "batchId": batch.id,
            "numberOfPieces": batch.left,
            "orderPeriod": {"startDateTime": now, "endDateTime": now + dt.timedelta(days=3)},
            "deliveryPeriod": _days(day_of(now), 1, 6) if has_window else None,
            "salesUnit": "PACKAGE",
            "onlyAsapDelivery": not has_window,
        }
        self._site.publish(LINES, batch.line)

    def _weekly_line(self, item: Item, group: str, value: Decimal) -> Document:
        site = self._site
        today = day_of(site.now)
        monday = today + dt.timedelta(days=7 - today.weekday())
        picked = site.chance.sample(site.register.customers, 8)
        return {
            **self._line(item, value, "CATALOG_PRICE"),
            "numberOfPieces": site.chance.randint(20, 200) * item.pieces_per_package,
            "packingConfigurations": [_line_packing(item)],
            "orderPeriod": {"startDateTime": site.now, "endDateTime": moment(monday + dt.timedelta(days=5), 12)},
            "deliveryPeriod": _days(monday, 0, 6),
            "allowedCustomerOrganizationIds": [one.id for one in picked] if group != PRICE_GROUPS[0][0] else None,
            "salesUnit": site.chance.choice(("PACKAGE", "LAYER")),
            "priceGroupName": group,
        }

    def _line(self, item: Item, value: Decimal, kind: str) -> Document:
        """A complete supply line on which the kinds build."""
        volume = [("LAYER", Decimal("0.97")), ("LOAD_CARRIER", Decimal("0.94"))] if self._site.happens(0.4) else []
        return {
            "supplyLineId": self._site.codes.uuid(),
            "status": "AVAILABLE",
            "tradeItemId": item.id,
            "batchId": None,
            "pricePerPiece": price(value),
            "pricePerPieceLastModified": self._site.now,
            "volumePrices": [{"unit": unit, "pricePerPiece": value * factor} for unit, factor in volume],
            "numberOfPieces": 0,
            "assignedNumberOfPieces": 0,
            "packingConfigurations": None,
            "orderPeriod": None,
            "deliveryPeriod": None,
            "includedServices": ["DELIVERY"] if self._site.happens(0.2) else [],
            "allowedCustomerOrganizationIds": None,
            "supplyType": kind,
            "agreementReference": {"code": "ACTIE7", "description": "weekactie"} if self._site.happens(0.05) else None,
            "salesUnit": None,
            "isPromo": self._site.happens(0.1),
            "isDeleted": False,
            "priceGroupName": None,
            "onlyAsapDelivery": False,
        }


def _days(day: dt.date, first: int, beyond: int) -> Document:
    start, end = (moment(day + dt.timedelta(days=days), 0) for days in (first, beyond))
    return {"startDateTime": start, "endDateTime": end - dt.timedelta(seconds=1)}


def _line_packing(item: Item) -> Document:
    packing = item.packing
    return {
        "piecesPerPackage": packing["piecesPerPackage"],
        "package": package(packing["package"]["vbnPackageCode"]),
        "packagesPerLayer": packing["packagesPerLayer"],
        "layersPerLoadCarrier": packing["layersPerLoadCarrier"],
        "transportHeightInCm": None,
        "loadCarrier": packing["loadCarrier"],
        "additionalPricePerPiece": price(Decimal("0.05")),
        "photoUrl": None,
        "allowedCustomerOrganizationIds": None,
    }
