"""Reading a change feed exactly: from a cursor to what is proven to be its end (docs/floriday.md: Change feeds).

The rules: a page's maximum is the page's own; an empty page is no end; the next cursor is the highest number that
the page proves, never one more; a page that is in doubt proves nothing until a second answer agrees; a feed that cannot
advance ends with an error. What is in a record, and where it goes, does not belong here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pipelines.errors import ContradictingAnswersError, StuckFeedError
from pipelines.floriday.page_checks import Doubts, doubts_about, repeats
from pipelines.floriday.pages import Page

Fetch = Callable[[int], Page]
"""Asks for the page of records above a number."""

AskMaximum = Callable[[], int | None]
"""Asks for the feed's maximum again; None where it is unknown."""

ASKED_AGAIN = 3
"""How often a page that is in doubt is asked for before the walk gives up."""


@dataclass(frozen=True)
class Step:
    """A page and what it moves.

    Args:
        page: the answer.
        after: the number that was asked with.
        reached: the number to go on from.
        current: whether this page, or the maximum, proves that the feed ends here.
    """

    page: Page
    after: int
    reached: int
    current: bool


@dataclass(frozen=True)
class ChangeFeed:
    """What is known of a feed while it is walked.

    Args:
        fetch: asks for a page.
        maximum: what the max-sequence operation said before the walk, or None where it is unknown.
        page_maximum: the records that a full page holds.
        read_before: the highest number up to which the feed was read before, 0 where that says nothing: a page that
            ends before it although the maximum is unknown is asked for again.
        ask_maximum: asks for the maximum again, when the feed ends before the one that was said; None where a maximum
            is believed as it is.
    """

    fetch: Fetch
    maximum: int | None
    page_maximum: int
    read_before: int = 0
    ask_maximum: AskMaximum | None = None

    def next_cursor(self, page: Page, cursor: int) -> int:
        """The number to go on from: the highest that the page proves, or ``cursor`` if it does not advance.

        A full page lost nothing to a filter, so only its records count: a maximum above them would be the feed's. A
        number above the page's own maximum counts only if nothing else advances, and one above the feed's maximum last
        of all: one stray number must not carry the cursor past records that were never read.
        """
        own = [number for number in page.numbers if number and number <= page.maximum]  # 0 stands for defaults
        reached = max(own, default=page.maximum) if self.is_full(page) else page.maximum
        if reached > cursor:
            return reached
        supported = [n for n in page.numbers if n is not None and (self.maximum is None or n <= self.maximum)]
        reached = max([page.maximum, *supported])
        return reached if reached > cursor else max(page.highest, cursor)

    def is_full(self, page: Page) -> bool:
        """Whether the page holds as many records as were asked for, so that more may follow."""
        return len(page.records) >= (page.limit or self.page_maximum)

    def answer(self, cursor: int) -> Page:
        """The page above ``cursor``; one that is in doubt is asked for again, and believed if a second one agrees.

        Of two pages that agree the one counts that claims less.

        Raises:
            StuckFeedError: the server goes on answering with what was read already although there is more.
            ContradictingAnswersError: no two of the answers agree.
        """
        page = self.fetch(cursor)
        doubts = self.doubts(page, cursor)
        for _ in range(ASKED_AGAIN - 1):
            if not doubts:
                return page
            again = self.fetch(cursor)
            same = self.doubts(again, cursor)
            if doubts == same and not same.stands_still:
                return min(page, again, key=lambda one: one.maximum)
            page, doubts = again, same
        return self._last_of_all(page, doubts, cursor)

    def doubts(self, page: Page, cursor: int) -> Doubts:
        """What speaks against a page that was served as what follows ``cursor``."""
        reached = self.next_cursor(page, cursor)
        stands_still = reached == cursor and self._may_not_end_with(page, cursor)
        return doubts_about(page, cursor, reached, self.maximum, stands_still=stands_still)

    def _may_not_end_with(self, page: Page, cursor: int) -> bool:
        """Whether a page that does not advance cannot be the feed's end."""
        if self.maximum is None:
            return self.is_full(page) or cursor < self.read_before or repeats(page, cursor)
        return self.maximum > cursor or repeats(page, cursor)

    def _last_of_all(self, page: Page, doubts: Doubts, cursor: int) -> Page:
        """The last answer, if it can be taken as it is."""
        if not doubts:
            return page
        if not doubts.stands_still:
            raise ContradictingAnswersError(
                f"asked {ASKED_AGAIN} times for what follows {cursor}, Floriday gave as many answers that contradict"
                " themselves and each other. Nothing is lost, the cursor stays; try again later, and tell Floriday if"
                " it lasts"
            )
        if self.is_full(page) or repeats(page, cursor):
            raise StuckFeedError(
                f"the feed does not advance: asked for what follows {cursor}, the server goes on sending records up to"
                f" {page.highest}. Nothing is lost, the cursor stays; try again later, and tell Floriday if it lasts",
                number=cursor,
            )
        return page

    def ends_at(self, cursor: int) -> bool:
        """Whether the feed ends at ``cursor``, after whose page nothing follows.

        A maximum above it is asked for again: one answer that all pages contradict proves nothing.
        """
        if self.maximum is None or cursor >= self.maximum:
            return True
        if self.ask_maximum is None:
            return False
        maximum = self.ask_maximum()
        return maximum is None or cursor >= maximum


def walk(feed: ChangeFeed, start: int, *, complete: bool = False) -> Iterator[Step]:
    """Yield the pages above ``start`` until the feed is proven current.

    Args:
        feed: what is known of it.
        start: the number to start from, exclusive.
        complete: whether to go on until nothing follows, past the maximum: a record that moved beyond it meanwhile
            would be missing otherwise.

    Raises:
        PipelineError: as of :meth:`ChangeFeed.answer`.
    """
    cursor = start
    while True:
        page = feed.answer(cursor)
        reached = feed.next_cursor(page, cursor)
        if reached == cursor:
            yield Step(page, cursor, cursor, current=feed.ends_at(cursor))
            return
        is_last = feed.maximum is not None and reached >= feed.maximum and not feed.is_full(page)
        ended = is_last and not complete
        yield Step(page, cursor, reached, current=ended)
        if ended:
            return
        cursor = reached
