"""Who is connected with a nursery, and how they want to trade (the specification)."""

from __future__ import annotations

import datetime as dt

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.site import Site

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
        site: the nursery.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        strangers = [str(one["organizationId"]) for one in site.register.strangers if one["name"]]
        self._waiting = strangers[:200]
        self._connected = [customer.id for customer in site.register.customers]
        self._settings = {id: self._setting(id) for id in self._connected[1:]}

    def publish(self) -> None:
        """Let Floriday serve who is connected; one buyer never set anything."""
        for id in self._connected:
            self._connect(id)
        for settings in self._settings.values():
            self._site.publish(SETTINGS, settings)
        defaults = {name: _default() for name in _SETTINGS}
        self._site.publish_default(SETTINGS, {"customerOrganizationId": self._connected[0], **defaults})

    def change(self) -> None:
        """A new connection, now and then one that ends, and a setting that is turned."""
        site = self._site
        newcomer = self._waiting.pop(0) if self._waiting else self._connected[-1]
        self._connect(newcomer)
        if site.happens(0.3):
            self._connect(newcomer, is_deleted=True)
        settings = site.chance.choice(list(self._settings.values()))
        setting = settings[site.chance.choice(_SETTINGS)]
        setting |= {"isActive": not setting["isActive"], "lastModified": site.now}
        site.publish(SETTINGS, settings)

    def _connect(self, id: str, *, is_deleted: bool = False) -> None:
        record = {"customerOrganizationId": id, "lastModifiedDateTime": self._site.now, "isDeleted": is_deleted}
        self._site.publish(CONNECTIONS, record)

    def _setting(self, id: str) -> Document:
        return {"customerOrganizationId": id, **{name: self._stored(name) for name in _SETTINGS}}

    def _stored(self, name: str) -> Document:
        site = self._site
        if site.happens(0.3):
            return _default()
        return {
            "isActive": site.happens(0.2 if name in _UNUSED else 0.8),
            "exemptedOrganizationIds": [site.organization_id] if site.happens(0.1) else [],
            "lastModified": site.now - dt.timedelta(days=site.chance.randint(1, 400)),
        }


def _default() -> Document:
    return {"isActive": True, "exemptedOrganizationIds": [], "lastModified": None}
