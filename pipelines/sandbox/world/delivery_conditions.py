"""Delivery condition sets: when, where and at what cost a nursery delivers (the specification)."""

from __future__ import annotations

from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.grower_context import HUBS, GrowerContext

FEED = "organizations.delivery_condition_sets"

_WORKDAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"]
HUB_NAMES = ("Aalsmeer", "Naaldwijk", "Rijnsburg")
_ZONE = "Europe/Amsterdam"
_HOLIDAYS = ["NEW_YEARS_DAY", "EASTER_MONDAY", "DUTCH_KINGS_DAY", "ASCENSION_DAY", "FIRST_DAY_OF_CHRISTMAS"]


class DeliveryConditions:
    """The delivery condition sets of a nursery; its orders use the conditions of the first set.

    Args:
        grower: context of the nursery.
    """

    def __init__(self, grower: GrowerContext) -> None:
        self._grower = grower
        usual = [self._condition(id, incoterm) for incoterm, id in grower.delivery_condition_ids.items()]
        overseas = [customer.id for customer in grower.register.customers if customer.currency == "USD"]
        self._sets = [
            self._set(grower.delivery_condition_set_id, "Standaard", usual, []),
            self._set(grower.codes.uuid(), "Overzee", [self._condition(grower.codes.uuid(), "FCA")], overseas),
            self._set(grower.codes.uuid(), "Zomer", [self._condition(grower.codes.uuid(), "DDP")], []),
        ]
        self._sets[2]["isDeleted"] = True

    def publish(self) -> None:
        """Publish all sets."""
        for each in self._sets:
            self._grower.publish(FEED, each)

    def change(self) -> None:
        """Publish a new version of the first set, with slightly higher costs."""
        usual = self._sets[0]
        for condition in usual["deliveryConditions"]:
            for cost in condition["additionalCosts"]["additionalCostsPerCurrency"]:
                cost["shippingCostsPerUnit"] += Decimal("0.05")
        usual["version"] += 1
        self._grower.publish(FEED, usual)

    def _set(self, id: str, name: str, conditions: list[Document], customers: list[str]) -> Document:
        return {
            "deliveryConditionSetId": id,
            "deliveryConditionSetName": name,
            "deliveryConditionSetCommercialName": None if customers else f"{name} levering",
            "warehouseIds": [self._grower.warehouse_id, self._grower.second_warehouse_id],
            "customers": customers,
            "deliveryConditions": conditions,
            "isDeleted": False,
            "isCustomerSpecific": bool(customers),
            "version": 1,
        }

    def _condition(self, id: str, incoterm: str) -> Document:
        is_free = incoterm == "EXW"
        return {
            "deliveryConditionId": id,
            "deliveryRegions": [{"gln": gln, "name": name} for gln, name in zip(HUBS, HUB_NAMES, strict=True)],
            "minimumQuantity": {"amount": 1, "unit": "PACKAGE" if is_free else "LAYER"},
            "incoterm": incoterm,
            "deliveryConditionTimes": [
                _times(_WORKDAYS, ("13:00:00", "17:00:00")),
                _times(["SATURDAY"], ("10:00:00",)),
            ],
            "nonWorkingDayDeliveryCondition": _holidays(has_times=incoterm == "DDP"),
            "hasDeliveryCost": not is_free,
            "additionalCosts": {
                "shippingCostsUnit": "LOADCARRIER",
                "deliverySurchargeMinimumNumberOfLoadCarriersThreshold": Decimal(1),
                "additionalCostsPerCurrency": [] if is_free else [_cost("EUR", "15.20"), _cost("USD", "17.50")],
            },
        }


def _times(days: list[str], latest: tuple[str, ...]) -> Document:
    frames = [
        {"deliveryDaysOffset": index + 1, "latestOrderTime": time, "latestDeliveryTime": "07:00:00"}
        for index, time in enumerate(latest)
    ]
    return {"days": days, "orderTimeFrames": frames, "orderTimeZone": _ZONE, "deliveryTimeZone": _ZONE}


def _holidays(*, has_times: bool) -> Document:
    frame = {"deliveryDaysOffset": 2, "latestOrderTime": "10:00:00", "latestDeliveryTime": "09:00:00"}
    return {
        "nonWorkingDayPublicHolidays": _HOLIDAYS if has_times else [],
        "nonWorkingDayUseStandardOrderTimeFrames": not has_times,
        "orderTimeZone": _ZONE,
        "deliveryTimeZone": None,
        "deviatingTimeFrame": frame if has_times else None,
    }


def _cost(currency: str, shipping: str) -> Document:
    return {
        "currency": currency,
        "deliverySurcharge": Decimal("12.50"),
        "deliverySurchargeThreshold": Decimal(250),
        "shippingCostsPerUnit": Decimal(shipping),
    }
