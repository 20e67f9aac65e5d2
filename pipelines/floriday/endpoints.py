"""The operations of a change feed: paths, page parameter, rate limits. Tables do not belong here."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass


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

    ``selected_only_parameters`` replace ``parameters`` where a buyer wants the selected assortment only; empty where
    that makes no difference.
    """

    path: str  # of the resource, such as ``/sales-orders``
    page_parameter: str = "limitResult"  # or ``limit``; Floriday ignores a wrong name silently (docs/floriday.md)
    page_maximum: int = 1000  # maximum number of records in a page; Floriday answers 400 to a higher limit
    rate: RateLimit = USUAL
    _: KW_ONLY
    max_sequence: str | None = ""  # path of the operation; empty for ``<path>/current-max-sequence``, None for none
    max_sequence_rate: RateLimit = USUAL
    max_sequence_scope: str | None = None  # None for the scope of the sync operation
    by_id: str | None = None  # path that reads one record, with the key's JSON name in braces; None for no operation
    sync: str = ""  # path of the sync operation; empty for ``<path>/sync/{sequenceNumber}``
    parameters: tuple[tuple[str, str], ...] = ()  # sent with every page besides the page parameter
    selected_only_parameters: tuple[tuple[str, str], ...] = ()
    part_parameter: str | None = None  # selects a sub-feed; None for a feed without sub-feeds

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
