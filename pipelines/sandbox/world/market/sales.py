"""What a buyer buys: orders from supply lines, before the clock and at the clock, and what becomes of them."""

from __future__ import annotations

from decimal import Decimal

from pipelines.sandbox.world.grower_context import CENT, price
from pipelines.sandbox.world.market.buyer_context import Desk
from pipelines.sandbox.world.market.corrections import Corrections
from pipelines.sandbox.world.market.presales import Presales
from pipelines.sandbox.world.market.purchases import Purchases
from pipelines.sandbox.world.market.sales_order import Order, sales_order
from pipelines.sandbox.world.market.shipments import Shipments
from pipelines.sandbox.world.market.stickers import Stickers
from pipelines.sandbox.world.market.supply import Supply

FEED = "orders.sales_orders"
SUB_CUSTOMERS = "orders.sub_customer_sales_orders"


class Sales:
    """The sales orders of a buyer.

    Args:
        desk: the buyer.
        supply: what is offered to it.
        presales: what is offered before the clock.
    """

    def __init__(self, desk: Desk, supply: Supply, presales: Presales) -> None:
        self._desk = desk
        self._supply = supply
        self._presales = presales
        self._shipments = Shipments(desk)
        self._stickers = Stickers(desk)
        self._corrections = Corrections(desk)
        self.purchases = Purchases(desk)

    def place(self) -> None:
        """Buy something."""
        kind = self._desk.chance.random()
        if kind < 0.75:
            self._buy_directly()
        elif kind < 0.88:
            self._buy_before_the_clock()
        else:
            self._buy_at_the_clock()

    def _buy_directly(self) -> None:
        line = self._supply.choose()
        if not line:
            return
        per_package = line.item.pieces_per_package
        pieces = min(self._desk.chance.randint(1, 24), line.record["numberOfPieces"] // per_package) * per_package
        id = line.record["supplyLineId"]
        order = sales_order(
            self._desk, line.grower, line.item, instrument="DIRECT_SALES", pieces=pieces, value=line.price, line=id
        )
        self._supply.take(line, pieces)
        if self._desk.happens(0.08):
            self._pass_on(order)
        self.follow(order)
        if self._desk.happens(0.3):
            self.purchases.match(order)

    def _buy_before_the_clock(self) -> None:
        line = self._presales.choose()
        if not line:
            return
        grower = next(one for one in self._desk.growers if one.id == line["supplierOrganizationId"])
        item = next(one for one in grower.items if one.id == line["tradeItemId"])
        per_package = item.pieces_per_package
        pieces = min(self._desk.chance.randint(1, 6), line["numberOfPieces"] // per_package) * per_package
        value = line["pricePerPiece"]["value"]
        self._presales.take(line, pieces)
        order = sales_order(
            self._desk, grower, item, instrument="CLOCK_PRESALES", pieces=pieces, value=value, line=line["supplyLineId"]
        )
        self._publish(order)
        self._shipments.plan(order)

    def _buy_at_the_clock(self) -> None:
        """Of any grower; the supply at the clock itself is in no feed."""
        grower = self._desk.chance.choice(self._desk.growers)
        item = self._desk.chance.choice(grower.sold)
        pieces = item.pieces_per_package * self._desk.chance.randint(1, 8)
        value = (item.price * Decimal(self._desk.chance.randint(60, 130)) / 100).quantize(CENT)
        order = sales_order(self._desk, grower, item, instrument="CLOCK_SALES", pieces=pieces, value=value)
        self._publish(order)
        self._shipments.plan(order)

    def _pass_on(self, order: Order) -> None:
        """Let the order be one of a customer of the buyer's."""
        customer = self._desk.chance.choice([one for one in self._desk.register.customers if one.is_registered])
        order.record |= {
            "customerOrganizationId": customer.id,
            "mainCustomerOrganizationId": self._desk.organization_id,
        }
        surcharge = Decimal("1.50")
        record = {
            "salesOrderId": order.id,
            "pricePerPiece": order.record["pricePerPiece"],
            "deliveryPricePerPiece": order.record["deliveryPricePerPiece"],
            "orderAmount": price(order.record["calculatedFields"]["orderAmount"]["value"] + surcharge),
            "transactionSurcharge": price(surcharge),
            "numberOfPieces": order.record["numberOfPieces"],
            "companyName": customer.organization["name"],
            "reference": order.record["customerOrderReference"],
        }
        self._desk.publish(SUB_CUSTOMERS, record)

    def follow(self, order: Order) -> None:
        """Serve a new order that is pending, and let it take its course."""
        self._publish(order)
        self._desk.after(self._desk.chance.randint(2, 60), lambda: self._decide(order))

    def _decide(self, order: Order) -> None:
        verdicts = ("ACCEPTED", "REJECTED", "CANCELLED", "EXPIRED")
        self._set(order, status=self._desk.chance.choices(verdicts, (93, 2, 3, 2))[0])
        if order.record["status"] == "EXPIRED":
            self._set(order, automaticallyCancelledOn=self._desk.now)
        if order.record["status"] == "ACCEPTED":
            self._desk.after(self._desk.chance.randint(40, 300), lambda: self._commit(order))

    def _commit(self, order: Order) -> None:
        self._set(order, status="COMMITTED")
        if self._desk.happens(0.12):
            self._stickers.order(order)
        self._shipments.plan(order)
        if self._desk.happens(0.08):
            self._corrections.plan(order)

    def _set(self, order: Order, **members: object) -> None:
        order.record |= {**members, "lastModifiedDateTime": self._desk.now}
        self._publish(order)

    def _publish(self, order: Order) -> None:
        self._desk.publish(FEED, order.record)
