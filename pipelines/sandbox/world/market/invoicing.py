"""Invoice lines in their two phases, for goods and for what carries them (the specification)."""

from __future__ import annotations

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.market.desk import Desk
from pipelines.sandbox.world.market.sales_order import Order

LINES = "orders.invoice_lines"
MEANS = "fulfillment.logistic_means_invoice_lines"
_HOURS_TO_INVOICE = 9


class Invoicing:
    """What a buyer is charged.

    Args:
        desk: the buyer.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def settle(self, order: Order) -> None:
        """Let an order's line appear, and tell its invoice some hours later; few are reversed by another line."""
        line = self._line(order, sign=1)
        self._desk.publish(LINES, line)
        self._desk.after(_HOURS_TO_INVOICE * 60, lambda: self._invoice(line))
        if self._desk.happens(0.03):
            self._desk.after(2 * _HOURS_TO_INVOICE * 60, lambda: self._desk.publish(LINES, self._line(order, sign=-1)))

    def _invoice(self, line: Document) -> None:
        now = self._desk.now
        line |= {"invoiceId": f"F{now:%y%m%d}", "invoiceDate": now, "lastModified": now}
        self._desk.publish(LINES, line)

    def _line(self, order: Order, *, sign: int) -> Document:
        return {
            "invoiceLineId": self._desk.codes.uuid(),
            "invoiceId": None,
            "salesOrderId": order.id,
            "salesChannelOrderId": order.record["salesChannelOrderId"],
            "deliveryFormReference": order.note,
            "subTotalAmount": sign * order.record["calculatedFields"]["orderAmount"]["value"],
            "numberOfPieces": sign * order.record["numberOfPieces"],
            "invoiceDate": None,
            "lastModified": self._desk.now,
        }

    def charge_means(self, notice: Document, carrier: Document) -> None:
        """Let what carried the goods be invoiced in the evening."""
        line = {
            "invoiceLineId": self._desk.codes.uuid(),
            "loadCarrierBarcode": carrier["loadCarrierBarcode"],
            "deliveryNoteCode": carrier["documentReference"],
            "fulfillmentOrderId": notice["fulfillmentOrderId"],
            "itemCode": str(self._desk.codes.number(3)),
            "logisticMeansType": carrier["loadCarrierType"],
            "numberOfItems": 1,
        }
        self._desk.after(_HOURS_TO_INVOICE * 60, lambda: self._charge(line))

    def _charge(self, line: Document) -> None:
        now = self._desk.now
        self._desk.publish(MEANS, {**line, "invoiceId": f"L{now:%y%m%d}", "invoiceDate": now, "lastModified": now})
