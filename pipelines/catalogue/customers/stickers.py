"""What a buyer wants stuck on the goods: customer stickers."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import CREATION_DATE_TIME, CUSTOMER, IS_DELETED, SEQUENCE_NUMBER
from pipelines.catalogue.both_apis.services import CustomerStickerFileInformation, Size
from pipelines.catalogue.customers.shared import SUPPLIER
from pipelines.catalogue.types import Boolean, DateTime, Feed, Int32, Int64, Record, Retention, Text, Uuid, field
from pipelines.floriday.endpoints import Endpoint

StickerType = Literal[
    "UNKNOWN", "PRODUCT", "POT", "SLEEVE", "PACKAGE", "LAYER", "LOAD_CARRIER", "DOCUMENT", "MULTI_TYPE"
]

EARLIER = "NULL but for older stickers"


class CustomerStickerComposition(Record):
    """The number of stickers of one kind."""

    sticker_type: StickerType = field("what the stickers are put on")
    number_of_units: Int32 = field("stickers of that kind")


class CustomerSticker(Record):
    """Stickers that buyers want on their goods: one row for each customer sticker."""

    sticker_id: Uuid = field("Floriday's identifier of the customer sticker; ordered services refer to it")
    customer_organization_id: Uuid = field(CUSTOMER)
    supplier_organization_id: Uuid = field(SUPPLIER)
    delivery_date_time: DateTime = field("when the goods have to be delivered")
    sticker_type: StickerType = field("what the stickers are put on")
    sales_order_id: Uuid | None = field("order that it is for (orders.sales_orders); NULL for none")
    purchase_order_id: Uuid | None = field(f"purchase order that it is for (orders.purchase_orders); {EARLIER}")
    blanket_order_line_id: Uuid | None = field(
        f"blanket order line that it is for (orders.blanket_order_lines); {EARLIER}"
    )
    additional_information: Text | None = field("further information from the buyer")
    sticker_size: Size | None = field("size")
    is_handled: Boolean = field("whether the grower has dealt with it")
    creation_date_time: DateTime = field(CREATION_DATE_TIME)
    last_requested_on: DateTime | None = field("when the grower last fetched the file; NULL for never")
    is_deleted: Boolean = field(IS_DELETED)
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    sticker_file_information: CustomerStickerFileInformation | None = field("file")
    compositions: list[CustomerStickerComposition] = field("kinds of sticker that a customer sticker combines")


CUSTOMER_STICKERS = Feed(
    schema="fulfillment",
    table="customer_stickers",
    record=CustomerSticker,
    key=("sticker_id",),
    endpoint=Endpoint("/customer-stickers", "limit"),
    scope="sticker:read",
    retention=Retention(dt.timedelta(days=30), "the latest delivery"),
    notes=(notes.HISTORY_STARTS_HERE, notes.SHORT_LIVED),
)

FEEDS = (CUSTOMER_STICKERS,)
