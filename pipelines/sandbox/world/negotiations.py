"""The trade of a nursery with selected buyers: requests, offers, bundles and contracts."""

from __future__ import annotations

from pipelines.sandbox.world.assortment import Assortment
from pipelines.sandbox.world.blanket_orders import BlanketOrders
from pipelines.sandbox.world.bundles import Bundles
from pipelines.sandbox.world.calendar import day_of
from pipelines.sandbox.world.catalog_requests import CatalogRequests
from pipelines.sandbox.world.contracts import Contracts
from pipelines.sandbox.world.grower_context import GrowerContext
from pipelines.sandbox.world.offers import Offers
from pipelines.sandbox.world.order_requests import OrderRequests
from pipelines.sandbox.world.sales import Sales

_WEDNESDAY = 2
_SUNDAY = 6
_SMALLEST = 0.35


class Negotiations:
    """The requests, offers, bundles and contracts of a nursery.

    Args:
        grower: context of the nursery.
        assortment: trade items of the nursery.
        sales: where orders come of them.
    """

    def __init__(self, grower: GrowerContext, assortment: Assortment, sales: Sales) -> None:
        self._grower = grower
        self._catalog_requests = CatalogRequests(grower, assortment)
        self._offers = Offers(grower, assortment, sales)
        self._bundles = Bundles(grower, assortment, sales)
        self._order_requests = OrderRequests(grower, assortment, sales)
        self._contracts = Contracts(grower, assortment, BlanketOrders(grower, sales))

    def start(self) -> None:
        """Make the contracts of the season."""
        self._contracts.conclude()

    def run_day(self) -> None:
        """Run the negotiations of a day: none on Sundays; blanket orders on Wednesdays."""
        weekday = day_of(self._grower.now).weekday()
        if weekday == _SUNDAY:
            return
        self._contracts.change()
        if weekday == _WEDNESDAY:
            self._contracts.call_off()
        for deal in (self._receive_requests, self._offer, self._order_requests.receive, self._bundles.make):
            for _ in range(self._times()):
                deal()

    def _times(self) -> int:
        """How often each kind of negotiation takes place today: less than daily for a small nursery."""
        size = self._grower.size
        return round(size) if size >= 1 else int(self._grower.happens(max(_SMALLEST, size)))

    def _receive_requests(self) -> None:
        self._offers.request_supply(*self._catalog_requests.receive())

    def _offer(self) -> None:
        self._offers.make("CUSTOMER_OFFER")
        self._offers.make("PURCHASE_TIP")
