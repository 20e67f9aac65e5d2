"""Sales orders and their changes, as far as both APIs serve them alike.

A ``…Base`` record holds the descriptions of all fields. Where the APIs nest different records, the field has the type
``Any`` here, and the subclass of each API annotates it again with its own type.
"""

from __future__ import annotations

from typing import Any, Literal

from pipelines.catalogue.both_apis.records import (
    DELIVERY_CONDITION,
    INCOTERM,
    NEXT_LEG,
    Incoterm,
    LoadCarrierType,
    Package,
    Price,
)
from pipelines.catalogue.types import DateTime, Int32, Record, Text, Uuid, field

TradeInstrument = Literal[
    "CLOCK_PRESALES", "CLOCK_SALES", "CONTRACT", "DIRECT_SALES", "BID_OFFER", "CLOCK_SALES_FROM_NURSERY"
]
SalesOrderStatus = Literal["PENDING", "ACCEPTED", "REJECTED", "COMMITTED", "UNFULFILLABLE", "CANCELLED", "EXPIRED"]
SalesOrderMutationUpdateType = Literal["UNKNOWN", "PRICE_UPDATE", "CORRECTION_REQUEST", "WITHDRAWN_BY_CUSTOMER"]
SalesOrderMutationCorrectionType = Literal["UNKNOWN", "MODIFICATION", "CANCELLATION"]
CorrectionRequestStatus = Literal["PENDING", "ACCEPTED", "DECLINED", "EXPIRED", "DELETED", "PENDING_CLAIM"]
SalesOrderReclamationActionDecision = Literal[
    "REAUCTION_BY_SUPPLIER",
    "REAUCTION_BY_CUSTOMER",
    "REAUCTION_BY_AUCTION",
    "REAUCTION_BY_QUALITY",
    "RETURN_TO_SUPPLIER",
    "DESTROY",
    "COMPLAINT_NOT_ACCEPTED",
    "RETURN_TO_STOCK",
]


class SalesOrderPackingConfiguration(Record):
    """How the ordered pieces are packed."""

    pieces_per_package: Int32 = field("pieces in a package")
    package: Package = field("package")
    load_carrier: LoadCarrierType = field("kind of load carrier")
    additional_price_per_piece: Price | None = field("surcharge on a piece")
    photo_url: Text | None = field("address of a photo of the packed goods")
    packages_per_layer: Int32 | None = field("packages on a layer")
    layers_per_load_carrier: Int32 | None = field("layers on a load carrier")


class SalesOrderDeliveryBase(Record):
    """When, where and on what terms the goods are delivered."""

    delivery_condition_id: Uuid | None = field(DELIVERY_CONDITION)
    latest_delivery_date_time: DateTime = field("latest moment; its day and week are those of Amsterdam")
    region_gln: Text | None = field("GLN of the region (organizations.delivery_condition_regions)")
    location: Any = field("place")
    incoterm: Incoterm | None = field(INCOTERM)
    next_leg_identifier: Text | None = field(NEXT_LEG)
    delivery_cost: Price | None = field("cost")


class SalesOrderMutationBase(Record):
    """The values before and after one change; the oldest change shows what was first ordered."""

    based_on_sales_order_version: Int32 = field("version of the order that was changed")
    sales_order_correction_request_id: Uuid | None = field(
        "correction request behind it (orders.sales_order_correction_requests); NULL for none"
    )
    sales_order_correction_request_reason: Text | None = field(
        "why the correction was asked for, in free words", personal=True
    )
    old_values: Any = field("before the change")
    new_values: Any = field("after the change")
    mutation_type: SalesOrderMutationUpdateType = field("what brought the change about")
    correction_type: SalesOrderMutationCorrectionType = field("whether a correction modified or cancelled")
    created_date_time: DateTime = field("when the change was made")
