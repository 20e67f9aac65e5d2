"""Price groups, and base supply by week and by batch, from which supply lines follow (the specification)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world import packing
from pipelines.sandbox.world.assortment import Item
from pipelines.sandbox.world.batch import Batch
from pipelines.sandbox.world.grower_context import CENT, GrowerContext, price
from pipelines.sandbox.world.parties import Customer

GROUPS = "supply.price_groups"
WEEKS = "supply.weekly_base_supply"
BATCHES = "supply.batch_base_supply"

_GROUPS = (
    ("Exporteurs", "CALCULATED", "EUR", "PACKAGE", Decimal("1.00")),
    ("Cash & carry", "CALCULATED", "EUR", "LAYER", Decimal("1.08")),
    ("Detailhandel", "MANUAL", "EUR", "PACKAGE", Decimal("1.15")),
    ("Overzee", "MANUAL", "USD", "LOADCARRIER", Decimal("1.22")),
)
_PLANNED_WEEKS = 4


class Pricing:
    """The prices of a nursery.

    Args:
        grower: context of the nursery.
    """

    def __init__(self, grower: GrowerContext) -> None:
        self._grower = grower
        self._factors = [factor for *_, factor in _GROUPS]
        self.groups = [self._group(index) for index in range(len(_GROUPS))]
        self._weeks: dict[tuple[str, int, int], Document] = {}

    def publish(self) -> None:
        """Publish the price groups, one of them deleted."""
        for group in self.groups:
            self._grower.publish(GROUPS, group)
        past = {**self._group(2), "name": "Tuincentra (oud)", "isDeleted": True, "customers": []}
        self._grower.publish(GROUPS, past)

    def change(self) -> None:
        """Add a buyer to a price group, or remove it."""
        group, customer = self.groups[2], self._grower.rng.choice(self._grower.register.customers).id
        members = group["customers"]
        group["customers"] = (
            [member for member in members if member != customer] if customer in members else [*members, customer]
        )
        group["lastModifiedDateTime"] = self._grower.now
        self._grower.publish(GROUPS, group)

    def price_for(self, index: int, base: Decimal) -> Decimal:
        """The price of a piece for a price group."""
        return (base * self._factors[index]).quantize(CENT)

    def customers(self, index: int) -> list[Customer]:
        """The buyers of a price group; an empty list for the first group, which is for all."""
        members = set(self.groups[index]["customers"]) if index else set()
        return [customer for customer in self._grower.register.customers if customer.id in members]

    def publish_week(self, item: Item, monday: dt.date, base: Decimal) -> None:
        """Publish the base supply of an item in a week, and in the following weeks that have none yet."""
        for offset in range(_PLANNED_WEEKS):
            day = monday + dt.timedelta(weeks=offset)
            year, week, _ = day.isocalendar()
            planned = self._weeks.get((item.id, year, week))
            if (offset == 0 or planned is None) and item.is_in_season(day):
                record = self._week(item, year, week, base)
                self._weeks[item.id, year, week] = record
                self._grower.publish(WEEKS, record)

    def publish_batch(self, batch: Batch, lines: Sequence[Document]) -> None:
        """Publish the base supply of a batch with its supply lines, one for each price group."""
        self._grower.publish(BATCHES, self._batch(batch, lines))

    def _group(self, index: int) -> Document:
        name, kind, currency, unit, _ = _GROUPS[index]
        grower = self._grower
        members = [customer for customer in grower.register.customers if customer.currency == currency]
        return {
            "priceGroupId": grower.codes.uuid(),
            "name": name,
            "type": kind,
            "currency": currency,
            "salesUnit": unit,
            "includedServices": ["DELIVERY"] if index == 2 else [],
            "customers": [customer.id for customer in grower.rng.sample(members, min(9, len(members)))]
            if index
            else [],
            "isDeleted": False,
            "lastModifiedDateTime": grower.now,
        }

    def _week(self, item: Item, year: int, week: int, base: Decimal) -> Document:
        prices = [
            {
                "priceGroupId": group["priceGroupId"],
                "pricePerPiece": self.price_for(index, base),
                "priceGroupType": group["type"],
                "pricePerPieceLastModified": self._grower.now if group["type"] == "MANUAL" else None,
            }
            for index, group in enumerate(self.groups)
        ]
        return {
            "tradeItemId": item.id,
            "week": week,
            "year": year,
            "basePricePerPiece": price(base),
            "numberOfPieces": self._grower.rng.randint(20, 200) * item.pieces_per_package,
            "priceGroupPrices": prices,
        }

    def _batch(self, batch: Batch, lines: Sequence[Document]) -> Document:
        record = batch.record
        return {
            "batchReference": record["batchReference"],
            "batchId": batch.id,
            "batchDate": record["batchDate"],
            "orderPeriod": lines[0]["orderPeriod"],
            "creationDateTime": record["creationDateTime"],
            "lastModifiedDateTime": self._grower.now,
            "basePricePerPiece": price(batch.price),
            "tradeItemId": batch.item.id,
            "warehouseId": record["warehouseId"],
            "initialNumberOfPieces": record["initialNumberOfPieces"],
            "currentNumberOfPieces": batch.left,
            "isSoldOut": batch.left == 0,
            "isDeleted": all(line["isDeleted"] for line in lines),
            "onlyAsapDelivery": lines[0]["onlyAsapDelivery"],
            "packingConfigurations": [_packing(batch.item)],
            "priceGroupPrices": [self._batch_price(line) for line in lines],
        }

    def _batch_price(self, line: Document) -> Document:
        group = next(group for group in self.groups if group["name"] == line["priceGroupName"])
        return {
            "supplyLineId": line["supplyLineId"],
            "priceGroupId": group["priceGroupId"],
            "pricePerPiece": line["pricePerPiece"],
            "priceGroupType": group["type"],
            "pricePerPieceLastModified": line["pricePerPieceLastModified"],
        }


def _packing(item: Item) -> Document:
    return {
        "isPrimary": True,
        **packing.with_package(item),
        "photoUrl": None,
        "allowedCustomerOrganizationIds": None,
        "additionalPricePerPiece": None,
        "isDeleted": False,
    }
