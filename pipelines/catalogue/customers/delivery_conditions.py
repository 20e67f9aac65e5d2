"""On what terms growers deliver: regions, times and costs (the specification)."""

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
from pipelines.catalogue.customers.shared import Quantity, Unit
from pipelines.catalogue.types import Boolean, Duration, Feed, Int32, Int64, Record, Text, Uuid, field
from pipelines.floriday.endpoints import Endpoint


class DeliveryRegion(Record):
    """A region that is delivered to."""

    gln: Text = field("GLN of 13 digits")
    name: Text | None = field("name of the region")


class TimeFrame(Record):
    """Until when to order for a delivery until when."""

    latest_order_time: Duration = field(LATEST_ORDER_TIME)
    delivery_days_offset: Int32 = field(DELIVERY_DAYS_OFFSET)
    latest_delivery_time: Duration = field(LATEST_DELIVERY_TIME)


class DeliveryConditionTimeFrame(DeliveryConditionTimeFrameBase):
    """The days of the week with the same times."""

    order_time_frames: list[TimeFrame]


class NonWorkingDayDeliveryCondition(NonWorkingDayDeliveryConditionBase):
    """What applies on public holidays."""

    deviating_time_frame: TimeFrame | None


class DeliveryConditionAdditionalCosts(DeliveryConditionAdditionalCostsBase):
    """What delivery costs on top of the goods."""

    shipping_costs_unit: Unit


class DeliveryCondition(DeliveryConditionBase):
    """Regions, with the minimum quantity, times and costs that apply there."""

    delivery_regions: list[DeliveryRegion]
    minimum_quantity: Quantity
    delivery_condition_times: list[DeliveryConditionTimeFrame]
    non_working_day_delivery_condition: NonWorkingDayDeliveryCondition
    additional_costs: DeliveryConditionAdditionalCosts


class DeliveryConditionSet(Record):
    """Terms of delivery of growers: one row for each delivery condition set."""

    delivery_condition_set_id: Uuid = field("Floriday's identifier of the delivery condition set")
    delivery_condition_set_commercial_name: Text | None = field("what buyers see it called")
    organization_id: Uuid = field("organization whose terms they are (organizations.organizations)")
    warehouse_ids: list[Uuid] = field("warehouses that they apply to (organizations.warehouses)")
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
