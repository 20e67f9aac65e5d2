"""Trade items and their packing in the form of the customers API (the specification)."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from itertools import count

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.assortment import PLANTS, Item, Plant
from pipelines.sandbox.world.codes import Codes
from pipelines.sandbox.world.grower_context import CENT, package, price

KINDS = 3
"""Number of plants that one grower sells."""


def items_of(supplier: str, index: int, rng: random.Random, codes: Codes, now: dt.datetime) -> list[Item]:
    """The assortment of a grower, which follows from its position in the list of growers."""
    numbers = count(1)
    items = []
    for plant in [PLANTS[(index * KINDS + offset) % len(PLANTS)] for offset in range(KINDS)]:
        for colour in plant.colours:
            record = _record(plant, colour, rng, codes, now)
            record |= {"supplierOrganizationId": supplier, "sellerOrganizationId": supplier}
            record["code"] = f"{plant.code}-{next(numbers):03d}"
            value = (Decimal(plant.price) * rng.randint(85, 120) / 100).quantize(CENT)
            items.append(Item(record, value, plant.season, rng.uniform(0.3, 2.0)))
    _add_imperfections([item.record for item in items], index)
    return items


def _add_imperfections(records: list[Document], index: int) -> None:
    """Add what real assortments contain: a deleted item, an item without photos, a variant."""
    records[-1]["isDeleted"] = True
    records[0]["isHiddenInCatalog"] = index % 3 == 0
    records[2]["photos"] = []
    if index % 4 == 1:
        records[1]["parentId"] = records[0]["tradeItemId"]


def _record(plant: Plant, colour: str, rng: random.Random, codes: Codes, now: dt.datetime) -> Document:
    created = now - dt.timedelta(days=rng.randint(30, 900))
    first, last = plant.season
    seasons = [(first, last)] if first <= last else [(first, 53), (1, last)]
    return {
        "tradeItemId": codes.uuid(),
        "gtin": codes.gtin() if rng.random() < 0.8 else None,
        "vbnProductCode": str(plant.vbn),
        "name": f"{plant.name} {colour}",
        "characteristics": characteristics(plant.size, rng),
        "seasonalPeriods": [{"startWeek": start, "endWeek": end} for start, end in seasons],
        "photos": [_photo(index, codes) for index in range(rng.randint(1, 3))],
        "packingConfigurations": _packings(plant, rng),
        "isDeleted": False,
        "botanicalNames": [plant.botanical],
        "countryOfOriginIsoCodes": ["NL"],
        "tradeItemVersion": rng.randint(1, 6),
        "isCustomerSpecific": rng.random() < 0.05,
        "isHiddenInCatalog": False,
        "creationDateTime": created,
        "lastModifiedDateTime": created + (now - created) * rng.random(),
        "hasInvalidFloricodeData": rng.random() < 0.02,
        "parentId": None,
        "additionalPackagingInformationFloricodeVrsPackagingIds": None,
    }


def characteristics(size: tuple[str, str], rng: random.Random) -> list[Document]:
    """The VBN characteristics of an item: size, ripeness, origin and quality."""
    pairs = (size, ("S05", rng.choice(("022", "033", "044"))), ("S62", "NL"), ("S98", "A1"))
    return [{"vbnCode": code, "vbnValueCode": value} for code, value in pairs]


def _photo(index: int, codes: Codes) -> Document:
    return {
        "id": codes.uuid(),
        "url": f"https://image.floriday.io/{codes.uuid()}",
        "seasonalPeriod": {"startWeek": 10, "endWeek": 20} if index == 2 else None,
        "type": ("PIECE", "WEBSHOP_FRIENDLY", "DETAIL")[index],
        "primary": index == 0,
    }


def _packings(plant: Plant, rng: random.Random) -> list[Document]:
    pieces, code, packages, layers = plant.packing
    usual = _packing(pieces, code, packages, layers, is_primary=True)
    if rng.random() < 0.7:
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
    """The usual packing of an item in the form of requests."""
    names = ("loadCarrierType", "package", "piecesPerPackage", "packagesPerLayer", "layersPerLoadCarrier")
    return {name: item.packing[name] for name in names}


def with_load_carrier(item: Item) -> Document:
    """The usual packing of an item in the form of orders and presales lines."""
    packing = measures(item)
    packing["loadCarrier"] = packing.pop("loadCarrierType")
    return packing
