"""The world of the suppliers API: the register, the nurseries, and the simulated time."""

from __future__ import annotations

import datetime as dt
import random
import threading
from collections.abc import Callable

from pipelines.sandbox.accounts import Accounts
from pipelines.sandbox.records.books import Book
from pipelines.sandbox.world.event_queue import EventQueue
from pipelines.sandbox.world.grower_context import GrowerContext
from pipelines.sandbox.world.history import RECENT, History
from pipelines.sandbox.world.nursery import Nursery
from pipelines.sandbox.world.parties import Register

SCALE_OF_OTHERS = 0.25
"""Volume of trade of all growers but the first, as a fraction of the first one's."""


class World:
    """Growers that trade. The same seed, time and accounts give the same records.

    Args:
        seed: seed of all records.
        now: time up to which the world is simulated when it is made.
        accounts: accounts of the growers; the first one trades most.
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
        self._rng = random.Random(f"world/{seed}")
        self._events = EventQueue(history.start(now))
        self.register = Register(seed, now)
        self._organizations = book("", "organizations.organizations")
        for organization in [*(account.organization for account in accounts), *self.register.organizations()]:
            self._organizations.put(organization)
        self._service_types = book("", "catalog.commercial_service_types")
        for kind in self.register.service_types:
            kind["sequenceNumber"] = self._service_types.put(kind)
        self.nurseries: list[Nursery] = []
        for index, account in enumerate(accounts):
            grower = GrowerContext(
                seed, account, self._events, self.register, book, size=scale * (SCALE_OF_OTHERS if index else 1)
            )
            self.nurseries.append(Nursery(grower, history, now))
            self.nurseries[-1].start_day()
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
        """Place orders at once, without a change of the simulated time; the first grower gets most."""
        with self._lock:
            for index, nursery in enumerate(self.nurseries):
                nursery.trade_now(orders if index == 0 else orders // 4)
            self._change_register()

    def _change_register(self) -> None:
        organization = self._rng.choice(self.register.unrelated)
        organization |= {"lastModifiedDateTime": self.now, "isFsiCompliant": not organization["isFsiCompliant"]}
        self._organizations.put(organization)
        kind = self._rng.choice(self.register.service_types)
        kind["sequenceNumber"] = self._service_types.renumber(kind["commercialServiceTypeId"])
