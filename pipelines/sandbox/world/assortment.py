"""The trade items of a nursery."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import dataclass
from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.calendar import week_of
from pipelines.sandbox.world.grower_context import CENT, GrowerContext, package

FEED = "catalog.trade_items"
ALL_YEAR = (1, 53)


@dataclass(frozen=True)
class Plant:
    """A kind of plant with its colours.

    Args:
        code: prefix of the grower's article codes.
        name: Dutch name with the size.
        botanical: botanical name of the species.
        vbn: VBN code of the product.
        size: VBN codes of the size: characteristic and value.
        colours: colours in which it is sold.
        price: usual price of a piece, in euros.
        packing: pieces in a package, the package's code, packages on a layer, layers on a load carrier.
        season: first and last week of the season.
    """

    code: str
    name: str
    botanical: str
    vbn: int
    size: tuple[str, str]
    colours: tuple[str, ...]
    price: str
    packing: tuple[int, int, int, int]
    season: tuple[int, int] = ALL_YEAR


PLANTS = (
    Plant("PHA12", "Phalaenopsis 12 cm 2 tak", "Phalaenopsis", 105127, ("S01", "012"),
          ("wit", "roze", "paars", "geel", "gemengd"), "4.15", (10, 577, 8, 5)),
    Plant("PHA09", "Phalaenopsis 9 cm 1 tak", "Phalaenopsis", 105127, ("S01", "009"),
          ("wit", "roze", "gemengd"), "3.05", (15, 566, 9, 6)),
    Plant("ROG60", "Roos grootbloemig 60 cm", "Rosa", 100823, ("S20", "060"),
          ("rood", "wit", "roze", "oranje", "geel"), "0.48", (80, 996, 6, 4)),
    Plant("ROT50", "Roos tros 50 cm", "Rosa", 100961, ("S20", "050"),
          ("rood", "roze", "wit"), "0.36", (60, 996, 6, 4)),
    Plant("GER45", "Gerbera 45 cm", "Gerbera jamesonii", 101203, ("S20", "045"),
          ("rood", "geel", "oranje", "gemengd"), "0.22", (100, 595, 8, 5)),
    Plant("ANT14", "Anthurium 14 cm", "Anthurium andraeanum", 103354, ("S01", "014"),
          ("rood", "wit", "roze"), "4.60", (6, 644, 7, 4)),
    Plant("KAL10", "Kalanchoë 10,5 cm", "Kalanchoe blossfeldiana", 103873, ("S01", "011"),
          ("rood", "geel", "oranje", "roze"), "0.95", (16, 595, 9, 7)),
    Plant("SPA13", "Spathiphyllum 13 cm", "Spathiphyllum", 104622, ("S01", "013"), ("wit",), "2.70", (8, 644, 8, 4)),
    Plant("POI13", "Poinsettia 13 cm", "Euphorbia pulcherrima", 102987, ("S01", "013"),
          ("rood", "wit", "roze"), "1.85", (10, 577, 8, 5), (42, 51)),
    Plant("HYD14", "Hydrangea 14 cm", "Hydrangea macrophylla", 103640, ("S01", "014"),
          ("blauw", "roze", "wit"), "4.95", (6, 644, 6, 4), (5, 26)),
    Plant("TUL35", "Tulp 35 cm", "Tulipa", 101877, ("S20", "035"),
          ("rood", "geel", "paars", "wit"), "0.19", (200, 999, 5, 5), (47, 17)),
    Plant("CYC12", "Cyclaam 12 cm", "Cyclamen persicum", 102655, ("S01", "012"),
          ("rood", "wit", "paars"), "1.40", (12, 577, 8, 6), (34, 52)),
    Plant("CHR70", "Chrysant tros 70 cm", "Chrysanthemum", 101455, ("S20", "070"),
          ("wit", "geel", "roze"), "0.31", (80, 996, 6, 4)),
    Plant("FIC17", "Ficus lyrata 17 cm", "Ficus lyrata", 104019, ("S01", "017"), ("groen",), "7.80", (4, 742, 5, 3)),
    Plant("MON21", "Monstera 21 cm", "Monstera deliciosa", 104480, ("S01", "021"), ("groen",), "11.50", (3, 742, 4, 3)),
)  # fmt: skip


@dataclass
class Item:
    """A trade item, with the data that its trade needs.

    Args:
        record: record of the trade item.
        price: usual price of a piece, in euros.
        season: first and last week of the season; the last one may be in the next year.
        popularity: relative number of orders for it.
        is_clock_only: whether it is for the clock only, and hidden in the catalogue (specification).
    """

    record: Document
    price: Decimal
    season: tuple[int, int]
    popularity: float
    is_clock_only: bool = False

    @property
    def id(self) -> str:
        """The trade item's id."""
        return str(self.record["tradeItemId"])

    @property
    def packing(self) -> Document:
        """The usual packing."""
        packing: Document = self.record["packingConfigurations"][0]
        return packing

    @property
    def pieces_per_package(self) -> int:
        """Number of pieces in a package."""
        return int(self.packing["piecesPerPackage"])

    def is_in_season(self, day: dt.date) -> bool:
        """Whether it is grown on a day."""
        first, last = self.season
        week = week_of(day)
        return first <= week <= last if first <= last else week >= first or week <= last


