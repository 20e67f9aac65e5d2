"""Whether trade items can be had: in general, and week by week (the specification)."""

from __future__ import annotations

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import SEQUENCE_NUMBER
from pipelines.catalogue.types import Boolean, Feed, Int32, Int64, Record, Uuid, field
from pipelines.floriday.endpoints import Endpoint


class TradeItemCustomerAvailability(Record):
    """An exception for one buyer."""

    customer_organization_id: Uuid = field("buyer whom it is for (organizations.organizations)")
    is_available: Boolean = field("whether this buyer can have it")


class TradeItemAvailability(Record):
    """Whether a trade item can be had now: one row for each trade item."""

    trade_item_id: Uuid = field("what can be had or not (catalog.trade_items)")
    is_available: Boolean = field("whether it can be had")
    customer_availability: list[TradeItemCustomerAvailability] | None = field(
        "exceptions to the availability of a trade item", table="trade_item_customer_availabilities"
    )
    sequence_number: Int64 = field(SEQUENCE_NUMBER)


class TradeItemAvailabilityPerWeek(Record):
    """Whether a trade item can be had in a week: one row for each trade item and ISO week."""

    trade_item_id: Uuid = field("what can be had or not (catalog.trade_items)")
    week: Int32 = field("ISO week, 1 to 53")
    year: Int32 = field("year that the ISO week belongs to")
    is_available: Boolean = field("whether it can be had")
    always_available_for_customer_organization_ids: list[Uuid] = field(
        "buyers who can have it anyway (organizations.organizations)"
    )
    never_available_for_customer_organization_ids: list[Uuid] = field(
        "buyers who cannot have it even so (organizations.organizations)"
    )
    sequence_number: Int64 = field(SEQUENCE_NUMBER)


TRADE_ITEM_AVAILABILITIES = Feed(
    schema="supply",
    table="trade_item_availabilities",
    record=TradeItemAvailability,
    key=("trade_item_id",),
    endpoint=Endpoint("/trade-items/availabilities", "limit"),
    scope="supply:read",
    tier="hourly",
    notes=(notes.BEING_REPLACED, notes.NOTHING_DELETED, notes.HISTORY_STARTS_HERE, notes.NO_TIMESTAMPS),
)

TRADE_ITEM_AVAILABILITIES_PER_WEEK = Feed(
    schema="supply",
    table="trade_item_availabilities_per_week",
    record=TradeItemAvailabilityPerWeek,
    key=("trade_item_id", "year", "week"),
    endpoint=Endpoint("/trade-items/availabilities-per-week", "limit"),
    scope="supply:read",
    tier="hourly",
    notes=(notes.WEEKS_WITH_ACTIVITY, notes.NOTHING_DELETED, notes.HISTORY_STARTS_HERE, notes.NO_TIMESTAMPS),
)

FEEDS = (TRADE_ITEM_AVAILABILITIES, TRADE_ITEM_AVAILABILITIES_PER_WEEK)
