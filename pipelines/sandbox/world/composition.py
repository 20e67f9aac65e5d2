"""Base items, of which trade items are composed, and collections of trade items (the specification)."""

from __future__ import annotations

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world import packing
from pipelines.sandbox.world.assortment import Assortment, Item
from pipelines.sandbox.world.grower_context import GrowerContext

BASE_ITEMS = "catalog.base_items"
COLLECTIONS = "catalog.collections"

_BASE_ITEMS = ("Sierpot wit 12 cm", "Sierpot zwart 12 cm", "Rieten mand", "Eucalyptus", "Gipskruid", "Kaartje")
_COLLECTIONS = (("Voorjaar", "Fris en kleurig"), ("Moederdag", "Roze en rood"), ("Kerst", "Wit, rood en goud"))


class Composition:
    """The base items and collections of a nursery.

    Args:
        grower: context of the nursery.
        assortment: trade items of the nursery; two of them get base items.
    """

    def __init__(self, grower: GrowerContext, assortment: Assortment) -> None:
        self._grower = grower
        self._items = assortment.catalogue
        self._base_items = [self._base_item(index, name) for index, name in enumerate(_BASE_ITEMS)]
        self._collections = [self._collection(index, *words) for index, words in enumerate(_COLLECTIONS)]
        for item in self._items[:2]:
            parts = [{"baseItemId": base_item["baseItemId"], "numberOfItems": 1} for base_item in self._base_items[:2]]
            item.record["tradeItemComponents"] = parts

    def publish(self) -> None:
        """Publish all records."""
        for base_item in self._base_items:
            self._grower.publish(BASE_ITEMS, base_item)
        for collection in self._collections:
            self._grower.publish(COLLECTIONS, collection)

    def change(self) -> None:
        """Change the picture of a base item, and add an item to a collection."""
        grower = self._grower
        base_item = grower.rng.choice(self._base_items)
        base_item["imageUrl"] = f"https://image.floriday.io/{grower.codes.uuid()}"
        grower.publish(BASE_ITEMS, base_item)
        collection = grower.rng.choice(self._collections)
        for member in collection["tradeItems"][:-8]:
            member |= {"isDeleted": True, "lastModified": grower.now}
        kept = [member for member in collection["tradeItems"] if not member["isDeleted"]]
        collection["tradeItems"] = [*kept, self._member(grower.rng.choice(self._items))]
        collection["lastModified"] = grower.now
        grower.publish(COLLECTIONS, collection)

    def _base_item(self, index: int, name: str) -> Document:
        return {
            "baseItemId": self._grower.codes.uuid(),
            "baseItemName": name,
            "baseItemType": "POT" if "pot" in name.lower() else "BASE_ITEM",
            "seasonalPeriods": [{"startWeek": 10, "endWeek": 30}] if index == 3 else None,
            "imageUrl": None,
            "isDeleted": index == 5,
        }

    def _collection(self, index: int, name: str, description: str) -> Document:
        grower = self._grower
        chosen = grower.rng.sample(self._items, 6)
        return {
            "collectionId": grower.codes.uuid(),
            "name": name,
            "description": description,
            "photos": [self._photo(at) for at in range(index)],
            "tradeItems": [self._member(item) for item in chosen],
            "sortIndex": index,
            "isVisible": index != 2,
            "isHighlighted": index == 1,
            "t17ThemeValueCodes": ["020", "041"][:index],
            "usesTradeItemSpecificPackingConfiguration": index == 1,
            "lastModified": grower.now,
            "isDeleted": False,
        }

    def _photo(self, index: int) -> Document:
        return {
            "imageId": self._grower.codes.uuid(),
            "sortIndex": index,
            "lastModified": self._grower.now if index else None,
            "isDeleted": False,
        }

    def _member(self, item: Item) -> Document:
        grower = self._grower
        own = {**packing.with_package(item), "allowedCustomerOrganizationIds": []} if grower.happens(0.3) else None
        return {
            "tradeItemId": item.id,
            "supplierOrganizationId": grower.organization_id,
            "isHighlighted": grower.happens(0.2),
            "packingConfiguration": own,
            "lastModified": grower.now,
            "isDeleted": False,
        }
