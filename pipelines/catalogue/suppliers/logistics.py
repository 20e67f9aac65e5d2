"""What goes along with shipments: scans on their way, and the stickers of buyers (the specification)."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import CREATION_DATE_TIME, DESPATCH_WAREHOUSE, IS_DELETED, SEQUENCE_NUMBER
from pipelines.catalogue.both_apis.services import CustomerStickerFileInformation, Size
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

TrackAndTraceStatus = Literal["NONE", "DELIVERED", "IN_TRANSIT", "READY_FOR_TRANSIT"]
StickerType = Literal[
    "UNKNOWN", "POT", "PACKAGE", "SLEEVE", "PRODUCT", "LAYER", "LOAD_CARRIER", "DOCUMENT", "MULTIPLE_TYPE"
]


class TrackAndTraceScan(Record):
    """When and where a logistic label was scanned: one row for each scan."""

    scan_id: Uuid = field("Floriday's identifier of the scan")
    fulfillment_order_id: Uuid = field("shipment that was scanned (fulfillment.fulfillment_orders)")
    track_and_trace_status: TrackAndTraceStatus = field("how far the goods were")
    scan_date_time: DateTime = field("when it was scanned")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    logistic_label_code: Text = field("code on the logistic label")
    location_gln: Text | None = field("GLN of the place")
    license_plate_number: Text | None = field("licence plate of the vehicle", personal=True)
    load_carrier_rfid_tag: Text | None = field("RFID tag of the load carrier")
    location_latitude: Decimal | None = field("latitude of the place, in degrees north", personal=True)
    location_longitude: Decimal | None = field("longitude of the place, in degrees east", personal=True)


class CustomerStickerComposition(Record):
    """The number of stickers of one kind."""

    sticker_type: StickerType = field("what the sticker is put on")
    number_of_units: Int32 = field("stickers")


class CustomerSticker(Record):
    """What buyers want printed and put on their goods: one row for each sticker file."""

    sticker_id: Uuid = field("Floriday's identifier of the sticker; sales orders refer to it")
    customer_organization_id: Uuid = field("buyer whose sticker it is (organizations.organizations)")
    supplier_organization_id: Uuid = field("grower who puts it on (organizations.organizations)")
    delivery_date_time: DateTime = field("when the goods have to be delivered")
    sticker_type: StickerType = field("what the stickers are put on; MULTIPLE_TYPE for those of the compositions")
    sales_order_id: Uuid | None = field("order that it is for (orders.sales_orders); NULL for none")
    despatch_warehouse_id: Uuid = field(DESPATCH_WAREHOUSE)
    additional_information: Text | None = field("further information from the buyer")
    sticker_size: Size | None = field("size")
    is_handled: Boolean = field("whether the grower has dealt with it")
    creation_date_time: DateTime = field(CREATION_DATE_TIME)
    last_requested_on: DateTime | None = field("when its file was last fetched; NULL where never")
    is_deleted: Boolean = field(IS_DELETED)
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    sticker_file_information: CustomerStickerFileInformation | None = field("file")
    compositions: list[CustomerStickerComposition] = field("kinds of sticker in a buyer's file")


TRACK_AND_TRACE_SCANS = Feed(
    schema="fulfillment",
    table="track_and_trace_scans",
    record=TrackAndTraceScan,
    key=("scan_id",),
    endpoint=Endpoint("/track-and-trace/scans"),
    scope="fulfillment:read",
    tier="hourly",
    notes=(notes.APPEND_ONLY,),
)

CUSTOMER_STICKERS = Feed(
    schema="fulfillment",
    table="customer_stickers",
    record=CustomerSticker,
    key=("sticker_id",),
    endpoint=Endpoint("/customer-stickers"),
    scope="sticker:read",
    retention=Retention(dt.timedelta(days=30), "its latest delivery"),
    notes=(notes.HISTORY_STARTS_HERE, notes.SHORT_LIVED),
)

FEEDS = (TRACK_AND_TRACE_SCANS, CUSTOMER_STICKERS)
