"""What a nursery deals with chosen buyers about: requests, offers, bundles, contracts."""

from __future__ import annotations

from pipelines.sandbox.world.assortment import Assortment
from pipelines.sandbox.world.blanket_orders import BlanketOrders
from pipelines.sandbox.world.bundles import Bundles
from pipelines.sandbox.world.calendar import day_of
from pipelines.sandbox.world.catalog_requests import CatalogRequests
from pipelines.sandbox.world.contracts import Contracts
from pipelines.sandbox.world.grower_context import Site
from pipelines.sandbox.world.offers import Offers
from pipelines.sandbox.world.order_requests import OrderRequests
from pipelines.sandbox.world.sales import Sales

_WEDNESDAY = 2
_SUNDAY = 6
_SMALLEST = 0.35


class Dealings:
    """The dealings of a nursery.

    Args:
        site: the nursery.
        assortment: what it grows.
        sales: where orders come of them.
    """

    def __init__(self, site: Site, assortment: Assortment, sales: Sales) -> None:
        self._site = site
        self._catalog_requests = CatalogRequests(site, assortment)
        self._offers = Offers(site, assortment, sales)
        self._bundles = Bundles(site, assortment, sales)
        self._order_requests = OrderRequests(site, assortment, sales)
        self._contracts = Contracts(site, assortment, BlanketOrders(site, sales))

    def begin(self) -> None:
        """Conclude the contracts of the season."""
        self._contracts.conclude()

    def go_on(self) -> None:
        """A day's dealings; on Sundays there are none, and contracts are called off on Wednesdays."""
        weekday = day_of(self._site.now).weekday()
        if weekday == _SUNDAY:
            return
        self._contracts.change()
        if weekday == _WEDNESDAY:
            self._contracts.call_off()
        for deal in (self._ask, self._offer, self._order_requests.come_in, self._bundles.make):
            for _ in range(self._times()):
                deal()

    def _times(self) -> int:
        """How often something is dealt with in a day: once where a nursery is large, less where it is small."""
        size = self._site.size
        return round(size) if size >= 1 else int(self._site.happens(max(_SMALLEST, size)))

    def _ask(self) -> None:
        self._offers.ask(*self._catalog_requests.come_in())

    def _offer(self) -> None:
        self._offers.make("CUSTOMER_OFFER")
        self._offers.make("PURCHASE_TIP")
