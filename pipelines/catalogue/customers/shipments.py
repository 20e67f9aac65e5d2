"""What is on its way to the buyer: advance shipping notices (the specification)."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import (
    CREATION_DATE_TIME,
    LAST_MODIFIED_DATE_TIME,
    SEQUENCE_NUMBER,
    LoadCarrierType,
)
from pipelines.catalogue.customers.shared import Address
from pipelines.catalogue.types import DateTime, Feed, Int32, Int64, Record, Retention, Text, Uuid, field
from pipelines.floriday.endpoints import Endpoint

LogisticHub = Literal["NONE", "AALSMEER", "NAALDWIJK", "RIJNSBURG", "PLANTION", "EELDE", "RHEINMAAS"]
FulfillmentOrderStatus = Literal["UNKNOWN", "DRAFT", "PENDING", "ACCEPTED", "FAILED", "CANCELLED"]
ReceivedLoadCarrierConfigurationItemStatus = Literal["OK", "NOT_OK"]


class FulfillmentLocation(Record):
    """A place of departure or delivery, by id, GLN or address."""

    warehouse_id: Uuid | None = field("warehouse (organizations.warehouses); NULL for none known to Floriday")
    gln: Text | None = field("GLN of 13 digits; NULL where it has none")
    address: Address | None = field("address")


class CarrierOrganization(Record):
    """Who takes the goods."""

    organization_id: Uuid | None = field("organization (organizations.organizations); NULL where only a name is known")
    name: Text | None = field("name")


class LoadCarrierItem(Record):
    """Packages of one sales order on the load carrier."""

    sales_order_id: Uuid = field("order that they are for (orders.sales_orders)")
    trade_item_id: Uuid = field("what it is (catalog.trade_items)")
    number_of_packages: Int32 = field("packages")
    service_code: Int32 | None = field("service code of the location where it was grown, without leading zeros")
    sequence_on_carrier: Int32 = field("rank on the load carrier, lowest first")
    batch_reference: Int64 | None = field("reference of the batch as a number, as in orders.sales_orders")
    logistic_label_code: Text = field("code on its logistic label")
    status_of_received_item: ReceivedLoadCarrierConfigurationItemStatus | None = field(
        "what the receiver found; NULL before receipt"
    )
    status_of_received_item_reason: Text | None = field("what was wrong on receipt, as free text", personal=True)


class LoadCarrierConfiguration(Record):
    """A trolley or pallet and its papers; only its position identifies it."""

    number_of_additional_layers: Int32 = field("layers added to it")
    number_of_layers: Int32 = field("layers in all")
    load_carrier_items: list[LoadCarrierItem] = field(
        "items on a load carrier", table="advance_shipping_notice_load_carrier_items"
    )
    document_reference: Text | None = field("reference of the transport document")
    load_carrier_type: LoadCarrierType = field("kind of load carrier")
    sequence_in_fulfillment: Int32 = field("rank within the shipment, lowest first")
    receipt_date_time: DateTime | None = field("when it arrived; NULL before that")
    load_carrier_barcode: Text | None = field("its barcode")


class FulfillmentOrder(Record):
    """Shipments to the buyer: one row for each advance shipping notice, which is the grower's fulfillment order."""

    fulfillment_order_id: Uuid = field("Floriday's identifier of the fulfillment order")
    expected_delivery_date_time: DateTime = field(
        "when it is expected to arrive; its day and week are those of Amsterdam"
    )
    delivery_location: FulfillmentLocation = field("place of delivery")
    despatch_location: FulfillmentLocation = field("place of despatch")
    created_date_time: DateTime = field(CREATION_DATE_TIME)
    last_modified: DateTime = field(LAST_MODIFIED_DATE_TIME)
    sender_organization_id: Uuid = field("who sends it (organizations.organizations)")
    logistic_hub: LogisticHub | None = field("auction site that it passes through")
    status: FulfillmentOrderStatus = field("how far it is, from DRAFT to ACCEPTED")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    carrier_organization: CarrierOrganization = field("carrier")
    load_carriers: list[LoadCarrierConfiguration] = field("load carriers of an advance shipping notice")


ADVANCE_SHIPPING_NOTICES = Feed(
    schema="fulfillment",
    table="advance_shipping_notices",
    record=FulfillmentOrder,
    key=("fulfillment_order_id",),
    endpoint=Endpoint("/advance-shipping-notices", "limit", max_sequence_scope="network:read"),
    scope="fulfillment:read",
    tier="fast",
    retention=Retention(dt.timedelta(days=90), "its delivery"),
    notes=(notes.STATUS_SHOWS_OUTCOME, notes.HISTORY_STARTS_HERE),
)

FEEDS = (ADVANCE_SHIPPING_NOTICES,)
