"""Where one grower's trade takes place: its own chance and codes, the world's clock, and the way into the books."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from pipelines.sandbox.accounts import Account
from pipelines.sandbox.records.books import Book
from pipelines.sandbox.records.entries import NUMBER, Document, encode
from pipelines.sandbox.world.agenda import Action, Agenda
from pipelines.sandbox.world.codes import Codes, check_digit
from pipelines.sandbox.world.parties import Register

CENT = Decimal("0.01")

HUBS = tuple(digits + check_digit(digits) for digits in ("871423120500", "871423120501", "871423120502"))
"""GLNs of the delivery regions."""


class Site:
    """What all parts of a nursery share.

    Args:
        seed: what its chance follows from.
        account: the grower.
        agenda: the world's clock.
        register: everyone else.
        book: tells the book of an organization and a feed.
        size: how much it trades, 1.0 for about 75 orders on an ordinary day.
    """

    def __init__(
        self,
        seed: int,
        account: Account,
        agenda: Agenda,
        register: Register,
        book: Callable[[str, str], Book],
        *,
        size: float,
    ) -> None:
        self.chance = random.Random(f"nursery/{seed}/{account.name}")
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
        self._agenda = agenda
        self._book = book

    @property
    def now(self) -> dt.datetime:
        """The world's moment."""
        return self._agenda.now

    def at(self, moment: dt.datetime, action: Action) -> None:
        """Let something happen later."""
        self._agenda.at(moment, action)

    def after(self, minutes: float, action: Action) -> None:
        """Let something happen in so many minutes."""
        self._agenda.at(self.now + dt.timedelta(minutes=minutes), action)

    def publish(self, source: str, record: Mapping[str, Any]) -> None:
        """Let Floriday serve a record of a feed or a snapshot, or its new state."""
        self._book(self.organization_id, source).put(record)

    def publish_default(self, feed: str, record: Mapping[str, Any]) -> None:
        """Let Floriday serve a record of which nothing is stored: it tells the number 0 (the specification)."""
        self._book(self.organization_id, feed).put(encode({**record, NUMBER: 0}))

    def renumber(self, feed: str, *key: str) -> None:
        """Let Floriday give a record a new number, as it does for reasons of its own."""
        self._book(self.organization_id, feed).renumber(*key)

    def happens(self, probability: float) -> bool:
        """Whether chance lets it happen."""
        return self.chance.random() < probability


def price(value: Decimal, currency: str = "EUR") -> Document:
    """An amount of money as Floriday tells it."""
    return {"currency": currency, "value": value}


def package(code: int) -> Document:
    """A package of the sector's list."""
    return {"vbnPackageCode": code, "customPackageId": None}
