"""The model: what Floriday promises about a change feed, in plain Python and independent of the product.

A record exists only at its newest number. A page holds the next records after a number, cut before anything is
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
    """The state of a record: its number, its content, and whether it is deleted."""

    number: int
    content: int
    deleted: bool

    @property
    def content_state(self) -> tuple[int, bool]:
        """The state without the number, because a new number alone makes no new version."""
        return self.content, self.deleted


@dataclass
class Entry:
    """A record on the server.

    Args:
        key: id of the record.
        place: sequence number of the record.
        content: content as a small number.
        supplier: organization id of its supplier.
        deleted: whether it is marked as deleted.
        hidden: whether a filter removes it from the pages.
        garbage: the part that cannot be read, ``field`` or ``key``; None for a valid record.
        is_default: whether its sequence number is 0, whatever its place.
        late: whether its number is assigned but not served yet.
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
        """The state that a client must store."""
        return State(0 if self.is_default else self.place, self.content, self.deleted)


@dataclass
class Answer:
    """A page: its maximum, and its records in ascending order."""

    maximum: int
    entries: list[Entry]


@dataclass
class Book:
    """A feed of an account.

    Args:
        shape: properties of its records.
        account: account that reads the feed.
        size: number of records in a full page.
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
        """Account and feed for messages."""
        return f"{self.account.name} {self.shape.feed}"

    @property
    def is_quiet(self) -> bool:
        """Whether no fault is planned."""
        return not (
            self.page_faults or self.maximum_faults or self.locked or any(e.late for e in self.entries.values())
        )

    def next_number(self) -> int:
        """Return the next sequence number."""
        self.counter += 1
        return self.counter

    def numbered(self, part: str | None = None) -> list[Entry]:
        """Return the records with a served number in ascending order, also hidden ones; of one supplier or of all."""
        found = [entry for entry in self.entries.values() if not entry.late and part in (None, entry.supplier)]
        return sorted(found, key=lambda entry: entry.place)

    def maximum(self, part: str | None = None) -> int:
        """Return the highest served number."""
        return max((entry.place for entry in self.numbered(part)), default=0)

    def is_visible(self, entry: Entry) -> bool:
        """Return whether a record is served to the account."""
        if entry.late or entry.hidden:
            return False
        return not (self.shape.needs_connection or self.shape.in_parts) or entry.supplier in self.account.connected

    def is_reachable(self, entry: Entry) -> bool:
        """Return whether a record is served and the client can read the connection that it depends on."""
        depends = self.shape.needs_connection or self.shape.in_parts
        return self.is_visible(entry) and not (depends and entry.supplier in self.account.uncertain)

    def is_readable(self, entry: Entry) -> bool:
        """Return whether the client can read a record."""
        return self.is_reachable(entry) and not entry.garbage

    def page(self, after: int, part: str | None, *, inclusive: bool) -> Answer:
        """Return the page after a number."""
        cut = [
            entry for entry in self.numbered(part) if entry.place > after or (inclusive and entry.place == after > 0)
        ]
        cut = cut[: self.size]
        return Answer(cut[-1].place if cut else after, [entry for entry in cut if self.is_visible(entry)])

    def note_served(self) -> None:
        """Remember every state that could be read."""
        self.highest = max(self.highest, self.maximum())
        for entry in self.entries.values():
            if self.is_visible(entry) and entry.garbage is None:
                states = self.served.setdefault(entry.key, [])
                if not states or states[-1] != entry.state:
                    states.append(entry.state)

    def put(self, key: str, content: int, supplier: str, *, hidden: bool = False, late: bool = False) -> Entry:
        """Create or replace a record."""
        self.entries[key] = Entry(key, self.next_number(), content, supplier, hidden=hidden, late=late)
        return self.entries[key]

    def move(self, entry: Entry) -> None:
        """Assign a new number to a record."""
        entry.place = self.next_number()
        entry.is_default = False

    def restart(self, seed: int, leaving: Iterable[Entry]) -> None:
        """Remove some records, and renumber the others from 1 in random order."""
        for entry in leaving:
            del self.entries[entry.key]
        self.counter, self.highest = 0, 0
        self.series += 1
        entries = list(self.entries.values())
        Random(seed).shuffle(entries)
        for entry in entries:
            self.move(entry)

    def after_restart(self, seed: int, leaving: Iterable[str]) -> Book:
        """Return a copy of the feed as a restart would leave it."""
        restarted = replace(self, entries={key: replace(entry) for key, entry in self.entries.items()})
        restarted.restart(seed, [restarted.entries[key] for key in leaving])
        return restarted

    def body(self, entry: Entry, number: int | None = None) -> JsonObject:
        """Return a record as it is served, perhaps with a wrong number."""
        state = entry.state
        served_number = state.number if number is None else number
        made = self.shape.payload(entry.key, served_number, entry.content, entry.supplier, deleted=entry.deleted)
        if entry.garbage == "key":
            made[self.shape.key] = {"not": "an id"}
        if entry.garbage == "field":
            made.update({name: ["not", "readable"] for name in self.shape.content(entry.content)})
        return made


@dataclass
class Account:
    """An account of a customer."""

    name: str
    place: int
    books: dict[str, Book] = field(default_factory=dict)

    @property
    def organization(self) -> str:
        """Organization id of the account."""
        return identity(0x1000 + self.place)

    @property
    def uncertain(self) -> frozenset[str]:
        """Suppliers whose connection cannot be read."""
        books = self.books
        entries = books[CONNECTIONS].entries.values() if CONNECTIONS in books else ()
        return frozenset(entry.key for entry in entries if entry.garbage)

    @property
    def connected(self) -> frozenset[str]:
        """Suppliers that the account is connected with; all of them if the feed of connections is not simulated."""
        if CONNECTIONS not in self.books:
            return frozenset(SUPPLIERS)
        entries = self.books[CONNECTIONS].entries.values()
        return frozenset(entry.key for entry in entries if not (entry.deleted or entry.late or entry.hidden))


@dataclass
class World:
    """All accounts.

    Args:
        accounts: accounts of the world, by name.
        inclusive: whether the record at the requested number is served again.
        empty_maximum_is_zero: whether an empty page has the maximum 0 instead of the requested number.
    """

    accounts: dict[str, Account]
    inclusive: bool = False
    empty_maximum_is_zero: bool = False

    @staticmethod
    def of(feeds: Iterable[str], accounts: int, page: int) -> World:
        """Return a server without records."""
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

    def description(self) -> Iterator[str]:
        """Yield one line for each feed, with all records that have a number."""
        for book in self.books:
            rows = ", ".join(
                f"{entry.key[-3:]}@{entry.place}={entry.content}"
                + "".join(
                    mark
                    for mark, is_set in (
                        (" deleted", entry.deleted),
                        (" hidden", entry.hidden),
                        (f" garbage {entry.garbage}", entry.garbage),
                        (" not visible", not entry.hidden and not book.is_visible(entry)),
                        (" default", entry.is_default),
                    )
                    if is_set
                )
                for entry in book.numbered()
            )
            yield f"{book.name} at {book.maximum()}{' LOCKED' if book.locked else ''}: {rows or 'nothing'}"
