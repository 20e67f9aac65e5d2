"""What Floriday serves, as data: the feeds and snapshots of an API, their records and the tables that follow from them.

Here is the way in, :func:`catalogue_of`. Facts about a feed stand in one module below and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.catalogue import suppliers
from pipelines.catalogue.types import Feed, Snapshot
from pipelines.errors import UsageError


@dataclass(frozen=True)
class Catalogue:
    """The feeds and snapshots of one API.

    Args:
        api: ``suppliers`` or ``customers``, as in the API's address.
        version: the API's version, as in its address.
        feeds: in the order in which they are listed everywhere.
        snapshots: the lists that no feed serves.
    """

    api: str
    version: str
    feeds: tuple[Feed, ...]
    snapshots: tuple[Snapshot, ...] = ()

    def feed(self, name: str) -> Feed:
        """The feed called ``sales_orders`` or ``orders.sales_orders``.

        Raises:
            UsageError: there is none; the message tells which there are.
        """
        for feed in self.feeds:
            if name in (feed.table, feed.name):
                return feed
        known = ", ".join(feed.name for feed in self.feeds)
        raise UsageError(f"The {self.api} API has no feed {name!r}. There are: {known}")

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes that the feeds and snapshots ask for, each once, sorted."""
        return tuple(sorted({feed.scope for feed in self.feeds} | {snapshot.scope for snapshot in self.snapshots}))


_CATALOGUES = {"suppliers": Catalogue("suppliers", "2026v1", suppliers.FEEDS, suppliers.SNAPSHOTS)}


def catalogue_of(api: str) -> Catalogue:
    """The catalogue of the API called ``suppliers`` or ``customers``.

    Raises:
        UsageError: this program does not know the API's feeds.
    """
    if api not in _CATALOGUES:
        raise UsageError(f"No feeds are known of the {api!r} API. There are those of: {', '.join(_CATALOGUES)}")
    return _CATALOGUES[api]
