"""A change feed in memory whose server does everything that Floriday's documentation does not exclude."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipelines.floriday.pages import Page, read_page
from tests.records import page_of


@dataclass
class MovingFeed:
    """Serves one record for each identity, at its newest sequence number.

    Args:
        numbers: sequence number of each record, by identity.
        page_size: number of records in a full page.
        hidden: identities that a filter removes after the page was cut.
        inclusive: whether the record at the requested number is served again.
        empty_maximum: maximum of an empty page: the requested number ("cursor"), or 0 ("zero").
        backwards: whether a page lists its records in descending order.
        moves: identities that get a new number, by the call before which they get it.
        repeats: calls that are answered with the previous page.
    """

    numbers: dict[int, int]
    page_size: int = 3
    hidden: frozenset[int] = frozenset()
    inclusive: bool = False
    empty_maximum: str = "cursor"
    backwards: bool = False
    moves: Mapping[int, Iterable[int]] = field(default_factory=dict)
    repeats: frozenset[int] = frozenset()
    requested: list[int] = field(default_factory=list)
    last: Page | None = None

    @property
    def maximum(self) -> int:
        """The answer of the max-sequence operation: the highest number, hidden or not."""
        return max(self.numbers.values(), default=0)

    @property
    def visible(self) -> dict[int, int]:
        """The numbers of the records that are not hidden, by identity."""
        return {identity: number for identity, number in self.numbers.items() if identity not in self.hidden}

    def fetch(self, after: int) -> Page:
        """Return the page after a number."""
        call = len(self.requested)
        self.requested.append(after)
        for identity in self.moves.get(call, ()):
            self.numbers[identity] = self.maximum + 1 + identity % 3
        if self.last is None or call not in self.repeats:
            self.last = self._page(after)
        return self.last

    def _page(self, after: int) -> Page:
        first = after if self.inclusive else after + 1
        cut = sorted((n, identity) for identity, n in self.numbers.items() if n >= first)[: self.page_size]
        if not cut:
            return read_page(page_of([], after if self.empty_maximum == "cursor" else 0))
        served = [record(identity, number) for number, identity in cut if identity not in self.hidden]
        return read_page(page_of(served[::-1] if self.backwards else served, cut[-1][0]))


def record(identity: int, number: int | str) -> bytes:
    """Return a small record."""
    return f'{{"id":{identity},"sequenceNumber":{number}}}'.encode()
