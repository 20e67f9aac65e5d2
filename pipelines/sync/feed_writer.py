"""What was read of a feed, or of a part of it, stored batch by batch; the feed's position follows the commits.

Which pages are read does not belong here: that is ``sync``.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from pipelines.catalogue.tables import Table
from pipelines.errors import PipelineError
from pipelines.floriday.change_feed import Step
from pipelines.floriday.page_checks import shared_numbers
from pipelines.normalize import Batch, normalize
from pipelines.normalize.rejected import key_of
from pipelines.sync.batches import BYTES_A_PART, Batching, Commit, Parts, Piece, StepBatch, commit, unstored
from pipelines.sync.outcome import FeedOutcome, Listener, united
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.load.cursors import FeedPart, Ledger, Window
from pipelines.warehouse.load.position import Position
from pipelines.warehouse.load.upsert import Effects


class FeedWriter:
    """Stores what is read of a feed, or of a part of it.

    Args:
        warehouse: laid out.
        table: the feed's.
        part: the feed.
        known: how far all feeds are; follows what is committed here.
        effects: what a commit of this feed brings about besides.
        run_id: written into every row of the ledger and the raw log.
        outcome: what is known of the sync before it begins.
    """

    def __init__(
        self,
        warehouse: Warehouse,
        table: Table,
        part: FeedPart,
        known: Ledger,
        *,
        effects: Effects,
        run_id: str,
        outcome: FeedOutcome,
    ) -> None:
        self.warehouse = warehouse
        self.table = table
        self.part = part
        self.known = known
        self.effects = effects
        self.at = known.positions.get(part, Position())
        self.asked_at = datetime.now(UTC)
        self.outcome = outcome
        self.listener: Listener = lambda _: None
        self.stored: dict[int, set[bytes]] = {}
        """For each number that is read once more, the hashes of what is stored there."""
        self.served: set[str | None] | None = None
        """The keys of all records that were served, None in it for one without a key; gathered where it is a set."""
        self._run_id = run_id
        self._began = time.monotonic()
        self._under_way: Future[Commit] | None = None
        self._goes_on = False
        self._ignored = 0
        self._has_stored = False

    def begin(self, *, is_reread: bool, gathers_keys: bool) -> None:
        """Get ready for a walk.

        Args:
            is_reread: whether it begins at number 0.
            gathers_keys: whether ``served`` is to hold the keys of what it serves.
        """
        self.effects = replace(self.effects, is_reread=is_reread)
        self.served = set() if gathers_keys else None
        self._ignored = 0
        self._has_stored = False

    def take(self, steps: Iterator[Step], batching: Batching) -> None:
        """Store the steps of a walk: while one batch is stored, the next one is read and normalized.

        What was fetched before a failure is stored before the failure is told.
        """
        with ThreadPoolExecutor(1, "floriday store") as storer:
            self._take(steps, batching, Parts(self.table), storer)

    def _take(self, steps: Iterator[Step], batching: Batching, parts: Parts, storer: Executor) -> None:
        failure: PipelineError | None = None
        try:
            for step in steps:
                self._note_served(step)
                for piece in _split(replace(step, page=unstored(step.page, self.stored))):
                    batching.add(piece)
                    self._goes_on = batching.is_half_there
                    parts.add(piece.page)
                    if batching.is_enough(is_idle=self._under_way is None or self._under_way.done()):
                        self._commit(batching.take(), parts, storer)
                self.tell(left=batching.left(self.at.maximum))
        except PipelineError as error:
            failure = error
        if batching.pages:
            self._commit(batching.take(), parts, storer)
        self._settle()
        self.warehouse.release()
        if failure is not None:
            raise failure

    def _note_served(self, step: Step) -> None:
        if self.served is not None:
            self.served.update(key_of(self.table, raw) for raw in step.page.records)
        self.outcome = replace(
            self.outcome,
            pages=self.outcome.pages + 1,
            records=self.outcome.records + len(step.page.records),
            shared_numbers=self.outcome.shared_numbers | shared_numbers(step.page),
        )

    def _commit(self, covered: StepBatch, parts: Parts, storer: Executor) -> None:
        """Have a batch stored, once the one before it is."""
        batches = [parts.take(covered.places)]
        self._settle(goes_on=batches[0].served > 0)
        moves = covered.cursor_from(self.at.cursor) != self.at.cursor
        # With the end of a walk that has stored something, what was stored is held against that end.
        ends = covered.end is not None and (self._has_stored or self.effects.is_reread)
        if batches[0].served or moves or ends or any(piece.ends > self.at.cursor for piece in covered.pieces):
            self._has_stored = True
            self._under_way = storer.submit(
                self._stored, batches, covered, replace(self.effects, ignored=self._ignored)
            )
        elif covered.current:
            self.note_current()

    def _settle(self, *, goes_on: bool = False) -> None:
        """Wait for the batch that is being stored, and move on to where it leads; the next one may be there already."""
        if self._under_way is not None:
            self._goes_on = goes_on
            done, self._under_way = self._under_way.result(), None
            self._goes_on = False
            self._move(done)

    def _stored(self, batches: list[Batch], covered: StepBatch, effects: Effects) -> Commit:
        like = Window(self.part, self.at.series, None, None, 0, 0, self.asked_at, self._run_id)
        return commit(
            self.warehouse,
            self.table,
            batches,
            covered,
            at=self.at,
            like=like,
            effects=effects,
            goes_on=lambda: self._goes_on,
        )

    def _move(self, commit: Commit) -> None:
        """Follow what was committed."""
        self.at = commit.to.committed(commit.stored.committed_at, current=commit.current)
        self.known.positions[self.part] = self.at
        self.known.noted.pop(self.part, None)
        self.known.rereads.update(commit.stored.marked)
        self._ignored += commit.stored.older
        self.tell(
            new=self.outcome.new + commit.stored.new,
            changed=self.outcome.changed + commit.stored.changed,
            rejected=self.outcome.rejected + commit.stored.rejected,
            cursor=self.at.cursor,
            current=commit.current,
            unknown_fields={**self.outcome.unknown_fields, **commit.unknown_fields},
            unknown_values=united(self.outcome.unknown_values, commit.unknown_values),
        )

    def note_current(self) -> None:
        """The feed is current as of the moment at which Floriday was asked, or has stored what was read since."""
        self.at = self.at.found_current(self.asked_at)
        self.known.note(self.part, self.at)
        self.tell(current=True, whole=self.at.cursor == 0)

    def store_again(self, records: Sequence[bytes], *, was_served: bool = True) -> None:
        """Store records that stand before the cursor, which stays.

        Args:
            records: of the feed.
            was_served: whether Floriday served them; False for last versions that were made here.
        """
        pieces = [Piece(self.at.cursor, self.at.cursor, len(records))]
        covered = StepBatch(pieces, np.arange(len(records)), self.at.cursor, self.outcome.current)
        effects = replace(self.effects, was_served=was_served)
        self._move(self._stored([normalize(self.table, records)], covered, effects))

    def tell(self, **news: object) -> None:
        """Add to the outcome, and report it."""
        self.outcome = replace(self.outcome, seconds=time.monotonic() - self._began, **news)  # type: ignore[arg-type]
        self.listener(self.outcome)


def _split(step: Step) -> Iterator[Step]:
    """The step, in parts that are normalized at once each; only the last one moves the cursor."""
    *first, last = step.page.split(BYTES_A_PART)
    for page in first:
        yield replace(step, page=page, reached=step.after, is_end=False)
    yield replace(step, page=last)
