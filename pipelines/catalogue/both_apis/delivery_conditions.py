"""Delivery conditions, as far as both APIs serve them alike.

A ``…Base`` record holds the descriptions of all fields. Where the APIs nest different records, the field has the type
``Any`` here, and the subclass of each API annotates it again with its own type.
"""

from __future__ import annotations

from typing import Any, Literal

from pipelines.catalogue.both_apis.records import INCOTERM, Currency, Incoterm
from pipelines.catalogue.types import Boolean, Decimal, Record, Text, Uuid, field

WeekDay = Literal["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
PublicHoliday = Literal[
    "NONE",
    "NEW_YEARS_DAY",
    "GOOD_FRIDAY",
    "EASTER_SUNDAY",
    "EASTER_MONDAY",
    "DUTCH_KINGS_DAY",
    "DUTCH_LIBERATION_DAY",
    "INTERNATIONAL_LABOUR_DAY",
    "ASCENSION_DAY",
    "WHIT_SUNDAY",
    "WHIT_MONDAY",
    "CORPUS_CHRISTI",
    "GERMAN_UNITY_DAY",
    "ALL_SAINTS_DAY",
    "CHRISTMAS_EVE",
    "FIRST_DAY_OF_CHRISTMAS",
    "SECOND_DAY_OF_CHRISTMAS",
    "NEW_YEARS_EVE",
    "BELGIAN_NATIONAL_DAY",
    "BELGIAN_ARMISTICE_DAY",
]

ORDER_TIME_ZONE = "time zone of the latest order times, such as Europe/Amsterdam"
DELIVERY_TIME_ZONE = "time zone of the latest delivery times, such as Europe/Amsterdam"
DELIVERY_DAYS_OFFSET = "days from order to delivery, 0 for the same day"
LATEST_ORDER_TIME = "latest time of day to order, such as 13:00:00, in the time zone of orders"
LATEST_DELIVERY_TIME = "latest time of day of delivery, such as 07:00:00, in the time zone of deliveries"


class DeliveryConditionTimeFrameBase(Record):
    """The days of the week with the same times."""

    days: list[WeekDay] = field("days of the week on which to order")
    order_time_frames: Any = field(
        "times to order and to deliver on these days", table="delivery_condition_time_frames"
    )
    order_time_zone: Text | None = field(ORDER_TIME_ZONE)
    delivery_time_zone: Text | None = field(DELIVERY_TIME_ZONE)


class NonWorkingDayDeliveryConditionBase(Record):
    """What applies on public holidays."""

    non_working_day_public_holidays: list[PublicHoliday] = field(
        "public holidays that count", column="non_working_day_public_holidays"
    )
    non_working_day_use_standard_order_time_frames: Boolean = field(
        "whether the usual times apply then too", column="non_working_day_use_standard_order_time_frames"
    )
    order_time_zone: Text | None = field(ORDER_TIME_ZONE)
    delivery_time_zone: Text | None = field(DELIVERY_TIME_ZONE)
    deviating_time_frame: Any = field("times in place of the usual ones")


class DeliveryConditionAdditionalCostsPerCurrency(Record):
    """What delivery costs buyers who pay in one currency."""

    currency: Currency = field("currency, as ISO 4217")
    delivery_surcharge: Decimal = field("surcharge on small orders, in its currency")
    delivery_surcharge_threshold: Decimal = field("value of an order that the surcharge depends on, in its currency")
    shipping_costs_per_unit: Decimal = field("shipping costs of one unit, in its currency")


class DeliveryConditionAdditionalCostsBase(Record):
    """What delivery costs."""

    shipping_costs_unit: Any = field("unit that shipping is charged for")
    delivery_surcharge_minimum_number_of_load_carriers_threshold: Decimal = field(
        "number of load carriers that the surcharge depends on",
        column="additional_costs_delivery_surcharge_load_carriers_threshold",
    )
    additional_costs_per_currency: list[DeliveryConditionAdditionalCostsPerCurrency] = field(
        "costs of a delivery condition", table="delivery_condition_costs"
    )


class DeliveryConditionBase(Record):
    """Regions, with the minimum quantity, times and costs that apply there."""

    delivery_condition_id: Uuid = field("Floriday's identifier of the delivery condition; sales orders refer to it")
    delivery_regions: Any = field("regions of a delivery condition", table="delivery_condition_regions")
    minimum_quantity: Any = field("minimum quantity of an order")
    incoterm: Incoterm = field(INCOTERM)
    delivery_condition_times: Any = field("days and times of a delivery condition", table="delivery_condition_times")
    non_working_day_delivery_condition: Any = field("non-working days", column="non_working_day")
    has_delivery_cost: Boolean = field("whether delivery costs anything")
    additional_costs: Any = field("costs")
