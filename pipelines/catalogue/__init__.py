"""What Floriday serves, as data: the feeds and snapshots of an API, their records and the tables that follow from them.

Here is the way in, :func:`catalogue_of`. Facts about a feed stand in one module below and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from pipelines.catalogue import customers, suppliers
from pipelines.catalogue.types import Feed, Snapshot, Source
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

    @property
    def sources(self) -> tuple[Source, ...]:
        """The feeds and the snapshots: whatever fills a table."""
        return (*self.feeds, *self.snapshots)

    def feed(self, name: str) -> Feed:
        """The change feed called ``sales_orders`` or ``orders.sales_orders``.

        Raises:
            UsageError: there is none; the message tells which there are.
        """
        return _named(name, self.feeds, self.api)

    def source(self, name: str) -> Source:
        """The feed or snapshot of that name, as for :meth:`feed`."""
        return _named(name, self.sources, self.api)

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes that the feeds and snapshots ask for, each once, sorted."""
        return tuple(sorted({source.scope for source in self.sources}))


_Named = TypeVar("_Named", bound=Source)


def _named(name: str, sources: Sequence[_Named], api: str) -> _Named:
    for source in sources:
        if name in (source.table, source.name):
            return source
    known = ", ".join(source.name for source in sources)
    raise UsageError(f"The {api} API has no feed {name!r}. There are: {known}")


CATALOGUES = {
    "suppliers": Catalogue("suppliers", "2026v1", suppliers.FEEDS, suppliers.SNAPSHOTS),
    "customers": Catalogue("customers", "2026v1", customers.FEEDS),
}
"""What is known of each API, by its name in the API's address."""


def catalogue_of(api: str) -> Catalogue:
    """The catalogue of the API called ``suppliers`` or ``customers``.

    Raises:
        UsageError: this program does not know the API's feeds.
    """
    if api not in CATALOGUES:
        raise UsageError(f"No feeds are known of the {api!r} API. There are those of: {', '.join(CATALOGUES)}")
    return CATALOGUES[api]
