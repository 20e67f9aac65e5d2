"""The life of sales orders: placed, accepted, committed; or rejected, cancelled, expired, corrected.

An accepted order claims its pieces with a batch mutation; an order that ends otherwise releases them.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world import sales_order
from pipelines.sandbox.world import vocabulary as words
from pipelines.sandbox.world.assortment import Assortment, Item
from pipelines.sandbox.world.batch import Batch
from pipelines.sandbox.world.calendar import day_of, moment, workday_after
from pipelines.sandbox.world.clock import Clock
from pipelines.sandbox.world.corrections import Corrections
from pipelines.sandbox.world.grower_context import CENT, GrowerContext
from pipelines.sandbox.world.invoicing import Invoicing
from pipelines.sandbox.world.logistics import Logistics
from pipelines.sandbox.world.parties import Customer
from pipelines.sandbox.world.sales_order import CHANNELS, CLOCK_CHANNELS, Channel, Order
from pipelines.sandbox.world.stickers import Stickers
from pipelines.sandbox.world.stock import Stock

_DELIVERY_TIMES = ((0, 30), (5, 0), (7, 0), (10, 0), (13, 30))


@dataclass(frozen=True)
class Collaborators:
    """The objects that write the other records of an order.

    Args:
        logistics: writes its delivery and fulfillment orders.
        clock: writes its clock supply lines.
        corrections: writes its correction requests.
        invoicing: writes its invoice lines.
        stickers: writes its customer stickers.
    """

    logistics: Logistics
    clock: Clock
    corrections: Corrections
    invoicing: Invoicing
    stickers: Stickers


class Sales:
    """The orders of a nursery.

    Args:
        grower: context of the nursery.
        assortment: trade items of the nursery.
        stock: batches and supply lines of the nursery.
        collaborators: objects that write the other records of an order.
    """

    def __init__(
        self, grower: GrowerContext, assortment: Assortment, stock: Stock, collaborators: Collaborators
    ) -> None:
        self._grower = grower
        self._assortment = assortment
        self._stock = stock
        self._collaborators = collaborators
        self._recent: deque[Order] = deque(maxlen=400)
        self._weights: tuple[dt.date | None, list[float]] = (None, [])
        self._channel_weights = list(itertools.accumulate(channel.weight for channel in CHANNELS))

    def place(self) -> None:
        """Place an order for an item in season, from stock."""
        item = self._wanted()
        channel = self._channel(item)
        customer = self._grower.rng.choices(self._grower.register.customers, cum_weights=self._customer_weights())[0]
        self._start(self._order(item, customer, channel, self._stock.find(item)))

    def _customer_weights(self) -> list[float]:
        """The accumulated weights of all customers today."""
        today = day_of(self._grower.now)
        if self._weights[0] != today:
            customers = self._grower.register.customers
            self._weights = (today, list(itertools.accumulate(customer.weight_on(today) for customer in customers)))
        return self._weights[1]

    def sell(
        self,
        item: Item,
        customer: Customer,
        channel: Channel,
        *,
        pieces: int,
        value: Decimal,
        latest: dt.datetime | None = None,
        **members: Any,
    ) -> Order:
        """Place an order on agreed terms. It is limited to the pieces left of a batch, and rejected if there are none.

        Args:
            item: trade item that is sold.
            customer: buyer of the order.
            channel: sales channel of the order.
            pieces: number of pieces that were ordered.
            value: price of a piece, in the buyer's currency.
            latest: latest time of delivery; None for a random one.
            members: further members of the order's record.
        """
        batch = self._stock.find(item, pieces)
        if batch:
            pieces = min(pieces, batch.left // item.pieces_per_package * item.pieces_per_package)
        latest = latest or self._latest_delivery(channel)
        record = sales_order.new_record(
            self._grower, item, customer, channel, pieces=pieces, value=value, latest=latest
        )
        record |= {"batchId": batch.id if batch else None, **members}
        self._set_people(record, channel)
        order = Order(record, item, customer, channel, batch)
        self._start(order)
        return order

    def _wanted(self) -> Item:
        """A random item in season, preferably one in stock."""
        items = self._assortment.in_season(day_of(self._grower.now))
        wanted = self._grower.rng.choices(items, [item.popularity for item in items], k=4)
        return next((item for item in wanted if self._stock.find(item)), wanted[0])

    def _channel(self, item: Item) -> Channel:
        if item.is_clock_only:
            return self._grower.rng.choice(CLOCK_CHANNELS)
        return self._grower.rng.choices(CHANNELS, cum_weights=self._channel_weights)[0]

    def _order(self, item: Item, customer: Customer, channel: Channel, batch: Batch | None) -> Order:
        line = self._line(item, channel, batch)
        value: Decimal = line["pricePerPiece"]["value"] if line else (batch.price if batch else item.price)
        if not channel.is_direct:
            percent = (
                self._grower.rng.randint(35, 48) if self._grower.happens(0.08) else self._grower.rng.randint(70, 110)
            )
            value = max(CENT, (value * percent / 100).quantize(CENT))
        pieces = self._pieces(item, batch)
        latest = self._latest_delivery(channel)
        record = sales_order.new_record(
            self._grower, item, customer, channel, pieces=pieces, value=value, latest=latest
        )
        record["supplyLineId"] = line["supplyLineId"] if line else None
        record["batchId"] = batch.id if batch else None
        self._set_people(record, channel)
        return Order(record, item, customer, channel, batch)

    def _line(self, item: Item, channel: Channel, batch: Batch | None) -> Document | None:
        """The supply line that is ordered from: the batch's or the week's; None at the clock."""
        if not channel.is_direct:
            return None
        if batch and batch.line and not batch.line["isDeleted"] and self._grower.happens(0.5):
            return batch.line
        return self._stock.weekly_line(item)

    def _pieces(self, item: Item, batch: Batch | None) -> int:
        wanted = min(40, max(1, round(self._grower.rng.lognormvariate(1.4, 0.8))))
        left = batch.left // item.pieces_per_package if batch else wanted
        return min(wanted, left) * item.pieces_per_package

    def _latest_delivery(self, channel: Channel) -> dt.datetime:
        days = self._grower.rng.choices((1, 2, 3, 5), (60, 25, 10, 5))[0] if channel.is_direct else 1
        return moment(workday_after(day_of(self._grower.now), days), *self._grower.rng.choice(_DELIVERY_TIMES))

    def _set_people(self, record: Document, channel: Channel) -> None:
        """Set user name and remark of a direct order; at the clock, sometimes the auction as the supplier."""
        grower = self._grower
        if channel.is_direct:
            record["createdByUserName"] = grower.rng.choice(words.BUYERS) if grower.happens(0.7) else ""
            record["deliveryRemarks"] = grower.rng.choice(words.REMARKS) if grower.happens(0.1) else None
        elif grower.happens(0.3):
            record["supplierOrganizationId"] = str(grower.register.auctions[0]["organizationId"])

    def _start(self, order: Order) -> None:
        self._recent.append(order)
        if order.batch is None:
            self._set_status(order, "REJECTED")
            return
        if not order.channel.is_direct:
            self._collaborators.clock.assign_line(order.record)
        self._collaborators.stickers.request(order)
        self._stock.record_mutation(order.batch, -order.record["numberOfPieces"], "CLAIM", order=order.id)
        if order.channel.instrument == "BID_OFFER" or self._grower.happens(0.03):
            self._set_status(order, "PENDING")
            self._grower.after(20, lambda: self._decide(order))
        else:
            self._accept(order)

    def _decide(self, order: Order) -> None:
        """Accept, reject or expire a pending order."""
        ending = self._grower.rng.choices(("", "REJECTED", "EXPIRED"), (80, 15, 5))[0]
        if ending:
            self._undo(order, ending)
        else:
            self._accept(order)

    def _accept(self, order: Order) -> None:
        self._set_status(order, "ACCEPTED")
        if self._grower.happens(0.03):
            self._grower.after(15, lambda: self._undo(order, "CANCELLED"))
        else:
            self._grower.at(order.record["cancellationDeadline"], lambda: self._commit(order))

    def _commit(self, order: Order) -> None:
        if order.channel.instrument == "CLOCK_PRESALES" and self._grower.happens(0.03):
            self._undo(order, "UNFULFILLABLE")
            return
        self._set_status(order, "COMMITTED")
        if order.channel.is_direct:
            self._collaborators.logistics.request(order)
        else:
            self._grower.after(900, lambda: self._collaborators.invoicing.settle_clock(order))
        if self._grower.happens(0.04):
            self._grower.after(
                self._grower.rng.randint(10, 900), lambda: self._collaborators.corrections.request(order)
            )
        if self._grower.happens(0.05):
            self._grower.after(self._grower.rng.randint(20, 2000), lambda: self.correct(order))

    def correct_some(self, number: int) -> None:
        """Correct some of the newest committed orders."""
        committed = [order for order in self._recent if order.record["status"] == "COMMITTED"]
        for order in self._grower.rng.sample(committed, min(number, len(committed))):
            self.correct(order)

    def correct(self, order: Order) -> None:
        """Correct a committed order: fewer pieces, a lower price, or withdrawn by the customer."""
        if order.record["status"] != "COMMITTED" or order.batch is None:
            return
        before = sales_order.mutables(order.record)
        kind = self._grower.rng.choices(("CORRECTION_REQUEST", "PRICE_UPDATE", "WITHDRAWN_BY_CUSTOMER"), (70, 20, 10))[
            0
        ]
        if kind == "PRICE_UPDATE":
            self._lower_price(order)
        elif kind == "WITHDRAWN_BY_CUSTOMER" and not order.is_fulfilled:
            self._take_back(order, order.batch, order.record["numberOfPieces"])
            order.record["status"] = "CANCELLED"
        else:
            kind = "CORRECTION_REQUEST"
            self._deliver_less(order, order.batch)
        self._add_mutation(order, kind, before)

    def _lower_price(self, order: Order) -> None:
        paid = order.record["pricePerPiece"]
        order.record["pricePerPiece"] = {**paid, "value": max(CENT, (paid["value"] * Decimal("0.95")).quantize(CENT))}

    def _deliver_less(self, order: Order, batch: Batch) -> None:
        """Reduce an order by a fifth of its packages; an order of one package gets a lower price instead."""
        fewer = min(order.packages - 1, max(1, order.packages // 5))
        if fewer > 0:
            self._take_back(order, batch, fewer * order.item.pieces_per_package)
        else:
            self._lower_price(order)

    def _take_back(self, order: Order, batch: Batch, pieces: int) -> None:
        """Reduce the pieces of an order. They return to the batch, and are written off if they were delivered."""
        order.record["numberOfPieces"] -= pieces
        self._stock.record_mutation(batch, pieces, "UNCLAIM", order=order.id)
        if order.is_fulfilled:
            self._stock.record_mutation(batch, -pieces, "CORRECTION", reason=words.CORRECTION_REASONS[0])
        self._collaborators.logistics.correct(order)

    def _add_mutation(self, order: Order, kind: str, before: Document) -> None:
        record, is_request = order.record, kind == "CORRECTION_REQUEST"
        reasons = words.CORRECTION_REASONS if order.is_fulfilled else words.EARLY_REASONS
        sales_order.calculate(record)
        mutation = {
            "basedOnSalesOrderVersion": record["salesOrderVersion"],
            "salesOrderCorrectionRequestId": self._grower.codes.uuid() if is_request else None,
            "salesOrderCorrectionRequestReason": (self._grower.rng.choice(reasons) if is_request else None),
            "oldValues": before,
            "newValues": sales_order.mutables(record),
            "mutationType": kind,
            "correctionType": "CANCELLATION" if record["status"] == "CANCELLED" else "MODIFICATION",
            "createdDateTime": self._grower.now,
        }
        record["mutations"] = [*record["mutations"], mutation]
        record["salesOrderVersion"] += 1
        if is_request:
            self._collaborators.corrections.record_accepted(order, mutation)
        self._collaborators.invoicing.correct(order, before)
        self._set_status(order, record["status"])

    def _undo(self, order: Order, ending: str) -> None:
        """End an order and release its pieces."""
        if order.batch:
            self._stock.record_mutation(order.batch, order.record["numberOfPieces"], "UNCLAIM", order=order.id)
        self._set_status(order, ending)

    def _set_status(self, order: Order, status: str) -> None:
        order.record |= {"status": status, "lastModifiedDateTime": self._grower.now}
        self._grower.publish(sales_order.FEED, order.record)
