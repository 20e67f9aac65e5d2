"""Random stories of Floriday and its client, told step by step, and shrunk by hypothesis when one of them ends badly."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from pipelines.outcome import FeedOutcome
from tests.model.client import Asked, Client, laid_out
from tests.model.comparison import Comparison
from tests.model.faults import EVERY_LOSS, IN_MAXIMA, IN_PAGES, Fault, Kind, Loss
from tests.model.feeds import CONNECTIONS, CONTENTS, SCENARIOS, SUPPLIERS, catalogue_with, identity
from tests.model.floriday import Book, Entry, World
from tests.model.server import ModelServer

PLACES = st.integers(0, 7)
"""Which of several, counted round."""
WORDS = st.integers(0, CONTENTS - 1)
NAMES = st.sampled_from(((), (), (0,), (1,)))
"""Places of the feeds that a sync is for; none for all."""
HAPPENINGS = ("change", "change", "delete", "hide", "forget", "spoil", "spoil", "spoil beyond its key", "default")
QUIET_SYNCS = 2
"""After whatever went wrong: one sync to heal, one that finds nothing left to do."""


class FloridayMachine(RuleBasedStateMachine):
    """Floriday and a client, and what either may do."""

    server: ClassVar[ModelServer]
    losses: ClassVar[frozenset[Loss]] = EVERY_LOSS
    scenarios: ClassVar[tuple[tuple[str, ...], ...]] = SCENARIOS

    def __init__(self) -> None:
        super().__init__()
        self.client: Client | None = None
        self.failed = False

    @initialize(
        feeds=st.integers(0, 100),
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
        feeds: int,
        accounts: int,
        page: int,
        inclusive: bool,
        empty_says_zero: bool,
        connected: int,
        records: int,
        is_loaded: bool,
    ) -> None:
        """A world with some connections and records, and a warehouse that is empty or has them."""
        self.keys = 0
        self.feeds = self.scenarios[feeds % len(self.scenarios)]
        self.world = World.of(self.feeds, accounts, page)
        self.world.inclusive, self.world.empty_says_zero = inclusive, empty_says_zero
        self.server.world = self.world
        self.server.asked.clear()
        self.folder = TemporaryDirectory()
        path = Path(self.folder.name) / "w.duckdb"
        path.write_bytes(laid_out(self.feeds, accounts, self.server.address))
        self.catalogue = catalogue_with(self.feeds, page)
        self.client = Client(self.server, path, self.catalogue)
        with self.client.warehouse.reading() as connection:
            self.comparison = Comparison(connection)
        for account in self.world.accounts.values():
            if CONNECTIONS in account.books:
                for supplier in SUPPLIERS[:connected]:
                    account.books[CONNECTIONS].put(supplier, 0, supplier)
            for book in account.books.values():
                if book.shape.feed != CONNECTIONS:
                    self._fill(book, records, 0, 0, 0)
        self._tell(f"{accounts} account(s) of {', '.join(self.feeds)}, pages of {page}, {records} records each")
        if is_loaded:
            self._sync(Asked())

    # Floriday's side

    @rule(where=PLACES, count=st.integers(1, 7), content=WORDS, supplier=PLACES, hidden=st.sampled_from((0, 0, 1, 2)))
    def create(self, where: int, count: int, content: int, supplier: int, hidden: int) -> None:
        """New records."""
        book = self._book(where)
        if book.shape.feed == CONNECTIONS:
            self._connect(book, supplier, content)
        elif not book.locked:
            self._fill(book, count, content, supplier, hidden)
            self._tell(f"{book.name}: {count} new up to {book.counter}")

    @rule(where=PLACES, which=PLACES, content=WORDS, happens=st.sampled_from(HAPPENINGS))
    def happen(self, where: int, which: int, content: int, happens: str) -> None:
        """Something happens to a record, which gets a new number."""
        book, entry = self._entry(where, which)
        is_a_connection = book.shape.feed == CONNECTIONS
        if entry is None or not self._may_happen(book, happens):
            return
        if happens == "forget" and not is_a_connection:
            del book.entries[entry.key]
        elif not (happens in ("hide", "forget") and is_a_connection):
            entry.content, entry.deleted = content, happens == "delete" and book.shape.deletes
            entry.hidden = happens == "hide"
            entry.garbage = {"spoil": "field", "spoil beyond its key": "key"}.get(happens)
            book.had_garbage |= entry.garbage is not None
            book.move(entry)
            if happens == "default":
                entry.content, entry.is_default = 0, True
        self._tell(f"{book.name}: {happens} {entry.key[-3:]}@{entry.place}, which says {entry.content}")

    def _may_happen(self, book: Book, happens: str) -> bool:
        if happens == "default":
            return book.shape.has_defaults and Loss.DEFAULTS in self.losses
        return not happens.startswith("spoil") or book.shape.feed != CONNECTIONS or Loss.WIDENED in self.losses

    @rule(where=PLACES, which=PLACES)
    def heal(self, where: int, which: int) -> None:
        """What could not be read is served as it should be, at the same number."""
        for book in self._from(where):
            if spoilt := [one for one in book.standing() if one.garbage]:
                entry = spoilt[which % len(spoilt)]
                entry.garbage = None
                self._tell(f"{book.name}: {entry.key[-3:]}@{entry.place} heals")
                return

    @precondition(lambda self: CONNECTIONS in self.feeds)
    @rule(where=PLACES, supplier=PLACES, content=WORDS)
    def connect(self, where: int, supplier: int, content: int) -> None:
        """A connection begins, or is revived."""
        account = list(self.world.accounts.values())[where % len(self.world.accounts)]
        self._connect(account.books[CONNECTIONS], supplier, content)

    def _connect(self, book: Book, supplier: int, content: int) -> None:
        key = SUPPLIERS[supplier % len(SUPPLIERS)]
        book.put(key, content, key)
        self._tell(f"{book.name}: connected with {key[-3:]}@{book.counter}")

    def _fill(self, book: Book, count: int, content: int, supplier: int, hidden: int) -> None:
        for place in range(count):
            is_hidden = bool(hidden) and place % 4 >= hidden
            book.put(self._new_key(), content, SUPPLIERS[(supplier + place) % len(SUPPLIERS)], hidden=is_hidden)

    def _new_key(self) -> str:
        self.keys += 1
        return identity(self.keys)

    @rule(
        where=PLACES,
        kind=st.sampled_from(IN_PAGES),
        after=st.sampled_from((0, 0, 1, 2)),
        times=st.sampled_from((1, 1, 2)),
        more=st.integers(0, 5),
        names=NAMES,
    )
    def sync_and_meet_a_wrong_page(
        self, where: int, kind: Kind, after: int, times: int, more: int, names: tuple[int, ...]
    ) -> None:
        """One of the next pages is wrong; perhaps there is something new, so that it is asked for."""
        book = self._book(where)
        if self._may(book, kind):
            book.page_faults.append(Fault(kind, after, times if kind in IN_PAGES[:3] else 1))
            self._tell(f"{book.name}: after {after} pages: {kind}, {times} time(s)")
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
        book = self._book(where)
        if book.shape.has_maximum:
            book.maximum_faults.append(Fault(kind, 0, times if kind is Kind.BUSY else 1))
            self._tell(f"{book.name}: {kind}")
            self._grow_and_sync(where, more, names)

    def _grow_and_sync(self, where: int, more: int, names: tuple[int, ...]) -> None:
        if more:
            self.create(where, more, more % CONTENTS, more, 0)
        self.sync(names, full=False)

    @rule(where=PLACES)
    def lock(self, where: int) -> None:
        """The feed is being rebuilt."""
        for book in self._from(where):
            if book.shape.restarts and not book.locked:
                book.locked = True
                self._tell(f"{book.name}: is being rebuilt")
                return

    @rule(where=PLACES, order=st.integers(0, 20), leaving=st.lists(PLACES, max_size=3), more=st.integers(0, 6))
    def restart(self, where: int, order: int, leaving: list[int], more: int) -> None:
        """The rebuilt feed is served: its numbers begin anew, some records may have left, others come."""
        book = next((one for one in self._from(where) if one.locked), None)
        if book is None:
            return
        book.locked = False
        standing = book.standing() if book.shape.selection else []
        gone = {standing[one % len(standing)].key: standing[one % len(standing)] for one in leaving if standing}
        if Loss.UNSEEN_RESTART in self.losses:
            book.restart(order, gone.values())
            for place in range(more):
                book.put(self._new_key(), 1, SUPPLIERS[place % len(SUPPLIERS)])
            self._tell(f"{book.name}: restarts, {len(gone)} left, {more} new, up to {book.counter}")
            return
        self._restart_visibly(book, order, gone)

    def _restart_visibly(self, book: Book, order: int, gone: dict[str, Entry]) -> None:
        """Restart only where the maximum and the first page are going to prove it, and let the client see it at once."""
        rows = self.comparison._stored(book, self.catalogue.feed(book.shape.feed))
        cursor = self._cursor(book)
        if len(book.entries) - len(gone) >= cursor or not self._is_fresh(book.account.name):
            return
        before = {key: entry.place for key, entry in book.entries.items()}
        before_all = dict(book.entries)
        book.restart(order, gone.values())
        first = book.page(0, None, inclusive=False).entries
        if any(one.garbage is None and one.key in rows and rows[one.key].number > one.place for one in first):
            self._tell(f"{book.name}: restarts, {len(gone)} left, up to {book.counter}")
            self._clear()
            self._sync(Asked())
            return
        book.entries, book.series = before_all, book.series - 1
        for key, place in before.items():
            book.entries[key].place = place
        book.counter = book.highest = max([cursor, *before.values()])

    # The client's side

    @rule(
        names=NAMES,
        full=st.sampled_from((False, False, False, True)),
    )
    def sync(self, names: tuple[int, ...], full: bool) -> None:
        """A sync of all feeds, or by name."""
        self._sync(Asked(tuple(self.feeds[one % len(self.feeds)] for one in names), full=full))

    @rule(at=st.integers(0, 6), after=st.booleans(), names=NAMES)
    def sync_and_die(self, at: int, after: bool, names: tuple[int, ...]) -> None:
        """A sync whose process ends at a commit."""
        chosen = tuple(self.feeds[one % len(self.feeds)] for one in names)
        self._sync(Asked(chosen, dies_at=at, dies_after=after))

    @rule()
    def retry(self) -> None:
        """Rejected records are asked for."""
        self._sync(Asked(retry=True))

    @rule(where=PLACES, content=WORDS)
    def late(self, where: int, content: int) -> None:
        """A number becomes visible after a higher one; the next walk that finds something new finds it too."""
        book = self._book(where)
        if book.shape.feed == CONNECTIONS or book.locked:
            return
        self._clear()
        supplier = next(iter(sorted(book.account.connected)), SUPPLIERS[0])
        first = book.put(self._new_key(), content, supplier, late=True)
        book.put(self._new_key(), content, supplier)
        self._tell(f"{book.name}: {first.place} is given and not served yet, {book.counter} is")
        self._sync(Asked())
        first.late = False
        book.put(self._new_key(), content, supplier)
        self._tell(f"{book.name}: {first.place} is served now, and {book.counter}")
        self._sync(Asked())

    @rule()
    def come_to_rest(self) -> None:
        """Nothing goes wrong any more: after two syncs all tables are equal to the model."""
        self._rest()

    def teardown(self) -> None:
        if self.client is None:
            return
        try:
            if not self.failed:
                self._rest()
        finally:
            self.client.close()
            self.folder.cleanup()

    # What both are made of

    def _book(self, where: int) -> Book:
        books = self.world.books
        return books[where % len(books)]

    def _from(self, where: int) -> list[Book]:
        """All feeds, from one on."""
        books = self.world.books
        return [*books[where % len(books) :], *books[: where % len(books)]]

    def _entry(self, where: int, which: int) -> tuple[Book, Entry | None]:
        book = self._book(where)
        standing = book.standing()
        return book, standing[which % len(standing)] if standing and not book.locked else None

    def _may(self, book: Book, kind: Kind) -> bool:
        """Whether a fault is one of those that are played."""
        return {
            Kind.NUMBER: Loss.GARBLED_NUMBER in self.losses,
            Kind.NUMBER_WITHIN: Loss.GARBLED_NUMBER in self.losses,
            Kind.PAGE_MAXIMUM: Loss.PAGE_MAXIMUM in self.losses,
            Kind.EMPTY: Loss.EMPTY_ANSWER in self.losses or not book.had_garbage,
        }.get(kind, True)

    def _tell(self, line: str) -> None:
        self.world.note_served()
        note(f"    {line}")

    def _clear(self) -> None:
        for book in self.world.books:
            book.page_faults.clear()
            book.maximum_faults.clear()

    def _cursor(self, book: Book) -> int:
        said = "SELECT max(cursor) FROM sync.cursors WHERE account = ? AND feed = ?"
        return self.comparison.connection.execute(said, [book.account.name, book.shape.feed]).fetchall()[0][0] or 0

    def _is_fresh(self, account: str) -> bool:
        """Whether the client knows the connections as they are."""
        book = self.world.accounts[account].books.get(CONNECTIONS)
        return book is None or not list(self.comparison.rows(book, self.catalogue.feed(CONNECTIONS)))

    def _sync(self, asked: Asked) -> None:
        assert self.client is not None
        asked = self._tamed(asked)
        for book in self.world.books:
            book.struck = 0
        quiet = {(book.account.name, book.shape.feed) for book in self.world.books if book.is_quiet}
        self.server.asked.clear()
        outcomes = self.client.sync(asked)
        note(f"    {asked}: {'died' if outcomes is None else ''}")
        for line in self.server.asked:
            note(f"        {line}")
        for outcome in outcomes or ():
            note(f"        = {_brief(outcome)}")
        self._check_claims(outcomes or [], quiet)

    def _tamed(self, asked: Asked) -> Asked:
        """What is asked, without what is known to lose something."""
        if asked.retry and asked.names:
            return asked
        unsafe = {Loss.WIDENED, Loss.UNKNOWN_PARTS} - self.losses
        if unsafe and not all(map(self._is_fresh, self.world.accounts)):
            self._clear()
            return Asked(full=asked.full and not asked.retry)
        return asked

    def _check_claims(self, outcomes: list[FeedOutcome], quiet: set[tuple[str, str]]) -> None:
        """Whoever says that a feed is current has it as Floriday serves it, where Floriday told the truth."""
        wrong: list[str] = []
        for outcome in outcomes:
            book = self.world.accounts[outcome.account].books[outcome.feed]
            depends = book.shape.widened or book.shape.in_parts
            if not outcome.current or (outcome.account, outcome.feed) not in quiet or book.struck:
                continue
            if not depends or self._is_fresh(outcome.account):
                wrong += self.comparison.rows(book, self.catalogue.feed(outcome.feed))
        self._assert_nothing(wrong, "a feed that is said to be current is not")

    def _rest(self) -> None:
        assert self.client is not None
        self._clear()
        for book in self.world.books:
            if book.locked:
                self.restart(self.world.books.index(book), 0, [], 0)
        note("    nothing goes wrong any more")
        for _ in range(QUIET_SYNCS):
            self._sync(Asked())
        wrong: list[str] = []
        for book in self.world.books:
            feed = self.catalogue.feed(book.shape.feed)
            wrong += self.comparison.everything(book, feed)
            self.comparison.confirm(book, feed)
        self._assert_nothing(wrong, "after quiet syncs the tables are not equal to the model")

    def _assert_nothing(self, wrong: list[str], what: str) -> None:
        self.failed = bool(wrong)
        assert not wrong, "\n".join([what, *wrong, "Floriday has:", *self.world.told()])


def _brief(outcome: FeedOutcome) -> str:
    told = outcome.error or outcome.skipped or f"current {'yes' if outcome.current else 'no'}"
    counts = f"{outcome.records} records, {outcome.rejected} rejected, cursor {outcome.cursor}"
    return f"{outcome.account} {outcome.feed}: {told}, {counts}, series {outcome.series}"
