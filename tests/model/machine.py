"""Random stories of Floriday and its client; hypothesis shrinks one that ends badly."""

from __future__ import annotations

from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.model.client import Asked
from tests.model.faults import IN_MAXIMA, IN_PAGES, LASTING, Fault, Kind, Loss
from tests.model.feeds import CONNECTIONS, CONTENTS, SCENARIOS, SUPPLIERS
from tests.model.floriday import Book, World
from tests.model.happenings import PLACES, WORDS, Happenings
from tests.model.play import Play
from tests.model.server import ModelServer

NAMES = st.sampled_from(((), (), (0,), (1,)))
"""Places of the feeds that a sync is for; none for all."""


class FloridayMachine(Happenings):
    """Floriday and a client, and what either may do."""

    server: ClassVar[ModelServer]
    scenarios: ClassVar[tuple[tuple[str, ...], ...]] = SCENARIOS

    @initialize(
        scenario=st.integers(0, 7 * len(SCENARIOS)),
        accounts=st.sampled_from((1, 1, 1, 2)),
        page=st.sampled_from((2, 3)),
        inclusive=st.booleans(),
        empty_says_zero=st.booleans(),
        connected=st.integers(0, len(SUPPLIERS)),
        records=st.sampled_from((4, 6, 2, 9, 0)),
        is_loaded=st.booleans(),
    )
    def begin(
        self,
        scenario: int,
        accounts: int,
        page: int,
        connected: int,
        records: int,
        *,
        inclusive: bool,
        empty_says_zero: bool,
        is_loaded: bool,
    ) -> None:
        """A world with some connections and records, and a warehouse that is empty or has them."""
        feeds = self.scenarios[scenario % len(self.scenarios)]
        world = World.of(feeds, accounts, page)
        world.inclusive, world.empty_says_zero = inclusive, empty_says_zero
        self.begun = Play(self.server, world, feeds, page, losses=self.losses, say=self.say)
        for book in world.books:
            if book.shape.feed != CONNECTIONS:
                self.play.fill(book, records)
            else:
                for supplier in SUPPLIERS[:connected]:
                    book.put(supplier, 0, supplier)
        self.play.tell(f"{accounts} account(s) of {', '.join(feeds)}, pages of {page}, {records} records each")
        if is_loaded:
            self.play.sync(Asked())

    @rule(
        names=NAMES,
        full=st.sampled_from((False, False, False, True)),
        account=st.sampled_from((None, None, 0, 1)),
        rests=st.sampled_from((False, False, False, True)),
    )
    def sync(
        self, names: tuple[int, ...], account: int | None = None, *, full: bool = False, rests: bool = False
    ) -> None:
        """A sync of all feeds and accounts, or by name."""
        accounts = list(self.play.world.accounts)
        only = None if account is None or len(accounts) == 1 else accounts[account]
        self.play.sync(Asked(self._named(names), full=full, account=only))
        if rests:
            self.come_to_rest()

    @rule(at=st.integers(0, 6), after=st.booleans(), names=NAMES, how=st.sampled_from(("", "", "full", "retry")))
    def sync_and_die(self, at: int, names: tuple[int, ...], how: str = "", *, after: bool) -> None:
        """A sync whose process ends at a commit."""
        asked = Asked(self._named(names), full=how == "full", retry=how == "retry", dies_at=at, dies_after=after)
        self.play.sync(asked)

    @precondition(lambda self: self.play.had_garbage)
    @rule()
    def retry(self) -> None:
        """Rejected records are asked for."""
        self.play.sync(Asked(retry=True))

    def _named(self, places: tuple[int, ...]) -> tuple[str, ...]:
        feeds = self.play.feeds
        return tuple(feeds[one % len(feeds)] for one in places)

    @rule(
        where=PLACES,
        kind=st.sampled_from(IN_PAGES),
        after=st.sampled_from((0, 0, 1, 2)),
        times=st.sampled_from((1, 1, 2)),
        more=st.integers(0, 5),
        names=NAMES,
    )
    def sync_and_meet_a_wrong_page(  # noqa: PLR0917 - hypothesis names them all
        self, where: int, kind: Kind, after: int, times: int, more: int, names: tuple[int, ...]
    ) -> None:
        """One of the next pages is wrong; perhaps there is something new, so that it is asked for."""
        book = self.play.book(where)
        if self._may_strike(book, kind):
            book.page_faults.append(Fault(kind, after, times if kind in LASTING else 1))
            self.play.tell(f"{book.name}: after {after} pages: {kind}, {times} time(s)")
            self._grow_and_sync(where, more, names)

    @rule(
        where=PLACES,
        kind=st.sampled_from(IN_MAXIMA),
        times=st.sampled_from((1, 2)),
        more=st.integers(0, 5),
        names=NAMES,
    )
    def sync_and_meet_a_wrong_maximum(
        self, where: int, kind: Kind, times: int, more: int, names: tuple[int, ...]
    ) -> None:
        """The next maximum is wrong."""
        book = self.play.book(where)
        if book.shape.has_maximum:
            book.maximum_faults.append(Fault(kind, 0, times if kind in LASTING else 1))
            self.play.tell(f"{book.name}: {kind}")
            self._grow_and_sync(where, more, names)

    @rule(
        where=PLACES,
        which=PLACES,
        kind=st.sampled_from((Kind.EMPTY, *IN_PAGES)),
        how=st.sampled_from(("field", "key")),
        retry=st.booleans(),
        heals=st.booleans(),
    )
    def meet_a_wrong_page_while_a_record_is_rejected(
        self, where: int, which: int, kind: Kind, how: str, *, retry: bool, heals: bool
    ) -> None:
        """A record is rejected, and the question what became of it is answered wrongly."""
        book, entry = self.play.entry(where, which)
        if entry is None or book.shape.feed == CONNECTIONS:
            return
        self.alter(book, entry, entry.content, "spoil" if how == "field" else "spoil beyond its key")
        self.play.tell(f"{book.name}: {entry.key[-3:]}@{entry.place} becomes unreadable ({how})")
        self.play.sync(Asked())
        if self._may_strike(book, kind):
            book.page_faults.append(Fault(kind))
            self.play.tell(f"{book.name}: {kind}")
            self.play.sync(Asked(retry=retry))
        if heals:
            entry.garbage = None
            self.play.tell(f"{book.name}: {entry.key[-3:]}@{entry.place} heals")

    def _may_strike(self, book: Book, kind: Kind) -> bool:
        if kind in (Kind.NUMBER, Kind.NUMBER_WITHIN):
            return Loss.GARBLED_NUMBER in self.losses
        if kind is Kind.PAGE_MAXIMUM:
            return Loss.PAGE_MAXIMUM in self.losses
        return kind is not Kind.EMPTY or Loss.EMPTY_ANSWER in self.losses or not book.had_garbage

    def _grow_and_sync(self, where: int, more: int, names: tuple[int, ...]) -> None:
        if more:
            self.create(where, more, more % CONTENTS, more, 0)
        self.sync(names)

    @rule(where=PLACES, content=WORDS)
    def sync_while_a_number_is_late(self, where: int, content: int) -> None:
        """A number is served after a higher one; the next walk that finds something new finds it too."""
        book = self.play.book(where)
        if book.shape.feed == CONNECTIONS or book.locked:
            return
        self.play.lift_faults()
        first = self.play.put(book, content, late=True)
        self.play.put(book, content)
        self.play.tell(f"{book.name}: {first.place} is given and not served yet, {book.counter} is")
        self.play.sync(Asked())
        first.late = False
        self.play.put(book, content)
        self.play.tell(f"{book.name}: {first.place} is served now, and {book.counter}")
        self.play.sync(Asked())

    def come_to_rest(self) -> None:
        """Nothing goes wrong any more: after two syncs all tables are equal to the model."""
        for book in self.play.locked:
            self.serve_again(book)
        self.play.rest()

    def teardown(self) -> None:
        """A story ends at rest."""
        if self.begun is None:
            return
        try:
            if not self.play.has_failed:
                self.come_to_rest()
        finally:
            self.play.close()
