"""The rules for reading a change feed: from a cursor to its proven end (docs/floriday.md: Change feeds).

A page's maximum belongs to the page, not to the feed. An empty page does not prove the end. The next cursor is exactly
the highest number that the page proves. A page in doubt counts only if a second answer agrees. A feed that cannot
advance ends with an error. Contents and storage of records do not belong here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pipelines.errors import ContradictingAnswersError, StuckFeedError
from pipelines.floriday.page_checks import Doubts, find_doubts, repeats_records
from pipelines.floriday.pages import Page

Fetch = Callable[[int], Page]  # requests the page of records above a sequence number
FetchMaximum = Callable[[], int | None]  # requests the feed's maximum again; None where it is unknown
MAX_ANSWERS = 3  # how often a page in doubt is requested


@dataclass(frozen=True)
class Step:
    """A page and the movement of the cursor that follows from it."""

    page: Page  # answer to the request for one page
    after: int  # the sequence number that was requested
    reached: int  # the cursor after the page
    is_end: bool  # whether the page, or the maximum, proves that the feed ends here


@dataclass(frozen=True)
class ChangeFeed:
    """A feed and what is known of it before its pages are read.

    ``read_before`` is the highest sequence number that earlier syncs have read, 0 for unknown. A page that ends below
    it while the maximum is unknown is requested again.
    """

    fetch: Fetch
    maximum: int | None  # answer of the max-sequence operation before the walk; None where it is unknown
    page_maximum: int  # number of records in a full page
    read_before: int = 0
    fetch_maximum: FetchMaximum | None = None  # used when the feed ends below its maximum; None to trust that

    def next_cursor(self, page: Page, cursor: int) -> int:
        """The highest sequence number that the page proves, or ``cursor`` if the page does not advance.

        No filter has removed records from a full page, so only its records count: a higher maximum would be the feed's.
        A number above the page's own maximum counts only if nothing else advances, and one above the feed's maximum
        comes last, so that a single wrong number does not move the cursor past unread records.
        """
        own = [number for number in page.numbers if number and number <= page.maximum]  # 0 marks unstored defaults
        reached = max(own, default=page.maximum) if self.is_full(page) else page.maximum
        if reached > cursor:
            return reached
        supported = [n for n in page.numbers if n is not None and (self.maximum is None or n <= self.maximum)]
        reached = max([page.maximum, *supported])
        return reached if reached > cursor else max(page.highest, cursor)

    def is_full(self, page: Page) -> bool:
        """Whether the page holds as many records as were requested, so that more may follow."""
        return len(page.records) >= (page.limit or self.page_maximum)

    def confirmed_page(self, cursor: int) -> Page:
        """The page above ``cursor``; a page in doubt is requested again, and counts if a second answer agrees.

        Of two pages that agree, the one with the lower maximum is returned.

        Raises:
            StuckFeedError: the server repeats records that were read already, although there are more.
            ContradictingAnswersError: no two of the answers agree.
        """
        page = self.fetch(cursor)
        doubts = self.doubts(page, cursor)
        for _ in range(MAX_ANSWERS - 1):
            if not doubts:
                return page
            second = self.fetch(cursor)
            second_doubts = self.doubts(second, cursor)
            if doubts == second_doubts and not doubts.is_stuck:
                return min(page, second, key=lambda answer: answer.maximum)
            page, doubts = second, second_doubts
        return self._last_answer(page, doubts, cursor)

    def doubts(self, page: Page, cursor: int) -> Doubts:
        """The contradictions of a page that was served for ``cursor``."""
        reached = self.next_cursor(page, cursor)
        is_stuck = reached == cursor and self._cannot_be_last(page, cursor)
        return find_doubts(page, cursor, reached, self.maximum, is_stuck=is_stuck)

    def _cannot_be_last(self, page: Page, cursor: int) -> bool:
        if self.maximum is None:
            return self.is_full(page) or cursor < self.read_before or repeats_records(page, cursor)
        return self.maximum > cursor or repeats_records(page, cursor)

    def _last_answer(self, page: Page, doubts: Doubts, cursor: int) -> Page:
        if not doubts:
            return page
        if not doubts.is_stuck:
            raise ContradictingAnswersError(
                f"{MAX_ANSWERS} answers of Floriday to the request for records above {cursor} contradict themselves and"
                " each other. Nothing is lost, the cursor stays; try again later, and report it to Floriday if it lasts"
            )
        if self.is_full(page) or repeats_records(page, cursor):
            raise StuckFeedError(
                f"the feed does not advance: to the request for records above {cursor}, the server keeps sending those"
                f" up to {page.highest}. Nothing is lost, the cursor stays; try again later, and report it to Floriday"
                " if it lasts",
                number=cursor,
            )
        return page

    def ends_at(self, cursor: int) -> bool:
        """Whether the feed ends at ``cursor``, if its page shows nothing more.

        A maximum above it is requested again, because one answer that all pages contradict proves nothing. If that
        request is refused, the maximum stands: the end is not proven.
        """
        if self.maximum is None or cursor >= self.maximum:
            return True
        if self.fetch_maximum is None:
            return False
        maximum = self.fetch_maximum()
        return maximum is not None and cursor >= maximum


def walk(feed: ChangeFeed, start: int, *, complete: bool = False) -> Iterator[Step]:
    """Yield the pages above the sequence number ``start`` until the feed is proven current.

    With ``complete``, it continues past the maximum until an answer is empty, so that records that moved beyond the
    maximum during the walk are not missed.

    Raises:
        PipelineError: as for :meth:`ChangeFeed.confirmed_page`.
    """
    cursor = start
    while True:
        page = feed.confirmed_page(cursor)
        reached = feed.next_cursor(page, cursor)
        if reached == cursor:
            yield Step(page, cursor, cursor, is_end=feed.ends_at(cursor))
            return
        is_last = feed.maximum is not None and reached >= feed.maximum and not feed.is_full(page)
        is_end = is_last and not complete
        yield Step(page, cursor, reached, is_end=is_end)
        if is_end:
            return
        cursor = reached