class Assortment:
    """The trade items of a nursery.

    Args:
        grower: context of the nursery.
        kinds: number of plants of ``PLANTS`` that it grows.
    """

    def __init__(self, grower: GrowerContext, kinds: int) -> None:
        self._grower = grower
        self._numbers = itertools.count(1)
        plants = PLANTS[:kinds]
        self.items = [self._item(plant, colour) for plant in plants for colour in plant.colours]
        self.items += [self._clock_item(plant) for plant in plants[:3]]
        self._by_day: dict[dt.date, list[Item]] = {}
        self._add_imperfections(self.items)

    def publish(self) -> None:
        """Publish the catalogue."""
        for item in self.items:
            self._grower.publish(FEED, item.record)

    @property
    def catalogue(self) -> list[Item]:
        """The items that direct buyers can see."""
        return [item for item in self.items if not item.is_clock_only]

    def in_season(self, day: dt.date) -> list[Item]:
        """The items that are grown on a day."""
        if day not in self._by_day:
            grown = [item for item in self.items if item.is_in_season(day) and not item.record["isDeleted"]]
            self._by_day = {day: grown}
        return self._by_day[day]

    def edit(self) -> None:
        """Publish a new version of one item, half of the time with new photos."""
        record = self._grower.rng.choice(self.catalogue).record
        record["tradeItemVersion"] += 1
        record["lastModifiedDateTime"] = self._grower.now
        if record["photos"] and self._grower.happens(0.5):
            record["photos"] = [_photo(self._grower, index) for index in range(len(record["photos"]))]
        self._grower.publish(FEED, record)

    def renumber(self) -> None:
        """Give some items new sequence numbers without a change of their content."""
        for item in self._grower.rng.sample(self.catalogue, 5):
            self._grower.renumber(FEED, item.id)

    def _item(self, plant: Plant, colour: str) -> Item:
        spread = Decimal(self._grower.rng.randint(85, 120)) / 100
        return Item(
            record=self._record(plant, colour),
            price=(Decimal(plant.price) * spread).quantize(CENT),
            season=plant.season,
            popularity=self._grower.rng.uniform(0.3, 2.0),
        )

    def _clock_item(self, plant: Plant) -> Item:
        item = self._item(plant, "klok")
        item.is_clock_only = True
        item.record["isHiddenInCatalog"] = True
        item.popularity = 0.4
        return item

    def _record(self, plant: Plant, colour: str) -> Document:
        grower = self._grower
        created = grower.now - dt.timedelta(days=grower.rng.randint(30, 900))
        return {
            "tradeItemId": grower.codes.uuid(),
            "sellerOrganizationId": grower.organization_id,
            "supplierArticleCode": f"{plant.code}-{next(self._numbers):03d}",
            "articleGtin": grower.codes.gtin() if grower.happens(0.8) else None,
            "vbnProductCode": plant.vbn,
            "tradeItemName": {"nl": f"{plant.name} {colour}"},
            "characteristics": _characteristics(grower, plant),
            "customerOrganizationIds": [grower.register.customers[3].id] if grower.happens(0.06) else [],
            "seasonalPeriods": _seasonal_periods(plant.season),
            "photos": [_photo(grower, index) for index in range(grower.rng.randint(1, 3))],
            "packingConfigurations": _packings(grower, plant),
            "botanicalNames": [plant.botanical],
            "countryOfOriginIsoCodes": ["NL"],
            "isHiddenInCatalog": grower.happens(0.05),
            "isParentForVariant": False,
            "parentId": None,
            "tradeItemComponents": None,
            "tradeItemReference": None,
            "tradeItemVersion": grower.rng.randint(1, 6),
            "creationDateTime": created,
            "lastModifiedDateTime": created + (grower.now - created) * grower.rng.random(),
            "isDeleted": False,
            "hasInvalidFloricodeData": False,
            "additionalPackagingInformationFloricodeVrsPackagingIds": None,
        }

    def _add_imperfections(self, items: list[Item]) -> None:
        """Add what real catalogues contain: missing values, a deleted item, a parent with a variant."""
        catalogue = [item.record for item in items if not item.is_clock_only]
        catalogue[1]["characteristics"].pop()
        catalogue[2]["photos"] = []
        catalogue[4]["hasInvalidFloricodeData"] = True
        catalogue[5]["isDeleted"] = True
        catalogue[6]["botanicalNames"] = None
        catalogue[7]["isParentForVariant"] = True
        catalogue[9]["isHiddenInCatalog"] = True
        catalogue[8]["parentId"] = catalogue[7]["tradeItemId"]


