"""What goes with the goods: the services of a nursery, and packages of its own (the specification)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.site import Site, price

SERVICES = "catalog.additional_services"
PACKAGES = "catalog.custom_packages"


@dataclass(frozen=True)
class Service:
    """A kind of work that buyers can ask for.

    Args:
        name: its name.
        type: which of the kinds that Floriday knows.
        unit: what is charged for.
        price: price of a unit.
        sticker: what a sticker is put on, if it is about stickers.
    """

    name: str
    type: int
    unit: str
    price: Decimal
    sticker: str | None = None


OFFERED = (
    Service("Hoes om doos", 0, "PACKAGE", Decimal("0.35")),
    Service("Hoes om pot", 0, "PIECE", Decimal("0.02")),
    Service("Potsticker", 1, "PIECE", Decimal("0.02"), "POT"),
    Service("Luxe verpakking", 3, "PIECE", Decimal("0.02")),
    Service("Etiket van klant", 2, "LABEL", Decimal("0.03"), "PACKAGE"),
)
"""The services of every nursery, in the order of its service ids."""


class Services:
    """The services and packages of a nursery.

    Args:
        site: the nursery.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._services = [self._service(id, one) for id, one in zip(site.service_ids, OFFERED, strict=True)]
        self._services.append({**self._service(site.codes.uuid(), OFFERED[0]), "isDeleted": True, "isAvailable": False})
        self._packages = [self._package(id, place) for place, id in enumerate(site.custom_package_ids)]

    def publish(self) -> None:
        """Let Floriday serve all of them."""
        for service in self._services:
            self._site.publish(SERVICES, service)
        for package in self._packages:
            self._site.publish(PACKAGES, package)

    def change(self) -> None:
        """Describe a service and a package anew."""
        service = self._site.chance.choice(self._services[:-1])
        service["description"] = f"{service['name']}, {self._site.chance.choice(('glad', 'bedrukt', 'op maat'))}"
        self._site.publish(SERVICES, service)
        package = self._site.chance.choice(self._packages)
        package |= {"description": f"doos, uitvoering {self._site.codes.number(3)}"}
        package |= {"lastModifiedDateTime": self._site.now}
        self._site.publish(PACKAGES, package)

    def _service(self, id: str, service: Service) -> Document:
        site = self._site
        only = [site.register.customers[2].id] if service.unit == "LABEL" else []
        return {
            "additionalServiceId": id,
            "commercialServiceType": {**site.register.service_types[service.type]},
            "name": service.name,
            "description": None,
            "warehouseIds": [site.warehouse_id],
            "price": price(service.price),
            "unit": service.unit,
            "customerOrganizationIds": only or None,
            "isCustomerSpecific": bool(only),
            "stickerInformation": _sticker(service.sticker) if service.sticker else None,
            "floricodeVrsPackagingId": None,
            "isAvailable": True,
            "isDeleted": False,
        }

    def _package(self, id: str, place: int) -> Document:
        created = self._site.now - dt.timedelta(days=200 + place)
        material = self._site.register.materials[place % 2]
        return {
            "customPackageId": id,
            "code": f"EIGEN-{place + 1}",
            "name": f"Eigen doos {place + 1}",
            "description": "bruin karton",
            "photoUrl": None,
            "packageLengthInMm": 600,
            "packageWidthInMm": 400,
            "packageHeightInMm": 200 + 50 * place,
            "packageWeightInGram": 450 if place else None,
            "fallbackVbnPackageCode": (577, 566, 644)[place],
            "materialTypeId": material["materialTypeId"] if place else None,
            "isDeleted": place == 2,
            "creationDateTime": created,
            "lastModifiedDateTime": created,
            "materialType": material if place else None,
            "floricodeVrsPackagingId": None,
            "defaultPiecesPerPackage": 10 if place else None,
        }


def _sticker(kind: str) -> Document:
    return {
        "stickerType": kind,
        "deliverSeparately": False,
        "supportedStickerSizes": [{"widthInMm": 40, "heightInMm": 25}, {"widthInMm": 60, "heightInMm": 40}],
        "isDefault": kind == "POT",
    }
