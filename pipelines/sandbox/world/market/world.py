"""The market: the register, the growers, the buyers, and the time that passes for all of them."""

from __future__ import annotations

import datetime as dt
import random
import threading
from collections.abc import Callable

from pipelines.sandbox.accounts import Accounts
from pipelines.sandbox.records.books import Book
from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.agenda import Agenda
from pipelines.sandbox.world.calendar import day_of, moment
from pipelines.sandbox.world.market.buyer import Buyer
from pipelines.sandbox.world.market.desk import Desk
from pipelines.sandbox.world.market.growers import growers_of
from pipelines.sandbox.world.parties import Register

ORGANIZATIONS = "organizations.organizations"
SERVICE_TYPES = "catalog.commercial_service_types"

HISTORY = dt.timedelta(days=18)
"""How long a market has traded when it is made."""
OTHERS = 0.25
"""How much the buyers buy that are not the first, compared with it."""

_DETAILS = (
    "commercialName", "website", "mailingAddress", "physicalAddress", "organizationId", "companyGln", "name",
    "endDate", "rfhRelationId", "organizationType", "paymentProviders", "isFsiCompliant",
)  # fmt: skip


class Market:
    """Buys from a seed: the same one, moment and accounts give the same records.

    Args:
        seed: what everything follows from.
        now: the moment up to which it has traded when it is made.
        accounts: the buyers; the first one buys most.
        book: tells the book of an organization and a feed.
        scale: how much is bought.
    """

    def __init__(
        self, seed: int, now: dt.datetime, accounts: Accounts, book: Callable[[str, str], Book], scale: float = 1.0
    ) -> None:
        self._lock = threading.Lock()
        self._chance = random.Random(f"market/{seed}")
        self._agenda = Agenda(moment(day_of(now - HISTORY), 0))
        self.register = Register(seed, now)
        self._organizations = book("", ORGANIZATIONS)
        self._service_types = book("", SERVICE_TYPES)
        growers = growers_of(seed, self._agenda.now, self.register)
        own = [*(account.organization for account in accounts), *(grower.organization for grower in growers)]
        for organization in [*own, *self.register.organizations()]:
            self._organizations.put(details(organization))
        for kind in self.register.service_types:
            name = kind["commercialServiceTypeName"]
            self._service_types.put({"commercialServiceTypeId": kind["commercialServiceTypeId"], "name": name})
        self.buyers: list[Buyer] = []
        for place, account in enumerate(accounts):
            size = scale * (OTHERS if place else 1)
            growers_for = growers_of(seed, self._agenda.now, self.register)
            desk = Desk(seed, account, self._agenda, book, register=self.register, growers=growers_for, size=size)
            self.buyers.append(Buyer(desk, now))
            self.buyers[-1].begin()
        self._agenda.run(now)

    @property
    def now(self) -> dt.datetime:
        """The moment that the market has reached."""
        return self._agenda.now

    def advance(self, by: dt.timedelta) -> None:
        """Let time pass, with all that happens in it; at times the register changes too."""
        with self._lock:
            self._agenda.run(self._agenda.now + by)
            self._change_register()

    def trade(self, orders: int = 20) -> None:
        """Let a few things happen right now, without time passing: the buyers act in turn."""
        with self._lock:
            for place, buyer in enumerate(self.buyers):
                buyer.stir(orders if place == 0 else orders // 4)
            self._change_register()

    def _change_register(self) -> None:
        organization = self._chance.choice(self.register.strangers)
        organization["isFsiCompliant"] = not organization["isFsiCompliant"]
        self._organizations.put(details(organization))
        self._service_types.renumber(self._chance.choice(self.register.service_types)["commercialServiceTypeId"])


def details(organization: Document) -> Document:
    """An organization in the shape of the Customers API, which always tells a relation number (the specification)."""
    told = {name: organization[name] for name in _DETAILS}
    if told["organizationType"] == "OTHER":
        told["organizationType"] = "REMAINING"
    told["rfhRelationId"] = told["rfhRelationId"] or 1 + int(told["organizationId"][:4], 16)
    return {**told, "phytosanitaryNumber": None}
