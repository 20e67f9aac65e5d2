"""The connections of a buyer, and the records of the connected growers (the specification).

A new connection makes older records of that grower visible at unchanged sequence numbers (docs/floriday.md).
"""

from __future__ import annotations

import datetime as dt

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.market.buyer_context import OF_CONNECTED, SERVICES, TRADE_ITEMS, BuyerContext
from pipelines.sandbox.world.market.growers import Grower
from pipelines.sandbox.world.market.presales import FEED as PRESALES

CONNECTIONS = "organizations.connections"
WAREHOUSES = "organizations.warehouses"
CONDITIONS = "organizations.delivery_condition_sets"
SETTINGS = "organizations.supplier_trade_settings"

FIRST = 6
"""Number of growers with which a buyer is connected at the start."""


class Network:
    """The connections of a buyer.

    Args:
        buyer: context of the buyer.
    """

    def __init__(self, buyer: BuyerContext) -> None:
        self._buyer = buyer
        growers = buyer.rng.sample(buyer.growers, len(buyer.growers))
        buyer.connected.update(grower.id for grower in growers[:FIRST])
        self._former = growers[FIRST : FIRST + 2]
        self._waiting = growers[FIRST + 2 :]

    def publish(self) -> None:
        """Publish the connections and the records of all growers; one grower has default settings."""
        for grower in self._buyer.suppliers:
            self._publish_connection(grower)
        for grower in self._former:
            self._publish_connection(grower, is_deleted=True)
        for grower in self._buyer.growers:
            self._publish_grower(grower)
        for grower in self._buyer.growers[1:]:
            self._buyer.publish(SETTINGS, grower.settings)
        self._publish_defaults(self._buyer.growers[0])

    def _publish_grower(self, grower: Grower) -> None:
        buyer = self._buyer
        for item in grower.items:
            buyer.publish(TRADE_ITEMS, item.record)
        for service in grower.services:
            buyer.publish(SERVICES, service)
        for warehouse in grower.warehouses:
            buyer.publish(WAREHOUSES, warehouse)
        buyer.publish(CONDITIONS, grower.conditions)

    def _publish_defaults(self, grower: Grower) -> None:
        default = {"isActive": True, "exemptedOrganizationIds": [], "lastModified": None}
        settings = {name: default for name in grower.settings if name != "supplierOrganizationId"}
        self._buyer.publish_default(SETTINGS, {"supplierOrganizationId": grower.id, **settings})

    def _publish_connection(self, grower: Grower, *, is_deleted: bool = False) -> None:
        ago = dt.timedelta(days=self._buyer.rng.randint(0, 5) if is_deleted else 0)
        record: Document = {"supplierOrganizationId": grower.id, "lastModified": self._buyer.now - ago}
        self._buyer.publish(CONNECTIONS, {**record, "isDeleted": is_deleted})

    def connect(self) -> None:
        """Connect with one more grower, if there is one; its older records become visible at unchanged numbers."""
        if not self._waiting:
            return
        grower = self._waiting.pop(0)
        self._buyer.connected.add(grower.id)
        self._publish_connection(grower)
        for feed in OF_CONNECTED:
            book = self._buyer.book(feed)
            for entry in book.all_entries():
                if entry.hidden and entry.document["supplierOrganizationId"] == grower.id:
                    book.show(*entry.key)
        for entry in self._buyer.book(PRESALES).all_entries():
            self._buyer.review(PRESALES, *entry.key)

    def change(self) -> None:
        """Change some records of a connected grower."""
        buyer = self._buyer
        grower = buyer.rng.choice([supplier for supplier in buyer.suppliers if supplier is not buyer.growers[0]])
        name = buyer.rng.choice([name for name in grower.settings if name != "supplierOrganizationId"])
        grower.settings[name] = {**grower.settings[name], "isActive": buyer.happens(0.5), "lastModified": buyer.now}
        buyer.publish(SETTINGS, grower.settings)
        service = buyer.rng.choice(grower.services)
        service["isAvailable"] = not service["isAvailable"]
        buyer.publish(SERVICES, service)
        buyer.publish(WAREHOUSES, grower.warehouses[0])
        buyer.publish(CONDITIONS, grower.conditions)
        item = buyer.rng.choice(grower.sold)
        item.record |= {"tradeItemVersion": item.record["tradeItemVersion"] + 1, "lastModifiedDateTime": buyer.now}
        buyer.publish(TRADE_ITEMS, item.record)
