"""The world: the register, the nurseries, and the time that passes for all of them."""

from __future__ import annotations

import datetime as dt
import random
import threading
from collections.abc import Callable

from pipelines.sandbox.accounts import Accounts
from pipelines.sandbox.records.books import Book
from pipelines.sandbox.world import calendar
from pipelines.sandbox.world.agenda import Agenda
from pipelines.sandbox.world.nursery import Nursery
from pipelines.sandbox.world.parties import Register
from pipelines.sandbox.world.site import Site

OTHERS = 0.25
"""How much the growers trade that are not the first, compared with it."""


class World:
    """Trades from a seed: the same one, moment and accounts give the same records.

    Args:
        seed: what everything follows from.
        now: the moment up to which it has traded when it is made.
        accounts: the growers; the first one trades most.
        book: tells the book of an organization and a feed.
        scale: how much is traded.
    """

    def __init__(
        self, seed: int, now: dt.datetime, accounts: Accounts, book: Callable[[str, str], Book], scale: float = 1.0
    ) -> None:
        self._lock = threading.Lock()
        self._chance = random.Random(f"world/{seed}")
        self._agenda = Agenda(calendar.history_of(now))
        self.register = Register(seed, now)
        self._organizations = book("", "organizations.organizations")
        for organization in [*(account.organization for account in accounts), *self.register.organizations()]:
            self._organizations.put(organization)
        self._service_types = book("", "catalog.commercial_service_types")
        for kind in self.register.service_types:
            kind["sequenceNumber"] = self._service_types.put(kind)
        self.nurseries: list[Nursery] = []
        for place, account in enumerate(accounts):
            site = Site(seed, account, self._agenda, self.register, book, size=scale * (OTHERS if place else 1))
            self.nurseries.append(Nursery(site, lambda day: calendar.activity(day, now)))
            self.nurseries[-1].open()
        self._agenda.run(now)

    @property
    def now(self) -> dt.datetime:
        """The moment that the world has reached."""
        return self._agenda.now

    def advance(self, by: dt.timedelta) -> None:
        """Let time pass, with all that happens in it; at times the register changes too."""
        with self._lock:
            self._agenda.run(self._agenda.now + by)
            self._change_register()

    def trade(self, orders: int = 20) -> None:
        """Let a few things happen right now, without time passing: the orders go to the growers in turn."""
        with self._lock:
            for place, nursery in enumerate(self.nurseries):
                nursery.stir(orders if place == 0 else orders // 4)
            self._change_register()

    def _change_register(self) -> None:
        organization = self._chance.choice(self.register.strangers)
        organization |= {"lastModifiedDateTime": self.now, "isFsiCompliant": not organization["isFsiCompliant"]}
        self._organizations.put(organization)
        kind = self._chance.choice(self.register.service_types)
        kind["sequenceNumber"] = self._service_types.renumber(kind["commercialServiceTypeId"])
