"""Random stories of Floriday and its client; hypothesis shrinks one that ends badly."""

from __future__ import annotations

from typing import ClassVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.model.client import Asked
from tests.model.faults import EVERY_LOSS, IN_MAXIMA, IN_PAGES, LASTING, Fault, Kind, Loss
from tests.model.feeds import CONNECTIONS, CONTENTS, SCENARIOS, SUPPLIERS
from tests.model.floriday import Book, Entry, World
from tests.model.play import Play
from tests.model.server import ModelServer

PLACES = st.integers(0, 7)
"""Which of several, counted round."""
WORDS = st.integers(0, CONTENTS - 1)
NAMES = st.sampled_from(((), (), (0,), (1,)))
"""Places of the feeds that a sync is for; none for all."""
HAPPENINGS = ("change", "change", "delete", "hide", "forget", "spoil", "spoil", "spoil beyond its key", "default")


class FloridayMachine(RuleBasedStateMachine):
    """Floriday and a client, and what either may do."""

    server: ClassVar[ModelServer]
    losses: ClassVar[frozenset[Loss]] = EVERY_LOSS
    scenarios: ClassVar[tuple[tuple[str, ...], ...]] = SCENARIOS

    def __init__(self) -> None:
        super().__init__()
        self.begun: Play | None = None

    def say(self, line: str) -> None:
        """Tell the story, where it ends badly."""
        note(line)

    @property
    def play(self) -> Play:
        """The story, once it has begun."""
        assert self.begun is not None
        return self.begun

    @initialize(
        scenario=st.integers(0, 7 * len(SCENARIOS)),
        accounts=st.sampled_from((1, 1, 1, 2)),
        page=st.sampled_from((2, 3)),
        inclusive=st.booleans(),
        empty_says_zero=st.booleans(),
        connected=st.integers(0, len(SUPPLIERS)),
        records=st.integers(0, 9),
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

    # Floriday's side

    @rule(where=PLACES, count=st.integers(1, 7), content=WORDS, supplier=PLACES, hidden=st.sampled_from((0, 0, 1, 2)))
    def create(self, where: int, count: int, content: int, supplier: int, hidden: int) -> None:
        """New records, or a connection."""
        book = self.play.book(where)
        if book.shape.feed == CONNECTIONS:
            self._connect(book, supplier, content)
        elif not book.locked:
            self.play.fill(book, count, content, supplier, hidden)
            self.play.tell(f"{book.name}: {count} new up to {book.counter}")

    @precondition(lambda self: CONNECTIONS in self.play.feeds)
    @rule(where=PLACES, supplier=PLACES, content=WORDS)
    def connect(self, where: int, supplier: int, content: int) -> None:
        """A connection begins, or is revived."""
        accounts = list(self.play.world.accounts.values())
        self._connect(accounts[where % len(accounts)].books[CONNECTIONS], supplier, content)

    def _connect(self, book: Book, supplier: int, content: int) -> None:
        key = SUPPLIERS[supplier % len(SUPPLIERS)]
        book.put(key, content, key)
        self.play.tell(f"{book.name}: connected with {key[-3:]}@{book.counter}")

    @rule(where=PLACES, which=PLACES, content=WORDS, happens=st.sampled_from(HAPPENINGS))
    def happen(self, where: int, which: int, content: int, happens: str) -> None:
        """Something happens to a record."""
        book, entry = self.play.entry(where, which)
        if entry is None or not self._may_happen(book, happens):
            return
        if happens == "forget":
            del book.entries[entry.key]
        else:
            self._alter(book, entry, content, happens)
        self.play.tell(f"{book.name}: {happens} {entry.key[-3:]}@{entry.place}, which says {entry.content}")

    def _may_happen(self, book: Book, happens: str) -> bool:
        if happens == "default":
            return book.shape.has_defaults and Loss.DEFAULTS in self.losses
        if book.shape.feed == CONNECTIONS:
            return happens in ("change", "delete") or (happens.startswith("spoil") and Loss.WIDENED in self.losses)
        return happens != "delete" or book.shape.deletes

    @staticmethod
    def _alter(book: Book, entry: Entry, content: int, happens: str) -> None:
        """Another state, at a new number."""
        book.move(entry)
        entry.content = 0 if happens == "default" else content
        entry.deleted, entry.hidden = happens == "delete", happens == "hide"
        entry.is_default = happens == "default"
        entry.garbage = {"spoil": "field", "spoil beyond its key": "key"}.get(happens)
        book.had_garbage |= entry.garbage is not None

    @rule(where=PLACES, which=PLACES)
    def heal(self, where: int, which: int) -> None:
        """What could not be read is served as it should be, at the same number."""
        spoilt = [(book, one) for book in self.play.books_from(where) for one in book.standing() if one.garbage]
        if spoilt:
            book, entry = spoilt[which % len(spoilt)]
            entry.garbage = None
            self.play.tell(f"{book.name}: {entry.key[-3:]}@{entry.place} heals")

    @rule(where=PLACES)
    def lock(self, where: int) -> None:
        """A feed is being rebuilt."""
        book = next((one for one in self.play.books_from(where) if one.shape.restarts and not one.locked), None)
        if book is not None:
            book.locked, book.lock_seen = True, False
            self.play.tell(f"{book.name}: is being rebuilt")

    @rule(where=PLACES, order=st.integers(0, 20), leaving=st.lists(PLACES, max_size=3), more=st.integers(0, 6))
    def restart(self, where: int, order: int, leaving: list[int], more: int) -> None:
        """The rebuilt feed is served: its numbers begin anew, some records may have left, others come.

        A client that did not see the rebuilding cannot know of it unless the maximum and the first page tell.
        """
        book = next((one for one in self.play.books_from(where) if one.locked), None)
        if book is None:
            return
        standing = book.standing() if book.shape.selection else []
        gone = {standing[one % len(standing)].key: standing[one % len(standing)] for one in leaving if standing}
        is_visible = self._is_visible(book, order, list(gone))
        if Loss.UNSEEN_RESTART in self.losses and not book.lock_seen and not is_visible:
            self.play.sync(Asked())
        book.locked = False
        if not is_visible and not (book.lock_seen and Loss.UNSEEN_RESTART in self.losses):
            return
        book.restart(order, gone.values())
        if book.lock_seen and Loss.UNSEEN_RESTART in self.losses:
            self.play.fill(book, more, 1)
        self.play.tell(f"{book.name}: restarts, {len(gone)} left, up to {book.counter}")
        if not book.lock_seen or not {Loss.UNSEEN_RESTART, Loss.SELECTION_CUT} <= self.losses:
            self.play.lift_faults()
            self.play.sync(Asked())

    def _is_visible(self, book: Book, order: int, gone: list[str]) -> bool:
        """Whether the maximum and the first page are going to prove a restart."""
        if not self.play.knows_connections(book.account.name):
            return False
        anew = book.rehearsed(order, gone)
        numbers = self.play.stored_numbers(book)
        first = [one for one in anew.page(0, None, inclusive=False).entries if not one.garbage]
        return anew.maximum() < self.play.cursor(book) and any(numbers.get(one.key, 0) > one.place for one in first)

    # The client's side

    @rule(names=NAMES, full=st.sampled_from((False, False, False, True)), account=st.sampled_from((None, None, 0, 1)))
    def sync(self, names: tuple[int, ...], account: int | None = None, *, full: bool = False) -> None:
        """A sync of all feeds and accounts, or by name."""
        accounts = list(self.play.world.accounts)
        only = None if account is None or len(accounts) == 1 else accounts[account]
        self.play.sync(Asked(self._named(names), full=full, account=only))

    @rule(at=st.integers(0, 6), after=st.booleans(), names=NAMES, how=st.sampled_from(("", "", "full", "retry")))
    def sync_and_die(self, at: int, names: tuple[int, ...], how: str = "", *, after: bool) -> None:
        """A sync whose process ends at a commit."""
        asked = Asked(self._named(names), full=how == "full", retry=how == "retry", dies_at=at, dies_after=after)
        self.play.sync(asked)

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

    @rule()
    def come_to_rest(self) -> None:
        """Nothing goes wrong any more: after two syncs all tables are equal to the model."""
        for place, book in enumerate(self.play.world.books):
            if book.locked:
                self.restart(place, 0, [], 0)
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
