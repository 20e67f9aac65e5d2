"""What is settled and invoiced, in two phases: a line comes without an invoice first (the specification)."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.calendar import day_of, moment
from pipelines.sandbox.world.sales_order import Order
from pipelines.sandbox.world.site import CENT, Site

LINES = "orders.invoice_lines"
MEANS = "fulfillment.logistic_means_invoice_lines"

_TELL_CREATION = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
"""Lines from before it do not tell when they were made."""
_SILENT_CHANNELS = ("PLANTION_CLOCK", "VRM_CLOCK")
_MEANS = {"DANISH_TROLLEY": ("DANISH_TROLLEY", "901"), "AUCTION_TROLLEY": ("AUCTION_TROLLEY", "900")}
_LAYERS = {"DANISH_TROLLEY": ("DANISH_TROLLEY_LAYER", "904"), "AUCTION_TROLLEY": ("AUCTION_TROLLEY_LAYER", "903")}


class Invoicing:
    """The invoice lines of a nursery's orders and load carriers.

    Args:
        site: the nursery.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._settled: dict[str, str] = {}
        self._invoices: dict[tuple[str, dt.date], str] = {}

    def settle_delivery(self, fulfillment: Document, orders: Mapping[str, Order]) -> None:
        """Settle what stands on the load carriers of a fulfillment order, and some of these themselves."""
        packages: dict[tuple[str, str], int] = defaultdict(int)
        for carrier in fulfillment["loadCarriers"]:
            for item in carrier["loadCarrierItems"]:
                note = item["deliveryNoteCode"] + item["deliveryNoteLetter"]
                packages[item["fulfillmentRequestId"], note] += item["numberOfPackages"]
        for (request, note), number in packages.items():
            order = orders[request]
            pieces = min(number * order.item.pieces_per_package, order.record["numberOfPieces"])
            self._settle(order, note, pieces)
        if self._site.happens(0.25):
            self._settle_means(fulfillment)

    def settle_clock(self, order: Order) -> None:
        """Settle an order that was sold at the auction, where the auction tells of it."""
        if order.record["salesChannel"] not in _SILENT_CHANNELS and order.record["status"] == "COMMITTED":
            self._settle(order, f"{self._site.codes.note()}A", order.record["numberOfPieces"])

    def correct(self, order: Order, before: Document) -> None:
        """Add a line for what a correction changed after the order was settled."""
        note = self._settled.get(order.id)
        if note is None:
            return
        record = order.record
        old = before["totalPricePerPiece"] * before["numberOfPieces"]
        amount = record["calculatedFields"]["orderAmount"]["value"] - old
        pieces = record["numberOfPieces"] - before["numberOfPieces"]
        self._add(order, note, pieces, amount, is_correction=True)

    def _settle(self, order: Order, note: str, pieces: int) -> None:
        """Now and then Floriday never hears of it."""
        if pieces and not self._site.happens(0.02):
            self._settled[order.id] = note
            total: Decimal = order.record["calculatedFields"]["totalPricePerPiece"]["value"]
            self._add(order, note, pieces, total * pieces, is_correction=False)

    def _add(self, order: Order, note: str, pieces: int, amount: Decimal, *, is_correction: bool) -> None:
        site = self._site
        line = {
            "invoiceLineId": site.codes.uuid(),
            "invoiceId": None,
            "salesOrderId": order.id,
            "salesChannelOrderId": order.record["salesChannelOrderId"],
            "deliveryFormReference": note,
            "subTotalAmount": amount.quantize(CENT),
            "numberOfPieces": pieces,
            "invoiceDate": None,
            "lastModified": site.now,
            "creationDateTime": site.now if site.now >= _TELL_CREATION else None,
            "isCorrection": is_correction,
        }
        self._begin(LINES, line, order.customer.id)

    def _settle_means(self, fulfillment: Document) -> None:
        buyer = fulfillment["destination"]["organizationId"]
        for carrier in fulfillment["loadCarriers"]:
            means = _MEANS.get(carrier["loadCarrierType"])
            if means:
                self._begin(MEANS, self._means_line(fulfillment, carrier, *means, 1), buyer)
                if layers := carrier["numberOfAdditionalLayers"]:
                    of_layers = _LAYERS[carrier["loadCarrierType"]]
                    self._begin(MEANS, self._means_line(fulfillment, carrier, *of_layers, layers), buyer)

    def _means_line(self, fulfillment: Document, carrier: Document, kind: str, code: str, number: int) -> Document:
        return {
            "invoiceLineId": self._site.codes.uuid(),
            "loadCarrierBarcode": carrier["loadCarrierBarcode"],
            "deliveryNoteCode": carrier["deliveryNoteCodes"][0],
            "fulfillmentOrderId": fulfillment["fulfillmentOrderId"],
            "invoiceId": None,
            "invoiceDate": None,
            "itemCode": code,
            "logisticMeansType": kind,
            "numberOfItems": number,
            "lastModified": self._site.now,
            "creationDateTime": self._site.now,
        }

    def _begin(self, feed: str, line: Document, buyer: str) -> None:
        """Publish a line that is settled; it is invoiced on the Friday that follows."""
        self._site.publish(feed, line)
        today = day_of(self._site.now)
        friday = today + dt.timedelta(days=(4 - today.weekday()) % 7 or 7)
        self._site.at(moment(friday, 18), lambda: self._invoice(feed, line, buyer, friday))

    def _invoice(self, feed: str, line: Document, buyer: str, day: dt.date) -> None:
        if (buyer, day) not in self._invoices:
            year, week, _ = day.isocalendar()
            self._invoices[buyer, day] = f"{year}-{week:02d}-{self._site.codes.number(7)}"
        line["invoiceId"] = self._invoices[buyer, day]
        line |= {"invoiceDate": moment(day, 0), "lastModified": self._site.now}
        self._site.publish(feed, line)
