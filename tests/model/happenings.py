"""What happens at Floriday, as steps of a random story; what the client does is in ``machine``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tests.model.client import Asked
from tests.model.faults import EVERY_LOSS, Loss
from tests.model.feeds import CONNECTIONS, CONTENTS, SUPPLIERS
from tests.model.floriday import Book, Entry
from tests.model.play import Play

PLACES = st.integers(0, 7)
"""Which of several, counted round."""
WORDS = st.integers(0, CONTENTS - 1)
HAPPENINGS = ("change", "change", "delete", "hide", "forget", "spoil", "spoil", "spoil beyond its key", "default")


class Happenings(RuleBasedStateMachine):
    """Floriday's side of the story."""

    losses: ClassVar[frozenset[Loss]] = EVERY_LOSS

    def __init__(self) -> None:
        super().__init__()
        self.begun: Play | None = None

    @property
    def play(self) -> Play:
        """The story, once it has begun."""
        assert self.begun is not None
        return self.begun

    def say(self, line: str) -> None:
        """Tell the story, where it ends badly."""
        note(line)

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
    @rule(where=PLACES, supplier=PLACES, content=WORDS, then=st.sampled_from(("sync by name", "die", "sync", "")))
    def connect(self, where: int, supplier: int, content: int, then: str = "") -> None:
        """A connection begins, or is revived; perhaps it is read at once, in one way or another."""
        accounts = list(self.play.world.accounts.values())
        self._connect(accounts[where % len(accounts)].books[CONNECTIONS], supplier, content)
        if then:
            names = (CONNECTIONS,) if then == "sync by name" else ()
            self.play.sync(Asked(names, dies_at=0 if then == "die" else None, dies_after=True))

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
            self.alter(book, entry, content, happens)
        self.play.tell(f"{book.name}: {happens} {entry.key[-3:]}@{entry.place}, which says {entry.content}")

    def _may_happen(self, book: Book, happens: str) -> bool:
        if happens == "default":
            return book.shape.has_defaults and Loss.DEFAULTS in self.losses
        if book.shape.feed == CONNECTIONS:
            return happens in ("change", "delete") or (happens.startswith("spoil") and Loss.WIDENED in self.losses)
        return happens != "delete" or book.shape.deletes

    @staticmethod
    def alter(book: Book, entry: Entry, content: int, happens: str) -> None:
        """Give a record another state, at a new number."""
        book.move(entry)
        entry.content = 0 if happens == "default" else content
        entry.deleted, entry.hidden = happens == "delete", happens == "hide"
        entry.is_default = happens == "default"
        entry.garbage = {"spoil": "field", "spoil beyond its key": "key"}.get(happens)
        book.had_garbage |= entry.garbage is not None

    @precondition(lambda self: self.play.has_garbage)
    @rule(where=PLACES, which=PLACES)
    def heal(self, where: int, which: int) -> None:
        """What could not be read is served as it should be, at the same number."""
        spoilt = [(book, one) for book in self.play.books_from(where) for one in book.standing() if one.garbage]
        if spoilt:
            book, entry = spoilt[which % len(spoilt)]
            entry.garbage = None
            self.play.tell(f"{book.name}: {entry.key[-3:]}@{entry.place} heals")

    @precondition(lambda self: self.play.may_lock)
    @rule(where=PLACES)
    def lock(self, where: int) -> None:
        """A feed is being rebuilt."""
        book = next((one for one in self.play.books_from(where) if one.shape.restarts and not one.locked), None)
        if book is not None:
            book.locked, book.lock_seen = True, False
            self.play.tell(f"{book.name}: is being rebuilt")

    @precondition(lambda self: self.play.may_lock or self.play.locked)
    @rule(where=PLACES, order=st.integers(0, 20), leaving=st.lists(PLACES, max_size=3), more=st.integers(0, 6))
    def restart(self, where: int, order: int, leaving: list[int], more: int) -> None:
        """A rebuilt feed is served: its numbers begin anew, some records may have left, others come.

        A client that did not see the rebuilding cannot know of it unless the maximum and the first page tell.
        """
        if not self.play.locked:
            self.lock(where)
        for book in self.play.locked[:1]:
            self.serve_again(book, order, leaving, more)

    def serve_again(self, book: Book, order: int = 0, leaving: Sequence[int] = (), more: int = 0) -> None:
        """End the rebuilding of a feed."""
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
