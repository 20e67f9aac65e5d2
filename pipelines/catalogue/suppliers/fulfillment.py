"""How sold goods reach the buyer: delivery orders and fulfillment orders (the specification)."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import (
    CARRIER,
    CREATION_DATE_TIME,
    DELIVERY_REMARKS,
    DESPATCH_WAREHOUSE,
    IS_DELETED,
    LAST_MODIFIED_DATE_TIME,
    NEXT_LEG,
    SEQUENCE_NUMBER,
    LoadCarrierType,
    Package,
)
from pipelines.catalogue.suppliers.shared import (
    ADDITIONAL_LAYERS,
    DOCUMENT_REFERENCE,
    NOTE_CODE,
    NOTE_LETTER,
    PACKING_AGENT,
    SALES_STRATEGY,
    SERVICE_CODE,
    Destination,
    FulfillmentStatus,
)
from pipelines.catalogue.types import (
    Boolean,
    DateTime,
    Decimal,
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

FulfillmentType = Literal["UNKNOWN", "CLOCK", "DIRECT_SALES", "GOODS_MOVEMENT", "DAYTRADE"]
LogisticHub = Literal["NONE", "AALSMEER", "NAALDWIJK", "RIJNSBURG", "RHEINMAAS", "EELDE", "PLANTION"]
CorrectionStatus = Literal["SUCCEEDED", "PENDING", "REJECTED"]
ReceivedLoadCarrierConfigurationItemStatus = Literal["OK", "NOT_OK"]


class FulfillmentOrderClaim(Record):
    """The packages that one fulfillment order takes from a request."""

    fulfillment_order_id: Uuid = field("shipment that takes them (fulfillment.fulfillment_orders)")
    claimed_number_of_packages: Int32 = field("packages taken")


class FulfillmentRequest(Record):
    """Packages of one batch to be delivered for one sale; a request can move to another delivery order."""

    fulfillment_request_id: Uuid = field("Floriday's identifier of the fulfillment request")
    batch_id: Uuid = field("stock to take it from (supply.batches)")
    number_of_packages: Int32 = field("packages to deliver now")
    initial_number_of_packages: Int32 = field("packages first asked for")
    sales_order_id: Uuid | None = field("order that it fulfills (orders.sales_orders); NULL for none")
    clock_pre_sales_price: Decimal | None = field("price of a piece in the clock's presales; NULL where it is no part")
    clock_minimum_price: Decimal | None = field("lowest price of a piece at the clock; NULL for no clock")
    additional_service_ids: list[Uuid] | None = field("additional services to carry out (catalog.additional_services)")
    package: Package | None = field("package")
    pieces_per_package: Int32 | None = field("pieces in a package")
    load_carrier: LoadCarrierType | None = field("kind of load carrier")
    service_code: Int32 | None = field(SERVICE_CODE)
    packing_agent_organization_id: Uuid | None = field(PACKING_AGENT)
    next_leg_identifier: Text | None = field(NEXT_LEG)
    delivery_remarks: Text | None = field(DELIVERY_REMARKS, personal=True)
    number_of_pieces_picked: Int32 = field("pieces picked so far")
    sales_strategy_id: Uuid | None = field(SALES_STRATEGY)
    fulfillment_order_claims: list[FulfillmentOrderClaim] = field(
        "claims on a fulfillment request", table="fulfillment_request_claims"
    )


class DeliveryOrder(Record):
    """What has to go together: one row for each warehouse, destination and delivery time."""

    delivery_order_id: Uuid = field("Floriday's identifier of the delivery order")
    creation_date_time: DateTime = field(CREATION_DATE_TIME)
    fulfillment_requests: list[FulfillmentRequest] = field(
        "requests of a delivery order", table="fulfillment_requests", id="fulfillment_request_id"
    )
    delivery_date_time: DateTime = field("when it has to be delivered")
    destination: Destination = field("destination")
    despatch_warehouse_id: Uuid = field(DESPATCH_WAREHOUSE)
    fulfilled: Boolean = field("whether fulfillment orders have claimed all of it")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    is_deleted: Boolean | None = field(IS_DELETED)
    last_modified_date_time: DateTime | None = field(LAST_MODIFIED_DATE_TIME)
    carrier_organization_id: Uuid | None = field(CARRIER)
    started_order_picking_at: DateTime | None = field("when picking began; NULL before that")


class LoadCarrierItem(Record):
    """Packages of one batch, put there for one fulfillment request."""

    load_carrier_item_id: Uuid = field("Floriday's identifier of the load carrier item")
    fulfillment_request_id: Uuid = field("what it fulfills (fulfillment.fulfillment_requests)")
    sales_order_id: Uuid | None = field("order that it fulfills (orders.sales_orders); NULL for none")
    number_of_packages: Int32 = field("packages")
    service_code: Int32 | None = field(SERVICE_CODE)
    packing_agent_organization_id: Uuid | None = field(PACKING_AGENT)
    batch_id: Uuid = field("stock that it comes from (supply.batches)")
    trade_item_id: Uuid = field("what it is (catalog.trade_items)")
    batch_reference: Text | None = field("reference of the batch, as in supply.batches")
    delivery_note_code: Text | None = field(NOTE_CODE)
    delivery_note_letter: Text | None = field(NOTE_LETTER)
    commercial_invoice_reference: Text | None = field("reference of the commercial invoice")
    sort_index: Int32 | None = field("rank on the load carrier, lowest first")
    delivery_remarks: Text | None = field(f"{DELIVERY_REMARKS}; NULL for those of the request", personal=True)
    status_of_received_item: ReceivedLoadCarrierConfigurationItemStatus | None = field(
        "what the receiver found; NULL before receipt"
    )
    status_of_received_item_reason: Text | None = field("what was wrong on receipt, as free text", personal=True)
    alternative_display_name: Text | None = field("text for the label in place of the trade item's name")


class LoadCarrierConfiguration(Record):
    """A trolley or pallet and its papers; only its position identifies it."""

    load_carrier_items: list[LoadCarrierItem] = field(
        "items on a load carrier", table="fulfillment_order_load_carrier_items"
    )
    load_carrier_type: LoadCarrierType = field("kind of load carrier")
    number_of_additional_layers: Int32 = field(ADDITIONAL_LAYERS)
    document_reference: Text | None = field(DOCUMENT_REFERENCE)
    delivery_note_codes: list[Text] = field("codes of its delivery notes")
    sort_index: Int32 = field("rank within the shipment, lowest first; may repeat")
    load_carrier_reference: Text | None = field("reference that is unique within the shipment")
    is_received: Boolean = field("whether it has arrived")
    receipt_date_time: DateTime | None = field("when it arrived; NULL before that")
    load_carrier_barcode: Text | None = field("its barcode")


class LoadCarrierItemCorrection(Record):
    """What becomes of the packages under one delivery note."""

    is_deleted: Boolean = field("whether the correction takes them off")
    number_of_packages: Int32 = field("packages after the correction")
    packing_agent_organization_id: Uuid | None = field(PACKING_AGENT)
    delivery_note_code: Text = field(NOTE_CODE)
    delivery_note_letter: Text = field(NOTE_LETTER)


class LoadCarrierCorrection(Record):
    """What becomes of one load carrier."""

    document_reference: Text | None = field(DOCUMENT_REFERENCE)
    load_carrier_type: LoadCarrierType = field("kind of load carrier")
    number_of_additional_layers: Int32 = field(ADDITIONAL_LAYERS)
    load_carrier_item_corrections: list[LoadCarrierItemCorrection] | None = field(
        "items of a load carrier in a correction", table="fulfillment_order_load_carrier_item_corrections"
    )


class FulfillmentOrderCorrection(Record):
    """A change asked for after the order was accepted."""

    correction_id: Uuid = field("Floriday's identifier of the correction")
    delivery_location_gln: Text | None = field("GLN of the place of delivery")
    load_carrier_corrections: list[LoadCarrierCorrection] = field(
        "load carriers in a correction", table="fulfillment_order_load_carrier_corrections"
    )
    status: CorrectionStatus | None = field("what became of it")
    creation_date_time: DateTime = field(CREATION_DATE_TIME)
    last_modified_date_time: DateTime = field(LAST_MODIFIED_DATE_TIME)


class FulfillmentOrder(Record):
    """Shipments: one row for each fulfillment order. Once accepted, it is also settled financially."""

    fulfillment_order_id: Uuid = field("Floriday's identifier of the fulfillment order")
    latest_delivery_date_time: DateTime = field("latest moment of delivery; its day and week are those of Amsterdam")
    despatch_warehouse_id: Uuid = field(DESPATCH_WAREHOUSE)
    fulfilling_organization_id: Uuid = field("who makes up the shipment (organizations.organizations)")
    supplier_organization_id: Uuid = field("supplier of the goods (organizations.organizations)")
    carrier_organization_id: Uuid | None = field(CARRIER)
    destination: Destination = field("destination")
    logistic_hub: LogisticHub | None = field("auction site that it passes through")
    load_carriers: list[LoadCarrierConfiguration] = field("load carriers of a fulfillment order, at most 200")
    delivery_note_codes: list[Text] = field("codes of its delivery notes")
    type: FulfillmentType = field("kind of trade or movement that it serves")
    one_label_only: Boolean = field("whether a single label serves the whole shipment")
    status: FulfillmentStatus = field("how far it is, from DRAFT to DELIVERED; FAILED has a submission_error")
    submission_error: Text | None = field("why the submission failed; NULL where it did not")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    creation_date_time: DateTime = field(CREATION_DATE_TIME)
    last_modified_date_time: DateTime = field(LAST_MODIFIED_DATE_TIME)
    fulfillment_order_corrections: list[FulfillmentOrderCorrection] | None = field(
        "corrections of a fulfillment order", table="fulfillment_order_corrections"
    )
    is_re_auctioning: Boolean = field("whether the goods go back to the clock")


DELIVERY_ORDERS = Feed(
    schema="fulfillment",
    table="delivery_orders",
    record=DeliveryOrder,
    key=("delivery_order_id",),
    endpoint=Endpoint("/delivery-orders", max_sequence_scope="supply:read", by_id="/delivery-orders/{deliveryOrderId}"),
    scope="fulfillment:read",
    tier="fast",
    retention=Retention(dt.timedelta(days=365), "its deletion"),
    notes=(notes.MOVABLE_CHILDREN, notes.HISTORY_STARTS_HERE),
)

FULFILLMENT_ORDERS = Feed(
    schema="fulfillment",
    table="fulfillment_orders",
    record=FulfillmentOrder,
    key=("fulfillment_order_id",),
    endpoint=Endpoint(
        "/fulfillment-orders", max_sequence_scope="supply:read", by_id="/fulfillment-orders/{fulfillmentOrderId}"
    ),
    scope="fulfillment:read",
    tier="fast",
    retention=Retention(dt.timedelta(days=90), "its delivery"),
    notes=(notes.STATUS_SHOWS_OUTCOME, notes.HISTORY_STARTS_HERE),
)

FEEDS = (DELIVERY_ORDERS, FULFILLMENT_ORDERS)
