"""The world of the customers API: the register, the growers, the buyers, and the simulated time."""

from __future__ import annotations

import datetime as dt
import random
import threading
from collections.abc import Callable

from pipelines.sandbox.accounts import Accounts
from pipelines.sandbox.records.books import Book
from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.event_queue import EventQueue
from pipelines.sandbox.world.history import RECENT, History
from pipelines.sandbox.world.market.buyer import Buyer, start_of
from pipelines.sandbox.world.market.buyer_context import BuyerContext
from pipelines.sandbox.world.market.growers import growers_of
from pipelines.sandbox.world.parties import Register

ORGANIZATIONS = "organizations.organizations"
SERVICE_TYPES = "catalog.commercial_service_types"

SCALE_OF_OTHERS = 0.25
"""Volume of trade of all buyers but the first, as a fraction of the first one's."""

_DETAILS = (
    "commercialName", "website", "mailingAddress", "physicalAddress", "organizationId", "companyGln", "name",
    "endDate", "rfhRelationId", "organizationType", "paymentProviders", "isFsiCompliant",
)  # fmt: skip


class Market:
    """Buyers that trade. The same seed, time and accounts give the same records.

    Args:
        seed: seed of all records.
        now: time up to which the market is simulated when it is made.
        accounts: accounts of the buyers; the first one buys most.
        book: returns the book of an organization's id and a feed's name.
        scale: volume of trade; 1.0 for the usual volume.
        history: how far it reaches back.
    """

    def __init__(
        self,
        seed: int,
        now: dt.datetime,
        accounts: Accounts,
        book: Callable[[str, str], Book],
        *,
        scale: float = 1.0,
        history: History = RECENT,
    ) -> None:
        self._lock = threading.Lock()
        self._rng = random.Random(f"market/{seed}")
        self._events = EventQueue(start_of(history, now))
        self.register = Register(seed, now)
        self._organizations = book("", ORGANIZATIONS)
        self._service_types = book("", SERVICE_TYPES)
        growers = growers_of(seed, self._events.now, self.register)
        own = [*(account.organization for account in accounts), *(grower.organization for grower in growers)]
        for organization in [*own, *self.register.organizations()]:
            self._organizations.put(details(organization))
        for kind in self.register.service_types:
            name = kind["commercialServiceTypeName"]
            self._service_types.put({"commercialServiceTypeId": kind["commercialServiceTypeId"], "name": name})
        self.buyers: list[Buyer] = []
        for index, account in enumerate(accounts):
            size = scale * (SCALE_OF_OTHERS if index else 1)
            growers_for = growers_of(seed, self._events.now, self.register)
            context = BuyerContext(
                seed, account, self._events, book, register=self.register, growers=growers_for, size=size
            )
            self.buyers.append(Buyer(context, now, history))
            self.buyers[-1].start()
        self._events.run(now)

    @property
    def now(self) -> dt.datetime:
        """The simulated time."""
        return self._events.now

    def advance(self, by: dt.timedelta) -> None:
        """Simulate a period of time, and change the register."""
        with self._lock:
            self._events.run(self._events.now + by)
            self._change_register()

    def trade(self, orders: int = 20) -> None:
        """Place orders at once, without a change of the simulated time; the first buyer places most."""
        with self._lock:
            for index, buyer in enumerate(self.buyers):
                buyer.trade_now(orders if index == 0 else orders // 4)
            self._change_register()

    def _change_register(self) -> None:
        organization = self._rng.choice(self.register.unrelated)
        organization["isFsiCompliant"] = not organization["isFsiCompliant"]
        self._organizations.put(details(organization))
        self._service_types.renumber(self._rng.choice(self.register.service_types)["commercialServiceTypeId"])


def details(organization: Document) -> Document:
    """An organization in the form of the customers API, where the relation number is required (the specification)."""
    members = {name: organization[name] for name in _DETAILS}
    if members["organizationType"] == "OTHER":
        members["organizationType"] = "REMAINING"
    members["rfhRelationId"] = members["rfhRelationId"] or 1 + int(members["organizationId"][:4], 16)
    return {**members, "phytosanitaryNumber": None}
