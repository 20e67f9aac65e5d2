"""When, where and at what cost growers deliver: sets of delivery conditions (the specification)."""

from __future__ import annotations

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.delivery_conditions import (
    DELIVERY_DAYS_OFFSET,
    LATEST_DELIVERY_TIME,
    LATEST_ORDER_TIME,
    DeliveryConditionAdditionalCostsBase,
    DeliveryConditionBase,
    DeliveryConditionTimeFrameBase,
    NonWorkingDayDeliveryConditionBase,
)
from pipelines.catalogue.both_apis.records import IS_DELETED, SEQUENCE_NUMBER
from pipelines.catalogue.suppliers.shared import Quantity, Unit
from pipelines.catalogue.types import Boolean, Duration, Feed, Int32, Int64, Record, Text, Uuid, field
from pipelines.floriday.endpoints import Endpoint


class DeliveryRegion(Record):
    """A region of a delivery condition."""

    gln: Text = field("GLN of 13 digits; region_gln of sales orders is this value")
    name: Text = field("name")


class TimeFrame(Record):
    """Until when to order for a delivery until when."""

    delivery_days_offset: Int32 | None = field(DELIVERY_DAYS_OFFSET)
    latest_order_time: Duration = field(LATEST_ORDER_TIME)
    latest_delivery_time: Duration = field(LATEST_DELIVERY_TIME)


class DeliveryConditionTimeFrame(DeliveryConditionTimeFrameBase):
    """The days of the week with the same times."""

    order_time_frames: list[TimeFrame]


class NonWorkingDayDeliveryCondition(NonWorkingDayDeliveryConditionBase):
    """What applies on public holidays."""

    deviating_time_frame: TimeFrame | None


class DeliveryConditionAdditionalCosts(DeliveryConditionAdditionalCostsBase):
    """What delivery costs."""

    shipping_costs_unit: Unit


class DeliveryCondition(DeliveryConditionBase):
    """Regions, with the minimum quantity, times and costs that apply there."""

    delivery_regions: list[DeliveryRegion]
    minimum_quantity: Quantity
    delivery_condition_times: list[DeliveryConditionTimeFrame]
    non_working_day_delivery_condition: NonWorkingDayDeliveryCondition
    additional_costs: DeliveryConditionAdditionalCosts


class DeliveryConditionSet(Record):
    """When, where and at what cost a grower delivers: one row for each set of delivery conditions."""

    delivery_condition_set_id: Uuid = field("Floriday's identifier of the set")
    delivery_condition_set_name: Text = field("the grower's name for it")
    delivery_condition_set_commercial_name: Text | None = field("name that buyers see")
    warehouse_ids: list[Uuid] = field("warehouses that it applies to (organizations.warehouses)")
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
