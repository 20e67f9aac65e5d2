"""The context of one buyer's simulation: random numbers, codes, event queue, and the records that it may see."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Mapping
from typing import Any

from pipelines.sandbox.accounts import Account
from pipelines.sandbox.records.books import Book
from pipelines.sandbox.records.entries import NUMBER, Document, encode
from pipelines.sandbox.world.codes import Codes
from pipelines.sandbox.world.event_queue import Action, EventQueue
from pipelines.sandbox.world.market.growers import Grower
from pipelines.sandbox.world.parties import Register

TRADE_ITEMS = "catalog.trade_items"
SUPPLY_LINES = "supply.supply_lines"
CUSTOM_SUPPLY_LINES = "supply.custom_supply_lines"
SERVICES = "catalog.additional_services"

OF_CONNECTED = (TRADE_ITEMS, SUPPLY_LINES, CUSTOM_SUPPLY_LINES, SERVICES)
"""The feeds that serve only the records of connected growers (the specification)."""
SELECTED_ONLY = "postFilterSelectedTradeItems"


class BuyerContext:
    """The context that all parts of a buyer share.

    Args:
        seed: seed of its random numbers and codes.
        account: account of the buyer.
        events: event queue of the market.
        book: returns the book of an organization's id and a feed's name.
        register: all other organizations of the market.
        growers: growers that sell to it.
        size: volume of trade; 1.0 for about 30 orders on an ordinary day.
    """

    def __init__(
        self,
        seed: int,
        account: Account,
        events: EventQueue,
        book: Callable[[str, str], Book],
        *,
        register: Register,
        growers: tuple[Grower, ...],
        size: float,
    ) -> None:
        self.rng = random.Random(f"desk/{seed}/{account.name}")
        self.codes = Codes(f"desk/{seed}/{account.name}")
        self.organization = account.organization
        self.organization_id = account.organization_id
        self.register = register
        self.growers = growers
        self.size = size
        self.connected: set[str] = set()
        """Organization ids of the growers with which it is connected."""
        self.selected: set[str] = set()
        """Ids of the trade items in its selected assortment."""
        self._events = events
        self._book = book

    @property
    def now(self) -> dt.datetime:
        """The simulated time."""
        return self._events.now

    @property
    def suppliers(self) -> list[Grower]:
        """The growers with which it is connected."""
        return [grower for grower in self.growers if grower.id in self.connected]

    @property
    def location(self) -> Document:
        """The place of delivery of its orders."""
        return {"gln": self.organization["companyGln"], "address": self.organization["physicalAddress"]}

    def at(self, moment: dt.datetime, action: Action) -> None:
        """Plan an action at a time."""
        self._events.at(moment, action)

    def after(self, minutes: float, action: Action) -> None:
        """Plan an action after a number of minutes."""
        self._events.at(self.now + dt.timedelta(minutes=minutes), action)

    def happens(self, probability: float) -> bool:
        """True with this probability."""
        return self.rng.random() < probability

    def book(self, feed: str) -> Book:
        """The buyer's book of a feed."""
        return self._book(self.organization_id, feed)

    def publish(self, feed: str, record: Mapping[str, Any]) -> None:
        """Insert or update a record; it is hidden if its grower is not connected, and marked for the post filters."""
        hidden = feed in OF_CONNECTED and record["supplierOrganizationId"] not in self.connected
        self.book(feed).put(record, hidden=hidden, filtered_by=self._filters(feed, record))

    def _filters(self, feed: str, record: Mapping[str, Any]) -> tuple[str, ...]:
        if feed in (TRADE_ITEMS, SUPPLY_LINES) and record["tradeItemId"] not in self.selected:
            return (SELECTED_ONLY,)
        if feed == "supply.clock_presales_supply_lines" and record["supplierOrganizationId"] not in self.connected:
            return ("postFilterConnections",)
        return ()

    def publish_default(self, feed: str, record: Mapping[str, Any]) -> None:
        """Insert a record with default values; Floriday serves such records with the number 0 (the specification)."""
        self.book(feed).put(encode({**record, NUMBER: 0}))

    def review(self, feed: str, *key: str) -> None:
        """Update the post filters of a visible record, at an unchanged sequence number."""
        book = self.book(feed)
        if entry := book.get(*key):
            filters = self._filters(feed, entry.document)
            book.put(entry.body, key=entry.key, number=entry.number, filtered_by=filters)
