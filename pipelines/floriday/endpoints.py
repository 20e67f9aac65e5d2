"""The operations of a change feed: paths, page parameter, rate limits. Tables do not belong here."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class RateLimit:
    """The token bucket of an operation, for each API key (docs/floriday.md: Rate limits)."""

    per_second: float = 3.4  # number of tokens that refill the bucket in a second; a call takes one
    burst: int = 1000  # number of tokens in a full bucket


USUAL = RateLimit()  # the rate limit of most operations, also used where the specification states none
SLOW = RateLimit(2.0, 200)  # the rate limit of organizations, trade items, warehouses and requests


@dataclass(frozen=True)
class Endpoint:
    """The operations of one change feed, with paths relative to the API's base address.

    Args:
        path: path of the resource, such as ``/sales-orders``.
        page_parameter: ``limitResult`` or ``limit``; Floriday ignores a wrong name silently (docs/floriday.md).
        page_maximum: maximum number of records in a page; Floriday answers 400 to a higher limit.
        rate: rate limit of the sync operation.
        max_sequence: path of the max-sequence operation; None where there is none.
        max_sequence_rate: rate limit of the max-sequence operation.
        max_sequence_scope: scope of the max-sequence operation; None for the scope of the sync operation.
        by_id: path of the operation that reads one record, with the key's JSON name in braces; None for no operation.
        sync: path of the sync operation; empty for ``<path>/sync/{sequenceNumber}``.
        parameters: names and values that are sent with every page besides the page parameter.
        selected_only_parameters: replacement for ``parameters`` where a buyer wants the selected assortment only; empty
            where that makes no difference.
        part_parameter: name of the parameter that selects a sub-feed; None for a feed without sub-feeds.
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
        """The path of the page of records whose sequence number is above ``after``."""
        return self.sync.format(sequenceNumber=after)

    @property
    def fixed_query(self) -> str:
        """The parameters that are sent with every page besides the page parameter, as text."""
        return "&".join(f"{name}={value}" for name, value in self.parameters)
