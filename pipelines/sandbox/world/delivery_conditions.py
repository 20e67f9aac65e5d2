"""When, where and at what cost a nursery delivers (the specification)."""

from __future__ import annotations

from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.site import HUBS, Site

FEED = "organizations.delivery_condition_sets"

_WORKDAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"]
HUB_NAMES = ("Aalsmeer", "Naaldwijk", "Rijnsburg")
_ZONE = "Europe/Amsterdam"
_HOLIDAYS = ["NEW_YEARS_DAY", "EASTER_MONDAY", "DUTCH_KINGS_DAY", "ASCENSION_DAY", "FIRST_DAY_OF_CHRISTMAS"]


class DeliveryConditions:
    """The delivery conditions of a nursery: those that its orders name stand in the usual set.

    Args:
        site: the nursery.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        usual = [self._condition(id, incoterm) for incoterm, id in site.delivery_condition_ids.items()]
        overseas = [one.id for one in site.register.customers if one.currency == "USD"]
        self._sets = [
            self._set(site.delivery_condition_set_id, "Standaard", usual, []),
            self._set(site.codes.uuid(), "Overzee", [self._condition(site.codes.uuid(), "FCA")], overseas),
            self._set(site.codes.uuid(), "Zomer", [self._condition(site.codes.uuid(), "DDP")], []),
        ]
        self._sets[2]["isDeleted"] = True

    def publish(self) -> None:
        """Let Floriday serve all sets."""
        for each in self._sets:
            self._site.publish(FEED, each)

    def change(self) -> None:
        """Raise the cost of the usual set by a little: a new version of it."""
        usual = self._sets[0]
        for condition in usual["deliveryConditions"]:
            for cost in condition["additionalCosts"]["additionalCostsPerCurrency"]:
                cost["shippingCostsPerUnit"] += Decimal("0.05")
        usual["version"] += 1
        self._site.publish(FEED, usual)

    def _set(self, id: str, name: str, conditions: list[Document], customers: list[str]) -> Document:
        return {
            "deliveryConditionSetId": id,
            "deliveryConditionSetName": name,
            "deliveryConditionSetCommercialName": None if customers else f"{name} levering",
            "warehouseIds": [self._site.warehouse_id, self._site.second_warehouse_id],
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
        {"deliveryDaysOffset": place + 1, "latestOrderTime": time, "latestDeliveryTime": "07:00:00"}
        for place, time in enumerate(latest)
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
