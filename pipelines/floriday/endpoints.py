"""How a change feed is addressed: paths, page parameter, limits. Knows nothing of tables."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class RateLimit:
    """A token bucket as Floriday states it, per API key and endpoint (docs/floriday.md: Rate limits).

    Args:
        per_second: calls a second that refill the bucket.
        burst: calls that a full bucket holds.
    """

    per_second: float = 3.4
    burst: int = 1000


USUAL = RateLimit()
"""What most operations state; also used where none is stated."""

SLOW = RateLimit(2.0, 200)
"""Organizations, trade items, warehouses and requests."""


@dataclass(frozen=True)
class Endpoint:
    """The operations of one change feed, relative to the API's base (the specification).

    Args:
        path: the resource, ``/sales-orders``.
        page_parameter: ``limitResult`` or ``limit``; a wrong name is silently ignored by Floriday (docs/floriday.md).
        page_maximum: the most records a page may hold; more is answered with 400.
        rate: the limit of the sync operation.
        max_sequence: the operation that tells the feed's highest number, or None where there is none.
        max_sequence_rate: the limit of that operation.
        max_sequence_scope: the scope that it asks for, where that is not the sync operation's.
        by_id: the operation that reads one record, with the key's JSON name in braces, or None.
        sync: the sync operation with ``{sequenceNumber}``, where it is not ``<path>/sync/{sequenceNumber}``.
        parameters: what is sent with every page besides the page parameter, as names and values.
        selected_only_parameters: what is sent in place of ``parameters`` where a buyer wants the selected assortment
            only; empty where that makes no difference.
        part_parameter: the parameter that names the part, for a feed that is only read part by part.
    """

    path: str
    page_parameter: str = "limitResult"
    page_maximum: int = 1000
    rate: RateLimit = USUAL
    max_sequence: str | None = field(default="", kw_only=True)
    max_sequence_rate: RateLimit = field(default=USUAL, kw_only=True)
    max_sequence_scope: str | None = field(default=None, kw_only=True)
    by_id: str | None = field(default=None, kw_only=True)
    sync: str = field(default="", kw_only=True)
    parameters: tuple[tuple[str, str], ...] = field(default=(), kw_only=True)
    selected_only_parameters: tuple[tuple[str, str], ...] = field(default=(), kw_only=True)
    part_parameter: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if self.max_sequence == "":
            object.__setattr__(self, "max_sequence", f"{self.path}/current-max-sequence")
        if not self.sync:
            object.__setattr__(self, "sync", f"{self.path}/sync/{{sequenceNumber}}")

    def page(self, after: int) -> str:
        """The path of the page of records whose number is above ``after``."""
        return self.sync.format(sequenceNumber=after)

    @property
    def fixed_query(self) -> str:
        """What is sent with every page besides the page parameter, as text."""
        return "&".join(f"{name}={value}" for name, value in self.parameters)
