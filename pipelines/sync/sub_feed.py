"""One feed of one account, or one part of it: what of it is read, and whether its numbering is still the same."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from threading import Lock

from pipelines.catalogue.tables import Table, tables_of
from pipelines.catalogue.types import Feed
from pipelines.floriday.change_feed import ChangeFeed, Fetch, walk
from pipelines.floriday.client import FloridayClient
from pipelines.floriday.pages import Page
from pipelines.floriday.prefetch import ReadPlan, prefetch_first_page, prefetched_steps
from pipelines.floriday.restart_detection import Numbering, detect_numbering, is_cursor_supported
from pipelines.floriday.sequence_ranges import Coverage
from pipelines.normalize import PersonalData, normalize
from pipelines.sync.batches import BUDGET, Batching
from pipelines.sync.feed_writer import FeedWriter
from pipelines.sync.full_rereads import mark_once
from pipelines.sync.outcome import FeedOutcome
from pipelines.sync.page_reader import PageReader
from pipelines.sync.unserved_records import end_unserved
from pipelines.sync.what_to_read import Changes, Everything
from pipelines.warehouse.file.connection import Warehouse, transaction
from pipelines.warehouse.load import cursors, impossible_numbers, rejected_records, resume, visibility
from pipelines.warehouse.load.cursors import FeedPart, Ledger
from pipelines.warehouse.load.days_to_sequence import Days, Span, numbered_in
from pipelines.warehouse.load.position import Position
from pipelines.warehouse.load.upsert import Effects
from pipelines.warehouse.load.visibility import MAY_HAVE_RESTARTED, NEW_SERIES, Reread

RIGHTED_AT_ONCE = 2
"""How often one sync reads a feed again because of numbers above its end; the next sync goes on."""


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


class PartSync:
    """The sync of a feed, or of one part of it."""

    def __init__(
        self,
        client: FloridayClient,
        warehouse: Warehouse,
        feed: Feed,
        part: str | None,
        *,
        run: Run,
        widens: Sequence[str],
    ) -> None:
        self.client = client
        self.warehouse = warehouse
        self.feed = feed
        self.table: Table = tables_of(feed)
        self.part = FeedPart(client.account, feed.name, part)
        self.pages = PageReader(client, feed.endpoint, part, run.personal.protection(self.table))
        before = run.known.positions.get(self.part, Position())
        outcome = FeedOutcome(
            client.account, feed.name, allowed=feed.endpoint.rate.per_second, current_before=before.current_at
        )
        self.writer = FeedWriter(
            warehouse, self.table, self.part, run.known, effects=Effects(widens), run_id=run.id, outcome=outcome
        )
        self.known = run.known
        self.reread: Reread | None = None
        """What asked for a re-read, as far as it is met by what is read now."""
        self.reread_done = False
        self._asking = Lock()
        self._asked_again = False
        self._second_maximum: int | None = None

    @property
    def at(self) -> Position:
        """How far it is read."""
        return self.writer.at

    def known_feed(self) -> ChangeFeed:
        """The feed, with what is known of it."""
        return self._change_feed(self.fetch, self.at.maximum)

    def fetch(self, after: int) -> Page:
        """The page of records above a number."""
        return self.pages.fetch(after)

    def store_again(self, records: list[bytes]) -> None:
        """Store records that stand before the cursor, which stays."""
        self.writer.store_again(records)

    def run(self, what: Changes | Everything | Days, reread: Reread | None) -> None:
        """Read it, and everything where the feed is marked for that.

        Args:
            what: what to read.
            reread: why the feed waits for a full re-read, None where it does not.
        """
        self.reread = reread
        is_whole = isinstance(what, Everything) or self._is_marked_whole()
        is_new = self.part.part is None and self.at == Position()
        with prefetch_first_page(self.fetch, 0) if is_new else nullcontext(self.fetch) as fetch:
            maximum = self.client.maximum(self.feed.endpoint)
            idle = not is_new and self._is_idle(maximum)  # what was asked for tells more than the maximum
            self.writer.at = replace(self.at, maximum=maximum)
            self.writer.tell(cursor=self.at.cursor, maximum=maximum, series=self.at.series)
            if not idle or reread is not None or not isinstance(what, Changes):
                days = what if isinstance(what, Days) else None
                self._read_as_asked(self._change_feed(fetch, maximum), is_whole=is_whole, days=days)
        if idle and not self.writer.outcome.current and not is_whole:
            self.writer.note_current()

    def _is_marked_whole(self) -> bool:
        """Whether the feed is marked to be read from number 0.

        After a 423 the numbering of any feed is examined, but only a selection is known to be filled anew then.
        """
        return self.reread is not None and (self.feed.selection or self.reread.reason != MAY_HAVE_RESTARTED)

    def _is_idle(self, maximum: int | None) -> bool:
        """Whether the feed's maximum alone proves that there is nothing to read.

        That of a feed in parts is the highest of all parts: it proves only that none has moved since this one was
        read to its end.
        """
        if maximum is None or self.part.part is None:
            return maximum is not None and maximum == self.at.cursor
        return self.at.current_at is not None and maximum == self.at.maximum

    def _change_feed(self, fetch: Fetch, maximum: int | None) -> ChangeFeed:
        """What is known of the feed before its pages are read; a part has no maximum of its own."""
        own = maximum if self.part.part is None else None
        ask = self._maximum_again if self.part.part is None else None
        return ChangeFeed(fetch, own, self.feed.endpoint.page_maximum, self.at.cursor, ask)

    def _maximum_again(self) -> int | None:
        """The feed's maximum, asked for once more; threads of one walk ask for it once."""
        with self._asking:
            if not self._asked_again:
                self._second_maximum = self.client.maximum(self.feed.endpoint)
                self._asked_again = True
            return self._second_maximum

    def _read_as_asked(self, feed: ChangeFeed, *, is_whole: bool, days: Days | None) -> None:
        suspected = self.reread is not None and self.reread.may_have_restarted
        feed, numbering = self._examined(feed, suspected=suspected)
        if numbering is Numbering.UNDECIDED and self._has_fallen(feed):
            self._wait_for_proof(feed)
            return
        if numbering is Numbering.RESTARTED:
            self._open_series()
        whole = is_whole or numbering in (Numbering.RESTARTED, Numbering.UNPROVEN_CURSOR)
        self._read(feed, whole=whole, days=days)
        for _ in range(RIGHTED_AT_ONCE):
            if (reread := self._found_impossible_numbers()) is None:
                break
            whole, self.reread = True, reread
            self._read(feed, whole=True, days=None)
        is_settled = self.writer.outcome.current and numbering is not Numbering.UNDECIDED
        self.reread_done = is_settled and (self._read_completely() if whole else not is_whole)

    def _found_impossible_numbers(self) -> Reread | None:
        """The mark, if numbers above the feed's end were just found, so that later versions may have been ignored."""
        reread = self.known.rereads.get((self.part.account, self.part.feed))
        if reread is None or impossible_numbers.REASON not in reread.reason:
            return None
        return reread if self.reread is None or reread.last > self.reread.last else None

    def _has_fallen(self, feed: ChangeFeed) -> bool:
        """Whether the feed's maximum lies below what was read of it."""
        return feed.maximum is not None and feed.maximum < self.at.cursor

    def _examined(self, feed: ChangeFeed, *, suspected: bool) -> tuple[ChangeFeed, Numbering]:
        """The feed with a maximum that can be relied on, and what became of its numbering."""
        if self.part.part is not None:
            return feed, Numbering.SAME
        if self._has_fallen(feed):
            feed = replace(feed, maximum=self._maximum_again())
        if self._has_fallen(feed) and is_cursor_supported(feed, self.at.cursor):
            # Cached, or asked of another replica: the pages themselves tell.
            feed = replace(feed, maximum=None, fetch_maximum=None)
        if not self._has_fallen(feed) and not suspected:
            return feed, Numbering.SAME
        numbering = detect_numbering(
            replace(feed, read_before=0),
            self._known_numbers,
            read_up_to=self.at.cursor if suspected else 0,
            thorough=suspected and self.feed.selection,
        )
        if numbering is Numbering.UNPROVEN_CURSOR and not self._has_fallen(feed):
            return feed, Numbering.SAME
        return feed, numbering

    def _wait_for_proof(self, feed: ChangeFeed) -> None:
        """Nothing valid is served: leave the cursor, and remember that the numbering is to be examined."""
        mark_once(self.warehouse, self.known, self.part, MAY_HAVE_RESTARTED)
        steps = (replace(step, reached=step.after, is_end=False) for step in walk(feed, 0))
        self.writer.take(steps, Batching(self.at.cursor, self.at.cursor, Coverage()))
        self.writer.note_current()

    def _read(self, feed: ChangeFeed, *, whole: bool, days: Days | None) -> None:
        span = self._span(whole=whole, days=days)
        if span is None:
            return
        feed = replace(feed, read_before=self.at.cursor)
        again = whole or days is not None
        complete = self.feed.selection and self.at.series > 1 and span.after == 0
        read = Coverage() if again else Coverage.of(self._read_before())
        self.writer.begin(is_reread=span.after == 0, gathers_keys=complete)
        way = ReadPlan(feed, span.after, up_to=span.up_to, covered=read, complete=complete)
        batching = Batching(self.at.cursor, span.after if again else self.at.cursor, read)
        with prefetched_steps(way, BUDGET) as steps:
            self.writer.take(steps, batching)
        is_current = self.writer.outcome.current
        if is_current and self._asked_again:
            self.writer.at = replace(self.at, maximum=self._second_maximum)
            self.writer.note_current()
        self.writer.tell(whole=span.after == 0 and is_current)

    def _read_completely(self) -> bool:
        """End what a complete walk of a selection did not serve; whether nothing of the re-read is left to do."""
        return self.writer.served is None or end_unserved(self.writer)

    def _read_before(self) -> list[tuple[int, int]]:
        """What a load that was interrupted has read beyond the cursor."""
        if self.at.committed_at is None:
            return []
        with self.warehouse.reading() as connection:
            return resume.read_beyond(connection, self.part, self.at, self.table, self.feed.endpoint.page_maximum)

    def _span(self, *, whole: bool, days: Days | None) -> Span | None:
        """The numbers to read."""
        if whole:
            return Span(0)
        if days is None:
            return Span(self._start())
        with self.warehouse.reading() as connection:
            return numbered_in(connection, self.part, self.at, self.table, days, now=self.writer.asked_at)

    def _start(self) -> int:
        if self.at.committed_at is None:
            return self.at.cursor
        page = self.feed.endpoint.page_maximum
        with self.warehouse.reading() as connection:
            start = resume.reread_from(connection, self.part, self.at, self.table, page)
            self.writer.stored = resume.stored_above(connection, self.part, self.at, self.table, start)
        return start

    def _known_numbers(self, page: Page) -> dict[int, int | None] | None:
        frame = normalize(self.table, page.records).frames[self.table.qualified_name]
        if frame.empty:
            return None
        with self.warehouse.reading() as connection:
            return cursors.known_numbers(connection, self.part, self.at.series, self.table, frame)

    def _open_series(self) -> None:
        """Begin a new series; what a selection no longer serves is found by reading all of it, whatever happens."""
        self.writer.at = replace(self.at, series=self.at.series + 1, cursor=0)
        with self.warehouse.writing() as connection, transaction(connection):
            cursors.move_cursor(connection, self.part, self.at)
            rejected_records.forget_numbers(connection, self.part, self.writer.asked_at)
            if self.feed.selection:
                visibility.mark(connection, self.part.account, [self.feed.name], NEW_SERIES)
            self.known.rereads.update(visibility.marked(connection))
        self.reread = self.known.rereads.get((self.part.account, self.part.feed))
        self.known.positions[self.part] = self.at
        self.known.rejected.pop((self.part.account, self.part.feed), None)
        self.writer.tell(restarted=True, series=self.at.series, cursor=0)
