"""With whom a buyer is connected, and what it knows of those growers (the specification).

A new connection brings older records of that grower into view, at the numbers where they stand (docs/floriday.md).
"""

from __future__ import annotations

import datetime as dt

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.market.desk import OF_CONNECTED, SERVICES, TRADE_ITEMS, Desk
from pipelines.sandbox.world.market.growers import Grower
from pipelines.sandbox.world.market.presales import FEED as PRESALES

CONNECTIONS = "organizations.connections"
WAREHOUSES = "organizations.warehouses"
CONDITIONS = "organizations.delivery_condition_sets"
SETTINGS = "organizations.supplier_trade_settings"

FIRST = 6
"""Growers with which a buyer is connected from the beginning."""


class Network:
    """The connections of a buyer.

    Args:
        desk: the buyer.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        growers = desk.chance.sample(desk.growers, len(desk.growers))
        desk.connected.update(grower.id for grower in growers[:FIRST])
        self._former = growers[FIRST : FIRST + 2]
        self._waiting = growers[FIRST + 2 :]

    def publish(self) -> None:
        """Let Floriday serve the connections, and what all growers have to tell; one never set anything."""
        for grower in self._desk.suppliers:
            self._serve(grower)
        for grower in self._former:
            self._serve(grower, is_deleted=True)
        for grower in self._desk.growers:
            self._publish_grower(grower)
        for grower in self._desk.growers[1:]:
            self._desk.publish(SETTINGS, grower.settings)
        self._publish_defaults(self._desk.growers[0])

    def _publish_grower(self, grower: Grower) -> None:
        desk = self._desk
        for item in grower.items:
            desk.publish(TRADE_ITEMS, item.record)
        for service in grower.services:
            desk.publish(SERVICES, service)
        for warehouse in grower.warehouses:
            desk.publish(WAREHOUSES, warehouse)
        desk.publish(CONDITIONS, grower.conditions)

    def _publish_defaults(self, grower: Grower) -> None:
        default = {"isActive": True, "exemptedOrganizationIds": [], "lastModified": None}
        told = {name: default for name in grower.settings if name != "supplierOrganizationId"}
        self._desk.publish_default(SETTINGS, {"supplierOrganizationId": grower.id, **told})

    def _serve(self, grower: Grower, *, is_deleted: bool = False) -> None:
        ago = dt.timedelta(days=self._desk.chance.randint(0, 5) if is_deleted else 0)
        record: Document = {"supplierOrganizationId": grower.id, "lastModified": self._desk.now - ago}
        self._desk.publish(CONNECTIONS, {**record, "isDeleted": is_deleted})

    def connect(self) -> None:
        """Connect with one more grower, if there is one left: its older records come into view where they stand."""
        if not self._waiting:
            return
        grower = self._waiting.pop(0)
        self._desk.connected.add(grower.id)
        self._serve(grower)
        for feed in OF_CONNECTED:
            book = self._desk.book(feed)
            for entry in book.all_entries():
                if entry.hidden and entry.document["supplierOrganizationId"] == grower.id:
                    book.show(*entry.key)
        for entry in self._desk.book(PRESALES).all_entries():
            self._desk.review(PRESALES, *entry.key)

    def change(self) -> None:
        """Let a grower change something of all that it tells."""
        desk = self._desk
        grower = desk.chance.choice([one for one in desk.suppliers if one is not desk.growers[0]])
        name = desk.chance.choice([name for name in grower.settings if name != "supplierOrganizationId"])
        grower.settings[name] = {**grower.settings[name], "isActive": desk.happens(0.5), "lastModified": desk.now}
        desk.publish(SETTINGS, grower.settings)
        service = desk.chance.choice(grower.services)
        service["isAvailable"] = not service["isAvailable"]
        desk.publish(SERVICES, service)
        desk.publish(WAREHOUSES, grower.warehouses[0])
        desk.publish(CONDITIONS, grower.conditions)
        item = desk.chance.choice(grower.sold)
        item.record |= {"tradeItemVersion": item.record["tradeItemVersion"] + 1, "lastModifiedDateTime": desk.now}
        desk.publish(TRADE_ITEMS, item.record)
