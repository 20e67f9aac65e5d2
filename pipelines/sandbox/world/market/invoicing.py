"""Invoice lines of orders and load carriers; a line first appears without an invoice (the specification)."""

from __future__ import annotations

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.market.buyer_context import BuyerContext
from pipelines.sandbox.world.market.sales_order import Order

LINES = "orders.invoice_lines"
MEANS = "fulfillment.logistic_means_invoice_lines"
_HOURS_TO_INVOICE = 9


class Invoicing:
    """The invoice lines of a buyer.

    Args:
        buyer: context of the buyer.
    """

    def __init__(self, buyer: BuyerContext) -> None:
        self._buyer = buyer

    def settle(self, order: Order) -> None:
        """Publish the line of an order, its invoice some hours later, and for a few orders a reversing line."""
        line = self._line(order, sign=1)
        self._buyer.publish(LINES, line)
        self._buyer.after(_HOURS_TO_INVOICE * 60, lambda: self._invoice(line))
        if self._buyer.happens(0.03):
            self._buyer.after(
                2 * _HOURS_TO_INVOICE * 60, lambda: self._buyer.publish(LINES, self._line(order, sign=-1))
            )

    def _invoice(self, line: Document) -> None:
        now = self._buyer.now
        line |= {"invoiceId": f"F{now:%y%m%d}", "invoiceDate": now, "lastModified": now}
        self._buyer.publish(LINES, line)

    def _line(self, order: Order, *, sign: int) -> Document:
        return {
            "invoiceLineId": self._buyer.codes.uuid(),
            "invoiceId": None,
            "salesOrderId": order.id,
            "salesChannelOrderId": order.record["salesChannelOrderId"],
            "deliveryFormReference": order.note,
            "subTotalAmount": sign * order.record["calculatedFields"]["orderAmount"]["value"],
            "numberOfPieces": sign * order.record["numberOfPieces"],
            "invoiceDate": None,
            "lastModified": self._buyer.now,
        }

    def charge_means(self, notice: Document, carrier: Document) -> None:
        """Plan the invoice line of a load carrier."""
        line = {
            "invoiceLineId": self._buyer.codes.uuid(),
            "loadCarrierBarcode": carrier["loadCarrierBarcode"],
            "deliveryNoteCode": carrier["documentReference"],
            "fulfillmentOrderId": notice["fulfillmentOrderId"],
            "itemCode": str(self._buyer.codes.number(3)),
            "logisticMeansType": carrier["loadCarrierType"],
            "numberOfItems": 1,
        }
        self._buyer.after(_HOURS_TO_INVOICE * 60, lambda: self._charge(line))

    def _charge(self, line: Document) -> None:
        now = self._buyer.now
        self._buyer.publish(MEANS, {**line, "invoiceId": f"L{now:%y%m%d}", "invoiceDate": now, "lastModified": now})
