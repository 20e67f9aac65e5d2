"""A change feed in memory, with everything that a server may do that the documents do not promise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipelines.floriday.pages import Page, read_page
from tests.records import page_of


@dataclass
class MovingFeed:
    """Serves one record an identity, at its newest number.

    Args:
        numbers: each record's sequence number, by its identity.
        page_size: records of a full page.
        hidden: identities that a filter takes out after the page was cut.
        inclusive: whether the record at the number asked with is served again.
        empty_says: the maximum of an empty page: what was asked with, or 0.
        backwards: whether a page lists its records from the highest number down.
        moves: identities that get a new number, by the call before which they do.
        repeats: calls that are answered with the page before.
    """

    numbers: dict[int, int]
    page_size: int = 3
    hidden: frozenset[int] = frozenset()
    inclusive: bool = False
    empty_says: str = "cursor"
    backwards: bool = False
    moves: Mapping[int, Iterable[int]] = field(default_factory=dict)
    repeats: frozenset[int] = frozenset()
    asked: list[int] = field(default_factory=list)
    last: Page | None = None

    @property
    def maximum(self) -> int:
        """What the max-sequence operation says: the highest number, hidden or not."""
        return max(self.numbers.values(), default=0)

    @property
    def visible(self) -> dict[int, int]:
        """The numbers of the records that a reader may see, by their identity."""
        return {identity: number for identity, number in self.numbers.items() if identity not in self.hidden}

    def fetch(self, after: int) -> Page:
        """One page, as the walk asks for it."""
        call = len(self.asked)
        self.asked.append(after)
        for identity in self.moves.get(call, ()):
            self.numbers[identity] = self.maximum + 1 + identity % 3
        if self.last is None or call not in self.repeats:
            self.last = self._page(after)
        return self.last

    def _page(self, after: int) -> Page:
        first = after if self.inclusive else after + 1
        cut = sorted((n, identity) for identity, n in self.numbers.items() if n >= first)[: self.page_size]
        if not cut:
            return read_page(page_of([], after if self.empty_says == "cursor" else 0))
        served = [record(identity, number) for number, identity in cut if identity not in self.hidden]
        return read_page(page_of(served[::-1] if self.backwards else served, cut[-1][0]))


def record(identity: int, number: int | str) -> bytes:
    """A small record."""
    return f'{{"id":{identity},"sequenceNumber":{number}}}'.encode()
