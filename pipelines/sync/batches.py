"""Steps of a walk put together to batches, each one transaction, with what it covers of the numbers.

Over several connections the steps come in any order. What a batch covers beyond the cursor is remembered in windows;
the cursor moves only over what is read without a gap.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

import numpy as np

from pipelines.catalogue.tables import Table
from pipelines.floriday.change_feed import Step
from pipelines.floriday.page_queue import MemoryBudget
from pipelines.floriday.pages import Page
from pipelines.floriday.sequence_ranges import Coverage
from pipelines.normalize import Batch, combine, normalize
from pipelines.normalize.content import content_hash
from pipelines.warehouse.file.connection import Warehouse, transaction
from pipelines.warehouse.load.cursors import Window
from pipelines.warehouse.load.position import Position
from pipelines.warehouse.load.upsert import Effects, Stored, store_within

PAGES_A_BATCH = 10
"""Pages that are worth a transaction while none is under way; half of them begin, for the storer has nothing else."""
BYTES_A_BATCH = 32_000_000
"""Bytes of records that one transaction holds at most, and a page; feeds that are read side by side share them."""
BYTES_A_PART = 8_000_000
"""Bytes of records that are normalized at once: few enough to go on soon, enough to be worth the effort."""
BYTES_FETCHED = 20_000_000
"""Bytes of pages that all feeds together hold at most, about, before they are normalized."""

BUDGET = MemoryBudget(BYTES_FETCHED)


@dataclass
class Piece:
    """Steps that follow one another.

    Args:
        begins: the number after which they begin, and nothing that was read before.
        ends: the number up to which they reach.
        records: how many there are.
    """

    begins: int
    ends: int
    records: int = 0


@dataclass(frozen=True)
class StepBatch:
    """What one transaction covers.

    Args:
        pieces: in the order of the records.
        places: for each record as it came, its place in that order.
        reached: how far everything is read without a gap, with this batch and all before it.
        current: whether the feed is proven read to its end with it.
        end: the proven end of the feed; None where the cursor is not to be moved there.
    """

    pieces: Sequence[Piece]
    places: np.ndarray
    reached: int
    current: bool
    end: int | None = None

    def cursor_from(self, cursor: int) -> int:
        """Where the cursor moves to, back too: what was read to the feed's proven end says where that is."""
        return max(cursor, self.reached) if self.end is None else self.end


@dataclass(frozen=True)
class Commit:
    """A committed batch.

    Args:
        stored: what the transaction did.
        to: the feed's position afterwards; when that is, ``stored`` tells.
        current: whether the feed is proven current with it.
        unknown_fields: as of its :class:`Batch`.
        unknown_values: the same.
    """

    stored: Stored
    to: Position
    current: bool
    unknown_fields: dict[str, str]
    unknown_values: dict[str, set[str]]


@dataclass
class Batching:
    """The batch that is being put together, as far as its numbers go; its records are with :class:`Parts`.

    Args:
        cursor: where the feed stood.
        floor: a window begins here where its pages reach back before it.
        claimed: what is read, as far as it counts beyond the cursor.
    """

    cursor: int
    floor: int
    claimed: Coverage
    pages: int = 0
    size: int = 0
    _has_begun: bool = False
    _pages: list[tuple[Piece, int]] = field(default_factory=list)
    _current: bool = False
    _end: int | None = None

    def add(self, step: Step) -> None:
        """Put one more step into it."""
        begins = self.claimed.reached_from(max(step.after, self.floor))
        ends = max(begins, step.reached)
        if ends > begins:
            self.claimed.add(begins, ends)
        piece = next((one for one, _ in self._pages if one.ends == begins), None) or Piece(begins, begins)
        piece.ends = ends
        piece.records += len(step.page.records)
        self._pages.append((piece, len(step.page.records)))
        self.pages += 1
        self.size += step.page.size
        self._current = step.is_end
        self._end = step.reached if step.is_end else None

    def take(self) -> StepBatch:
        """The batch; the next one begins empty."""
        pieces = list({id(piece): piece for piece, _ in self._pages}.values())
        reached = self.claimed.reached_from(self.cursor)
        taken = StepBatch(pieces, self._places(pieces), reached, self._current, self._end)
        self.pages, self.size, self._pages, self._current, self._end = 0, 0, [], False, None
        self._has_begun = True
        return taken

    def _places(self, pieces: Sequence[Piece]) -> np.ndarray:
        """Where the records of the pages stand in the order of the pieces."""
        firsts = accumulate((piece.records for piece in pieces), initial=0)
        free = {id(piece): first for piece, first in zip(pieces, firsts, strict=False)}
        places = [np.arange(0)]
        for piece, records in self._pages:
            places.append(np.arange(free[id(piece)], free[id(piece)] + records))
            free[id(piece)] += records
        return np.concatenate(places)

    def is_enough(self, *, is_idle: bool) -> bool:
        """Whether it is time for a transaction.

        Args:
            is_idle: whether none is under way.
        """
        are_worth_it = self.pages >= PAGES_A_BATCH if self._has_begun else self.is_half_there
        return self.size >= BUDGET.share_of(BYTES_A_BATCH) or (is_idle and are_worth_it)

    @property
    def is_half_there(self) -> bool:
        """Whether so much waits while a transaction ends that the next one follows soon."""
        return self.pages >= PAGES_A_BATCH // 2

    def left(self, maximum: int | None) -> int | None:
        """How many numbers are still to be read up to the maximum; None where that is unknown."""
        return None if maximum is None else self.claimed.unread(self.floor, maximum)


