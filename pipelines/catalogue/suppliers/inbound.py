"""What others send to one's own warehouses: inbound fulfillment orders (the specification)."""

from __future__ import annotations

import datetime as dt

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import (
    CARRIER,
    CREATION_DATE_TIME,
    DELIVERY_REMARKS,
    DESPATCH_WAREHOUSE,
    LAST_MODIFIED_DATE_TIME,
    SEQUENCE_NUMBER,
    LoadCarrierType,
)
from pipelines.catalogue.suppliers.shared import (
    ADDITIONAL_LAYERS,
    DOCUMENT_REFERENCE,
    NOTE_CODE,
    NOTE_LETTER,
    SERVICE_CODE,
    Destination,
    FulfillmentStatus,
)
from pipelines.catalogue.types import DateTime, Feed, Int32, Int64, Record, Retention, Text, Uuid, field
from pipelines.floriday.endpoints import Endpoint


class LoadCarrierItemInbound(Record):
    """Packages of one batch; only its position identifies it."""

    batch_id: Uuid = field("stock that it comes from (supply.batches)")
    number_of_packages: Int32 = field("packages")
    service_code: Int32 | None = field(SERVICE_CODE)
    trade_item_id: Uuid = field("what it is (catalog.trade_items)")
    batch_reference: Text | None = field("reference of the batch, up to 8 characters here")
    delivery_note_code: Text | None = field(NOTE_CODE)
    delivery_note_letter: Text | None = field(NOTE_LETTER)
    sort_index: Int32 | None = field("rank on the load carrier, lowest first")
    delivery_remarks: Text | None = field(DELIVERY_REMARKS, personal=True)


class LoadCarrierConfigurationInbound(Record):
    """A trolley or pallet and its papers; only its position identifies it."""

    load_carrier_items: list[LoadCarrierItemInbound] = field(
        "items on an inbound load carrier", table="inbound_fulfillment_order_load_carrier_items"
    )
    load_carrier_type: LoadCarrierType = field("kind of load carrier")
    number_of_additional_layers: Int32 = field(ADDITIONAL_LAYERS)
    document_reference: Text | None = field(DOCUMENT_REFERENCE)
    delivery_note_codes: list[Text] = field("codes of its delivery notes")
    sort_index: Int32 = field("rank within the shipment, lowest first; may repeat")
    load_carrier_reference: Text | None = field("reference that is unique within the shipment")


class FulfillmentOrderInbound(Record):
    """Shipments of others to one's own warehouses: one row for each inbound fulfillment order."""

    fulfillment_order_id: Uuid = field("Floriday's identifier of the fulfillment order")
    carrier_organization_id: Uuid | None = field(CARRIER)
    latest_delivery_date_time: DateTime = field("latest moment of delivery; its day and week are those of Amsterdam")
    destination: Destination = field("destination")
    despatch_warehouse_id: Uuid = field(DESPATCH_WAREHOUSE)
    load_carriers: list[LoadCarrierConfigurationInbound] = field("load carriers of an inbound fulfillment order")
    delivery_note_codes: list[Text] = field("codes of its delivery notes")
    supplier_organization_id: Uuid = field("supplier of the goods (organizations.organizations)")
    status: FulfillmentStatus = field("how far it is, from DRAFT to DELIVERED")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    creation_date_time: DateTime = field(CREATION_DATE_TIME)
    last_modified_date_time: DateTime = field(LAST_MODIFIED_DATE_TIME)


INBOUND_FULFILLMENT_ORDERS = Feed(
    schema="fulfillment",
    table="inbound_fulfillment_orders",
    record=FulfillmentOrderInbound,
    key=("fulfillment_order_id",),
    endpoint=Endpoint("/fulfillment-orders/inbound", max_sequence=None),
    scope="fulfillment:read",
    tier="hourly",
    retention=Retention(dt.timedelta(days=90), "its delivery"),
    notes=(notes.STATUS_SHOWS_OUTCOME, notes.HISTORY_STARTS_HERE),
)

FEEDS = (INBOUND_FULFILLMENT_ORDERS,)
