"""What has been settled and invoiced: the lines for sales orders and for logistic means (the specification)."""

from __future__ import annotations

from typing import Literal

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import LAST_MODIFIED_DATE_TIME, SEQUENCE_NUMBER
from pipelines.catalogue.types import DateTime, Decimal, Feed, Int32, Int64, Record, Text, Uuid, field
from pipelines.floriday.endpoints import Endpoint

LogisticMeansType = Literal[
    "AUCTION_TROLLEY_LAYER", "DANISH_TROLLEY", "DANISH_TROLLEY_LAYER", "PACKAGE", "AUCTION_TROLLEY"
]


class InvoiceLine(Record):
    """What Royal FloraHolland settled for sales orders: one row for each invoice line, several for an order."""

    invoice_line_id: Text = field("identifier of the line on the invoice, as text")
    invoice_id: Text | None = field("number of the invoice; NULL until it is sent")
    sales_order_id: Uuid = field("order that it settles (orders.sales_orders)")
    sales_channel_order_id: Text = field("number of the order in the sales channel")
    delivery_form_reference: Text = field("number of the delivery note, which is code and letter")
    sub_total_amount: Decimal = field("amount; below 0 where it is taken back")
    number_of_pieces: Int32 = field("pieces settled")
    invoice_date: DateTime | None = field("date of the invoice; NULL until it is sent")
    last_modified: DateTime | None = field(LAST_MODIFIED_DATE_TIME)
    sequence_number: Int64 = field(SEQUENCE_NUMBER)


class LogisticMeansInvoiceStatus(Record):
    """What was invoiced for trolleys, layers and packages: one row for each invoice line."""

    invoice_line_id: Uuid = field("identifier of the line on the invoice")
    load_carrier_barcode: Text | None = field(
        "barcode of the load carrier (fulfillment.advance_shipping_notice_load_carriers)"
    )
    delivery_note_code: Text | None = field("code of the delivery note")
    fulfillment_order_id: Uuid = field("shipment that they came with (fulfillment.advance_shipping_notices)")
    invoice_id: Text = field("number of the invoice")
    invoice_date: DateTime = field("date of the invoice")
    item_code: Text | None = field("code of the article on the invoice, such as a package's")
    logistic_means_type: LogisticMeansType = field("what is invoiced")
    number_of_items: Int32 = field("number of them")
    last_modified: DateTime = field(LAST_MODIFIED_DATE_TIME)
    sequence_number: Int64 = field(SEQUENCE_NUMBER)


INVOICE_LINES = Feed(
    schema="orders",
    table="invoice_lines",
    record=InvoiceLine,
    key=("invoice_line_id",),
    endpoint=Endpoint("/invoice-lines", "limit"),
    scope="sales-order:read",
    tier="hourly",
    notes=(notes.TWO_PHASES, notes.NO_CURRENCY, notes.SOME_AUCTIONS, notes.HISTORY_STARTS_HERE),
)

LOGISTIC_MEANS_INVOICE_LINES = Feed(
    schema="fulfillment",
    table="logistic_means_invoice_lines",
    record=LogisticMeansInvoiceStatus,
    key=("invoice_line_id",),
    endpoint=Endpoint("/logistic-means/invoice-status"),
    scope="fulfillment:read",
    tier="hourly",
    notes=(notes.NOTHING_DELETED, notes.HISTORY_STARTS_HERE),
)