@dataclass
class Parts:
    """The records of the batch that is being put together: normalized a few pages at a time, while others come.

    Args:
        table: the feed's.
    """

    table: Table
    _normalized: list[Batch] = field(default_factory=list)
    _pages: list[Page] = field(default_factory=list)
    _waiting: int = 0

    def add(self, page: Page) -> None:
        """Put one more page into it."""
        self._pages.append(page)
        self._waiting += page.size
        if self._waiting >= BYTES_A_PART:
            self._normalize()

    def take(self, places: np.ndarray) -> Batch:
        """The batch; the next one begins empty.

        Args:
            places: of the records, in the order in which the pages came.
        """
        if self._pages or not self._normalized:
            self._normalize()
        batches, self._normalized = self._normalized, []
        return combine(batches, places)

    def _normalize(self) -> None:
        records = [record for page in self._pages for record in page.records]
        is_strict = all(page.is_strict for page in self._pages)
        self._normalized.append(normalize(self.table, records, is_strict=is_strict))
        self._pages, self._waiting = [], 0


def unstored(page: Page, stored: Mapping[int, Collection[bytes]]) -> Page:
    """A page without the records that are stored with their number and their content.

    Args:
        page: which.
        stored: for each number, the hashes of what is stored there.
    """
    kept = [
        place
        for place, (raw, number) in enumerate(zip(page.records, page.numbers, strict=True))
        if number is None or number not in stored or content_hash(raw) not in stored[number]
    ]
    return page.only(kept)


def commit(
    warehouse: Warehouse,
    table: Table,
    batches: list[Batch],
    covered: StepBatch,
    *,
    at: Position,
    like: Window,
    effects: Effects,
    goes_on: Callable[[], bool],
) -> Commit:
    """Store a batch in one transaction.

    Args:
        warehouse: laid out.
        table: the feed's.
        batches: the batch alone. It is taken from the list: the commit takes most memory, and has no need of it.
        covered: what it covers.
        at: the feed's position before.
        like: what all its windows say.
        effects: what the commit brings about besides.
        goes_on: asked in the end, whether the next batch is there.
    """
    to = replace(at, cursor=covered.cursor_from(at.cursor))
    windows = windows_of(covered.pieces, batches[0], like)
    fields, values = batches[0].unknown_fields, batches[0].unknown_values
    with warehouse.writing(goes_on) as connection, transaction(connection):
        stored = store_within(
            connection,
            table,
            batches.pop(),
            windows,
            to,
            current=covered.current,
            effects=replace(effects, proves_end=covered.end is not None),
        )
    return Commit(stored, to, covered.current, fields, values)


def windows_of(pieces: Sequence[Piece], batch: Batch, like: Window) -> list[Window]:
    """The rows of ``sync.windows`` that a batch is remembered by, one for each piece.

    Args:
        pieces: in the order of the records.
        batch: their records, normalized.
        like: what all of them say.
    """
    windows, first = [], 0
    for piece in pieces:
        last = first + piece.records
        wrong = sum(first <= one.record < last for one in batch.rejected)
        windows.append(
            replace(like, from_number=piece.begins, to_number=piece.ends, records=piece.records, rejected=wrong)
        )
        first = last
    return windows
