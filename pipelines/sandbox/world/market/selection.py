"""The selected assortment of a buyer, its groups of trade items, and its custom packages."""

from __future__ import annotations

import datetime as dt

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.assortment import Item
from pipelines.sandbox.world.market.buyer_context import TRADE_ITEMS, BuyerContext
from pipelines.sandbox.world.market.goods import measures

SELECTED = "catalog.selected_trade_items"
GROUPS = "catalog.trade_item_group_selections"
MEMBERS = "catalog.trade_item_group_selection_trade_items"
PACKAGES = "catalog.custom_packages"

_NAMES = ("Voorjaarsactie", "Basisassortiment", "Moederdag", "Webwinkel", "Oud assortiment")


class Selection:
    """The selected assortment of a buyer.

    Args:
        buyer: context of the buyer, already connected with growers.
    """

    def __init__(self, buyer: BuyerContext) -> None:
        self._buyer = buyer
        items = [item for grower in buyer.suppliers for item in grower.items]
        self._items = [item for item in items if buyer.happens(0.5)]
        buyer.selected.update(item.id for item in self._items)
        self._groups = [self._group(name) for name in _NAMES]
        self._packages = [self._package(index) for index in range(4)]

    def publish(self) -> None:
        """Publish the selected items, the groups, and the custom packages."""
        for item in self._items:
            self._publish_selected(item)
        for group in self._groups:
            self._buyer.publish(GROUPS, group)
            for item in self._buyer.rng.sample(self._items, min(8, len(self._items))):
                self._put_into(group, item)
        for package in self._packages:
            self._buyer.publish(PACKAGES, package)

    def change(self) -> None:
        """Select an item, deselect another one, and add an item to a group."""
        buyer, rng = self._buyer, self._buyer.rng
        rest = [item for grower in buyer.suppliers for item in grower.sold if item.id not in buyer.selected]
        if rest:
            self._select(rng.choice(rest))
        self._deselect(self._items.pop(0))
        group = rng.choice(self._groups[:-1])
        group |= {"description": f"keuze {buyer.codes.number(3)}", "lastModified": buyer.now}
        buyer.publish(GROUPS, group)
        self._put_into(group, rng.choice(self._items), is_deleted=buyer.happens(0.2))
        package = rng.choice(self._packages)
        package["weightInGram"] = rng.randint(200, 900)
        buyer.publish(PACKAGES, package)

    def _select(self, item: Item) -> None:
        self._items.append(item)
        self._buyer.selected.add(item.id)
        self._buyer.review(TRADE_ITEMS, item.id)
        self._publish_selected(item)

    def _deselect(self, item: Item) -> None:
        self._buyer.selected.remove(item.id)
        self._buyer.review(TRADE_ITEMS, item.id)
        self._publish_selected(item, is_deleted=True)

    def _publish_selected(self, item: Item, *, is_deleted: bool = False) -> None:
        packing = measures(item)
        packing["vbnPackageCode"] = packing.pop("package")["vbnPackageCode"]
        packing |= {"isPrimary": True, "isDeleted": is_deleted, "isUnavailableInCatalog": False}
        record = {
            "supplierOrganizationId": item.record["supplierOrganizationId"],
            "tradeItemId": item.id,
            "isSelectedBySupplier": self._buyer.happens(0.2),
            "customTradeItemName": f"{item.record['name']} eigen merk" if self._buyer.happens(0.1) else None,
            "selectedPhotoUrl": item.record["photos"][0]["url"] if item.record["photos"] else None,
            "packingConfigurations": [packing],
            "lastModified": self._buyer.now,
            "isDeleted": is_deleted,
            "isDeletedFromCatalog": item.record["isDeleted"],
            "photoIsUnavailableInCatalog": not item.record["photos"],
        }
        self._buyer.publish(SELECTED, record)

    def _group(self, name: str) -> Document:
        added = self._buyer.now - dt.timedelta(days=self._buyer.rng.randint(5, 300))
        return {
            "tradeItemGroupSelectionId": self._buyer.codes.uuid(),
            "name": name,
            "description": f"{name} van de winkels",
            "imageUrl": f"https://image.floriday.io/{self._buyer.codes.uuid()}",
            "added": added,
            "lastModified": added,
            "isDeleted": name == _NAMES[-1],
        }

    def _put_into(self, group: Document, item: Item, *, is_deleted: bool = False) -> None:
        record = {
            "tradeItemGroupSelectionId": group["tradeItemGroupSelectionId"],
            "tradeItemId": item.id,
            "added": group["added"],
            "lastModified": self._buyer.now,
            "isDeleted": is_deleted or group["isDeleted"],
        }
        self._buyer.publish(MEMBERS, record)

    def _package(self, index: int) -> Document:
        return {
            "customPackageId": self._buyer.codes.uuid(),
            "vbnPackageCode": (577, 566, 644, 595)[index],
            "name": f"Eigen doos {index + 1}",
            "photoUrl": None,
            "heightInMm": 200 + 50 * index,
            "widthInMm": 400,
            "lengthInMm": 600,
            "isDeleted": index == 2,
            "weightInGram": 450 if index else None,
            "materialType": self._buyer.register.materials[index % 2] if index else None,
            "floricodeVrsPackagingId": None,
            "defaultPiecesPerPackage": 10 if index else None,
        }
