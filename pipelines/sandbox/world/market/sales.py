"""The sales orders of a buyer, and their life: direct, in the presales of the clock, and at the clock."""

from __future__ import annotations

from decimal import Decimal

from pipelines.sandbox.world.grower_context import CENT, price
from pipelines.sandbox.world.market.buyer_context import BuyerContext
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
        buyer: context of the buyer.
        supply: supply lines for the buyer.
        presales: presales supply lines of the clock.
    """

    def __init__(self, buyer: BuyerContext, supply: Supply, presales: Presales) -> None:
        self._buyer = buyer
        self._supply = supply
        self._presales = presales
        self._shipments = Shipments(buyer)
        self._stickers = Stickers(buyer)
        self._corrections = Corrections(buyer)
        self.purchases = Purchases(buyer)

    def place(self) -> None:
        """Place an order, at random direct, in the presales or at the clock."""
        kind = self._buyer.rng.random()
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
        pieces = min(self._buyer.rng.randint(1, 24), line.record["numberOfPieces"] // per_package) * per_package
        id = line.record["supplyLineId"]
        order = sales_order(
            self._buyer, line.grower, line.item, instrument="DIRECT_SALES", pieces=pieces, value=line.price, line=id
        )
        self._supply.take(line, pieces)
        if self._buyer.happens(0.08):
            self._assign_sub_customer(order)
        self.submit(order)
        if self._buyer.happens(0.3):
            self.purchases.match(order)

    def _buy_before_the_clock(self) -> None:
        line = self._presales.choose()
        if not line:
            return
        grower = next(grower for grower in self._buyer.growers if grower.id == line["supplierOrganizationId"])
        item = next(item for item in grower.items if item.id == line["tradeItemId"])
        per_package = item.pieces_per_package
        pieces = min(self._buyer.rng.randint(1, 6), line["numberOfPieces"] // per_package) * per_package
        value = line["pricePerPiece"]["value"]
        self._presales.take(line, pieces)
        order = sales_order(
            self._buyer,
            grower,
            item,
            instrument="CLOCK_PRESALES",
            pieces=pieces,
            value=value,
            line=line["supplyLineId"],
        )
        self._publish(order)
        self._shipments.plan(order)

    def _buy_at_the_clock(self) -> None:
        """Buy from a connected grower, without a supply line: no feed serves those of the clock itself."""
        grower = self._buyer.rng.choice(self._buyer.suppliers)
        item = self._buyer.rng.choice(grower.sold)
        pieces = item.pieces_per_package * self._buyer.rng.randint(1, 8)
        value = (item.price * Decimal(self._buyer.rng.randint(60, 130)) / 100).quantize(CENT)
        order = sales_order(self._buyer, grower, item, instrument="CLOCK_SALES", pieces=pieces, value=value)
        self._publish(order)
        self._shipments.plan(order)

    def _assign_sub_customer(self, order: Order) -> None:
        """Make the order one of a sub-customer of the buyer."""
        customer = self._buyer.rng.choice([each for each in self._buyer.register.customers if each.is_registered])
        order.record |= {
            "customerOrganizationId": customer.id,
            "mainCustomerOrganizationId": self._buyer.organization_id,
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
        self._buyer.publish(SUB_CUSTOMERS, record)

    def submit(self, order: Order) -> None:
        """Publish a pending order, and plan its next steps."""
        self._publish(order)
        self._buyer.after(self._buyer.rng.randint(2, 60), lambda: self._decide(order))

    def _decide(self, order: Order) -> None:
        verdicts = ("ACCEPTED", "REJECTED", "CANCELLED", "EXPIRED")
        self._set(order, status=self._buyer.rng.choices(verdicts, (93, 2, 3, 2))[0])
        if order.record["status"] == "EXPIRED":
            self._set(order, automaticallyCancelledOn=self._buyer.now)
        if order.record["status"] == "ACCEPTED":
            self._buyer.after(self._buyer.rng.randint(40, 300), lambda: self._commit(order))

    def _commit(self, order: Order) -> None:
        self._set(order, status="COMMITTED")
        if self._buyer.happens(0.12):
            self._stickers.order(order)
        self._shipments.plan(order)
        if self._buyer.happens(0.08):
            self._corrections.plan(order)

    def _set(self, order: Order, **members: object) -> None:
        order.record |= {**members, "lastModifiedDateTime": self._buyer.now}
        self._publish(order)

    def _publish(self, order: Order) -> None:
        self._buyer.publish(FEED, order.record)
