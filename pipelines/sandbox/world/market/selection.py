"""What a buyer selected of the growers' assortments, and how it groups that."""

from __future__ import annotations

import datetime as dt

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.assortment import Item
from pipelines.sandbox.world.market.desk import TRADE_ITEMS, Desk
from pipelines.sandbox.world.market.goods import measures

SELECTED = "catalog.selected_trade_items"
GROUPS = "catalog.trade_item_group_selections"
MEMBERS = "catalog.trade_item_group_selection_trade_items"
PACKAGES = "catalog.custom_packages"

_NAMES = ("Voorjaarsactie", "Basisassortiment", "Moederdag", "Webwinkel", "Oud assortiment")


class Selection:
    """The selected assortment of a buyer.

    Args:
        desk: the buyer, which is connected already.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        items = [item for grower in desk.suppliers for item in grower.items]
        self._items = [item for item in items if desk.happens(0.5)]
        desk.selected.update(item.id for item in self._items)
        self._groups = [self._group(name) for name in _NAMES]
        self._packages = [self._package(place) for place in range(4)]

    def publish(self) -> None:
        """Let Floriday serve the selected items, the groups, and the buyer's own packages."""
        for item in self._items:
            self._serve(item)
        for group in self._groups:
            self._desk.publish(GROUPS, group)
            for item in self._desk.chance.sample(self._items, min(8, len(self._items))):
                self._put_into(group, item)
        for package in self._packages:
            self._desk.publish(PACKAGES, package)

    def change(self) -> None:
        """Select an item, let another one go, and put one into a group."""
        desk, chance = self._desk, self._desk.chance
        rest = [item for grower in desk.suppliers for item in grower.sold if item.id not in desk.selected]
        if rest:
            self._select(chance.choice(rest))
        self._deselect(self._items.pop(0))
        group = chance.choice(self._groups[:-1])
        group |= {"description": f"keuze {desk.codes.number(3)}", "lastModified": desk.now}
        desk.publish(GROUPS, group)
        self._put_into(group, chance.choice(self._items), is_deleted=desk.happens(0.2))
        package = chance.choice(self._packages)
        package["weightInGram"] = chance.randint(200, 900)
        desk.publish(PACKAGES, package)

    def _select(self, item: Item) -> None:
        self._items.append(item)
        self._desk.selected.add(item.id)
        self._desk.review(TRADE_ITEMS, item.id)
        self._serve(item)

    def _deselect(self, item: Item) -> None:
        self._desk.selected.remove(item.id)
        self._desk.review(TRADE_ITEMS, item.id)
        self._serve(item, is_deleted=True)

    def _serve(self, item: Item, *, is_deleted: bool = False) -> None:
        packing = measures(item)
        packing["vbnPackageCode"] = packing.pop("package")["vbnPackageCode"]
        packing |= {"isPrimary": True, "isDeleted": is_deleted, "isUnavailableInCatalog": False}
        record = {
            "supplierOrganizationId": item.record["supplierOrganizationId"],
            "tradeItemId": item.id,
            "isSelectedBySupplier": self._desk.happens(0.2),
            "customTradeItemName": f"{item.record['name']} eigen merk" if self._desk.happens(0.1) else None,
            "selectedPhotoUrl": item.record["photos"][0]["url"] if item.record["photos"] else None,
            "packingConfigurations": [packing],
            "lastModified": self._desk.now,
            "isDeleted": is_deleted,
            "isDeletedFromCatalog": item.record["isDeleted"],
            "photoIsUnavailableInCatalog": not item.record["photos"],
        }
        self._desk.publish(SELECTED, record)

    def _group(self, name: str) -> Document:
        added = self._desk.now - dt.timedelta(days=self._desk.chance.randint(5, 300))
        return {
            "tradeItemGroupSelectionId": self._desk.codes.uuid(),
            "name": name,
            "description": f"{name} van de winkels",
            "imageUrl": f"https://image.floriday.io/{self._desk.codes.uuid()}",
            "added": added,
            "lastModified": added,
            "isDeleted": name == _NAMES[-1],
        }

    def _put_into(self, group: Document, item: Item, *, is_deleted: bool = False) -> None:
        record = {
            "tradeItemGroupSelectionId": group["tradeItemGroupSelectionId"],
            "tradeItemId": item.id,
            "added": group["added"],
            "lastModified": self._desk.now,
            "isDeleted": is_deleted or group["isDeleted"],
        }
        self._desk.publish(MEMBERS, record)

    def _package(self, place: int) -> Document:
        return {
            "customPackageId": self._desk.codes.uuid(),
            "vbnPackageCode": (577, 566, 644, 595)[place],
            "name": f"Eigen doos {place + 1}",
            "photoUrl": None,
            "heightInMm": 200 + 50 * place,
            "widthInMm": 400,
            "lengthInMm": 600,
            "isDeleted": place == 2,
            "weightInGram": 450 if place else None,
            "materialType": self._desk.register.materials[place % 2] if place else None,
            "floricodeVrsPackagingId": None,
            "defaultPiecesPerPackage": 10 if place else None,
        }
