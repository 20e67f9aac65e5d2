"""Sales orders and their changes, as far as both APIs serve them alike.

A ``…Base`` record holds the descriptions of the fields. Where the APIs nest different records, the field has the type
``Any`` here, and the subclass of each API annotates it again with its own type. Where they have different orders of
fields, the fields have no type here, and the subclass annotates all of them, in its order.
"""

from __future__ import annotations

from typing import Any, Literal

from pipelines.catalogue.both_apis.records import (
    CREATION_DATE_TIME,
    CUSTOM_PACKAGE,
    CUSTOMER,
    DELIVERY_CONDITION,
    DELIVERY_REMARKS,
    DESPATCH_WAREHOUSE,
    INCOTERM,
    LAST_MODIFIED_DATE_TIME,
    NEXT_LEG,
    SEQUENCE_NUMBER,
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
    latest_delivery_date_time: DateTime = field("latest time of delivery; its day and week are those of Amsterdam")
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
        "why the correction was asked for, as free text", personal=True
    )
    old_values: Any = field("before the change")
    new_values: Any = field("after the change")
    mutation_type: SalesOrderMutationUpdateType = field("cause of the change")
    correction_type: SalesOrderMutationCorrectionType = field("whether a correction modified or cancelled")
    created_date_time: DateTime = field("when the change was made")


class SalesOrderMutablesBase(Record):
    """The fields of both APIs that a change can have; their types and order are in the subclasses."""

    custom_package_id = field(CUSTOM_PACKAGE)
    incoterm = field(f"{INCOTERM}; may be NULL in changes from before April 2023")
    number_of_pieces = field("pieces")
    pieces_per_package = field("pieces in a package")
    vbn_package_code = field("VBN code of the package")
    price_per_piece = field("price of a piece, in the order's currency")
    delivery_price_per_piece = field("delivery price of a piece, in the order's currency")
    total_price_per_piece = field("price of a piece with all additions, in the order's currency")


class SalesOrderBase(Record):
    """The fields of a sales order in both APIs; their types and order are in the subclasses."""

    sales_order_id = field("Floriday's identifier of the sales order")
    sales_order_group_id = field("identifier that the orders from one bundled offer share; NULL for others")
    sales_channel_order_id = field("number of the order in the sales channel")
    supplier_organization_id = field(
        "supplier (organizations.organizations); an auction's correction may put itself here, so group by seller"
    )
    seller_organization_id = field("grower that sold it (organizations.organizations), whatever an auction corrected")
    customer_organization_id = field(CUSTOMER)
    trade_item_id = field("what was ordered (catalog.trade_items)")
    sales_channel = field("platform that it was sold through")
    sales_channel_interface = field("how the order was placed: on a screen or by software")
    number_of_pieces = field("pieces after all corrections so far")
    trade_instrument = field("way of trading: clock, direct, contract")
    packing_configuration = field("packing")
    order_date_time = field("when it was ordered")
    price_per_piece = field("price of a piece, without packing, services and delivery")
    barcode_logistic_service_provider = field("barcode for the logistics provider")
    delivery = field("delivery")
    additional_services = field("additional services of a sales order")
    cancellation_deadline = field("until when an accepted order may be cancelled")
    automatically_cancelled_on = field("when it is cancelled automatically; NULL for never")
    status = field("state; only COMMITTED counts as revenue, ACCEPTED may still be cancelled")
    credit_claim_status = field("whether the buyer's credit was claimed")
    sequence_number = field(SEQUENCE_NUMBER)
    trade_item_version = field("version of the trade item that was ordered")
    sales_order_version = field("version of the order, 1 as first placed")
    calculated_fields = field("calculated by Floriday")
    payment_provider = field("who settles the payment")
    delivery_remarks = field(DELIVERY_REMARKS, personal=True)
    delivery_price_per_piece = field("delivery price of a piece")
    despatch_warehouse_id = field(DESPATCH_WAREHOUSE)
    creation_date_time = field(CREATION_DATE_TIME)
    last_modified_date_time = field(LAST_MODIFIED_DATE_TIME)
    created_by_user_name = field("name of the contact person for the order", personal=True)
    mutations = field("changes of a sales order since it was placed")
    is_paid = field("whether the buyer has paid; stated only where RFH allows payment afterwards")
