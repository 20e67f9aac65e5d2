"""Warehouses, and the delivery locations of the buyers (the specification)."""

from __future__ import annotations

import datetime as dt

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.grower_context import GrowerContext
from pipelines.sandbox.world.parties import Customer, address

WAREHOUSES = "organizations.warehouses"
LOCATIONS = "organizations.delivery_locations"


class Places:
    """The warehouses and delivery locations that a nursery sees.

    Args:
        grower: context of the nursery.
    """

    def __init__(self, grower: GrowerContext) -> None:
        self._grower = grower
        self._warehouses = self._make_warehouses()
        customers = grower.register.customers
        self._locations = [
            self._location(customer, index) for customer in customers for index in range(self._number_for(customer))
        ]
        self._locations[-1] |= {"isDeleted": True}

    def publish(self) -> None:
        """Publish all records."""
        for warehouse in self._warehouses:
            self._grower.publish(WAREHOUSES, warehouse)
        for location in self._locations:
            self._grower.publish(LOCATIONS, location)

    def change(self) -> None:
        """Publish a warehouse again, and change the address of a delivery location."""
        self._touch(WAREHOUSES, self._grower.rng.choice(self._warehouses))
        location = self._grower.rng.choice(self._locations)
        if not location["isDefault"]:
            location["address"] = address(self._grower.rng)
        self._touch(LOCATIONS, location)

    def _touch(self, feed: str, record: Document) -> None:
        record["lastModifiedDateTime"] = self._grower.now
        self._grower.publish(feed, record)

    def _make_warehouses(self) -> list[Document]:
        grower = self._grower
        own, auction, carrier = (
            grower.organization_id,
            str(grower.register.auctions[0]["organizationId"]),
            str(grower.register.carriers[0]["organizationId"]),
        )
        return [
            self._warehouse(grower.warehouse_id, own, "Kwekerij", isDefault=True),
            self._warehouse(grower.second_warehouse_id, own, "Locatie 2"),
            self._warehouse(grower.auction_warehouse_id, auction, "Veiling", services=["AUCTION"], isExternal=True),
            self._warehouse(grower.codes.uuid(), carrier, "Hub", services=["EXTERNAL_STOCK"], isExternal=True),
            self._warehouse(grower.codes.uuid(), carrier, "Overslag", hasAccess=False, isExternal=True),
            self._warehouse(grower.codes.uuid(), own, "Oude schuur", isDeleted=True),
        ]

    def _warehouse(self, warehouse_id: str, owner: str, name: str, **members: object) -> Document:
        grower = self._grower
        created = grower.now - dt.timedelta(days=grower.rng.randint(100, 1500))
        return {
            "warehouseId": warehouse_id,
            "organizationId": owner,
            "name": name,
            "services": None,
            "location": {"gln": grower.codes.gln(), "address": address(grower.rng, "NL")},
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

    def _location(self, customer: Customer, index: int) -> Document:
        """A delivery location of a buyer; the first one is that of its orders."""
        grower = self._grower
        created = grower.now - dt.timedelta(days=grower.rng.randint(100, 1500))
        return {
            "locationId": grower.codes.uuid(),
            "organizationId": customer.id,
            "gln": grower.codes.gln() if index else customer.location["gln"],
            "address": address(grower.rng) if index else customer.location["address"],
            "isDeleted": False,
            "isDefault": index == 0,
            "lastModifiedDateTime": created,
            "creationDateTime": created,
            "name": grower.rng.choice(("Dock noord", "Cash & carry", "Distributiecentrum", None)),
        }
