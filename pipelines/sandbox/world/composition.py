"""What trade items are made of and shown in: base items and collections (the specification)."""

from __future__ import annotations

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world import packing
from pipelines.sandbox.world.assortment import Assortment, Item
from pipelines.sandbox.world.site import Site

BASE_ITEMS = "catalog.base_items"
COLLECTIONS = "catalog.collections"

_BASE_ITEMS = ("Sierpot wit 12 cm", "Sierpot zwart 12 cm", "Rieten mand", "Eucalyptus", "Gipskruid", "Kaartje")
_COLLECTIONS = (("Voorjaar", "Fris en kleurig"), ("Moederdag", "Roze en rood"), ("Kerst", "Wit, rood en goud"))


class Composition:
    """The base items and collections of a nursery.

    Args:
        site: the nursery.
        assortment: what it grows; some of it is composed of base items.
    """

    def __init__(self, site: Site, assortment: Assortment) -> None:
        self._site = site
        self._items = assortment.catalogue
        self._base_items = [self._base_item(place, name) for place, name in enumerate(_BASE_ITEMS)]
        self._collections = [self._collection(place, *words) for place, words in enumerate(_COLLECTIONS)]
        for item in self._items[:2]:
            parts = [{"baseItemId": one["baseItemId"], "numberOfItems": 1} for one in self._base_items[:2]]
            item.record["tradeItemComponents"] = parts

    def publish(self) -> None:
        """Let Floriday serve all of them."""
        for base_item in self._base_items:
            self._site.publish(BASE_ITEMS, base_item)
        for collection in self._collections:
            self._site.publish(COLLECTIONS, collection)

    def change(self) -> None:
        """Give a base item another picture, and a collection another item."""
        site = self._site
        base_item = site.chance.choice(self._base_items)
        base_item["imageUrl"] = f"https://image.floriday.io/{site.codes.uuid()}"
        site.publish(BASE_ITEMS, base_item)
        collection = site.chance.choice(self._collections)
        for member in collection["tradeItems"][:-8]:
            member |= {"isDeleted": True, "lastModified": site.now}
        kept = [member for member in collection["tradeItems"] if not member["isDeleted"]]
        collection["tradeItems"] = [*kept, self._member(site.chance.choice(self._items))]
        collection["lastModified"] = site.now
        site.publish(COLLECTIONS, collection)

    def _base_item(self, place: int, name: str) -> Document:
        return {
            "baseItemId": self._site.codes.uuid(),
            "baseItemName": name,
            "baseItemType": "POT" if "pot" in name.lower() else "BASE_ITEM",
            "seasonalPeriods": [{"startWeek": 10, "endWeek": 30}] if place == 3 else None,
            "imageUrl": None,
            "isDeleted": place == 5,
        }

    def _collection(self, place: int, name: str, description: str) -> Document:
        site = self._site
        chosen = site.chance.sample(self._items, 6)
        return {
            "collectionId": site.codes.uuid(),
            "name": name,
            "description": description,
            "photos": [self._photo(at) for at in range(place)],
            "tradeItems": [self._member(item) for item in chosen],
            "sortIndex": place,
            "isVisible": place != 2,
            "isHighlighted": place == 1,
            "t17ThemeValueCodes": ["020", "041"][:place],
            "usesTradeItemSpecificPackingConfiguration": place == 1,
            "lastModified": site.now,
            "isDeleted": False,
        }

    def _photo(self, place: int) -> Document:
        return {
            "imageId": self._site.codes.uuid(),
            "sortIndex": place,
            "lastModified": self._site.now if place else None,
            "isDeleted": False,
        }

    def _member(self, item: Item) -> Document:
        site = self._site
        own = {**packing.briefly(item), "allowedCustomerOrganizationIds": []} if site.happens(0.3) else None
        return {
            "tradeItemId": item.id,
            "supplierOrganizationId": site.organization_id,
            "isHighlighted": site.happens(0.2),
            "packingConfiguration": own,
            "lastModified": site.now,
            "isDeleted": False,
        }
