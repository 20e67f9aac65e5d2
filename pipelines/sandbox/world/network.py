"""The connections of a nursery with buyers, and the trade settings of these buyers (the specification)."""

from __future__ import annotations

import datetime as dt

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.grower_context import GrowerContext

CONNECTIONS = "organizations.connections"
SETTINGS = "organizations.customer_trade_settings"

_SETTINGS = (
    "acceptsDirectOrders",
    "automaticallyAcceptsCorrectionRequestsOnDirectOrders",
    "automaticallyAcceptsCorrectionRequestsOnSupplyOrders",
    "allowSuppliersToManageSelectedTradeItemAssortment",
    "acceptsSupplyOfTypePurchaseTip",
    "usesContracts",
    "acceptsTransportCost",
    "tradesExclusivelyWithFsiCompliantSuppliers",
)
_UNUSED = ("acceptsSupplyOfTypePurchaseTip", "tradesExclusivelyWithFsiCompliantSuppliers")


class Network:
    """The connections of a nursery.

    Args:
        grower: context of the nursery.
    """

    def __init__(self, grower: GrowerContext) -> None:
        self._grower = grower
        unrelated = [
            str(organization["organizationId"]) for organization in grower.register.unrelated if organization["name"]
        ]
        self._waiting = unrelated[:200]
        self._connected = [customer.id for customer in grower.register.customers]
        self._settings = {id: self._setting(id) for id in self._connected[1:]}

    def publish(self) -> None:
        """Publish the connections and the settings; one buyer has default settings."""
        for id in self._connected:
            self._connect(id)
        for settings in self._settings.values():
            self._grower.publish(SETTINGS, settings)
        defaults = {name: _default() for name in _SETTINGS}
        self._grower.publish_default(SETTINGS, {"customerOrganizationId": self._connected[0], **defaults})

    def change(self) -> None:
        """Add a connection, sometimes delete it again, and change a setting."""
        grower = self._grower
        newcomer = self._waiting.pop(0) if self._waiting else self._connected[-1]
        self._connect(newcomer)
        if grower.happens(0.3):
            self._connect(newcomer, is_deleted=True)
        settings = grower.rng.choice(list(self._settings.values()))
        setting = settings[grower.rng.choice(_SETTINGS)]
        setting |= {"isActive": not setting["isActive"], "lastModified": grower.now}
        grower.publish(SETTINGS, settings)

    def _connect(self, id: str, *, is_deleted: bool = False) -> None:
        record = {"customerOrganizationId": id, "lastModifiedDateTime": self._grower.now, "isDeleted": is_deleted}
        self._grower.publish(CONNECTIONS, record)

    def _setting(self, id: str) -> Document:
        return {"customerOrganizationId": id, **{name: self._stored(name) for name in _SETTINGS}}

    def _stored(self, name: str) -> Document:
        grower = self._grower
        if grower.happens(0.3):
            return _default()
        return {
            "isActive": grower.happens(0.2 if name in _UNUSED else 0.8),
            "exemptedOrganizationIds": [grower.organization_id] if grower.happens(0.1) else [],
            "lastModified": grower.now - dt.timedelta(days=grower.rng.randint(1, 400)),
        }


def _default() -> Document:
    return {"isActive": True, "exemptedOrganizationIds": [], "lastModified": None}
