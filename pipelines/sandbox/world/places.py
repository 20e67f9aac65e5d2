"""Where goods leave from and arrive: warehouses and delivery locations (the specification)."""

from __future__ import annotations

import datetime as dt

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.parties import Customer, address
from pipelines.sandbox.world.site import Site

WAREHOUSES = "organizations.warehouses"
LOCATIONS = "organizations.delivery_locations"


class Places:
    """The places that a nursery knows.

    Args:
        site: the nursery.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._warehouses = self._make_warehouses()
        customers = site.register.customers
        self._locations = [self._location(one, place) for one in customers for place in range(self._number_for(one))]
        self._locations[-1] |= {"isDeleted": True}

    def publish(self) -> None:
        """Let Floriday serve all of them."""
        for warehouse in self._warehouses:
            self._site.publish(WAREHOUSES, warehouse)
        for location in self._locations:
            self._site.publish(LOCATIONS, location)

    def change(self) -> None:
        """Touch a warehouse, and let a buyer's place move to another address."""
        self._touch(WAREHOUSES, self._site.chance.choice(self._warehouses))
        location = self._site.chance.choice(self._locations)
        if not location["isDefault"]:
            location["address"] = address(self._site.chance)
        self._touch(LOCATIONS, location)

    def _touch(self, feed: str, record: Document) -> None:
        record["lastModifiedDateTime"] = self._site.now
        self._site.publish(feed, record)

    def _make_warehouses(self) -> list[Document]:
        site = self._site
        own, auction, carrier = (
            site.organization_id,
            str(site.register.auctions[0]["organizationId"]),
            str(site.register.carriers[0]["organizationId"]),
        )
        return [
            self._warehouse(site.warehouse_id, own, "Kwekerij", isDefault=True),
            self._warehouse(site.second_warehouse_id, own, "Locatie 2"),
            self._warehouse(site.auction_warehouse_id, auction, "Veiling", services=["AUCTION"], isExternal=True),
            self._warehouse(site.codes.uuid(), carrier, "Hub", services=["EXTERNAL_STOCK"], isExternal=True),
            self._warehouse(site.codes.uuid(), carrier, "Overslag", hasAccess=False, isExternal=True),
            self._warehouse(site.codes.uuid(), own, "Oude schuur", isDeleted=True),
        ]

    def _warehouse(self, warehouse_id: str, owner: str, name: str, **members: object) -> Document:
        site = self._site
        created = site.now - dt.timedelta(days=site.chance.randint(100, 1500))
        return {
            "warehouseId": warehouse_id,
            "organizationId": owner,
            "name": name,
            "services": None,
            "location": {"gln": site.codes.gln(), "address": address(site.chance, "NL")},
            "creationDateTime": created,
            "lastModifiedDateTime": created,
            "isDeleted": False,
            "isDefault": False,
            "hasAccess": True,
            "isExternal": False,
            **members,
        }

    def _number_for(self, customer: Customer) -> int:
        return 2 if customer.weight > 0.05 else 1

    def _location(self, customer: Customer, place: int) -> Document:
        """A buyer's place: the first one is where its orders go."""
        site = self._site
        created = site.now - dt.timedelta(days=site.chance.randint(100, 1500))
        return {
            "locationId": site.codes.uuid(),
            "organizationId": customer.id,
            "gln": site.codes.gln() if place else customer.location["gln"],
            "address": address(site.chance) if place else customer.location["address"],
            "isDeleted": False,
            "isDefault": place == 0,
            "lastModifiedDateTime": created,
            "creationDateTime": created,
            "name": site.chance.choice(("Dock noord", "Cash & carry", "Distributiecentrum", None)),
        }
