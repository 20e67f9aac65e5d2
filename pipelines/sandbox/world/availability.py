"""Whether trade items can be had, in general and week by week (the specification)."""

from __future__ import annotations

import datetime as dt

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.assortment import Assortment, Item
from pipelines.sandbox.world.calendar import day_of
from pipelines.sandbox.world.site import Site

NOW = "supply.trade_item_availabilities"
WEEKS = "supply.trade_item_availabilities_per_week"
_AHEAD = 6


class Availability:
    """What a nursery says that it has.

    Args:
        site: the nursery.
        assortment: what it grows.
    """

    def __init__(self, site: Site, assortment: Assortment) -> None:
        self._site = site
        self._items = assortment.catalogue

    def publish(self) -> None:
        """Tell it of all items, now and for the weeks ahead."""
        for item in self._items:
            self._tell(item)
        for ahead in range(_AHEAD):
            self._tell_week(ahead)

    def change(self) -> None:
        """Change it for an item, now and in a week; on Mondays another week comes in sight."""
        item = self._site.chance.choice(self._items)
        self._tell(item)
        self._site.publish(WEEKS, self._week(item, self._site.chance.randrange(_AHEAD)))
        if day_of(self._site.now).weekday() == 0:
            self._tell_week(_AHEAD)

    def _tell(self, item: Item) -> None:
        site = self._site
        exceptions = [
            {"customerOrganizationId": one.id, "isAvailable": site.happens(0.5)}
            for one in site.chance.sample(site.register.customers, 2)
        ]
        record = {
            "tradeItemId": item.id,
            "isAvailable": item.is_in_season(day_of(site.now)) and site.happens(0.9),
            "customerAvailability": exceptions if site.happens(0.2) else None,
        }
        site.publish(NOW, record)

    def _tell_week(self, ahead: int) -> None:
        """Floriday knows only the weeks in which something happens: not every item has one."""
        for item in self._items:
            if self._site.happens(0.6):
                self._site.publish(WEEKS, self._week(item, ahead))

    def _week(self, item: Item, ahead: int) -> Document:
        site = self._site
        day = day_of(site.now) + dt.timedelta(weeks=ahead)
        year, week, _ = day.isocalendar()
        some = [one.id for one in site.chance.sample(site.register.customers, 2)]
        return {
            "tradeItemId": item.id,
            "week": week,
            "year": year,
            "isAvailable": item.is_in_season(day),
            "alwaysAvailableForCustomerOrganizationIds": some[:1] if site.happens(0.2) else [],
            "neverAvailableForCustomerOrganizationIds": some[1:] if site.happens(0.1) else [],
        }
