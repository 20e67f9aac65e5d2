"""Pages of a walk grouped into batches, each of them one transaction, with the sequence numbers that it covers.

Over several connections the pages arrive in any order. What a batch covers beyond the cursor is remembered in
``sync.windows``; the cursor moves only over what is read without a gap.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from pipelines.catalogue.tables import Table
from pipelines.floriday.change_feed import Step
from pipelines.floriday.page_queue import MemoryBudget
from pipelines.floriday.pages import Page
from pipelines.floriday.sequence_ranges import Coverage
from pipelines.normalize import Batch, combine, normalize
from pipelines.normalize.content import content_hash

PAGES_A_BATCH = 10  # commit after this many pages when the writer is idle; half as many for the first batch
BYTES_A_BATCH = 32_000_000  # commit in any case after these bytes of records, which feeds that are read at once share
BYTES_A_CHUNK = 8_000_000  # bytes normalized at once: small enough to start early, large enough to pay for the overhead
BUDGET = MemoryBudget(20_000_000)  # bytes of pages, about, that all feeds hold at most before they are normalized


@dataclass
class Piece:
    """Pages of one batch that follow one another."""

    begins: int  # sequence number after which they begin; no earlier page covers anything above it
    ends: int
    records: int = 0


@dataclass(frozen=True)
class CoveredNumbers:
    """The sequence numbers that a batch covers."""

    pieces: Sequence[Piece]  # in the order of the records
    places: Sequence[int]  # for each record in the order of arrival, its place in the order of the pieces
    reached: int  # number up to which this batch and all before it cover everything above the cursor
    current: bool  # whether the batch proves that the feed is read to its end
    end: int | None = None  # the proven end of the feed; None where the cursor is not to be moved there

    def cursor_from(self, cursor: int) -> int:
        """The cursor after the commit. It may move back: a feed that was read to its proven end ends there."""
        return max(cursor, self.reached) if self.end is None else self.end


@dataclass
class WindowBuilder:
    """The sequence numbers of the batch that is being built."""

    cursor: int  # the feed's cursor before the walk
    floor: int  # a window begins here if its pages reach back further
    claimed: Coverage  # the numbers beyond the cursor that are read
    size: int = 0
    _has_begun: bool = False
    _pages: list[tuple[Piece, int]] = field(default_factory=list)
    _last: Step | None = None

    @property
    def pages(self) -> int:
        """Number of pages in the batch."""
        return len(self._pages)

    def add(self, step: Step) -> None:
        """Add a page."""
        begins = self.claimed.reached_from(max(step.after, self.floor))
        ends = max(begins, step.reached)
        if ends > begins:
            self.claimed.add(begins, ends)
        piece = next((piece for piece, _ in self._pages if piece.ends == begins), None) or Piece(begins, begins)
        piece.ends = ends
        piece.records += len(step.page.records)
        self._pages.append((piece, len(step.page.records)))
        self.size += step.page.size
        self._last = step

    def take(self) -> CoveredNumbers:
        """The numbers of the batch; the next batch begins empty."""
        pieces = list({id(piece): piece for piece, _ in self._pages}.values())
        reached = self.claimed.reached_from(self.cursor)
        end = self._last.reached if self._last is not None and self._last.is_end else None
        covered = CoveredNumbers(pieces, self._places(pieces), reached, end is not None, end)
        self.size, self._pages, self._last, self._has_begun = 0, [], None, True
        return covered

    def _places(self, pieces: Sequence[Piece]) -> list[int]:
        """For each record in the order of arrival, its place in the order of the pieces."""
        firsts = accumulate((piece.records for piece in pieces), initial=0)
        free = {id(piece): first for piece, first in zip(pieces, firsts, strict=False)}
        places: list[int] = []
        for piece, records in self._pages:
            places.extend(range(free[id(piece)], free[id(piece)] + records))
            free[id(piece)] += records
        return places

    def is_large_enough(self, *, is_idle: bool) -> bool:
        """Whether to commit the batch; ``is_idle``: no commit is running."""
        has_enough_pages = self.pages >= PAGES_A_BATCH if self._has_begun else self.is_half_full
        return self.size >= BUDGET.share_of(BYTES_A_BATCH) or (is_idle and has_enough_pages)

    @property
    def is_half_full(self) -> bool:
        """Whether the next commit follows soon after the one that is running."""
        return self.pages >= PAGES_A_BATCH // 2

    def unread(self, maximum: int | None) -> int | None:
        """How many sequence numbers are still to be read up to the maximum; None where that is unknown."""
        return None if maximum is None else self.claimed.unread(self.floor, maximum)


@dataclass
class PageBatch:
    """The batch of pages that one transaction stores."""

    covered: CoveredNumbers  # the sequence numbers that they cover
    rejected: Sequence[int]  # for each piece, the number of its rejected records
    served: int  # number of all records
    unknown_fields: dict[str, str]
    unknown_values: dict[str, set[str]]
    _table: Table
    _records: list[Batch]

    @classmethod
    def of(cls, covered: CoveredNumbers, table: Table, records: Batch) -> PageBatch:
        """The batch of normalized records in the order of the pieces."""
        bounds = list(accumulate((piece.records for piece in covered.pieces), initial=0))
        places = sorted(record.record for record in records.rejected)
        rejected = [later - first for first, later in pairwise(bisect_left(places, bound) for bound in bounds)]
        return cls(covered, rejected, records.served, records.unknown_fields, records.unknown_values, table, [records])

    @classmethod
    def without_records(cls, covered: CoveredNumbers, table: Table) -> PageBatch:
        """A batch of pages without records, for which nothing is imported or normalized unless it is stored."""
        return cls(covered, [0] * len(covered.pieces), 0, {}, {}, table, [])

    def tables(self) -> list[tuple[str, str]]:
        """Schema and name of the tables for which the batch has rows; before its records are taken."""
        frames = self._records[0].frames if self._records else {}
        return [(each.schema, each.name) for each in self._table.walk() if len(frames.get(each.qualified_name, ()))]

    def take_records(self, *, keep: bool = False) -> Batch:
        """The normalized records, once: DuckDB's commit takes most memory, so the builder must not keep them.

        ``keep`` is for a transaction that may have to be repeated.
        """
        if not self.served:
            return normalize(self._table, [])
        return self._records[0] if keep else self._records.pop()


@dataclass
class BatchBuilder:
    """The batch that is being built; its records are normalized a few pages at a time, while others are fetched."""

    table: Table
    windows: WindowBuilder  # the sequence numbers of the batch
    _chunks: list[Batch] = field(default_factory=list)
    _waiting: list[Page] = field(default_factory=list)
    _waiting_bytes: int = 0

    def add(self, step: Step) -> None:
        """Add a page; its records wait to be normalized."""
        self.windows.add(step)
        self._waiting.append(step.page)
        self._waiting_bytes += step.page.size

    def normalize_full_chunk(self) -> None:
        """Normalize the waiting records if there are enough of them."""
        if self._waiting_bytes >= BYTES_A_CHUNK:
            self._normalize()

    def take(self) -> PageBatch:
        """The batch; the next one begins empty."""
        covered = self.windows.take()
        if not covered.places:
            self._waiting, self._chunks, self._waiting_bytes = [], [], 0
            return PageBatch.without_records(covered, self.table)
        if self._waiting:
            self._normalize()
        chunks, self._chunks = self._chunks, []
        return PageBatch.of(covered, self.table, combine(chunks, covered.places))

    def _normalize(self) -> None:
        records = [record for page in self._waiting for record in page.records]
        is_strict = all(page.is_strict for page in self._waiting)
        self._chunks.append(normalize(self.table, records, is_strict=is_strict))
        self._waiting, self._waiting_bytes = [], 0


def without_stored(page: Page, stored: Mapping[int, Collection[bytes]]) -> Page:
    """A page without the records whose content hash is stored with their number."""
    kept = [
        place
        for place, (raw, number) in enumerate(zip(page.records, page.numbers, strict=True))
        if number is None or number not in stored or content_hash(raw) not in stored[number]
    ]
    return page.only(kept)
