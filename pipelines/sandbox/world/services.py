"""The additional services of a nursery, and its custom packages (the specification)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.grower_context import GrowerContext, price

SERVICES = "catalog.additional_services"
PACKAGES = "catalog.custom_packages"


@dataclass(frozen=True)
class Service:
    """An additional service that buyers can order.

    Args:
        name: Dutch name of the service.
        type: index of its type in the register.
        unit: unit for which it is charged.
        price: price of a unit, in euros.
        sticker: sticker type, for a service with stickers; None for others.
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
        grower: context of the nursery.
    """

    def __init__(self, grower: GrowerContext) -> None:
        self._grower = grower
        self._services = [self._service(id, service) for id, service in zip(grower.service_ids, OFFERED, strict=True)]
        self._services.append(
            {**self._service(grower.codes.uuid(), OFFERED[0]), "isDeleted": True, "isAvailable": False}
        )
        self._packages = [self._package(id, index) for index, id in enumerate(grower.custom_package_ids)]

    def publish(self) -> None:
        """Publish all records."""
        for service in self._services:
            self._grower.publish(SERVICES, service)
        for package in self._packages:
            self._grower.publish(PACKAGES, package)

    def change(self) -> None:
        """Change the description of a service and of a package."""
        service = self._grower.rng.choice(self._services[:-1])
        service["description"] = f"{service['name']}, {self._grower.rng.choice(('glad', 'bedrukt', 'op maat'))}"
        self._grower.publish(SERVICES, service)
        package = self._grower.rng.choice(self._packages)
        package |= {"description": f"doos, uitvoering {self._grower.codes.number(3)}"}
        package |= {"lastModifiedDateTime": self._grower.now}
        self._grower.publish(PACKAGES, package)

    def _service(self, id: str, service: Service) -> Document:
        grower = self._grower
        only = [grower.register.customers[2].id] if service.unit == "LABEL" else []
        return {
            "additionalServiceId": id,
            "commercialServiceType": {**grower.register.service_types[service.type]},
            "name": service.name,
            "description": None,
            "warehouseIds": [grower.warehouse_id],
            "price": price(service.price),
            "unit": service.unit,
            "customerOrganizationIds": only or None,
            "isCustomerSpecific": bool(only),
            "stickerInformation": _sticker(service.sticker) if service.sticker else None,
            "floricodeVrsPackagingId": None,
            "isAvailable": True,
            "isDeleted": False,
        }

    def _package(self, id: str, index: int) -> Document:
        created = self._grower.now - dt.timedelta(days=200 + index)
        material = self._grower.register.materials[index % 2]
        return {
            "customPackageId": id,
            "code": f"EIGEN-{index + 1}",
            "name": f"Eigen doos {index + 1}",
            "description": "bruin karton",
            "photoUrl": None,
            "packageLengthInMm": 600,
            "packageWidthInMm": 400,
            "packageHeightInMm": 200 + 50 * index,
            "packageWeightInGram": 450 if index else None,
            "fallbackVbnPackageCode": (577, 566, 644)[index],
            "materialTypeId": material["materialTypeId"] if index else None,
            "isDeleted": index == 2,
            "creationDateTime": created,
            "lastModifiedDateTime": created,
            "materialType": material if index else None,
            "floricodeVrsPackagingId": None,
            "defaultPiecesPerPackage": 10 if index else None,
        }


def _sticker(kind: str) -> Document:
    return {
        "stickerType": kind,
        "deliverSeparately": False,
        "supportedStickerSizes": [{"widthInMm": 40, "heightInMm": 25}, {"widthInMm": 60, "heightInMm": 40}],
        "isDefault": kind == "POT",
    }
