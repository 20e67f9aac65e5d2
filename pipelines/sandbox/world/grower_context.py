"""The context of one grower's simulation: random numbers, codes, event queue, and access to the books."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from pipelines.sandbox.accounts import Account
from pipelines.sandbox.records.books import Book
from pipelines.sandbox.records.entries import NUMBER, Document, encode
from pipelines.sandbox.world.calendar import day_of
from pipelines.sandbox.world.codes import Codes, check_digit
from pipelines.sandbox.world.event_queue import Action, EventQueue
from pipelines.sandbox.world.parties import Customer, Register

CENT = Decimal("0.01")

HUBS = tuple(digits + check_digit(digits) for digits in ("871423120500", "871423120501", "871423120502"))
"""GLNs of the delivery regions."""


class GrowerContext:
    """The context that all parts of a nursery share.

    Args:
        seed: seed of its random numbers and codes.
        account: account of the grower.
        events: event queue of the world.
        register: all other organizations of the market.
        book: returns the book of an organization's id and a feed's name.
        size: volume of trade; 1.0 for about 75 orders on an ordinary day.
    """

    def __init__(
        self,
        seed: int,
        account: Account,
        events: EventQueue,
        register: Register,
        book: Callable[[str, str], Book],
        *,
        size: float,
    ) -> None:
        self.rng = random.Random(f"nursery/{seed}/{account.name}")
        self.codes = Codes(f"nursery/{seed}/{account.name}")
        self.organization_id = account.organization_id
        self.register = register
        self.size = size
        self.warehouse_id = self.codes.uuid()
        self.second_warehouse_id = self.codes.uuid()
        self.auction_warehouse_id = self.codes.uuid()
        self.service_ids = [self.codes.uuid() for _ in range(5)]
        self.delivery_condition_ids = {incoterm: self.codes.uuid() for incoterm in ("DDP", "EXW", "FCA", "DAP")}
        self.delivery_condition_set_id = self.codes.uuid()
        self.custom_package_ids = [self.codes.uuid() for _ in range(3)]
        self._events = events
        self._book = book

    @property
    def now(self) -> dt.datetime:
        """The simulated time."""
        return self._events.now

    @property
    def customers(self) -> list[Customer]:
        """The buyers that order at present, the largest ones first."""
        today = day_of(self.now)
        return [customer for customer in self.register.customers if customer.weight_on(today)]

    def at(self, moment: dt.datetime, action: Action) -> None:
        """Plan an action at a time."""
        self._events.at(moment, action)

    def after(self, minutes: float, action: Action) -> None:
        """Plan an action after a number of minutes."""
        self._events.at(self.now + dt.timedelta(minutes=minutes), action)

    def publish(self, source: str, record: Mapping[str, Any]) -> None:
        """Insert or update a record of a feed or a snapshot."""
        self._book(self.organization_id, source).put(record)

    def publish_default(self, feed: str, record: Mapping[str, Any]) -> None:
        """Insert a record with default values; Floriday serves such records with the number 0 (the specification)."""
        self._book(self.organization_id, feed).put(encode({**record, NUMBER: 0}))

    def renumber(self, feed: str, *key: str) -> None:
        """Give a record a new sequence number without a change of its content, as Floriday does."""
        self._book(self.organization_id, feed).renumber(*key)

    def happens(self, probability: float) -> bool:
        """True with this probability."""
        return self.rng.random() < probability


def price(value: Decimal, currency: str = "EUR") -> Document:
    """An amount of money in Floriday's form."""
    return {"currency": currency, "value": value}


def package(code: int) -> Document:
    """A package with a VBN code, in Floriday's form."""
    return {"vbnPackageCode": code, "customPackageId": None}
