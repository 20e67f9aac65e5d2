"""What grower or buyer wants changed after the sale: sales order correction requests (the specification)."""

from __future__ import annotations

import datetime as dt

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import (
    CREATION_DATE_TIME,
    CUSTOMER,
    INCOTERM,
    LAST_MODIFIED_DATE_TIME,
    SEQUENCE_NUMBER,
    CorrectionDeliveryLocation,
    Incoterm,
    Package,
    Price,
)
from pipelines.catalogue.both_apis.sales_orders import CorrectionRequestStatus, SalesOrderReclamationActionDecision
from pipelines.catalogue.both_apis.services import CorrectionAdditionalService
from pipelines.catalogue.customers.shared import EXPIRES_AT, OrganizationType
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
from pipelines.floriday.endpoints import Endpoint

UNCHANGED = "NULL where it stays as it is"


class SalesOrderCorrectionRequest(Record):
    """Changes asked for after a sale: one row for each sales order correction request."""

    sales_order_correction_request_id: Uuid = field("Floriday's identifier of the sales order correction request")
    sales_order_id: Uuid = field("order to correct (orders.sales_orders)")
    status: CorrectionRequestStatus = field("what became of it; only ACCEPTED changed the order")
    is_sales_order_created_by_supplier: Boolean = field("whether the grower entered the order, not the buyer")
    initiated_by: OrganizationType = field("party that requested it")
    expires_at_date_time: DateTime = field(EXPIRES_AT)
    creation_date_time: DateTime = field(CREATION_DATE_TIME)
    last_modified_date_time: DateTime = field(LAST_MODIFIED_DATE_TIME)
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    customer_organization_id: Uuid = field(CUSTOMER)
    price_per_piece: Price | None = field(f"new price of a piece ({UNCHANGED})")
    delivery_price_per_piece: Price | None = field(f"new delivery price of a piece ({UNCHANGED})")
    package: Package | None = field("new package")
    number_of_pieces: Int32 | None = field(f"new number of pieces; {UNCHANGED}")
    pieces_per_package: Int32 | None = field(f"new number of pieces in a package; {UNCHANGED}")
    incoterm: Incoterm | None = field(f"{INCOTERM}; {UNCHANGED}")
    should_return_packages: Boolean | None = field("whether the packages have to go back")
    reason: Text | None = field("why it is asked for, as free text", personal=True)
    is_cancel_request: Boolean = field("whether the order should be cancelled altogether")
    sales_order_version_after_correction: Int32 | None = field(
        "version of the order that it led to; NULL where it led to none"
    )
    created_by_user_name: Text | None = field("name of the contact person for the request", personal=True)
    latest_delivery_date_time: DateTime | None = field(f"new latest moment of delivery; {UNCHANGED}")
    delivery_location: CorrectionDeliveryLocation | None = field("new place of delivery")
    additional_services: list[CorrectionAdditionalService] = field(
        "additional services that a sales order correction request changes"
    )
    reclamation_action_decision: SalesOrderReclamationActionDecision | None = field(
        "what happens to the goods after a complaint; NULL for no complaint"
    )


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

FEEDS = (SALES_ORDER_CORRECTION_REQUESTS,)
