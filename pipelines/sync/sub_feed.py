"""One feed of one account, or one sub-feed: the range that is read, and the detection of a restarted numbering."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

from pipelines.catalogue.types import Feed
from pipelines.floriday.change_feed import ChangeFeed, Fetch, walk
from pipelines.floriday.pages import Page
from pipelines.floriday.prefetch import ReadPlan, prefetch_first_page, prefetched_steps
from pipelines.floriday.restart_detection import Numbering, detect_numbering, is_cursor_supported
from pipelines.floriday.sequence_ranges import Coverage, SequenceRange
from pipelines.normalize import normalize
from pipelines.normalize.rejected import key_of
from pipelines.sync.batches import BUDGET, WindowBuilder
from pipelines.sync.feed_writer import FeedWriter, Target
from pipelines.sync.page_reader import PageReader
from pipelines.sync.selection import Changes, Everything
from pipelines.sync.walk_writer import Walk, store_walk
from pipelines.warehouse.file.connection import transaction
from pipelines.warehouse.load import impossible_numbers, rejected_records, visibility
from pipelines.warehouse.load.change_detection import StoredNumber
from pipelines.warehouse.load.cursors import Position
from pipelines.warehouse.load.days_to_sequence import Days, numbered_in
from pipelines.warehouse.load.feed_cursor import FeedCursor
from pipelines.warehouse.load.visibility import MAY_HAVE_RESTARTED, NEW_SERIES, Reread

REPAIRS_AT_ONCE = 2  # how often one sync reads a feed again because of numbers above its end; the next sync continues


class SubFeedSync:
    """The sync of one sub-feed, or of a whole feed that has no sub-feeds."""

    def __init__(self, feed: Feed, pages: PageReader, writer: FeedWriter) -> None:
        self.feed = feed
        self.pages = pages
        self.writer = writer
        self.reread: Reread | None = None  # why this sync reads the feed again; None if it does not
        self.is_reread_done = False
        self._contradicted: set[StoredNumber] = set()  # what the last walk served below its stored number
        self.is_walk_complete = False  # whether the last walk began at number 0 and left out no range of numbers

    @property
    def target(self) -> Target:
        """Where the records are stored."""
        return self.writer.target

    @property
    def position(self) -> Position:
        """How far the feed is read."""
        return self.writer.position

    @property
    def is_whole_feed(self) -> bool:
        """Whether it is a feed without sub-feeds, so that the feed's maximum is its own."""
        return self.target.part.part is None

    def change_feed(self, fetch: Fetch | None = None) -> ChangeFeed:
        """What is known of the feed before its pages are read; a sub-feed has no maximum of its own.

        By default each page is requested when it is needed.
        """
        maximum, again = (self.writer.maximum, self.pages.maximum_again) if self.is_whole_feed else (None, None)
        page = self.feed.endpoint.page_maximum
        return ChangeFeed(fetch or self.pages.fetch, maximum, page, self.position.cursor, again)

    def run(self, what: Changes | Everything | Days, reread: Reread | None) -> None:
        """Read the feed; from number 0 if ``reread`` marks it for a full re-read.

        ``_read_numbering`` examines the numbering, ``_read`` chooses the range, ``_read_from`` reads and stores it.
        """
        self.reread = reread
        is_whole = isinstance(what, Everything) or self._is_marked_whole()
        is_new = self.is_whole_feed and self.position == Position()
        with prefetch_first_page(self.pages.fetch, 0) if is_new else nullcontext(self.pages.fetch) as fetch:
            self.writer.maximum = self.pages.maximum()
            is_idle = not is_new and self._is_idle()  # a requested first page proves more than the maximum
            self.writer.report_position()
            if not is_idle or reread is not None or not isinstance(what, Changes):
                days = what if isinstance(what, Days) else None
                self._read_numbering(self.change_feed(fetch), is_whole=is_whole, days=days)
        if is_idle and not self.writer.progress.outcome.current and not is_whole:
            self.writer.note_current()

    def _is_marked_whole(self) -> bool:
        """Whether the feed is marked to be read from number 0.

        After a 423 the numbering of any feed is examined, but only a selection is certainly filled again.
        """
        return self.reread is not None and (self.feed.selection or self.reread.reason != MAY_HAVE_RESTARTED)

    def _is_idle(self) -> bool:
        """Whether the feed's maximum alone proves that there is nothing to read.

        The maximum of a feed with sub-feeds is the highest of them all: it proves only that none has moved since this
        one was read to its end. A sync that failed before the end has stored it too.
        """
        maximum, position = self.writer.maximum, self.position
        if maximum is None or self.is_whole_feed:
            return maximum is not None and maximum == position.cursor
        return position.is_current and maximum == position.maximum

    def _read_numbering(self, feed: ChangeFeed, *, is_whole: bool, days: Days | None) -> None:
        """Read the feed once its numbering is examined: from number 0 if ``is_whole``, else days, or what is new."""
        feed, numbering = self._examined(feed, is_suspect=self.reread is not None and self.reread.may_have_restarted)
        if numbering is Numbering.UNDECIDED and self._has_fallen(feed):
            self._wait_for_proof(feed)
            return
        if numbering is Numbering.RESTARTED:
            self._open_series()
        if numbering is Numbering.UNPROVEN_CURSOR:
            self.writer.progress.update(fell_from=self.position.cursor)
        reads_whole = is_whole or numbering in (Numbering.RESTARTED, Numbering.UNPROVEN_CURSOR)
        served = self._read(feed, is_whole=reads_whole, days=days)
        for _ in range(REPAIRS_AT_ONCE):
            if (reread := self._found_impossible_numbers()) is None:
                break
            reads_whole, self.reread = True, reread
            served = self._read(feed, is_whole=True, days=None)
        if self._has_restarted(feed):
            self._open_series()
            reads_whole, served = True, self._read(feed, is_whole=True, days=None)
        is_settled = self.writer.progress.outcome.current and numbering is not Numbering.UNDECIDED
        if is_settled and self.is_walk_complete and self.is_whole_feed:  # of rejected records the sub-feed is unknown
            self.writer.resolve_unidentified()
        if is_settled and reads_whole:
            self.is_reread_done = served is None or self.writer.delete_unserved(served)
        else:
            self.is_reread_done = is_settled and not is_whole

    def _found_impossible_numbers(self) -> Reread | None:
        """The mark, if numbers above the feed's end were just found, so that later versions may have been ignored."""
        reread = self.target.state.rereads.get((self.target.part.account, self.target.part.feed))
        if reread is None or impossible_numbers.REASON not in reread.reason:
            return None
        return reread if reread.adds_to(self.reread) else None

    def _has_restarted(self, feed: ChangeFeed) -> bool:
        """Whether a known record, which was just served below its number, is not served at that number any more.

        Numbers only rise within a numbering, so that another one has begun, even if its maximum is not below the
        cursor. If the record is served at its number too, the lower one came from a cache or another replica.
        """
        if not self.is_whole_feed:
            return False
        found = sorted(self._contradicted)
        return any(not self._is_served(feed, each) for each in {*found[:1], *found[-1:]})

    def _is_served(self, feed: ChangeFeed, stored: StoredNumber) -> bool:
        """Whether a record is served with its stored number; also if that number's record has no readable key."""
        page = feed.confirmed_page(stored.number - 1)
        at = [page.records[place] for place, number in enumerate(page.numbers) if number == stored.number]
        return any(key_of(self.target.table, record) in (stored.key, None) for record in at)

    def _has_fallen(self, feed: ChangeFeed) -> bool:
        """Whether the feed's maximum lies below the cursor."""
        return feed.maximum is not None and feed.maximum < self.position.cursor

    def _examined(self, feed: ChangeFeed, *, is_suspect: bool) -> tuple[ChangeFeed, Numbering]:
        """The feed with a reliable maximum, and the state of its numbering."""
        cursor = self.position.cursor
        if not self.is_whole_feed and not (is_suspect and cursor):
            return feed, Numbering.SAME  # without a maximum of its own, only a 423 makes a restart likely
        if self._has_fallen(feed) and (again := self.pages.maximum_again()) is not None:
            feed = replace(feed, maximum=again)
        if self._has_fallen(feed) and is_cursor_supported(feed, cursor):
            # The maximum is cached, or another replica's: the pages themselves show how far the feed goes.
            feed = replace(feed, maximum=None, fetch_maximum=None)
        if not self._has_fallen(feed) and not is_suspect:
            return feed, Numbering.SAME
        numbering = detect_numbering(
            replace(feed, read_before=0),
            self._stored_numbers,
            read_up_to=cursor if is_suspect else 0,
            thorough=is_suspect and self.feed.selection,
        )
        if numbering is Numbering.UNPROVEN_CURSOR and not self._has_fallen(feed):
            return feed, Numbering.SAME
        return feed, numbering

    def _stored_numbers(self, page: Page) -> dict[int, int | None] | None:
        table, part = self.target.table, self.target.part
        frame = normalize(table, page.records).frames[table.qualified_name]
        if frame.empty:
            return None
        with self.target.warehouse.reading() as connection:
            return FeedCursor(connection, part).stored_numbers(self.position.series, table, frame)

    def _wait_for_proof(self, feed: ChangeFeed) -> None:
        """Nothing valid is served: leave the cursor, and remember that the numbering is to be examined."""
        target, cursor = self.target, self.position.cursor
        target.state.mark_for_reread(target.warehouse, target.part, MAY_HAVE_RESTARTED)
        steps = (replace(step, reached=step.after, is_end=False) for step in walk(feed, 0))
        store_walk(self.writer, steps, WindowBuilder(cursor, cursor, Coverage()), Walk())
        self.writer.note_current()

    def _read(self, feed: ChangeFeed, *, is_whole: bool, days: Days | None) -> set[str | None] | None:
        """Read a range of the feed; returns the served keys where a selection was read completely, else None."""
        if is_whole:
            return self._read_from(feed, SequenceRange(0), {})
        if days is None:
            return self._read_from(feed, *self._next_walk())
        with self.target.warehouse.reading() as connection:
            now, table = self.target.started_at, self.target.table
            found = numbered_in(connection, self.target.part, self.position, table, days, now=now)
        if found is None:
            self.writer.progress.update(days_read=True)
            return None
        return self._read_from(feed, found, {})

    def _next_walk(self) -> tuple[SequenceRange, dict[int, set[bytes]], Coverage]:
        """Where the next walk begins, the content hashes stored from there on, and what is read beyond the cursor."""
        position, table, page = self.position, self.target.table, self.feed.endpoint.page_maximum
        if position.committed_at is None:
            return SequenceRange(position.cursor), {}, Coverage()
        with self.target.warehouse.reading() as connection:
            cursor = FeedCursor(connection, self.target.part)
            start = cursor.start_of_walk(position, table, page)
            beyond = Coverage.of(cursor.read_beyond(position, table, page))
            return SequenceRange(start), cursor.stored_above(start, position, table), beyond

    def _read_from(
        self, feed: ChangeFeed, span: SequenceRange, stored: dict[int, set[bytes]], covered: Coverage | None = None
    ) -> set[str | None] | None:
        """Read and store a range of the feed.

        ``stored`` are the content hashes that are stored with each number that is read once more, ``covered`` what need
        not be read beyond the cursor; None where the range is read again.
        """
        position = self.position
        feed = replace(feed, read_before=position.cursor)
        is_complete = self.feed.selection and position.series > 1 and span.after == 0
        floor = span.after if covered is None else position.cursor
        covered = covered or Coverage()
        self.is_walk_complete = span == SequenceRange(0) and not covered.ranges
        plan = ReadPlan(feed, span.after, up_to=span.up_to, covered=covered, complete=is_complete)
        windows = WindowBuilder(position.cursor, floor, covered)
        with prefetched_steps(plan, BUDGET) as steps:
            is_reread = span.after == 0 and not stored  # else stored records are left out
            walked = Walk(is_reread, stored, is_complete)
            served = store_walk(self.writer, steps, windows, walked)
        self._contradicted = {each for each in walked.ahead if each.number <= position.cursor}
        is_current = self.writer.progress.outcome.current
        if is_current and self.pages.has_second_maximum:
            self.writer.maximum = self.pages.maximum_again()
            self.writer.note_current()
        is_range_read = windows.claimed.reached_from(span.after) >= span.up_to  # never so for a range without an end
        self.writer.progress.update(whole=span.after == 0 and is_current, days_read=is_range_read)
        return served if is_complete else None

    def _open_series(self) -> None:
        """Begin a new series, and mark a selection for a full re-read, which finds the records that left it."""
        target, before = self.target, self.position
        position = replace(before, series=before.series + 1, cursor=0, maximum=self.writer.maximum)
        key = (target.part.account, target.part.feed)
        with target.warehouse.writing() as connection, transaction(connection):
            FeedCursor(connection, target.part).move(position)
            rejected_records.forget_numbers(connection, target.part, target.started_at)
            if self.feed.selection:
                visibility.mark(connection, target.part.account, [self.feed.name], NEW_SERIES)
            marked = visibility.marked(connection)
        target.state.follow(target.part, position, marked)
        target.state.rejected.pop(key, None)
        self.reread = target.state.rereads.get(key)
        self.writer.progress.update(restarted=True, series=position.series, cursor=0)
