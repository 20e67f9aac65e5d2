"""The model: what Floriday promises of a change feed, in plain Python, apart from the code under test.

A record stands at one number, its newest. A page after a number holds the next numbers, cut before anything is
filtered; its maximum is the highest number before filtering. Nothing here knows how the client works.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from random import Random

from tests.model.faults import Fault
from tests.model.feeds import CONNECTIONS, SHAPES, SUPPLIERS, JsonObject, Shape, identity


@dataclass(frozen=True)
class State:
    """What a record says: its number, its content, and whether it is deleted."""

    number: int
    content: int
    deleted: bool

    @property
    def said(self) -> tuple[int, bool]:
        """Without the number, which is no reason for a new version."""
        return self.content, self.deleted


@dataclass
class Entry:
    """A record as Floriday has it.

    Args:
        key: its id.
        place: its number.
        content: what it says.
        supplier: whose it is.
        deleted: whether it says that it is deleted.
        hidden: whether a filter takes it out of the pages.
        garbage: whether no valid record is served: ``field`` or ``key`` cannot be read.
        is_default: whether it carries the number 0 wherever it stands.
        late: whether its number is given but not served yet.
    """

    key: str
    place: int
    content: int
    supplier: str
    deleted: bool = False
    hidden: bool = False
    garbage: str | None = None
    is_default: bool = False
    late: bool = False

    @property
    def state(self) -> State:
        """What a reader is to store."""
        return State(0 if self.is_default else self.place, self.content, self.deleted)


@dataclass
class Answer:
    """A page: its maximum, and its records in the order of their numbers."""

    maximum: int
    entries: list[Entry]


@dataclass
class Book:
    """A feed of an account.

    Args:
        shape: of its records.
        account: whose.
        size: records of a full page.
        connected: the suppliers whose records are in view; asked anew each time.
    """

    shape: Shape
    account: Account
    size: int
    entries: dict[str, Entry] = field(default_factory=dict)
    counter: int = 0
    highest: int = 0
    series: int = 1
    locked: bool = False
    lock_seen: bool = False
    served: dict[str, list[State]] = field(default_factory=dict)
    page_faults: list[Fault] = field(default_factory=list)
    maximum_faults: list[Fault] = field(default_factory=list)
    struck: int = 0
    had_garbage: bool = False

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.account.name} {self.shape.feed}"

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is going to go wrong."""
        return not (
            self.page_faults or self.maximum_faults or self.locked or any(e.late for e in self.entries.values())
        )

    def next_number(self) -> int:
        """A number that was not given before."""
        self.counter += 1
        return self.counter

    def standing(self, part: str | None = None) -> list[Entry]:
        """What has a number that is served, in its order, hidden or not; of one supplier only, or of all."""
        found = [one for one in self.entries.values() if not one.late and part in (None, one.supplier)]
        return sorted(found, key=lambda one: one.place)

    def maximum(self, part: str | None = None) -> int:
        """The highest number that is served."""
        return max((one.place for one in self.standing(part)), default=0)

    def shows(self, entry: Entry) -> bool:
        """Whether a reader may see a record."""
        if entry.late or entry.hidden:
            return False
        return not (self.shape.widened or self.shape.in_parts) or entry.supplier in self.account.connected

    def reaches(self, entry: Entry) -> bool:
        """Whether a reader can know of a record: it is shown, and the reader knows the connection that shows it."""
        depends = self.shape.widened or self.shape.in_parts
        return self.shows(entry) and not (depends and entry.supplier in self.account.uncertain)

    def tells(self, entry: Entry) -> bool:
        """Whether a reader can know what a record says."""
        return self.reaches(entry) and not entry.garbage

    def page(self, after: int, part: str | None, *, inclusive: bool) -> Answer:
        """The page after a number."""
        cut = [one for one in self.standing(part) if one.place > after or (inclusive and one.place == after > 0)]
        cut = cut[: self.size]
        return Answer(cut[-1].place if cut else after, [one for one in cut if self.shows(one)])

    def note_served(self) -> None:
        """Remember every state that could be read."""
        self.highest = max(self.highest, self.maximum())
        for one in self.entries.values():
            if self.shows(one) and one.garbage is None:
                states = self.served.setdefault(one.key, [])
                if not states or states[-1] != one.state:
                    states.append(one.state)

    def put(self, key: str, content: int, supplier: str, *, hidden: bool = False, late: bool = False) -> Entry:
        """A record, new or anew."""
        self.entries[key] = Entry(key, self.next_number(), content, supplier, hidden=hidden, late=late)
        return self.entries[key]

    def move(self, entry: Entry) -> None:
        """Give a record a new number."""
        entry.place = self.next_number()
        entry.is_default = False

    def restart(self, seed: int, leaving: Iterable[Entry]) -> None:
        """Number what stands anew, from 1, in any order; some records leave."""
        for entry in leaving:
            del self.entries[entry.key]
        self.counter, self.highest = 0, 0
        self.series += 1
        entries = list(self.entries.values())
        Random(seed).shuffle(entries)
        for entry in entries:
            self.move(entry)

    def rehearsed(self, seed: int, leaving: Iterable[str]) -> Book:
        """The book as a restart would leave it."""
        anew = replace(self, entries={key: replace(one) for key, one in self.entries.items()})
        anew.restart(seed, [anew.entries[key] for key in leaving])
        return anew

    def body(self, entry: Entry, number: int | None = None) -> JsonObject:
        """A record as it is served, perhaps under a number that is wrong."""
        state = entry.state
        told = state.number if number is None else number
        made = self.shape.payload(entry.key, told, entry.content, entry.supplier, deleted=entry.deleted)
        if entry.garbage == "key":
            made[self.shape.key] = {"not": "an id"}
        if entry.garbage == "field":
            made.update({name: ["not", "readable"] for name in self.shape.content(entry.content)})
        return made


