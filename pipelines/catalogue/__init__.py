"""The catalogue: what Floriday's APIs serve, as data. The tables of the warehouse follow from it.

============================  ==================================================================================
``suppliers``, ``customers``  the feeds and records of each API, a module for each topic
``both_apis``                 records and phrases that both APIs share
``notes``                     warnings for the descriptions of tables
``types``                     how records, fields, feeds and snapshots are written; how to add a field
``tables``                    makes tables and columns from records
``relations``                 finds the joins between tables
``versions``                  the calendar of API versions
``version_comparison``        compares the catalogue with the specification of another version
============================  ==================================================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pipelines.catalogue import customers, suppliers
from pipelines.catalogue.types import Feed, Snapshot, Source
from pipelines.errors import UsageError
from pipelines.text_format import did_you_mean


@dataclass(frozen=True)
class Catalogue:
    """The feeds and snapshots of one API.

    Args:
        api: ``suppliers`` or ``customers``, as in the address of the API.
        version: version of the API, as in its address.
        feeds: all feeds, in the order of all listings.
        snapshots: lists without a change feed.
    """

    api: str
    version: str
    feeds: tuple[Feed, ...]
    snapshots: tuple[Snapshot, ...] = ()

    @property
    def sources(self) -> tuple[Source, ...]:
        """The feeds and the snapshots."""
        return (*self.feeds, *self.snapshots)

    def feed(self, name: str) -> Feed:
        """The change feed called ``sales_orders`` or ``orders.sales_orders``.

        Raises:
            UsageError: no feed has that name; the message suggests the nearest names.
        """
        return _named(name, self.feeds, self.api)

    def source(self, name: str) -> Source:
        """The feed or snapshot of that name, as for :meth:`feed`."""
        return _named(name, self.sources, self.api)

    def selected(self, names: Iterable[str]) -> tuple[Source, ...]:
        """The feeds and snapshots that the names select, each once, in the order of the names.

        A name is that of a feed, as for :meth:`feed`, or of a group: ``orders`` and ``orders.*`` are all feeds of that
        schema. ``organizations`` is the feed of that name, and ``organizations.*`` the group.

        Raises:
            UsageError: a name is neither; the message suggests the nearest names.
        """
        found = (source for name in names for source in self._group(name) or (self.source(name),))
        return tuple({source.name: source for source in found}.values())

    def _group(self, name: str) -> list[Source]:
        if any(name == source.table for source in self.sources):
            return []
        return [source for source in self.sources if source.schema == name.removesuffix(".*")]

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes that the feeds and snapshots require, each once, sorted."""
        return tuple(sorted({source.scope for source in self.sources}))


_Named = TypeVar("_Named", bound=Source)


def _named(name: str, sources: Sequence[_Named], api: str) -> _Named:
    for source in sources:
        if name in (source.table, source.name):
            return source
    groups = sorted({source.schema for source in sources})
    known = [*groups, *(source.name for source in sources)]
    every = f"its groups of feeds are {', '.join(groups)}"
    raise UsageError(f"the {api} API has no feed {name!r}: {did_you_mean(name, known, every)}")


CATALOGUES: dict[str, tuple[Catalogue, ...]] = {
    "suppliers": (Catalogue("suppliers", "2026v1", suppliers.FEEDS, suppliers.SNAPSHOTS),),
    "customers": (Catalogue("customers", "2026v1", customers.FEEDS),),
}
"""The catalogues of each API, by the API's name in its address: one for each supported version, the newest last."""


def catalogue_of(api: str, version: str | None = None) -> Catalogue:
    """The catalogue of the API called ``suppliers`` or ``customers``, in a version such as ``2026v1``.

    Without a version it is the newest catalogue. A version that has no catalogue gets that of the version before it,
    or the oldest one.

    Raises:
        UsageError: there is no catalogue of this API.
    """
    if api not in CATALOGUES:
        raise UsageError(f"No feeds are known of the {api!r} API. There are those of: {', '.join(CATALOGUES)}")
    oldest, *_ = catalogues = CATALOGUES[api]
    not_newer = [each for each in catalogues if version is None or each.version <= version]
    return not_newer[-1] if not_newer else oldest


def other_names(catalogue: Catalogue, source: Source) -> Iterator[Source]:
    """The same feed or snapshot in the catalogues of other versions, where it has another name."""
    for other in (other for each in CATALOGUES[catalogue.api] for other in each.sources):
        if other.name in source.formerly or source.name in other.formerly:
            yield other
