"""On what terms growers deliver: regions, times and costs (the specification)."""

from __future__ import annotations

from typing import Literal

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import INCOTERM, IS_DELETED, SEQUENCE_NUMBER, Currency, Incoterm
from pipelines.catalogue.customers.shared import Quantity, Unit
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
    "BELGIAN_NATIONAL_DAY",
    "GERMAN_UNITY_DAY",
    "ALL_SAINTS_DAY",
    "BELGIAN_ARMISTICE_DAY",
    "CHRISTMAS_EVE",
    "FIRST_DAY_OF_CHRISTMAS",
    "SECOND_DAY_OF_CHRISTMAS",
    "NEW_YEARS_EVE",
]

ORDER_TIME_ZONE = "time zone of the latest order time"
DELIVERY_TIME_ZONE = "time zone of the latest delivery time"


class DeliveryRegion(Record):
    """A region that is delivered to."""

    gln: Text = field("GLN of 13 digits")
    name: Text | None = field("name of the region")


class TimeFrame(Record):
    """What is ordered by one time of day is delivered by another."""

    latest_order_time: Duration = field("latest time of day to order, as text")
    delivery_days_offset: Int32 = field("days from order to delivery")
    latest_delivery_time: Duration = field("latest time of day of delivery, as text")


class DeliveryConditionTimeFrame(Record):
    """Days of the week with the same times."""

    days: list[WeekDay] = field("days of the week on which to order")
    order_time_frames: list[TimeFrame] = field(
        "times of day to order and to deliver by", table="delivery_condition_time_frames"
    )
    order_time_zone: Text | None = field(ORDER_TIME_ZONE)
    delivery_time_zone: Text | None = field(DELIVERY_TIME_ZONE)


class NonWorkingDayDeliveryCondition(Record):
    """What differs on public holidays."""

    non_working_day_public_holidays: list[PublicHoliday] = field(
        "public holidays that count as such", column="non_working_day_public_holidays"
    )
    non_working_day_use_standard_order_time_frames: Boolean = field(
        "whether the usual times hold", column="non_working_day_use_standard_order_time_frames"
    )
    order_time_zone: Text | None = field(ORDER_TIME_ZONE)
    delivery_time_zone: Text | None = field(DELIVERY_TIME_ZONE)
    deviating_time_frame: TimeFrame | None = field("times in place of the usual ones")


class DeliveryConditionAdditionalCostsPerCurrency(Record):
    """Costs for buyers who pay in one currency."""

    currency: Currency = field("currency, as ISO 4217")
    delivery_surcharge: Decimal = field("surcharge on a small delivery, in its currency")
    delivery_surcharge_threshold: Decimal = field("value of a delivery from which no surcharge is due, in its currency")
    shipping_costs_per_unit: Decimal = field("shipping costs of one unit, in its currency")


class DeliveryConditionAdditionalCosts(Record):
    """What delivery costs on top of the goods."""

    shipping_costs_unit: Unit = field("unit that shipping costs are charged for")
    delivery_surcharge_minimum_number_of_load_carriers_threshold: Decimal = field(
        "load carriers from which no surcharge is due",
        column="additional_costs_delivery_surcharge_load_carriers_threshold",
    )
    additional_costs_per_currency: list[DeliveryConditionAdditionalCostsPerCurrency] = field(
        "costs of a delivery condition", table="delivery_condition_costs"
    )


class DeliveryCondition(Record):
    """How goods are delivered to some regions."""

    delivery_condition_id: Uuid = field("Floriday's identifier of the delivery condition; sales orders tell it")
    delivery_regions: list[DeliveryRegion] = field(
        "regions of a delivery condition", table="delivery_condition_regions"
    )
    minimum_quantity: Quantity = field("least quantity to be delivered")
    incoterm: Incoterm = field(INCOTERM)
    delivery_condition_times: list[DeliveryConditionTimeFrame] = field(
        "times of a delivery condition", table="delivery_condition_times"
    )
    non_working_day_delivery_condition: NonWorkingDayDeliveryCondition = field(
        "non-working days", column="non_working_day"
    )
    has_delivery_cost: Boolean = field("whether delivery costs something")
    additional_costs: DeliveryConditionAdditionalCosts = field("costs")


class DeliveryConditionSet(Record):
    """Terms of delivery of growers: one row for each delivery condition set."""

    delivery_condition_set_id: Uuid = field("Floriday's identifier of the delivery condition set")
    delivery_condition_set_commercial_name: Text | None = field("what buyers see it called")
    organization_id: Uuid = field("organization whose terms they are (organizations.organizations)")
    warehouse_ids: list[Uuid] = field("warehouses that they hold for (organizations.warehouses)")
    delivery_conditions: list[DeliveryCondition] = field(
        "conditions of a delivery condition set", table="delivery_conditions", id="delivery_condition_id"
    )
    is_customer_specific: Boolean = field("whether they are for certain buyers only, this one among them")
    is_deleted: Boolean = field(IS_DELETED)
    sequence_number: Int64 = field(SEQUENCE_NUMBER)


DELIVERY_CONDITION_SETS = Feed(
    schema="organizations",
    table="delivery_condition_sets",
    record=DeliveryConditionSet,
    key=("delivery_condition_set_id",),
    endpoint=Endpoint("/delivery-conditions", "limit", by_id="/delivery-conditions/{deliveryConditionSetId}"),
    scope="delivery-conditions:read",
    notes=(notes.HISTORY_STARTS_HERE, notes.NO_TIMESTAMPS, notes.LOCAL_TIMES),
)

FEEDS = (DELIVERY_CONDITION_SETS,)
