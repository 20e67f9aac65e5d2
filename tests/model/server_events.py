"""Random events at Floriday, as rules of a state machine; the events of the client are in ``machine``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tests.model.client import SyncRequest
from tests.model.faults import EVERY_LOSS, Loss
from tests.model.feeds import CONNECTIONS, CONTENTS, SUPPLIERS
from tests.model.floriday import Book, Entry
from tests.model.simulation import Simulation

PLACES = st.integers(0, 7)
"""Index of one of several; it wraps around."""
WORDS = st.integers(0, CONTENTS - 1)
CHANGES = ("change", "change", "delete", "hide", "forget", "spoil", "spoil", "spoil beyond its key", "default")


class ServerEvents(RuleBasedStateMachine):
    """The rules for Floriday's side."""

    losses: ClassVar[frozenset[Loss]] = EVERY_LOSS

    def __init__(self) -> None:
        super().__init__()
        self.started: Simulation | None = None

    @property
    def simulation(self) -> Simulation:
        """The simulation, after it was started."""
        assert self.started is not None
        return self.started

    def log(self, line: str) -> None:
        """Record a line, which hypothesis prints if the example fails."""
        note(line)

    @rule(where=PLACES, count=st.integers(1, 7), content=WORDS, supplier=PLACES, hidden=st.sampled_from((0, 0, 1, 2)))
    def create(self, where: int, count: int, content: int, supplier: int, hidden: int) -> None:
        """Create some records, or a connection."""
        book = self.simulation.book(where)
        if book.shape.feed == CONNECTIONS:
            self._connect(book, supplier, content)
        elif not book.locked:
            self.simulation.fill(book, count, content, supplier, hidden)
            self.simulation.log_event(f"{book.name}: {count} new up to {book.counter}")

    @precondition(lambda self: CONNECTIONS in self.simulation.feeds)
    @rule(where=PLACES, supplier=PLACES, content=WORDS, then=st.sampled_from(("sync by name", "crash", "sync", "")))
    def connect(self, where: int, supplier: int, content: int, then: str = "") -> None:
        """Create or renew a connection; perhaps a sync follows."""
        accounts = list(self.simulation.world.accounts.values())
        self._connect(accounts[where % len(accounts)].books[CONNECTIONS], supplier, content)
        if then:
            names = (CONNECTIONS,) if then == "sync by name" else ()
            self.simulation.sync(SyncRequest(names, crashes_at=0 if then == "crash" else None, crashes_after=True))

    def _connect(self, book: Book, supplier: int, content: int) -> None:
        key = SUPPLIERS[supplier % len(SUPPLIERS)]
        book.put(key, content, key)
        self.simulation.log_event(f"{book.name}: connected with {key[-3:]}@{book.counter}")

    @rule(where=PLACES, which=PLACES, content=WORDS, change=st.sampled_from(CHANGES))
    def change_record(self, where: int, which: int, content: int, change: str) -> None:
        """Change a random record."""
        book, entry = self.simulation.entry(where, which)
        if entry is None or not self._may_change(book, change):
            return
        if change == "forget":
            del book.entries[entry.key]
        else:
            self.alter(book, entry, content, change)
        self.simulation.log_event(f"{book.name}: {change} {entry.key[-3:]}@{entry.place} with content {entry.content}")

    def _may_change(self, book: Book, change: str) -> bool:
        if change == "default":
            return book.shape.has_defaults and Loss.DEFAULTS in self.losses
        if book.shape.feed == CONNECTIONS:
            return change in ("change", "delete") or (change.startswith("spoil") and Loss.NEW_CONNECTION in self.losses)
        return change != "delete" or book.shape.deletes

    @staticmethod
    def alter(book: Book, entry: Entry, content: int, change: str) -> None:
        """Give a record another state and a new number."""
        book.move(entry)
        entry.content = 0 if change == "default" else content
        entry.deleted, entry.hidden = change == "delete", change == "hide"
        entry.is_default = change == "default"
        entry.garbage = {"spoil": "field", "spoil beyond its key": "key"}.get(change)
        book.had_garbage |= entry.garbage is not None

    @precondition(lambda self: self.simulation.has_garbage)
    @rule(where=PLACES, which=PLACES)
    def repair(self, where: int, which: int) -> None:
        """Make an unreadable record valid at the same number."""
        unreadable = [
            (book, entry) for book in self.simulation.books_from(where) for entry in book.numbered() if entry.garbage
        ]
        if unreadable:
            book, entry = unreadable[which % len(unreadable)]
            entry.garbage = None
            self.simulation.log_event(f"{book.name}: {entry.key[-3:]}@{entry.place} becomes valid")

    @precondition(lambda self: self.simulation.may_lock)
    @rule(where=PLACES)
    def lock(self, where: int) -> None:
        """Start to rebuild a feed; it answers with status 423 meanwhile."""
        book = next(
            (each for each in self.simulation.books_from(where) if each.shape.restarts and not each.locked), None
        )
        if book is not None:
            book.locked, book.lock_seen = True, False
            self.simulation.log_event(f"{book.name}: status 423")

    @precondition(lambda self: self.simulation.may_lock or self.simulation.locked)
    @rule(where=PLACES, order=st.integers(0, 20), leaving=st.lists(PLACES, max_size=3), more=st.integers(0, 6))
    def restart(self, where: int, order: int, leaving: list[int], more: int) -> None:
        """Serve a rebuilt feed: its numbering restarts, and records may have left or arrived.

        A client that did not see status 423 cannot know of it unless the maximum and the first page show it.
        """
        if not self.simulation.locked:
            self.lock(where)
        for book in self.simulation.locked[:1]:
            self.serve_again(book, order, leaving, more)

    def serve_again(self, book: Book, order: int = 0, leaving: Sequence[int] = (), more: int = 0) -> None:
        """End the rebuilding of a feed."""
        records = book.numbered() if book.shape.selection else []
        leavers = {records[place % len(records)].key: records[place % len(records)] for place in leaving if records}
        is_visible = self._shows_restart(book, order, list(leavers))
        if Loss.UNSEEN_RESTART in self.losses and not book.lock_seen and not is_visible:
            self.simulation.sync(SyncRequest())
        book.locked = False
        if not is_visible and not (book.lock_seen and Loss.UNSEEN_RESTART in self.losses):
            return
        book.restart(order, leavers.values())
        if book.lock_seen and Loss.UNSEEN_RESTART in self.losses:
            self.simulation.fill(book, more, 1)
        self.simulation.log_event(f"{book.name}: restarts, {len(leavers)} left, up to {book.counter}")
        if not book.lock_seen or not {Loss.UNSEEN_RESTART, Loss.SELECTION_CUT} <= self.losses:
            self.simulation.clear_faults()
            self.simulation.sync(SyncRequest())

    def _shows_restart(self, book: Book, order: int, leaving: list[str]) -> bool:
        """Return whether the maximum and the first page will prove a restart."""
        if not self.simulation.knows_connections(book.account.name):
            return False
        restarted = book.after_restart(order, leaving)
        numbers = self.simulation.stored_numbers(book)
        first = [entry for entry in restarted.page(0, None, inclusive=False).entries if not entry.garbage]
        return restarted.maximum() < self.simulation.cursor(book) and any(
            numbers.get(entry.key, 0) > entry.place for entry in first
        )
