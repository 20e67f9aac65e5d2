"""Where one buyer's trade takes place: its own chance and codes, the clock, and what of the market it may see."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Mapping
from typing import Any

from pipelines.sandbox.accounts import Account
from pipelines.sandbox.records.books import Book
from pipelines.sandbox.records.entries import NUMBER, Document, encode
from pipelines.sandbox.world.agenda import Action, Agenda
from pipelines.sandbox.world.codes import Codes
from pipelines.sandbox.world.market.growers import Grower
from pipelines.sandbox.world.parties import Register

TRADE_ITEMS = "catalog.trade_items"
SUPPLY_LINES = "supply.supply_lines"
CUSTOM_SUPPLY_LINES = "supply.custom_supply_lines"
SERVICES = "catalog.additional_services"

OF_CONNECTED = (TRADE_ITEMS, SUPPLY_LINES, CUSTOM_SUPPLY_LINES, SERVICES)
"""The feeds of which Floriday serves what belongs to connected growers, and nothing else (the specification)."""
SELECTED_ONLY = "postFilterSelectedTradeItems"


class Desk:
    """What all parts of a buyer share.

    Args:
        seed: what its chance follows from.
        account: the buyer.
        agenda: the world's clock.
        book: tells the book of an organization and a feed.
        register: everyone else.
        growers: who sells.
        size: how much it buys, 1.0 for about 30 orders on an ordinary day.
    """

    def __init__(
        self,
        seed: int,
        account: Account,
        agenda: Agenda,
        book: Callable[[str, str], Book],
        *,
        register: Register,
        growers: tuple[Grower, ...],
        size: float,
    ) -> None:
        self.chance = random.Random(f"desk/{seed}/{account.name}")
        self.codes = Codes(f"desk/{seed}/{account.name}")
        self.organization = account.organization
        self.organization_id = account.organization_id
        self.register = register
        self.growers = growers
        self.size = size
        self.connected: set[str] = set()
        """Ids of the growers with which it is connected."""
        self.selected: set[str] = set()
        """Ids of the trade items that it selected."""
        self._agenda = agenda
        self._book = book

    @property
    def now(self) -> dt.datetime:
        """The world's moment."""
        return self._agenda.now

    @property
    def suppliers(self) -> list[Grower]:
        """The growers with which it is connected."""
        return [grower for grower in self.growers if grower.id in self.connected]

    @property
    def location(self) -> Document:
        """Where its orders go."""
        return {"gln": self.organization["companyGln"], "address": self.organization["physicalAddress"]}

    def at(self, moment: dt.datetime, action: Action) -> None:
        """Let something happen later."""
        self._agenda.at(moment, action)

    def after(self, minutes: float, action: Action) -> None:
        """Let something happen in so many minutes."""
        self._agenda.at(self.now + dt.timedelta(minutes=minutes), action)

    def happens(self, probability: float) -> bool:
        """Whether chance lets it happen."""
        return self.chance.random() < probability

    def book(self, feed: str) -> Book:
        """The buyer's book of a feed."""
        return self._book(self.organization_id, feed)

    def publish(self, feed: str, record: Mapping[str, Any]) -> None:
        """Let Floriday serve a record, or its new state: hidden or filtered out where it is not for this buyer."""
        hidden = feed in OF_CONNECTED and record["supplierOrganizationId"] not in self.connected
        self.book(feed).put(record, hidden=hidden, filtered_by=self._filters(feed, record))

    def _filters(self, feed: str, record: Mapping[str, Any]) -> tuple[str, ...]:
        if feed in (TRADE_ITEMS, SUPPLY_LINES) and record["tradeItemId"] not in self.selected:
            return (SELECTED_ONLY,)
        if feed == "supply.clock_presales_supply_lines" and record["supplierOrganizationId"] not in self.connected:
            return ("postFilterConnections",)
        return ()

    def publish_default(self, feed: str, record: Mapping[str, Any]) -> None:
        """Let Floriday serve a record of which nothing is stored: it tells the number 0 (the specification)."""
        self.book(feed).put(encode({**record, NUMBER: 0}))

    def review(self, feed: str, *key: str) -> None:
        """Judge anew, at the number where it stands, whether a visible record passes the post filters."""
        book = self.book(feed)
        if entry := book.get(*key):
            filters = self._filters(feed, entry.document)
            book.put(entry.body, key=entry.key, number=entry.number, filtered_by=filters)
