"""What becomes of sales orders: placed, accepted, committed; or rejected, cancelled, expired, corrected.

Every order that is accepted claims its pieces in a batch's ledger, and gives them back when it is undone.
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
from pipelines.sandbox.world.invoicing import Invoicing
from pipelines.sandbox.world.logistics import Logistics
from pipelines.sandbox.world.parties import Customer
from pipelines.sandbox.world.sales_order import CHANNELS, CLOCK_CHANNELS, Channel, Order
from pipelines.sandbox.world.site import CENT, Site
from pipelines.sandbox.world.stickers import Stickers
from pipelines.sandbox.world.stock import Stock

_DELIVERY_TIMES = ((0, 30), (5, 0), (7, 0), (10, 0), (13, 30))


@dataclass(frozen=True)
class Partners:
    """Who else has to do with an order.

    Args:
        logistics: delivers it.
        clock: sells it at the auction.
        corrections: keeps the requests to change it.
        invoicing: settles it.
        stickers: prints for it.
    """

    logistics: Logistics
    clock: Clock
    corrections: Corrections
    invoicing: Invoicing
    stickers: Stickers


class Sales:
    """The orders of a nursery.

    Args:
        site: the nursery.
        assortment: what it grows.
        stock: what it has.
        partners: who else has to do with an order.
    """

    def __init__(self, site: Site, assortment: Assortment, stock: Stock, partners: Partners) -> None:
        self._site = site
        self._assortment = assortment
        self._stock = stock
        self._partners = partners
        self._recent: deque[Order] = deque(maxlen=400)
        self._customer_weights = list(itertools.accumulate(one.weight for one in site.register.customers))
        self._channel_weights = list(itertools.accumulate(channel.weight for channel in CHANNELS))

    def place(self) -> None:
        """Take an order for something that is in season, from what is in stock."""
        item = self._wanted()
        channel = self._channel(item)
        customer = self._site.chance.choices(self._site.register.customers, cum_weights=self._customer_weights)[0]
        self._begin(self._order(item, customer, channel, self._stock.find(item)))

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
        """Take an order whose terms are agreed on: it gets what is left of a batch, and is rejected if nothing is.

        Args:
            item: what is sold.
            customer: who buys it.
            channel: how.
            pieces: how many are wanted.
            value: price of a piece, in the buyer's currency.
            latest: when it has to be there.
            members: members of the order that are known already.
        """
        batch = self._stock.find(item, pieces)
        if batch:
            pieces = min(pieces, batch.left // item.pieces_per_package * item.pieces_per_package)
        latest = latest or self._latest_delivery(channel)
        record = sales_order.write(self._site, item, customer, channel, pieces=pieces, value=value, latest=latest)
        record |= {"batchId": batch.id if batch else None, **members}
        self._tell_who(record, channel)
        order = Order(record, item, customer, channel, batch)
        self._begin(order)
        return order

    def _wanted(self) -> Item:
        """An item that a buyer wants, rather one that there is."""
        items = self._assortment.in_season(day_of(self._site.now))
        wanted = self._site.chance.choices(items, [item.popularity for item in items], k=4)
        return next((item for item in wanted if self._stock.find(item)), wanted[0])

    def _channel(self, item: Item) -> Channel:
        if item.is_clock_only:
            return self._site.chance.choice(CLOCK_CHANNELS)
        return self._site.chance.choices(CHANNELS, cum_weights=self._channel_weights)[0]

    def _order(self, item: Item, customer: Customer, channel: Channel, batch: Batch | None) -> Order:
        line = self._line(item, channel, batch)
        value: Decimal = line["pricePerPiece"]["value"] if line else (batch.price if batch else item.price)
        if not channel.is_direct:
            value = max(CENT, (value * Decimal(self._site.chance.randint(70, 110)) / 100).quantize(CENT))
        pieces = self._pieces(item, batch)
        latest = self._latest_delivery(channel)
        record = sales_order.write(self._site, item, customer, channel, pieces=pieces, value=value, latest=latest)
        record["supplyLineId"] = line["supplyLineId"] if line else None
        record["batchId"] = batch.id if batch else None
        self._tell_who(record, channel)
        return Order(record, item, customer, channel, batch)

    def _line(self, item: Item, channel: Channel, batch: Batch | None) -> Document | None:
        """The supply line that the order answers: the batch's or the week's; none on the clock."""
        if not channel.is_direct:
            return None
        if batch and batch.line and not batch.line["isDeleted"] and self._site.happens(0.5):
            return batch.line
        return self._stock.weekly_line(item)

    def _pieces(self, item: Item, batch: Batch | None) -> int:
        wanted = min(40, max(1, round(self._site.chance.lognormvariate(1.4, 0.8))))
        left = batch.left // item.pieces_per_package if batch else wanted
        return min(wanted, left) * item.pieces_per_package

    def _latest_delivery(self, channel: Channel) -> dt.datetime:
        ahead = self._site.chance.choices((1, 2, 3, 5), (60, 25, 10, 5))[0] if channel.is_direct else 1
        return moment(workday_after(day_of(self._site.now), ahead), *self._site.chance.choice(_DELIVERY_TIMES))

    def _tell_who(self, record: Document, channel: Channel) -> None:
        """Who typed the order, what they remarked, and who the auction says sold it."""
        site = self._site
        if channel.is_direct:
            record["createdByUserName"] = site.chance.choice(words.BUYERS) if site.happens(0.7) else ""
            record["deliveryRemarks"] = site.chance.choice(words.REMARKS) if site.happens(0.1) else None
        elif site.happens(0.3):
            record["supplierOrganizationId"] = str(site.register.auctions[0]["organizationId"])

    def _begin(self, order: Order) -> None:
        self._recent.append(order)
        if order.batch is None:
            self._set_status(order, "REJECTED")
            return
        if not order.channel.is_direct:
            self._partners.clock.sell(order.record)
        self._partners.stickers.request(order)
        self._stock.move(order.batch, -order.record["numberOfPieces"], "CLAIM", order=order.id)
        if order.channel.instrument == "BID_OFFER" or self._site.happens(0.03):
            self._set_status(order, "PENDING")
            self._site.after(20, lambda: self._decide(order))
        else:
            self._accept(order)

    def _decide(self, order: Order) -> None:
        """A grower answers an order that waited for it, or forgets to."""
        ending = self._site.chance.choices(("", "REJECTED", "EXPIRED"), (80, 15, 5))[0]
        if ending:
            self._undo(order, ending)
        else:
            self._accept(order)

    def _accept(self, order: Order) -> None:
        self._set_status(order, "ACCEPTED")
        if self._site.happens(0.03):
            self._site.after(15, lambda: self._undo(order, "CANCELLED"))
        else:
            self._site.at(order.record["cancellationDeadline"], lambda: self._commit(order))

    def _commit(self, order: Order) -> None:
        if order.channel.instrument == "CLOCK_PRESALES" and self._site.happens(0.03):
            self._undo(order, "UNFULFILLABLE")
            return
        self._set_status(order, "COMMITTED")
        if order.channel.is_direct:
            self._partners.logistics.request(order)
        else:
            self._site.after(900, lambda: self._partners.invoicing.settle_clock(order))
        if self._site.happens(0.02):
            self._site.after(self._site.chance.randint(10, 900), lambda: self._partners.corrections.ask(order))
        if self._site.happens(0.05):
            self._site.after(self._site.chance.randint(20, 2000), lambda: self.correct(order))

    def correct_some(self, number: int) -> None:
        """Correct some of the newest committed orders."""
        committed = [order for order in self._recent if order.record["status"] == "COMMITTED"]
        for order in self._site.chance.sample(committed, min(number, len(committed))):
            self.correct(order)

    def correct(self, order: Order) -> None:
        """Change a committed order afterwards: fewer pieces, another price, or withdrawn by the customer."""
        if order.record["status"] != "COMMITTED" or order.batch is None:
            return
        before = sales_order.mutables(order.record)
        kind = self._site.chance.choices(("CORRECTION_REQUEST", "PRICE_UPDATE", "WITHDRAWN_BY_CUSTOMER"), (70, 20, 10))[
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
        self._write_mutation(order, kind, before)

    def _lower_price(self, order: Order) -> None:
        paid = order.record["pricePerPiece"]
        order.record["pricePerPiece"] = {**paid, "value": max(CENT, (paid["value"] * Decimal("0.95")).quantize(CENT))}

    def _deliver_less(self, order: Order, batch: Batch) -> None:
        """Take back a fifth of an order's packages; an order of one package gets cheaper instead."""
        fewer = min(order.packages - 1, max(1, order.packages // 5))
        if fewer > 0:
            self._take_back(order, batch, fewer * order.item.pieces_per_package)
        else:
            self._lower_price(order)

    def _take_back(self, order: Order, batch: Batch, pieces: int) -> None:
        """Lower an order's pieces; what comes back is sold again, or lost if it was damaged."""
        order.record["numberOfPieces"] -= pieces
        self._stock.move(batch, pieces, "UNCLAIM", order=order.id)
        if order.is_fulfilled:
            self._stock.move(batch, -pieces, "CORRECTION", reason=words.CORRECTION_REASONS[0])
        self._partners.logistics.correct(order)

    def _write_mutation(self, order: Order, kind: str, before: Document) -> None:
        record, is_request = order.record, kind == "CORRECTION_REQUEST"
        sales_order.calculate(record)
        mutation = {
            "basedOnSalesOrderVersion": record["salesOrderVersion"],
            "salesOrderCorrectionRequestId": self._site.codes.uuid() if is_request else None,
            "salesOrderCorrectionRequestReason": (
                self._site.chance.choice(words.CORRECTION_REASONS) if is_request else None
            ),
            "oldValues": before,
            "newValues": sales_order.mutables(record),
            "mutationType": kind,
            "correctionType": "CANCELLATION" if record["status"] == "CANCELLED" else "MODIFICATION",
            "createdDateTime": self._site.now,
        }
        record["mutations"] = [*record["mutations"], mutation]
        record["salesOrderVersion"] += 1
        if is_request:
            self._partners.corrections.met(order, mutation)
        self._partners.invoicing.correct(order, before)
        self._set_status(order, record["status"])

    def _undo(self, order: Order, ending: str) -> None:
        """End an order whose pieces are free again."""
        if order.batch:
            self._stock.move(order.batch, order.record["numberOfPieces"], "UNCLAIM", order=order.id)
        self._set_status(order, ending)

    def _set_status(self, order: Order, status: str) -> None:
        order.record |= {"status": status, "lastModifiedDateTime": self._site.now}
        self._site.publish(sales_order.FEED, order.record)
