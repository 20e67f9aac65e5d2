"""The days of one buyer: plans the events of each day."""

from __future__ import annotations

import datetime as dt

from pipelines.sandbox.world.calendar import day_of, moment, rhythm
from pipelines.sandbox.world.history import RECENT, History
from pipelines.sandbox.world.market.buyer_context import BuyerContext
from pipelines.sandbox.world.market.contracts import Contracts
from pipelines.sandbox.world.market.network import Network
from pipelines.sandbox.world.market.presales import Presales
from pipelines.sandbox.world.market.requests import Requests
from pipelines.sandbox.world.market.sales import Sales
from pipelines.sandbox.world.market.selection import Selection
from pipelines.sandbox.world.market.supply import Supply

ORDERS_A_DAY = 30
BUSY = dt.timedelta(days=18)
"""The period before the making of a market in which the buyer negotiates each day."""
_CONNECTING = (0, 1, 3)
"""The weekdays on which the buyer makes a new connection."""
_WEDNESDAY = 2


def start_of(history: History, created_at: dt.datetime) -> dt.datetime:
    """The start of the first day of a market that is made at ``created_at``; a short one has no earlier year."""
    return moment(day_of(created_at - BUSY), 0) if history is RECENT else history.start(created_at)


class Buyer:
    """The simulation of one buyer.

    Args:
        context: context of the buyer.
        created_at: time up to which the market is simulated when it is made; new connections come later.
        history: volume of trade on each day.
    """

    def __init__(self, context: BuyerContext, created_at: dt.datetime, history: History) -> None:
        self._context = context
        self._created_at = created_at
        self._history = history
        self._network = Network(context)
        self._selection = Selection(context)
        self._supply = Supply(context)
        self._presales = Presales(context)
        self._requests = Requests(context)
        self._sales = Sales(context, self._supply, self._presales)
        self._contracts = Contracts(context, self._sales.submit)

    def start(self) -> None:
        """Publish the records that exist before the first day, and start it."""
        self._network.publish()
        self._selection.publish()
        self._contracts.conclude()
        self.start_day()

    def start_day(self) -> None:
        """Plan all events of today, and the start of tomorrow."""
        context = self._context
        today = day_of(context.now)
        volume = self._history.volume_on(today, self._created_at)
        is_busy = today >= day_of(self._created_at - BUSY)
        for hour, minute, action in (
            (5, 0, lambda: self._supply.offer(volume)),
            (7, 30, lambda: self._presales.offer(volume)),
            *([(8, 30, self._run_day)] if is_busy else []),
            (13, 15, self._supply.reprice),
            (16, 0, self._supply.withdraw),
        ):
            context.at(moment(today, hour, minute), action)
        context.at(moment(today + dt.timedelta(days=1), 4, 55), self._presales.close)
        for _ in range(round(ORDERS_A_DAY * context.size * volume * rhythm(today))):
            minute = min(13 * 60, int(context.rng.betavariate(2, 3) * 14 * 60))
            context.at(moment(today, 5, 30) + dt.timedelta(minutes=minute), self._sales.place)
        context.at(moment(today + dt.timedelta(days=1), 0), self.start_day)

    def _run_day(self) -> None:
        weekday = day_of(self._context.now).weekday()
        self._requests.make()
        self._sales.purchases.place_unmatched()
        self._sales.purchases.resolve_oldest()
        self._contracts.call_off()
        self._network.change()
        if weekday == _WEDNESDAY or self._context.now > self._created_at:
            self._contracts.change()
            self._selection.change()
            self._supply.review()
        if self._context.now > self._created_at and weekday in _CONNECTING:
            self._network.connect()

    def trade_now(self, orders: int) -> None:
        """Run some events at once: orders, new prices, a purchase order, the end of supply lines."""
        for _ in range(orders):
            self._sales.place()
        self._supply.reprice()
        self._sales.purchases.place_unmatched()
        self._supply.withdraw()
