"""Steps of a walk put together to batches, each one transaction, with what it covers of the numbers.

Over several connections the steps come in any order. What a batch covers beyond the cursor is remembered in windows;
the cursor moves only over what is read without a gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from pipelines.floriday.changes import Step
from pipelines.floriday.pages import Page
from pipelines.floriday.pipe import Budget
from pipelines.floriday.ranges import Coverage
from pipelines.normalize import Batch
from pipelines.warehouse.ledger import Position, Window
from pipelines.warehouse.store import Stored

PAGES_A_BATCH = 10
"""Pages that are worth a transaction while none is under way."""
BYTES_A_BATCH = 24_000_000
"""Bytes of pages that one transaction holds at most, and a page."""
BYTES_IN_MEMORY = 48_000_000
"""Bytes of pages that all feeds together hold at most, about: fetched ahead, and on their way into the warehouse."""

BUDGET = Budget(BYTES_IN_MEMORY)


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
    """What one transaction holds.

    Args:
        records: of all pieces.
        pieces: in the order of the records.
        reached: how far everything is read without a gap, with this batch and all before it.
        current: whether the feed is proven read to its end with it.
        is_strict: whether all records are known to be JSON in the strict sense.
    """

    records: Sequence[bytes]
    pieces: Sequence[Piece]
    reached: int
    current: bool
    is_strict: bool = False


@dataclass(frozen=True)
class Commit:
    """A committed batch.

    Args:
        stored: what the transaction did.
        batch: what it stored.
        to: the feed's position afterwards; when that is, ``stored`` tells.
        current: whether the feed is proven current with it.
    """

    stored: Stored
    batch: Batch
    to: Position
    current: bool


@dataclass
class Batching:
    """The batch that is being put together.

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
    _pages: list[tuple[Piece, Page]] = field(default_factory=list)
    _current: bool = False

    def add(self, step: Step) -> None:
        """Put one more step into it."""
        begins = self.claimed.reached_from(max(step.after, self.floor))
        ends = max(begins, step.reached)
        if ends > begins:
            self.claimed.add(begins, ends)
        piece = next((one for one, _ in self._pages if one.ends == begins), None) or Piece(begins, begins)
        piece.ends = ends
        piece.records += len(step.page.records)
        self._pages.append((piece, step.page))
        self.pages += 1
        self.size += step.page.size
        self._current = step.current

    def take(self) -> StepBatch:
        """The batch; the next one begins empty."""
        pieces = list({id(piece): piece for piece, _ in self._pages}.values())
        pages = [page for wanted in pieces for piece, page in self._pages if piece is wanted]
        taken = StepBatch(
            [record for page in pages for record in page.records],
            pieces,
            self.claimed.reached_from(self.cursor),
            self._current,
            all(page.is_strict for page in pages),
        )
        self.pages, self.size, self._pages, self._current = 0, 0, [], False
        return taken

    def is_enough(self, *, is_idle: bool) -> bool:
        """Whether it is time for a transaction.

        Args:
            is_idle: whether none is under way.
        """
        return self.size >= min(BYTES_A_BATCH, BUDGET.share) or (is_idle and self.pages >= PAGES_A_BATCH)

    def left(self, maximum: int | None) -> int | None:
        """How many numbers are still to be read up to the maximum; None where that is unknown."""
        return None if maximum is None else self.claimed.left(self.floor, maximum)


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
