"""Invoice lines: those for goods, and those for their load carriers and packages."""

from __future__ import annotations

from typing import Literal

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import CREATION_DATE_TIME, LAST_MODIFIED_DATE_TIME, SEQUENCE_NUMBER
from pipelines.catalogue.suppliers.shared import NOTE_CODE
from pipelines.catalogue.types import Boolean, DateTime, Decimal, Feed, Int32, Int64, Record, Text, Uuid, field
from pipelines.floriday.endpoints import Endpoint

LogisticMeansType = Literal[
    "AUCTION_TROLLEY_LAYER", "DANISH_TROLLEY", "DANISH_TROLLEY_LAYER", "PACKAGE", "AUCTION_TROLLEY"
]

INVOICE_ID = "number of Royal FloraHolland's invoice; NULL until the line is invoiced"
INVOICE_DATE = "date of the invoice, as a moment: take its date in Amsterdam; NULL until the line is invoiced"


class InvoiceLine(Record):
    """What was settled for sold goods: one row for each line, of which a sales order can have many."""

    invoice_line_id: Text = field("identifier of the line at Royal FloraHolland, as text")
    invoice_id: Text | None = field(INVOICE_ID)
    sales_order_id: Uuid = field("order that is settled (orders.sales_orders)")
    sales_channel_order_id: Text = field("number of the order in the sales channel")
    delivery_form_reference: Text = field("code and letter of the delivery note")
    sub_total_amount: Decimal = field("amount of the line, below 0 for what is taken back; its currency is not stated")
    number_of_pieces: Int32 = field("pieces, below 0 for what is taken back")
    invoice_date: DateTime | None = field(INVOICE_DATE)
    last_modified: DateTime | None = field(LAST_MODIFIED_DATE_TIME)
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    creation_date_time: DateTime | None = field(f"{CREATION_DATE_TIME}; NULL for lines from before May 2026")
    is_correction: Boolean | None = field("whether it corrects an earlier line")


class LogisticMeansInvoiceStatus(Record):
    """What was settled for load carriers and packages, such as deposits: one row for each line."""

    invoice_line_id: Uuid = field("Floriday's identifier of the line")
    load_carrier_barcode: Text | None = field(
        "barcode of the load carrier (fulfillment.fulfillment_order_load_carriers)"
    )
    delivery_note_code: Text | None = field(NOTE_CODE)
    fulfillment_order_id: Uuid = field("shipment that is settled (fulfillment.fulfillment_orders)")
    invoice_id: Text | None = field(INVOICE_ID)
    invoice_date: DateTime | None = field(INVOICE_DATE)
    item_code: Text | None = field("code of what is settled, such as the VBN code of the package")
    logistic_means_type: LogisticMeansType = field("kind of load carrier or package")
    number_of_items: Int32 = field("how many of it")
    last_modified: DateTime = field(LAST_MODIFIED_DATE_TIME)
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    creation_date_time: DateTime = field(CREATION_DATE_TIME)


INVOICE_LINES = Feed(
    schema="orders",
    table="invoice_lines",
    record=InvoiceLine,
    key=("invoice_line_id",),
    endpoint=Endpoint("/sales-orders/invoice-status"),
    scope="sales-order:read",
    tier="hourly",
    notes=(notes.TWO_PHASES, notes.NO_CURRENCY, notes.SOME_AUCTIONS, notes.NOTHING_DELETED, notes.HISTORY_STARTS_HERE),
)

LOGISTIC_MEANS_INVOICE_LINES = Feed(
    schema="fulfillment",
    table="logistic_means_invoice_lines",
    record=LogisticMeansInvoiceStatus,
    key=("invoice_line_id",),
    endpoint=Endpoint("/logistic-means/invoice-status"),
    scope="fulfillment:read",
    tier="hourly",
    notes=(notes.TWO_PHASES, notes.NOTHING_DELETED, notes.HISTORY_STARTS_HERE),
)
