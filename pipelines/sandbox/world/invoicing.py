"""Invoice lines, in two phases: a line first appears without an invoice (the specification)."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.calendar import day_of, moment
from pipelines.sandbox.world.grower_context import CENT, GrowerContext
from pipelines.sandbox.world.sales_order import Order

LINES = "orders.invoice_lines"
MEANS = "fulfillment.logistic_means_invoice_lines"

_CREATION_TIMES_SINCE = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
"""Lines from before have no creation time."""
_CHANNELS_WITHOUT_INVOICES = ("PLANTION_CLOCK", "VRM_CLOCK")
_MEANS = {"DANISH_TROLLEY": ("DANISH_TROLLEY", "901"), "AUCTION_TROLLEY": ("AUCTION_TROLLEY", "900")}
_LAYERS = {"DANISH_TROLLEY": ("DANISH_TROLLEY_LAYER", "904"), "AUCTION_TROLLEY": ("AUCTION_TROLLEY_LAYER", "903")}


class Invoicing:
    """The invoice lines of a nursery's orders and load carriers.

    Args:
        grower: context of the nursery.
    """

    def __init__(self, grower: GrowerContext) -> None:
        self._grower = grower
        self._settled: dict[str, str] = {}
        self._invoices: dict[tuple[str, dt.date], str] = {}

    def settle_delivery(self, fulfillment: Document, orders: Mapping[str, Order]) -> None:
        """Settle the goods on the load carriers of a fulfillment order, and sometimes the load carriers."""
        packages: dict[tuple[str, str], int] = defaultdict(int)
        for carrier in fulfillment["loadCarriers"]:
            for item in carrier["loadCarrierItems"]:
                note = item["deliveryNoteCode"] + item["deliveryNoteLetter"]
                packages[item["fulfillmentRequestId"], note] += item["numberOfPackages"]
        for (request, note), number in packages.items():
            order = orders[request]
            pieces = min(number * order.item.pieces_per_package, order.record["numberOfPieces"])
            self._settle(order, note, pieces)
        if self._grower.happens(0.25):
            self._settle_means(fulfillment)

    def settle_clock(self, order: Order) -> None:
        """Settle a committed order of the auction, if Floriday receives the invoices of its channel."""
        if order.record["salesChannel"] not in _CHANNELS_WITHOUT_INVOICES and order.record["status"] == "COMMITTED":
            self._settle(order, f"{self._grower.codes.note()}A", order.record["numberOfPieces"])

    def correct(self, order: Order, before: Document) -> None:
        """Add a line with the difference if an order is corrected after it was settled."""
        note = self._settled.get(order.id)
        if note is None:
            return
        record = order.record
        old = before["totalPricePerPiece"] * before["numberOfPieces"]
        amount = record["calculatedFields"]["orderAmount"]["value"] - old
        pieces = record["numberOfPieces"] - before["numberOfPieces"]
        self._add(order, note, pieces, amount, is_correction=True)

    def _settle(self, order: Order, note: str, pieces: int) -> None:
        """Add the line of an order; a few orders are settled in part or never, as in Floriday."""
        if self._grower.happens(0.02):
            pieces = order.packages // 2 * order.item.pieces_per_package
        if pieces and not self._grower.happens(0.02):
            self._settled[order.id] = note
            total: Decimal = order.record["calculatedFields"]["totalPricePerPiece"]["value"]
            self._add(order, note, pieces, total * pieces, is_correction=False)

    def _add(self, order: Order, note: str, pieces: int, amount: Decimal, *, is_correction: bool) -> None:
        grower = self._grower
        line = {
            "invoiceLineId": grower.codes.uuid(),
            "invoiceId": None,
            "salesOrderId": order.id,
            "salesChannelOrderId": order.record["salesChannelOrderId"],
            "deliveryFormReference": note,
            "subTotalAmount": amount.quantize(CENT),
            "numberOfPieces": pieces,
            "invoiceDate": None,
            "lastModified": grower.now,
            "creationDateTime": grower.now if grower.now >= _CREATION_TIMES_SINCE else None,
            "isCorrection": is_correction,
        }
        self._publish_settled(LINES, line, order.customer.id)

    def _settle_means(self, fulfillment: Document) -> None:
        buyer = fulfillment["destination"]["organizationId"]
        for carrier in fulfillment["loadCarriers"]:
            means = _MEANS.get(carrier["loadCarrierType"])
            if means:
                self._publish_settled(MEANS, self._means_line(fulfillment, carrier, *means, 1), buyer)
                if layers := carrier["numberOfAdditionalLayers"]:
                    of_layers = _LAYERS[carrier["loadCarrierType"]]
                    self._publish_settled(MEANS, self._means_line(fulfillment, carrier, *of_layers, layers), buyer)

    def _means_line(self, fulfillment: Document, carrier: Document, kind: str, code: str, number: int) -> Document:
        return {
            "invoiceLineId": self._grower.codes.uuid(),
            "loadCarrierBarcode": carrier["loadCarrierBarcode"],
            "deliveryNoteCode": carrier["deliveryNoteCodes"][0],
            "fulfillmentOrderId": fulfillment["fulfillmentOrderId"],
            "invoiceId": None,
            "invoiceDate": None,
            "itemCode": code,
            "logisticMeansType": kind,
            "numberOfItems": number,
            "lastModified": self._grower.now,
            "creationDateTime": self._grower.now,
        }

    def _publish_settled(self, feed: str, line: Document, buyer: str) -> None:
        """Publish a line, which is invoiced on the following Friday."""
        self._grower.publish(feed, line)
        today = day_of(self._grower.now)
        friday = today + dt.timedelta(days=(4 - today.weekday()) % 7 or 7)
        self._grower.at(moment(friday, 18), lambda: self._invoice(feed, line, buyer, friday))

    def _invoice(self, feed: str, line: Document, buyer: str, day: dt.date) -> None:
        if (buyer, day) not in self._invoices:
            year, week, _ = day.isocalendar()
            self._invoices[buyer, day] = f"{year}-{week:02d}-{self._grower.codes.number(7)}"
        line["invoiceId"] = self._invoices[buyer, day]
        line |= {"invoiceDate": moment(day, 0), "lastModified": self._grower.now}
        self._grower.publish(feed, line)
