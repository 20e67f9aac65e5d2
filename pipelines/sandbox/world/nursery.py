"""The days of one nursery: plans the events of each day, from the harvest to the stock count in the evening."""

from __future__ import annotations

import datetime as dt
from typing import Protocol

from pipelines.sandbox.world.assortment import PLANTS, Assortment
from pipelines.sandbox.world.availability import Availability
from pipelines.sandbox.world.calendar import day_of, moment, rhythm
from pipelines.sandbox.world.clock import Clock
from pipelines.sandbox.world.composition import Composition
from pipelines.sandbox.world.corrections import Corrections
from pipelines.sandbox.world.delivery_conditions import DeliveryConditions
from pipelines.sandbox.world.grower_context import GrowerContext
from pipelines.sandbox.world.history import History
from pipelines.sandbox.world.inbound import Inbound
from pipelines.sandbox.world.invoicing import Invoicing
from pipelines.sandbox.world.logistics import Logistics
from pipelines.sandbox.world.negotiations import Negotiations
from pipelines.sandbox.world.network import Network
from pipelines.sandbox.world.places import Places
from pipelines.sandbox.world.pricing import Pricing
from pipelines.sandbox.world.sales import Collaborators, Sales
from pipelines.sandbox.world.services import Services
from pipelines.sandbox.world.stickers import Stickers
from pipelines.sandbox.world.stock import Stock
from pipelines.sandbox.world.tracking import Tracking

ORDERS_A_DAY = 75
_THURSDAY = 3
_SATURDAY = 5


class MasterData(Protocol):
    """Records of a nursery that are not part of a sale, and change from time to time."""

    def publish(self) -> None:
        """Publish all records."""

    def change(self) -> None:
        """Change some of the records."""


class Nursery:
    """The simulation of one grower.

    Args:
        grower: context of the grower.
        history: volume of trade on each day.
        created_at: time up to which the world is simulated when it is made.
    """

    def __init__(self, grower: GrowerContext, history: History, created_at: dt.datetime) -> None:
        self._grower = grower
        self._history = history
        self._created_at = created_at
        self.assortment = Assortment(grower, kinds=len(PLANTS) if grower.size >= 1 else 6)
        pricing = Pricing(grower)
        self.stock = Stock(grower, pricing)
        self._clock = Clock(grower)
        self._inbound = Inbound(grower)
        invoicing = Invoicing(grower)
        logistics = Logistics(grower, invoicing, Tracking(grower))
        collaborators = Collaborators(logistics, self._clock, Corrections(grower), invoicing, Stickers(grower))
        self.sales = Sales(grower, self.assortment, self.stock, collaborators)
        self._negotiations = Negotiations(grower, self.assortment, self.sales)
        self._master_data: list[MasterData] = [
            Places(grower),
            Network(grower),
            DeliveryConditions(grower),
            Services(grower),
            Composition(grower, self.assortment),
            Availability(grower, self.assortment),
            pricing,
        ]
        self.assortment.publish()
        self._is_busy = False

    def start_day(self) -> None:
        """Plan all events of today, and the start of tomorrow."""
        today = day_of(self._grower.now)
        activity = self._history.volume_on(today, self._created_at)
        if activity:
            self._plan(today, activity)
        if self._history.is_busy(today, self._created_at):
            self._grower.at(moment(today, 8), self._run_day)
        self._grower.at(moment(today + dt.timedelta(days=1), 0), self.start_day)

    def _run_day(self) -> None:
        """The daily work beside the orders, from the first busy day."""
        if self._is_busy:
            for master_data in self._master_data:
                master_data.change()
        else:
            self._is_busy = True
            for master_data in self._master_data:
                master_data.publish()
            self._negotiations.start()
        self._negotiations.run_day()

    def _plan(self, today: dt.date, activity: float) -> None:
        grower = self._grower
        grower.at(moment(today, 4, 30), lambda: self._harvest(today, activity))
        if today.weekday() == _THURSDAY:
            grower.at(moment(today, 10), lambda: self._offer_next_week(today))
        orders = round(grower.rng.gauss(1, 0.12) * ORDERS_A_DAY * grower.size * activity * rhythm(today))
        for _ in range(orders):
            minute = min(14 * 60, int(grower.rng.betavariate(2, 3) * 15 * 60))
            grower.at(moment(today, 5, 0) + dt.timedelta(minutes=minute), self.sales.place)
        grower.at(moment(today, 13, 15), self.stock.reprice)
        if grower.happens(0.3):
            grower.at(moment(today, 16, 30), self.stock.move)
        grower.at(moment(today, 17, 45), self.stock.count)
        grower.at(moment(today, 18), self.stock.withdraw)
        if grower.happens(activity):
            grower.at(moment(today, 15), self.assortment.edit)
        if today.weekday() == _SATURDAY:
            grower.at(moment(today, 3), self.assortment.renumber)

    def _harvest(self, today: dt.date, activity: float) -> None:
        share = 0.62 if today.weekday() < 5 else 0.2
        for item in self.assortment.in_season(today):
            if self._grower.happens(share * min(1.0, self._grower.size * activity)):
                self._clock.offer_batch(self.stock.harvest(item))
        self._inbound.announce(self.stock.pick_batches(2))

    def _offer_next_week(self, today: dt.date) -> None:
        for item in self.assortment.in_season(today + dt.timedelta(days=7)):
            if not item.is_clock_only:
                self.stock.offer_week(item)

    def trade_now(self, orders: int) -> None:
        """Run some events at once: orders, new prices, a correction, a stock count, the end of a supply line."""
        for _ in range(orders):
            self.sales.place()
        self.stock.reprice()
        self.sales.correct_some(1)
        self.stock.count()
        self.stock.withdraw()