def _characteristics(grower: GrowerContext, plant: Plant) -> list[Document]:
    pairs = [plant.size, ("S05", grower.rng.choice(("022", "033", "044"))), ("S62", "NL"), ("S98", "A1")]
    return [{"vbnCode": code, "vbnValueCode": value} for code, value in pairs]


def _seasonal_periods(season: tuple[int, int]) -> list[Document]:
    first, last = season
    parts = [(first, last)] if first <= last else [(first, 53), (1, last)]
    return [{"startWeek": start, "endWeek": end} for start, end in parts]


def _photo(grower: GrowerContext, index: int) -> Document:
    return {
        "primary": index == 0,
        "url": f"https://image.floriday.io/{grower.codes.uuid()}",
        "seasonalPeriod": {"startWeek": 10, "endWeek": 20} if index == 2 else None,
        "type": ("PIECE", "TRAY", "DETAIL")[index],
        "sortIndex": index,
    }


def _packings(grower: GrowerContext, plant: Plant) -> list[Document]:
    """The usual packing, and for some items a second packing for two customers."""
    pieces, code, packages, layers = plant.packing
    usual = _packing(pieces, code, packages, layers, is_primary=True)
    if not grower.happens(0.3):
        return [usual]
    special = _packing(pieces * 2, code, max(1, packages // 2), layers, is_primary=False)
    special["allowedCustomerOrganizationIds"] = [customer.id for customer in grower.register.customers[:2]]
    return [usual, special]


def _packing(pieces: int, code: int, packages: int, layers: int, *, is_primary: bool) -> Document:
    return {
        "primary": is_primary,
        "piecesPerPackage": pieces,
        "package": package(code),
        "packagesPerLayer": packages,
        "layersPerLoadCarrier": layers,
        "loadCarrier": "AUCTION_TROLLEY" if code in (995, 996, 999) else "DANISH_TROLLEY",
        "photoUrl": None,
        "allowedCustomerOrganizationIds": None,
        "floricodeVrsPackagingId": None,
        "isHiddenForDirectSales": False,
    }
