"""One feed of one account, from its cursor to the end: changes → normalize → warehouse.

The command line and Dagster both call this. How a page is read, a record typed or a row stored does not belong
here, only the order in which these happen.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from pipelines.batching import BUDGET, Batching, Commit, Parts, Piece, StepBatch, commit, unstored
from pipelines.catalogue.tables import Table, tables_of
from pipelines.catalogue.types import Feed
from pipelines.errors import PipelineError
from pipelines.floriday.ahead import Way, fetched_ahead, first_page_asked
from pipelines.floriday.changes import Fetch, Step, restarted
from pipelines.floriday.client import FloridayClient
from pipelines.floriday.pages import Page, read_page
from pipelines.floriday.ranges import Coverage, Interval
from pipelines.healing import ask_again
from pipelines.normalize import Batch, PersonalData, normalize
from pipelines.outcome import FeedOutcome, Listener, together, united
from pipelines.warehouse import gone, ledger
from pipelines.warehouse.connection import Warehouse, transaction
from pipelines.warehouse.days import Days, Span, numbered_in
from pipelines.warehouse.ledger import FeedPart, Ledger, Window
from pipelines.warehouse.position import Position

PAGES_OF_REJECTED = 20
"""Pages of a feed, or a part of it, that one sync asks for again to see whether rejected records have healed."""


@dataclass(frozen=True)
class Run:
    """What the feeds of a run share.

    Args:
        id: written into every row of the ledger and the raw log.
        known: how far all feeds are; follows what happens here. What is only noted in it, the caller writes.
        personal: what becomes of personal data, before anything else sees a record.
    """

    id: str
    known: Ledger
    personal: PersonalData


def sync_feed(
    client: FloridayClient,
    warehouse: Warehouse,
    feed: Feed,
    run: Run,
    *,
    full: bool = False,
    days: Days | None = None,
    rejected_only: bool = False,
    listener: Listener = lambda _: None,
) -> FeedOutcome:
    """Read a feed from its cursor to its end, or once more what lies before.

    Args:
        client: the account's.
        warehouse: laid out.
        feed: which.
        run: what it shares with the others.
        full: read again from sequence number 0; harmless, and repairs what was lost here.
        days: read again what is now numbered in these days instead, as harmless; all of it where nothing was read yet.
        rejected_only: read nothing but what stands at the numbers of rejected records; all of these, however many.
        listener: told after each page.

    Raises:
        PipelineError: what was committed before stays, the next sync goes on from there.
    """
    try:
        parts: list[_PartSync] = []
        for part in ledger.parts_of(warehouse, feed, client.account):
            parts.append(_PartSync(client, warehouse, feed, part, run))
            parts[-1].listener = listener
            if not rejected_only:
                parts[-1].run(full, days)
        wrong = run.known.rejected.pop((client.account, feed.name), [])
        gone = ask_again(parts, wrong, None if rejected_only else PAGES_OF_REJECTED)
    except PipelineError as error:
        raise error.about(account=client.account, feed=feed.name) from None
    if not parts:
        return FeedOutcome(client.account, feed.name, current=True, whole=True)
    return replace(together([part.outcome for part in parts]), gone=gone)


class _PartSync:
    """The sync of a feed, or of one part of it."""

    def __init__(self, client: FloridayClient, warehouse: Warehouse, feed: Feed, part: str | None, run: Run) -> None:
        self.client = client
        self.warehouse = warehouse
        self.feed = feed
        self.table: Table = tables_of(feed)
        self.run_id = run.id
        self.known = run.known
        self.protect = run.personal.protection(self.table)
        self.listener: Listener = lambda _: None
        self.part = FeedPart(client.account, feed.name, part)
        self.began = time.monotonic()
        self.asked_at = datetime.now(UTC)
        self.at = run.known.positions.get(self.part, Position())
        self.under_way: Future[Commit] | None = None
        self.goes_on = False
        self.stored: dict[int, set[bytes]] = {}
        allowed = feed.endpoint.rate.per_second
        self.outcome = FeedOutcome(client.account, feed.name, allowed=allowed, current_before=self.at.current_at)

    def run(self, full: bool, days: Days | None) -> None:  # noqa: FBT001
        is_new = self.part.part is None and self.at == Position()
        with first_page_asked(self.fetch, 0) if is_new else nullcontext(self.fetch) as fetch:
            maximum = self.client.maximum(self.feed.endpoint)
            idle = not is_new and self._is_idle(maximum)  # what was asked for tells more than the maximum
            self.at = replace(self.at, maximum=maximum)
            self._tell(cursor=self.at.cursor, maximum=maximum, series=self.at.series)
            if full or days or not idle:
                self._read(fetch, full=full, days=days)
        if idle and not self.outcome.current:
            self._note_current()

    def _is_idle(self, maximum: int | None) -> bool:
        """Whether the feed's maximum alone proves that there is nothing to read.

        That of a feed in parts is the highest of all parts: it proves only that none has moved since this one was
        read to its end.
        """
        if maximum is None or self.part.part is None:
            return maximum is not None and maximum == self.at.cursor
        return self.at.current_at is not None and maximum == self.at.maximum

    def _read(self, fetch: Fetch, *, full: bool, days: Days | None) -> None:
        maximum = self._proven_maximum()
        span = self._span(full=full, days=days)
        if span is None:
            return
        anew = self.feed.selection and self.at.series > 1
        read = [] if (again := full or days is not None) else self._read_before()
        size = self.feed.endpoint.page_maximum
        way = Way(fetch, span.after, maximum, size, up_to=span.up_to, read=Coverage.of(read), complete=anew)
        batching = Batching(self.at.cursor, span.after if again else self.at.cursor, Coverage.of(read))
        with ThreadPoolExecutor(1, "floriday store") as storer, fetched_ahead(way, BUDGET) as steps:
            self._take(steps, batching, Parts(self.table), storer)
        self._tell(whole=span.after == 0 and self.outcome.current)
        if anew and self.outcome.current:
            self._end_what_was_not_served()

    def _take(self, steps: Iterator[Step], batching: Batching, parts: Parts, storer: Executor) -> None:
        """Store the steps: while one batch is stored, the next one is read and normalized.

        What was fetched before a failure is stored before the failure is told.
        """
        failure: PipelineError | None = None
        try:
            for step in steps:
                page = unstored(step.page, self.stored)
                batching.add(replace(step, page=page))
                self.goes_on = batching.is_half_there
                parts.add(page)
                self._tell(
                    pages=self.outcome.pages + 1,
                    records=self.outcome.records + len(step.page.records),
                    left=batching.left(self.at.maximum),
                )
                if batching.is_enough(is_idle=self.under_way is None or self.under_way.done()):
                    self._commit(batching.take(), parts, storer)
        except PipelineError as error:
            failure = error
        if batching.pages:
            self._commit(batching.take(), parts, storer)
        self._settle()
        self.warehouse.rest()
        if failure is not None:
            raise failure

    def _read_before(self) -> list[Interval]:
        """What a load that was interrupted has read beyond the cursor."""
        if self.at.committed_at is None:
            return []
        with self.warehouse.reading() as connection:
            return ledger.read_beyond(connection, self.part, self.at, self.table, self.feed.endpoint.page_maximum)

    def _proven_maximum(self) -> int | None:
        """The maximum of what is read, as far as it can be relied on; a restart of the numbering opens a series."""
        maximum = self.at.maximum if self.part.part is None else None
        if maximum is None or maximum >= self.at.cursor:
            return maximum
        if not restarted(self.fetch, self.at.cursor, self._known_numbers):
            return None  # cached, or asked of another replica: the pages themselves tell
        self._open_series()
        return maximum

    def _span(self, *, full: bool, days: Days | None) -> Span | None:
        """The numbers to read."""
        if full:
            return Span(0)
        if days is None:
            return Span(self._start())
        with self.warehouse.reading() as connection:
            return numbered_in(connection, self.part, self.at, self.table, days, now=self.asked_at)

    def _start(self) -> int:
        if self.at.committed_at is None:
            return self.at.cursor
        with self.warehouse.reading() as connection:
            start = ledger.reread_from(connection, self.part, self.at, self.table, self.feed.endpoint.page_maximum)
            self.stored = ledger.stored_above(connection, self.part, self.at, self.table, start)
        return start

    def fetch(self, after: int) -> Page:
        pages: list[Page] = []
        endpoint, part = self.feed.endpoint, self.part.part
        self.client.page(endpoint, after, part=part, check=lambda body: pages.append(read_page(body)))
        page = pages[-1]
        return replace(page, records=self.protect(page.records), is_strict=False) if self.protect else page

    def _known_numbers(self, page: Page) -> dict[int, int | None]:
        frame = normalize(self.table, page.records).frames[self.table.qualified_name]
        with self.warehouse.reading() as connection:
            return ledger.known_numbers(connection, self.part, self.at.series, self.table, frame)

    def _open_series(self) -> None:
        self.at = replace(self.at, series=self.at.series + 1, cursor=0)
        with self.warehouse.writing() as connection, transaction(connection):
            ledger.move_cursor(connection, self.part, self.at)
            if self.feed.selection:
                gone.mark_unnumbered(connection, self.table, self.client.account)
        self._tell(restarted=True, series=self.at.series, cursor=0)

    def _end_what_was_not_served(self) -> None:
        """A selection was read whole after its restart: what it did not serve has left it."""
        with self.warehouse.reading() as connection:
            ended = gone.left_out(connection, self.table, self.part)
        if ended:
            self.store_again([gone.deleted(one, "isDisabledForSync", self.at.cursor) for one in ended])

    def _note_current(self) -> None:
        """The feed is current as of the moment at which Floriday was asked, or has stored what was read since."""
        self.at = self.at.found_current(self.asked_at)
        self.known.note(self.part, self.at)
        self._tell(current=True, whole=self.at.cursor == 0)

    def _commit(self, covered: StepBatch, parts: Parts, storer: Executor) -> None:
        """Have a batch stored, once the one before it is."""
        batches = [parts.take(covered.places)]
        self._settle(goes_on=batches[0].served > 0)
        if batches[0].served or any(piece.ends > self.at.cursor for piece in covered.pieces):
            self.under_way = storer.submit(self._stored, batches, covered)
        elif covered.current:
            self._note_current()

    def _settle(self, *, goes_on: bool = False) -> None:
        """Wait for the batch that is being stored, and move on to where it leads; the next one may be there already."""
        if self.under_way is not None:
            self.goes_on = goes_on
            done, self.under_way = self.under_way.result(), None
            self.goes_on = False
            self._move(done)

    def _stored(self, batches: list[Batch], covered: StepBatch) -> Commit:
        like = Window(self.part, self.at.series, None, None, 0, 0, self.asked_at, self.run_id)
        return commit(self.warehouse, self.table, batches, covered, at=self.at, like=like, goes_on=lambda: self.goes_on)

    def _move(self, commit: Commit) -> None:
        """Follow what was committed."""
        self.at = commit.to.committed(commit.stored.committed_at, current=commit.current)
        self.known.positions[self.part] = self.at
        self.known.noted.pop(self.part, None)
        self._tell(
            new=self.outcome.new + commit.stored.new,
            changed=self.outcome.changed + commit.stored.changed,
            rejected=self.outcome.rejected + commit.stored.rejected,
            cursor=self.at.cursor,
            current=commit.current,
            unknown_fields={**self.outcome.unknown_fields, **commit.unknown_fields},
            unknown_values=united(self.outcome.unknown_values, commit.unknown_values),
        )

    def store_again(self, records: list[bytes]) -> None:
        """Store records that stand before the cursor, which stays."""
        pieces = [Piece(self.at.cursor, self.at.cursor, len(records))]
        covered = StepBatch(pieces, np.arange(len(records)), self.at.cursor, self.outcome.current)
        self._move(self._stored([normalize(self.table, records)], covered))

    def _tell(self, **news: object) -> None:
        self.outcome = replace(self.outcome, seconds=time.monotonic() - self.began, **news)  # type: ignore[arg-type]
        self.listener(self.outcome)
