"""The availability of trade items, now and by week (the specification)."""

from __future__ import annotations

import datetime as dt

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.assortment import Assortment, Item
from pipelines.sandbox.world.calendar import day_of
from pipelines.sandbox.world.grower_context import GrowerContext

NOW = "supply.trade_item_availabilities"
WEEKS = "supply.trade_item_availabilities_per_week"
_PLANNED_WEEKS = 6


class Availability:
    """The availability of a nursery's trade items.

    Args:
        grower: context of the nursery.
        assortment: trade items of the nursery.
    """

    def __init__(self, grower: GrowerContext, assortment: Assortment) -> None:
        self._grower = grower
        self._items = assortment.catalogue

    def publish(self) -> None:
        """Publish the availability of all items, now and in the planned weeks."""
        for item in self._items:
            self._publish_item(item)
        for offset in range(_PLANNED_WEEKS):
            self._publish_week(offset)

    def change(self) -> None:
        """Change the availability of one item, now and in one week; on Mondays, publish a further week."""
        item = self._grower.rng.choice(self._items)
        self._publish_item(item)
        self._grower.publish(WEEKS, self._week(item, self._grower.rng.randrange(_PLANNED_WEEKS)))
        if day_of(self._grower.now).weekday() == 0:
            self._publish_week(_PLANNED_WEEKS)

    def _publish_item(self, item: Item) -> None:
        grower = self._grower
        exceptions = [
            {"customerOrganizationId": customer.id, "isAvailable": grower.happens(0.5)}
            for customer in grower.rng.sample(grower.register.customers, 2)
        ]
        record = {
            "tradeItemId": item.id,
            "isAvailable": item.is_in_season(day_of(grower.now)) and grower.happens(0.9),
            "customerAvailability": exceptions if grower.happens(0.2) else None,
        }
        grower.publish(NOW, record)

    def _publish_week(self, offset: int) -> None:
        """Publish a week for some items only: Floriday has a record only if a grower set something in the week."""
        for item in self._items:
            if self._grower.happens(0.6):
                self._grower.publish(WEEKS, self._week(item, offset))

    def _week(self, item: Item, offset: int) -> Document:
        grower = self._grower
        day = day_of(grower.now) + dt.timedelta(weeks=offset)
        year, week, _ = day.isocalendar()
        customer_ids = [customer.id for customer in grower.rng.sample(grower.register.customers, 2)]
        return {
            "tradeItemId": item.id,
            "week": week,
            "year": year,
            "isAvailable": item.is_in_season(day),
            "alwaysAvailableForCustomerOrganizationIds": customer_ids[:1] if grower.happens(0.2) else [],
            "neverAvailableForCustomerOrganizationIds": customer_ids[1:] if grower.happens(0.1) else [],
        }
