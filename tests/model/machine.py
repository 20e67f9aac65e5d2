"""Random histories of Floriday and its client; hypothesis shrinks one that fails."""

from __future__ import annotations

from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.model.client import SyncRequest
from tests.model.faults import IN_MAXIMA, IN_PAGES, LASTING, Fault, Kind, Loss
from tests.model.feeds import CONNECTIONS, CONTENTS, SCENARIOS, SUPPLIERS
from tests.model.floriday import Book, World
from tests.model.server import ModelServer
from tests.model.server_events import PLACES, WORDS, ServerEvents
from tests.model.simulation import Simulation

NAMES = st.sampled_from(((), (), (0,), (1,)))
"""Indexes of the feeds to sync; empty for all."""


class FloridayMachine(ServerEvents):
    """Floriday and a client, with all rules."""

    server: ClassVar[ModelServer]
    scenarios: ClassVar[tuple[tuple[str, ...], ...]] = SCENARIOS

    @initialize(
        scenario=st.integers(0, 7 * len(SCENARIOS)),
        accounts=st.sampled_from((1, 1, 1, 2)),
        page=st.sampled_from((2, 3)),
        inclusive=st.booleans(),
        empty_maximum_is_zero=st.booleans(),
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
        empty_maximum_is_zero: bool,
        is_loaded: bool,
    ) -> None:
        """Start with some connections and records, and with a warehouse that is empty or up to date."""
        feeds = self.scenarios[scenario % len(self.scenarios)]
        world = World.of(feeds, accounts, page)
        world.inclusive, world.empty_maximum_is_zero = inclusive, empty_maximum_is_zero
        self.started = Simulation(self.server, world, feeds, page, losses=self.losses, log=self.log)
        for book in world.books:
            if book.shape.feed != CONNECTIONS:
                self.simulation.fill(book, records)
            else:
                for supplier in SUPPLIERS[:connected]:
                    book.put(supplier, 0, supplier)
        self.simulation.log_event(
            f"{accounts} account(s) of {', '.join(feeds)}, pages of {page}, {records} records each"
        )
        if is_loaded:
            self.simulation.sync(SyncRequest())

    @rule(
        names=NAMES,
        full=st.sampled_from((False, False, False, True)),
        account=st.sampled_from((None, None, 0, 1)),
        finishes=st.sampled_from((False, False, False, True)),
    )
    def sync(
        self, names: tuple[int, ...], account: int | None = None, *, full: bool = False, finishes: bool = False
    ) -> None:
        """Sync some feeds and accounts, or all."""
        accounts = list(self.simulation.world.accounts)
        only = None if account is None or len(accounts) == 1 else accounts[account]
        self.simulation.sync(SyncRequest(self._named(names), full=full, account=only))
        if finishes:
            self.finish()

    @rule(at=st.integers(0, 6), after=st.booleans(), names=NAMES, how=st.sampled_from(("", "", "full", "retry")))
    def sync_and_crash(self, at: int, names: tuple[int, ...], how: str = "", *, after: bool) -> None:
        """Sync in a process that crashes at a commit."""
        request = SyncRequest(
            self._named(names), full=how == "full", retry=how == "retry", crashes_at=at, crashes_after=after
        )
        self.simulation.sync(request)

    @precondition(lambda self: self.simulation.had_garbage)
    @rule()
    def retry(self) -> None:
        """Retry rejected records."""
        self.simulation.sync(SyncRequest(retry=True))

    def _named(self, places: tuple[int, ...]) -> tuple[str, ...]:
        feeds = self.simulation.feeds
        return tuple(feeds[place % len(feeds)] for place in places)

    @rule(
        where=PLACES,
        kind=st.sampled_from(IN_PAGES),
        after=st.sampled_from((0, 0, 1, 2)),
        times=st.sampled_from((1, 1, 2)),
        more=st.integers(0, 5),
        names=NAMES,
    )
    def sync_with_a_wrong_page(  # noqa: PLR0917 - hypothesis passes them by name
        self, where: int, kind: Kind, after: int, times: int, more: int, names: tuple[int, ...]
    ) -> None:
        """Make one of the next pages wrong, perhaps add records so that it is requested, and sync."""
        book = self.simulation.book(where)
        if self._may_occur(book, kind):
            book.page_faults.append(Fault(kind, after, times if kind in LASTING else 1))
            self.simulation.log_event(f"{book.name}: after {after} pages: {kind}, {times} time(s)")
            self._add_and_sync(where, more, names)

    @rule(
        where=PLACES,
        kind=st.sampled_from(IN_MAXIMA),
        times=st.sampled_from((1, 2)),
        more=st.integers(0, 5),
        names=NAMES,
    )
    def sync_with_a_wrong_maximum(self, where: int, kind: Kind, times: int, more: int, names: tuple[int, ...]) -> None:
        """Make the next maximum wrong, and sync."""
        book = self.simulation.book(where)
        if book.shape.has_maximum:
            book.maximum_faults.append(Fault(kind, 0, times if kind in LASTING else 1))
            self.simulation.log_event(f"{book.name}: {kind}")
            self._add_and_sync(where, more, names)

    @rule(
        where=PLACES,
        which=PLACES,
        kind=st.sampled_from((Kind.EMPTY, *IN_PAGES)),
        how=st.sampled_from(("field", "key")),
        retry=st.booleans(),
        becomes_valid=st.booleans(),
    )
    def sync_with_a_wrong_page_for_a_rejected_record(
        self, where: int, which: int, kind: Kind, how: str, *, retry: bool, becomes_valid: bool
    ) -> None:
        """Make a record unreadable, and answer the next request for it wrongly."""
        book, entry = self.simulation.entry(where, which)
        if entry is None or book.shape.feed == CONNECTIONS:
            return
        self.alter(book, entry, entry.content, "spoil" if how == "field" else "spoil beyond its key")
        self.simulation.log_event(f"{book.name}: {entry.key[-3:]}@{entry.place} becomes unreadable ({how})")
        self.simulation.sync(SyncRequest())
        if self._may_occur(book, kind):
            book.page_faults.append(Fault(kind))
            self.simulation.log_event(f"{book.name}: {kind}")
            self.simulation.sync(SyncRequest(retry=retry))
        if becomes_valid:
            entry.garbage = None
            self.simulation.log_event(f"{book.name}: {entry.key[-3:]}@{entry.place} becomes valid")

    def _may_occur(self, book: Book, kind: Kind) -> bool:
        if kind in (Kind.NUMBER, Kind.NUMBER_WITHIN):
            return Loss.GARBLED_NUMBER in self.losses
        if kind is Kind.PAGE_MAXIMUM:
            return Loss.PAGE_MAXIMUM in self.losses
        return kind is not Kind.EMPTY or Loss.EMPTY_ANSWER in self.losses or not book.had_garbage

    def _add_and_sync(self, where: int, more: int, names: tuple[int, ...]) -> None:
        if more:
            self.create(where, more, more % CONTENTS, more, 0)
        self.sync(names)

    @rule(where=PLACES, content=WORDS)
    def sync_with_a_late_number(self, where: int, content: int) -> None:
        """Serve a number after a higher one; the next walk that finds something new finds it too."""
        book = self.simulation.book(where)
        if book.shape.feed == CONNECTIONS or book.locked:
            return
        self.simulation.clear_faults()
        first = self.simulation.put(book, content, late=True)
        self.simulation.put(book, content)
        self.simulation.log_event(f"{book.name}: {first.place} is assigned and not served yet, {book.counter} is")
        self.simulation.sync(SyncRequest())
        first.late = False
        self.simulation.put(book, content)
        self.simulation.log_event(f"{book.name}: {first.place} is served now, and {book.counter}")
        self.simulation.sync(SyncRequest())

    def finish(self) -> None:
        """End all faults; after two syncs all tables equal the model."""
        for book in self.simulation.locked:
            self.serve_again(book)
        self.simulation.finish()

    def teardown(self) -> None:
        """Finish every example, and compare the tables."""
        if self.started is None:
            return
        try:
            if not self.simulation.has_failed:
                self.finish()
        finally:
            self.simulation.close()
