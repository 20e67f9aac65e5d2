"""The world: the register, the nurseries, and the time that passes for all of them."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable

from pipelines.sandbox.accounts import Accounts
from pipelines.sandbox.books import Book
from pipelines.sandbox.world.agenda import Agenda
from pipelines.sandbox.world.parties import Register


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
        self._agenda = Agenda(now)
        self.register = Register(seed, now)
        self._organizations = book("", "organizations.organizations")
        for organization in [*(account.organization for account in accounts), *self.register.organizations()]:
            self._organizations.put(organization)

    @property
    def now(self) -> dt.datetime:
        """The moment that the world has reached."""
        return self._agenda.now

    def advance(self, by: dt.timedelta) -> None:
        """Let time pass, with all that happens in it."""
        with self._lock:
            self._agenda.run(self._agenda.now + by)

    def trade(self, orders: int = 20) -> None:
        """Let a few things happen right now, without time passing."""
