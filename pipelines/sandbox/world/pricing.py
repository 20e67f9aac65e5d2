"""Prices before supply lines follow from them: price groups, base supply by week and by batch (the specification)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world import packing
from pipelines.sandbox.world.assortment import Item
from pipelines.sandbox.world.batch import Batch
from pipelines.sandbox.world.parties import Customer
from pipelines.sandbox.world.site import CENT, Site, price

GROUPS = "supply.price_groups"
WEEKS = "supply.weekly_base_supply"
BATCHES = "supply.batch_base_supply"

_GROUPS = (
    ("Exporteurs", "CALCULATED", "EUR", "PACKAGE", Decimal("1.00")),
    ("Cash & carry", "CALCULATED", "EUR", "LAYER", Decimal("1.08")),
    ("Detailhandel", "MANUAL", "EUR", "PACKAGE", Decimal("1.15")),
    ("Overzee", "MANUAL", "USD", "LOADCARRIER", Decimal("1.22")),
)
_WEEKS_AHEAD = 4


class Pricing:
    """The prices of a nursery.

    Args:
        site: the nursery.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._factors = [factor for *_, factor in _GROUPS]
        self.groups = [self._group(place) for place in range(len(_GROUPS))]
        self._weeks: dict[tuple[str, int, int], Document] = {}

    def publish(self) -> None:
        """Let Floriday serve the price groups; one of them is of the past."""
        for group in self.groups:
            self._site.publish(GROUPS, group)
        past = {**self._group(2), "name": "Tuincentra (oud)", "isDeleted": True, "customers": []}
        self._site.publish(GROUPS, past)

    def change(self) -> None:
        """Add a buyer to a group, or take one out."""
        group, customer = self.groups[2], self._site.chance.choice(self._site.register.customers).id
        members = group["customers"]
        group["customers"] = (
            [one for one in members if one != customer] if customer in members else [*members, customer]
        )
        group["lastModifiedDateTime"] = self._site.now
        self._site.publish(GROUPS, group)

    def price_for(self, place: int, base: Decimal) -> Decimal:
        """What a price group pays for a piece."""
        return (base * self._factors[place]).quantize(CENT)

    def customers(self, place: int) -> list[Customer]:
        """The buyers of a price group; none for the first one, which is for all."""
        members = set(self.groups[place]["customers"]) if place else set()
        return [customer for customer in self._site.register.customers if customer.id in members]

    def show_week(self, item: Item, monday: dt.date, base: Decimal) -> None:
        """Set the base price of an item in a week; the weeks after it follow, as far as they are planned."""
        for ahead in range(_WEEKS_AHEAD):
            day = monday + dt.timedelta(weeks=ahead)
            year, week, _ = day.isocalendar()
            planned = self._weeks.get((item.id, year, week))
            if (ahead == 0 or planned is None) and item.is_in_season(day):
                record = self._week(item, year, week, base)
                self._weeks[item.id, year, week] = record
                self._site.publish(WEEKS, record)

    def show_batch(self, batch: Batch, lines: Sequence[Document]) -> None:
        """Show a batch that is for sale, with the supply line that each price group gets."""
        self._site.publish(BATCHES, self._batch(batch, lines))

    def _group(self, place: int) -> Document:
        name, kind, currency, unit, _ = _GROUPS[place]
        site = self._site
        members = [one for one in site.register.customers if one.currency == currency]
        return {
            "priceGroupId": site.codes.uuid(),
            "name": name,
            "type": kind,
            "currency": currency,
            "salesUnit": unit,
            "includedServices": ["DELIVERY"] if place == 2 else [],
            "customers": [one.id for one in site.chance.sample(members, min(9, len(members)))] if place else [],
            "isDeleted": False,
            "lastModifiedDateTime": site.now,
        }

    def _week(self, item: Item, year: int, week: int, base: Decimal) -> Document:
        prices = [
            {
                "priceGroupId": group["priceGroupId"],
                "pricePerPiece": self.price_for(place, base),
                "priceGroupType": group["type"],
                "pricePerPieceLastModified": self._site.now if group["type"] == "MANUAL" else None,
            }
            for place, group in enumerate(self.groups)
        ]
        return {
            "tradeItemId": item.id,
            "week": week,
            "year": year,
            "basePricePerPiece": price(base),
            "numberOfPieces": self._site.chance.randint(20, 200) * item.pieces_per_package,
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
            "lastModifiedDateTime": self._site.now,
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
        **packing.briefly(item),
        "photoUrl": None,
        "allowedCustomerOrganizationIds": None,
        "additionalPricePerPiece": None,
        "isDeleted": False,
    }
