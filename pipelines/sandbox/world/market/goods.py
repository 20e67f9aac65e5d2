"""Trade items and their packing in the shapes of the Customers API (the specification)."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from itertools import count

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.assortment import PLANTS, Item, Plant
from pipelines.sandbox.world.codes import Codes
from pipelines.sandbox.world.site import CENT, package, price

KINDS = 3
"""Kinds of plants that one grower sells."""


def items_of(supplier: str, place: int, chance: random.Random, codes: Codes, now: dt.datetime) -> list[Item]:
    """The assortment of a grower, which follows from its place among the growers."""
    numbers = count(1)
    items = []
    for plant in [PLANTS[(place * KINDS + one) % len(PLANTS)] for one in range(KINDS)]:
        for colour in plant.colours:
            record = _record(plant, colour, chance, codes, now)
            record |= {"supplierOrganizationId": supplier, "sellerOrganizationId": supplier}
            record["code"] = f"{plant.code}-{next(numbers):03d}"
            value = (Decimal(plant.price) * chance.randint(85, 120) / 100).quantize(CENT)
            items.append(Item(record, value, plant.season, chance.uniform(0.3, 2.0)))
    _spoil([item.record for item in items], place)
    return items


def _spoil(records: list[Document], place: int) -> None:
    """What an assortment that people keep looks like: an item that is gone, one without a picture, a variant."""
    records[-1]["isDeleted"] = True
    records[0]["isHiddenInCatalog"] = place % 3 == 0
    records[2]["photos"] = []
    if place % 4 == 1:
        records[1]["parentId"] = records[0]["tradeItemId"]


def _record(plant: Plant, colour: str, chance: random.Random, codes: Codes, now: dt.datetime) -> Document:
    created = now - dt.timedelta(days=chance.randint(30, 900))
    first, last = plant.season
    seasons = [(first, last)] if first <= last else [(first, 53), (1, last)]
    return {
        "tradeItemId": codes.uuid(),
        "gtin": codes.gtin() if chance.random() < 0.8 else None,
        "vbnProductCode": str(plant.vbn),
        "name": f"{plant.name} {colour}",
        "characteristics": characteristics(plant.size, chance),
        "seasonalPeriods": [{"startWeek": start, "endWeek": end} for start, end in seasons],
        "photos": [_photo(place, codes) for place in range(chance.randint(1, 3))],
        "packingConfigurations": _packings(plant, chance),
        "isDeleted": False,
        "botanicalNames": [plant.botanical],
        "countryOfOriginIsoCodes": ["NL"],
        "tradeItemVersion": chance.randint(1, 6),
        "isCustomerSpecific": chance.random() < 0.05,
        "isHiddenInCatalog": False,
        "creationDateTime": created,
        "lastModifiedDateTime": created + (now - created) * chance.random(),
        "hasInvalidFloricodeData": chance.random() < 0.02,
        "parentId": None,
        "additionalPackagingInformationFloricodeVrsPackagingIds": None,
    }


def characteristics(size: tuple[str, str], chance: random.Random) -> list[Document]:
    """What distinguishes an item: its size, ripeness, origin and quality."""
    pairs = (size, ("S05", chance.choice(("022", "033", "044"))), ("S62", "NL"), ("S98", "A1"))
    return [{"vbnCode": code, "vbnValueCode": value} for code, value in pairs]


def _photo(place: int, codes: Codes) -> Document:
    return {
        "id": codes.uuid(),
        "url": f"https://image.floriday.io/{codes.uuid()}",
        "seasonalPeriod": {"startWeek": 10, "endWeek": 20} if place == 2 else None,
        "type": ("PIECE", "WEBSHOP_FRIENDLY", "DETAIL")[place],
        "primary": place == 0,
    }


def _packings(plant: Plant, chance: random.Random) -> list[Document]:
    pieces, code, packages, layers = plant.packing
    usual = _packing(pieces, code, packages, layers, is_primary=True)
    if chance.random() < 0.7:
        return [usual]
    return [usual, _packing(pieces * 2, code, max(1, packages // 2), layers, is_primary=False)]


def _packing(pieces: int, code: int, packages: int, layers: int, *, is_primary: bool) -> Document:
    return {
        "package": package(code),
        "piecesPerPackage": pieces,
        "photoUrl": None,
        "packagesPerLayer": packages,
        "layersPerLoadCarrier": layers,
        "loadCarrierType": "AUCTION_TROLLEY" if code in (995, 996, 999) else "DANISH_TROLLEY",
        "additionalPricePerPiece": None if is_primary else price(Decimal("0.02")),
        "isPrimary": is_primary,
        "floricodeVrsPackagingId": None,
    }


def measures(item: Item) -> Document:
    """An item's usual packing as requests tell it."""
    names = ("loadCarrierType", "package", "piecesPerPackage", "packagesPerLayer", "layersPerLoadCarrier")
    return {name: item.packing[name] for name in names}


def with_load_carrier(item: Item) -> Document:
    """An item's usual packing as orders and lines at the clock tell it."""
    told = measures(item)
    told["loadCarrier"] = told.pop("loadCarrierType")
    return told
