"""The growers, with their items, warehouses, services and delivery conditions; all buyers share them."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass
from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world import vocabulary as words
from pipelines.sandbox.world.assortment import Item
from pipelines.sandbox.world.codes import Codes
from pipelines.sandbox.world.delivery_conditions import HUB_NAMES
from pipelines.sandbox.world.grower_context import HUBS, price
from pipelines.sandbox.world.market.goods import items_of
from pipelines.sandbox.world.parties import Register, address, organization
from pipelines.sandbox.world.services import OFFERED, Service

GROWERS = 14
_ZONE = "Europe/Amsterdam"
_WORKDAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"]
_SETTINGS = (
    "automaticallyAcceptsCorrectionRequests",
    "usesCancellationGracePeriodIfMinimumQuantityIsNotMet",
    "usesContracts",
    "usesCustomerStickers",
    "acceptsOrderRequests",
    "acceptsSupplyRequests",
    "acceptsTradeItemRequests",
    "acceptsPackingConfigurationRequests",
)


@dataclass(frozen=True)
class Grower:
    """A grower, with the records that buyers can see.

    Args:
        organization: record of its organization.
        items: trade items of its assortment.
        warehouses: records of its warehouses; the first one is used, the last one is deleted.
        services: records of its additional services.
        conditions: record of its delivery condition set.
        settings: record of its trade settings.
    """

    organization: Document
    items: list[Item]
    warehouses: list[Document]
    services: list[Document]
    conditions: Document
    settings: Document

    @property
    def id(self) -> str:
        """The organization's id."""
        return str(self.organization["organizationId"])

    @property
    def warehouse_id(self) -> str:
        """The warehouse from which its goods leave."""
        return str(self.warehouses[0]["warehouseId"])

    @property
    def sold(self) -> list[Item]:
        """The items that are not deleted."""
        return [item for item in self.items if not item.record["isDeleted"]]

    def condition_id(self, incoterm: str) -> str:
        """The id of the delivery condition with an incoterm."""
        conditions = self.conditions["deliveryConditions"]
        return str(next(each["deliveryConditionId"] for each in conditions if each["incoterm"] == incoterm))


def growers_of(seed: int, now: dt.datetime, register: Register) -> tuple[Grower, ...]:
    """The growers of a market."""
    return tuple(_GrowerFactory(f"growers/{seed}/{index}", register, now).grower(index) for index in range(GROWERS))


class _GrowerFactory:
    """Makes the records of one grower from a seed."""

    def __init__(self, seed: str, register: Register, now: dt.datetime) -> None:
        self.rng = random.Random(seed)
        self.codes = Codes(seed)
        self.register = register
        self.now = now

    def grower(self, index: int) -> Grower:
        name = words.GROWERS[index % len(words.GROWERS)]
        if index >= len(words.GROWERS):
            name = f"{name} {self.rng.choice(words.TOWNS[:6])[1]}"
        record = organization(name, "SUPPLIER", self.rng, self.codes, self.now, country="NL")
        id = record["organizationId"]
        warehouses = [self._warehouse(id, label) for label in ("Kwekerij", "Koelcel", "Oude schuur")]
        warehouses[-1]["isDeleted"] = True
        return Grower(
            organization=record,
            items=items_of(id, index, self.rng, self.codes, self.now),
            warehouses=warehouses,
            services=[self._service(id, warehouses, service) for service in OFFERED[:4]],
            conditions=self._conditions(id, warehouses),
            settings={"supplierOrganizationId": id, **{setting: self._setting() for setting in _SETTINGS}},
        )

    def _warehouse(self, organization_id: str, name: str) -> Document:
        return {
            "warehouseId": self.codes.uuid(),
            "organizationId": organization_id,
            "name": name,
            "location": {"gln": self.codes.gln(), "address": address(self.rng, "NL")},
            "isDeleted": False,
        }

    def _service(self, organization_id: str, warehouses: list[Document], service: Service) -> Document:
        sticker = service.sticker and {
            "stickerType": service.sticker,
            "deliverSeparately": False,
            "supportedStickerSizes": [{"widthInMm": 40, "heightInMm": 25}, {"widthInMm": 60, "heightInMm": 40}],
            "isDefault": True,
        }
        return {
            "additionalServiceId": self.codes.uuid(),
            "commercialServiceTypeId": self.register.service_types[service.type]["commercialServiceTypeId"],
            "name": service.name,
            "description": None,
            "warehouseIds": [warehouse["warehouseId"] for warehouse in warehouses[:2]],
            "price": price(service.price),
            "unit": service.unit,
            "stickerInformation": sticker,
            "floricodeVrsPackagingId": None,
            "isAvailable": self.rng.random() < 0.9,
            "isDeleted": False,
            "isCustomerSpecific": False,
            "supplierOrganizationId": organization_id,
        }

    def _conditions(self, organization_id: str, warehouses: list[Document]) -> Document:
        return {
            "deliveryConditionSetId": self.codes.uuid(),
            "deliveryConditionSetCommercialName": "Standaard levering",
            "organizationId": organization_id,
            "warehouseIds": [warehouse["warehouseId"] for warehouse in warehouses[:2]],
            "deliveryConditions": [self._condition("DDP"), self._condition("EXW")],
            "isCustomerSpecific": False,
            "isDeleted": False,
        }

    def _condition(self, incoterm: str) -> Document:
        costs = {"currency": "EUR", "deliverySurcharge": Decimal("12.50"), "deliverySurchargeThreshold": Decimal(250)}
        costs |= {"shippingCostsPerUnit": Decimal(self.rng.randint(900, 1900)) / 100}
        frame = {"latestOrderTime": "13:00:00", "deliveryDaysOffset": 1, "latestDeliveryTime": "07:00:00"}
        days = {"days": _WORKDAYS, "orderTimeFrames": [frame], "orderTimeZone": _ZONE, "deliveryTimeZone": _ZONE}
        return {
            "deliveryConditionId": self.codes.uuid(),
            "deliveryRegions": [{"gln": gln, "name": name} for gln, name in zip(HUBS, HUB_NAMES, strict=True)],
            "minimumQuantity": {"amount": 1, "unit": "LAYER" if incoterm == "DDP" else "PACKAGE"},
            "incoterm": incoterm,
            "deliveryConditionTimes": [days],
            "nonWorkingDayDeliveryCondition": {
                "nonWorkingDayPublicHolidays": ["EASTER_MONDAY", "ASCENSION_DAY", "FIRST_DAY_OF_CHRISTMAS"],
                "nonWorkingDayUseStandardOrderTimeFrames": False,
                "orderTimeZone": _ZONE,
                "deliveryTimeZone": None,
                "deviatingTimeFrame": {**frame, "deliveryDaysOffset": 2},
            },
            "hasDeliveryCost": incoterm == "DDP",
            "additionalCosts": {
                "shippingCostsUnit": "LOADCARRIER",
                "deliverySurchargeMinimumNumberOfLoadCarriersThreshold": Decimal(1),
                "additionalCostsPerCurrency": [costs] if incoterm == "DDP" else [],
            },
        }

    def _setting(self) -> Document:
        modified = self.now - dt.timedelta(days=self.rng.randint(1, 400))
        return {"isActive": self.rng.random() < 0.7, "exemptedOrganizationIds": [], "lastModified": modified}
