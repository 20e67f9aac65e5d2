"""When, where and at what cost growers deliver: sets of delivery conditions (the specification)."""

from __future__ import annotations

from typing import Literal

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import INCOTERM, IS_DELETED, SEQUENCE_NUMBER, Currency, Incoterm
from pipelines.catalogue.suppliers.shared import Quantity, Unit
from pipelines.catalogue.types import Boolean, Decimal, Duration, Feed, Int32, Int64, Record, Text, Uuid, field
from pipelines.floriday.endpoints import Endpoint

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

ORDER_TIME_ZONE = "time zone of the times to order, such as Europe/Amsterdam"
DELIVERY_TIME_ZONE = "time zone of the times of delivery, such as Europe/Amsterdam"


class DeliveryRegion(Record):
    """A region where the condition holds."""

    gln: Text = field("GLN of 13 digits; sales orders tell it as region_gln")
    name: Text = field("name")


class TimeFrame(Record):
    """Until when to order for a delivery until when."""

    delivery_days_offset: Int32 | None = field("days from order to delivery, 0 for the same day")
    latest_order_time: Duration = field("latest time of day to order, such as 13:00:00, in the time zone of orders")
    latest_delivery_time: Duration = field("latest time of day of delivery, in the time zone of deliveries")


class DeliveryConditionTimeFrame(Record):
    """The days of the week for which the same times hold."""

    days: list[WeekDay] = field("days of the week")
    order_time_frames: list[TimeFrame] = field(
        "times to order and to deliver on these days", table="delivery_condition_time_frames"
    )
    order_time_zone: Text | None = field(ORDER_TIME_ZONE)
    delivery_time_zone: Text | None = field(DELIVERY_TIME_ZONE)


class NonWorkingDayDeliveryCondition(Record):
    """What holds on public holidays."""

    non_working_day_public_holidays: list[PublicHoliday] = field(
        "public holidays that count", column="non_working_day_public_holidays"
    )
    non_working_day_use_standard_order_time_frames: Boolean = field(
        "whether the usual times hold then too", column="non_working_day_use_standard_order_time_frames"
    )
    order_time_zone: Text | None = field(ORDER_TIME_ZONE)
    delivery_time_zone: Text | None = field(DELIVERY_TIME_ZONE)
    deviating_time_frame: TimeFrame | None = field("times that hold instead")


class DeliveryConditionAdditionalCostsPerCurrency(Record):
    """What delivery costs buyers who pay in one currency."""

    currency: Currency = field("currency, as ISO 4217")
    delivery_surcharge: Decimal = field("surcharge on an order below the threshold")
    delivery_surcharge_threshold: Decimal = field("value of an order that the surcharge depends on")
    shipping_costs_per_unit: Decimal = field("cost of shipping one unit")


class DeliveryConditionAdditionalCosts(Record):
    """What delivery costs."""

    shipping_costs_unit: Unit = field("unit that shipping is charged for")
    delivery_surcharge_minimum_number_of_load_carriers_threshold: Decimal = field(
        "number of load carriers that the surcharge depends on",
        column="additional_costs_delivery_surcharge_load_carriers_threshold",
    )
    additional_costs_per_currency: list[DeliveryConditionAdditionalCostsPerCurrency] = field(
        "costs of a delivery condition", table="delivery_condition_costs"
    )


class DeliveryCondition(Record):
    """Regions, with the least order, times and costs that hold there."""

    delivery_condition_id: Uuid = field("Floriday's identifier of the delivery condition; sales orders tell it")
    delivery_regions: list[DeliveryRegion] = field(
        "regions of a delivery condition", table="delivery_condition_regions"
    )
    minimum_quantity: Quantity = field("least order")
    incoterm: Incoterm = field(INCOTERM)
    delivery_condition_times: list[DeliveryConditionTimeFrame] = field(
        "days and times of a delivery condition", table="delivery_condition_times"
    )
    non_working_day_delivery_condition: NonWorkingDayDeliveryCondition = field(
        "non-working days", column="non_working_day"
    )
    has_delivery_cost: Boolean = field("whether delivery costs anything")
    additional_costs: DeliveryConditionAdditionalCosts = field("costs")


class DeliveryConditionSet(Record):
    """When, where and at what cost a grower delivers: one row for each set of delivery conditions."""

    delivery_condition_set_id: Uuid = field("Floriday's identifier of the set")
    delivery_condition_set_name: Text = field("the grower's name for it")
    delivery_condition_set_commercial_name: Text | None = field("name that buyers see")
    warehouse_ids: list[Uuid] = field("warehouses that it holds for (organizations.warehouses)")
    customers: list[Uuid] = field("buyers whom it is for (organizations.organizations); empty for all")
    delivery_conditions: list[DeliveryCondition] = field(
        "conditions of a set", table="delivery_conditions", id="delivery_condition_id"
    )
    is_deleted: Boolean = field(IS_DELETED)
    is_customer_specific: Boolean = field("whether it is for certain buyers only")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    version: Int32 = field("version, raised by each edit")


DELIVERY_CONDITION_SETS = Feed(
    schema="organizations",
    table="delivery_condition_sets",
    record=DeliveryConditionSet,
    key=("delivery_condition_set_id",),
    endpoint=Endpoint(
        "/delivery-condition-sets", page_maximum=100, by_id="/delivery-condition-sets/{deliveryConditionSetId}"
    ),
    scope="delivery-conditions:read",
    notes=(notes.LOCAL_TIMES, notes.HISTORY_STARTS_HERE, notes.NO_TIMESTAMPS),
)

FEEDS = (DELIVERY_CONDITION_SETS,)
