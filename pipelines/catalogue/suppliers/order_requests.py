"""What is asked about orders: corrections of placed ones, and requests for new ones (the specification)."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import (
    CREATION_DATE_TIME,
    DELIVERY_REMARKS,
    INCOTERM,
    IS_DELETED,
    LAST_MODIFIED_DATE_TIME,
    NEXT_LEG,
    SEQUENCE_NUMBER,
    CorrectionDeliveryLocation,
    Incoterm,
    Location,
    Package,
    PaymentProvider,
    Price,
)
from pipelines.catalogue.both_apis.sales_orders import CorrectionRequestStatus, SalesOrderReclamationActionDecision
from pipelines.catalogue.both_apis.services import CorrectionAdditionalService
from pipelines.catalogue.suppliers.shared import OrganizationType, PackingConfigurationBase
from pipelines.catalogue.types import (
    Boolean,
    DateTime,
    Feed,
    Int32,
    Int64,
    Record,
    Retention,
    Text,
    Uuid,
    field,
)
from pipelines.floriday.endpoints import SLOW, Endpoint

SalesOrderCorrectionStockApplication = Literal["DIRECT", "NEVER"]
OrderRequestStatus = Literal["UNKNOWN", "PENDING", "EXPIRED", "ACCEPTED", "REJECTED", "DECLINED_WITH_COUNTER_OFFER"]

UNCHANGED = "NULL for no change"


class SalesOrderCorrectionRequest(Record):
    """Requests to change or cancel an order: one row for each, with the requested values."""

    sales_order_correction_request_id: Uuid = field("Floriday's identifier of the correction request")
    sales_order_id: Uuid = field("order that it is about (orders.sales_orders)")
    status: CorrectionRequestStatus = field("what became of it; PENDING until it is answered")
    is_sales_order_created_by_supplier: Boolean = field("whether the grower had entered the order, not the buyer")
    initiated_by: OrganizationType = field("party that requested it")
    expires_at_date_time: DateTime = field("until when it can be answered")
    creation_date_time: DateTime = field(CREATION_DATE_TIME)
    last_modified_date_time: DateTime = field(LAST_MODIFIED_DATE_TIME)
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    customer_organization_id: Uuid = field("buyer of the order (organizations.organizations)")
    price_per_piece: Price | None = field(f"new price of a piece ({UNCHANGED})")
    delivery_price_per_piece: Price | None = field(f"new delivery price of a piece ({UNCHANGED})")
    package: Package | None = field(f"new package ({UNCHANGED})")
    number_of_pieces: Int32 | None = field(f"new number of pieces; {UNCHANGED}")
    pieces_per_package: Int32 | None = field(f"new pieces in a package; {UNCHANGED}")
    incoterm: Incoterm | None = field(f"new {INCOTERM}; {UNCHANGED}")
    should_return_packages: Boolean | None = field("whether the packages have to come back")
    reason: Text | None = field("why, as free text", personal=True)
    is_cancel_request: Boolean = field("whether it asks to cancel the whole order")
    sales_order_version_after_correction: Int32 | None = field(
        "version of the order that it led to; NULL where it led to none"
    )
    created_by_user_name: Text | None = field("name of the contact person for the request", personal=True)
    stock_application: SalesOrderCorrectionStockApplication = field(
        "whether the change in pieces is booked on the stock"
    )
    latest_delivery_date_time: DateTime | None = field(f"new latest moment of delivery; {UNCHANGED}")
    delivery_location: CorrectionDeliveryLocation | None = field(f"new place of delivery ({UNCHANGED})")
    additional_services: list[CorrectionAdditionalService] = field("additional services that a correction changes")
    reclamation_action_decision: SalesOrderReclamationActionDecision | None = field(
        "what is done with goods that were complained of; NULL for no complaint"
    )


class OrderRequestDelivery(Record):
    """When, where and on what terms the buyer wants the goods."""

    delivery_condition_set_id: Uuid | None = field(
        "set of delivery conditions that applies (organizations.delivery_condition_sets)"
    )
    latest_delivery_date_time: DateTime = field("latest moment; its day and week are those of Amsterdam")
    region_gln: Text | None = field("GLN of the region (organizations.delivery_condition_regions)")
    location: Location = field("place")
    incoterm: Incoterm = field(INCOTERM)
    next_leg_identifier: Text | None = field(NEXT_LEG)


class OrderRequest(Record):
    """What buyers would like to order, which the grower has to accept first: one row for each request."""

    order_request_id: Uuid = field("Floriday's identifier of the order request")
    customer_organization_id: Uuid = field("buyer who asks (organizations.organizations)")
    supply_line_id: Uuid | None = field("offer that it is about (supply.supply_lines); NULL for none")
    trade_item_id: Uuid = field("what is wanted (catalog.trade_items)")
    number_of_pieces: Int32 = field("pieces that are wanted")
    price_per_piece: Price = field("price of a piece that the buyer bids")
    packing_configuration: PackingConfigurationBase = field("packing that is wanted")
    delivery: OrderRequestDelivery = field("delivery")
    delivery_remarks: Text | None = field(DELIVERY_REMARKS, personal=True)
    reference: Text | None = field("the buyer's own reference")
    additional_service_ids: list[Uuid] = field("additional services that are wanted (catalog.additional_services)")
    added: DateTime = field(CREATION_DATE_TIME)
    status: OrderRequestStatus = field("what the grower answered; PENDING until then")
    declined_reason: Text | None = field("why the grower declined, as free text", personal=True)
    payment_provider: PaymentProvider | None = field("who would settle the payment")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    is_deleted: Boolean = field(IS_DELETED)


SALES_ORDER_CORRECTION_REQUESTS = Feed(
    schema="orders",
    table="sales_order_correction_requests",
    record=SalesOrderCorrectionRequest,
    key=("sales_order_correction_request_id",),
    endpoint=Endpoint(
        "/sales-order-correction-requests",
        by_id="/sales-order-correction-requests/{salesOrderCorrectionRequestId}",
    ),
    scope="sales-order:read",
    tier="hourly",
    retention=Retention(dt.timedelta(days=365), "its creation"),
    notes=(notes.HISTORY_STARTS_HERE,),
)

ORDER_REQUESTS = Feed(
    schema="orders",
    table="order_requests",
    record=OrderRequest,
    key=("order_request_id",),
    endpoint=Endpoint("/order-requests", rate=SLOW, by_id="/order-requests/{orderRequestId}"),
    scope="sales-order:read",
    tier="hourly",
    retention=Retention(dt.timedelta(days=365), "its creation"),
    notes=(notes.HISTORY_STARTS_HERE,),
)

FEEDS = (SALES_ORDER_CORRECTION_REQUESTS, ORDER_REQUESTS)