@dataclass
class Account:
    """A buyer."""

    name: str
    place: int
    books: dict[str, Book] = field(default_factory=dict)

    @property
    def organization(self) -> str:
        """Its organization's id."""
        return identity(0x1000 + self.place)

    @property
    def uncertain(self) -> frozenset[str]:
        """The suppliers whose connection a reader cannot make out."""
        books = self.books
        entries = books[CONNECTIONS].entries.values() if CONNECTIONS in books else ()
        return frozenset(one.key for one in entries if one.garbage)

    @property
    def connected(self) -> frozenset[str]:
        """The suppliers that it is connected with; all of them where connections are not part of the play."""
        if CONNECTIONS not in self.books:
            return frozenset(SUPPLIERS)
        entries = self.books[CONNECTIONS].entries.values()
        return frozenset(one.key for one in entries if not (one.deleted or one.late or one.hidden))


@dataclass
class World:
    """All accounts.

    Args:
        inclusive: whether the record at the number asked with is served again.
        empty_says_zero: whether an empty page has the maximum 0 instead of the number asked with.
    """

    accounts: dict[str, Account]
    inclusive: bool = False
    empty_says_zero: bool = False

    @staticmethod
    def of(feeds: Iterable[str], accounts: int, page: int) -> World:
        """A world without a record."""
        world = World({name: Account(name, place) for place, name in enumerate(("main", "second")[:accounts])})
        for account in world.accounts.values():
            account.books = {name: Book(SHAPES[name], account, page) for name in feeds}
        return world

    @property
    def books(self) -> list[Book]:
        """All feeds of all accounts."""
        return [book for account in self.accounts.values() for book in account.books.values()]

    def note_served(self) -> None:
        """Remember every state that could be read."""
        for book in self.books:
            book.note_served()

    def told(self) -> Iterator[str]:
        """All that stands, one line each, for people."""
        for book in self.books:
            rows = ", ".join(
                f"{one.key[-3:]}@{one.place}={one.content}"
                + "".join(
                    mark
                    for mark, is_so in (
                        (" deleted", one.deleted),
                        (" hidden", one.hidden),
                        (f" garbage {one.garbage}", one.garbage),
                        (" out of view", not one.hidden and not book.shows(one)),
                        (" default", one.is_default),
                    )
                    if is_so
                )
                for one in book.standing()
            )
            yield f"{book.name} at {book.maximum()}{' LOCKED' if book.locked else ''}: {rows or 'nothing'}"
