"""What the server holds: for each organization and feed a book of numbered records.

A book keeps Floriday's rules (R§4): one record stands at exactly one number, every change gives it a new and higher
one, numbers have gaps, and a page's maximum counts what a filter hides. Nothing here knows of HTTP.
"""

from __future__ import annotations

import random
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import msgspec

Key = tuple[str, ...]
Document = dict[str, Any]

_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = msgspec.json.Decoder(Document, float_hook=Decimal)
_raw_members = msgspec.json.Decoder(dict[str, msgspec.Raw])

NUMBER = "sequenceNumber"


@dataclass(frozen=True, slots=True)
class Entry:
    """A record as it is served.

    Args:
        key: its identifying values, as text.
        number: the number at which it stands.
        body: its JSON text.
        hidden: whether a filter keeps it out of every page; it still counts for the page's maximum.
    """

    key: Key
    number: int
    body: bytes
    hidden: bool = False

    @property
    def document(self) -> Document:
        """The record, decoded; numbers with a fraction are decimals."""
        return _decoder.decode(self.body)


@dataclass(frozen=True, slots=True)
class Page:
    """A page before it becomes JSON.

    Args:
        maximum: the highest number on it before filtering, or the number that was asked for if nothing stands above.
        entries: what it shows, ascending.
    """

    maximum: int
    entries: tuple[Entry, ...]

    def encode(self) -> bytes:
        """The answer's body."""
        results = b",".join([entry.body for entry in self.entries])
        return b'{"maximumSequenceNumber":%d,"results":[%b]}' % (self.maximum, results)


class Book:
    """The records of one feed that one organization sees.

    Safe to use from several threads.

    Args:
        key: JSON names of the identifying fields.
        seed: what the gaps between numbers follow from.
        first: the number below which no record stands.
        widest_gap: the most by which a number is above the one before it; 1 for none.
    """

    def __init__(self, key: tuple[str, ...], *, seed: str = "", first: int = 0, widest_gap: int = 9) -> None:
        self.key = key
        self._random = random.Random(f"gaps/{seed}")
        self._widest_gap = widest_gap
        self._head = first
        self._numbers: list[int] = []
        self._at: dict[int, Entry] = {}
        self._by_key: dict[Key, Entry] = {}
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return len(self._numbers)

    @property
    def maximum(self) -> int:
        """The highest number at which a record stands, hidden ones included; 0 in an empty book."""
        with self._lock:
            return self._numbers[-1] if self._numbers else 0

    def reserve(self) -> int:
        """Take the next number without showing anything there: what is put there later appears late."""
        with self._lock:
            self._head += self._random.randint(1, self._widest_gap)
            return self._head

    def put(
        self,
        record: Mapping[str, Any] | bytes,
        *,
        key: Key | None = None,
        number: int | None = None,
        hidden: bool = False,
    ) -> int:
        """Store a record in place of the one with the same key, at a new number.

        Args:
            record: a document, in which the number is set, or JSON text (or what should pass for it), which is
                served exactly as it is.
            key: its identifying values, where they cannot be read from it.
            number: where it shall stand, above all others if not given.
            hidden: whether a filter keeps it out of the pages.

        Returns:
            The number at which it stands.

        Raises:
            ValueError: another record stands there already.
        """
        with self._lock:
            return self._place(record, key, self.reserve() if number is None else number, hidden=hidden)

    def _place(self, record: Mapping[str, Any] | bytes, key: Key | None, number: int, *, hidden: bool) -> int:
        body = record if isinstance(record, bytes) else _encoder.encode({**record, NUMBER: number})
        entry = Entry(key or self._key_of(record) or (f"nameless {number}",), number, body, hidden)
        standing = self._at.get(number)
        if standing and standing.key != entry.key:
            raise ValueError(f"{standing.key} stands at {number} already")
        self._take_out(entry.key)
        self._put_in(entry)
        return number

    def _put_in(self, entry: Entry) -> None:
        if not self._numbers or entry.number > self._numbers[-1]:
            self._numbers.append(entry.number)
        else:
            self._numbers.insert(bisect_left(self._numbers, entry.number), entry.number)
        self._head = max(self._head, entry.number)
        self._at[entry.number] = entry
        self._by_key[entry.key] = entry

    def _take_out(self, key: Key) -> Entry | None:
        entry = self._by_key.pop(key, None)
        if entry:
            del self._numbers[bisect_left(self._numbers, entry.number)]
            del self._at[entry.number]
        return entry

    def _key_of(self, record: Mapping[str, Any] | bytes) -> Key | None:
        try:
            members = msgspec.json.decode(record) if isinstance(record, bytes) else record
            return tuple(str(members[name]) for name in self.key)
        except (msgspec.DecodeError, KeyError, TypeError, UnicodeDecodeError):
            return None

    def remove(self, *key: object) -> None:
        """Stop serving a record, without a trace: what retention does.

        Raises:
            KeyError: there is none with that key.
        """
        with self._lock:
            if not self._take_out(_text(key)):
                raise KeyError(key)

    def renumber(self, *key: object) -> int:
        """Give a record a new number and leave its content as it is; returns the number."""
        with self._lock:
            entry = self._by_key[_text(key)]
            return self._move(entry, self.reserve())

    def _move(self, entry: Entry, number: int) -> int:
        self._take_out(entry.key)
        self._put_in(replace(entry, number=number, body=_numbered(entry.body, number)))
        return number

    def hide(self, *key: object) -> None:
        """Let a filter keep a record out of the pages, at the number where it stands."""
        self._set_hidden(_text(key), hidden=True)

    def show(self, *key: object) -> None:
        """Let a record pass the filter again, at the number where it stands."""
        self._set_hidden(_text(key), hidden=False)

    def _set_hidden(self, key: Key, *, hidden: bool) -> None:
        with self._lock:
            entry = replace(self._by_key[key], hidden=hidden)
            self._at[entry.number] = self._by_key[key] = entry

    def restart(self, first: int = 0) -> None:
        """Number all records anew from ``first`` on, in the order in which they stand."""
        with self._lock:
            self._head = first
            entries = [self._at[number] for number in self._numbers]
            self._numbers.clear()
            self._at.clear()
            self._by_key.clear()
            for entry in entries:
                self._move(entry, self.reserve())

    def page(self, after: int, limit: int, *, inclusive: bool = False) -> Page:
        """The records that stand above ``after``, ``limit`` of them before filtering.

        Args:
            after: the number asked for.
            limit: the page's size.
            inclusive: whether the record at ``after`` itself belongs to the page.
        """
        with self._lock:
            start = (bisect_left if inclusive else bisect_right)(self._numbers, after)
            numbers = self._numbers[start : start + limit]
            entries = [self._at[number] for number in numbers]
        return Page(numbers[-1] if numbers else after, tuple(entry for entry in entries if not entry.hidden))

    def page_before(self, number: int, limit: int) -> Page:
        """The page that ends with the last record at or below ``number``."""
        with self._lock:
            start = max(0, bisect_right(self._numbers, number) - limit)
            return self.page(self._numbers[start] - 1 if self._numbers else number, limit)

    def get(self, *key: object) -> Entry | None:
        """The record with that key, or None; hidden ones are none."""
        entry = self._by_key.get(_text(key))
        return entry if entry and not entry.hidden else None

    def entries(self) -> tuple[Entry, ...]:
        """All that a complete walk would serve, ascending."""
        with self._lock:
            return tuple(entry for number in self._numbers if not (entry := self._at[number]).hidden)

    def documents(self) -> list[Document]:
        """:meth:`entries`, decoded."""
        return [entry.document for entry in self.entries()]


def _text(key: Iterable[object]) -> Key:
    return tuple(str(part) for part in key)


def _numbered(body: bytes, number: int) -> bytes:
    """The record with another number and every other member as it was; what is no record stays as it is."""
    try:
        members = _raw_members.decode(body)
    except msgspec.DecodeError:
        return body
    members[NUMBER] = msgspec.Raw(str(number).encode())
    return _encoder.encode(members)


class Books:
    """All books, made when they are first asked for.

    Args:
        make: makes the book of an organization and a feed.
        shared: feeds of which all organizations see the same book.
    """

    def __init__(self, make: Callable[[str, str], Book], shared: frozenset[str] = frozenset()) -> None:
        self._make = make
        self._shared = shared
        self._books: dict[tuple[str, str], Book] = {}
        self._lock = threading.Lock()

    def book(self, organization: str, feed: str) -> Book:
        """The book of an organization (its id) and a feed (``schema.table``)."""
        place = ("" if feed in self._shared else organization, feed)
        with self._lock:
            if place not in self._books:
                self._books[place] = self._make(*place)
            return self._books[place]

    def __iter__(self) -> Iterator[tuple[str, Book]]:
        """Every book with its feed's name."""
        with self._lock:
            books = list(self._books.items())
        return iter([(feed, book) for (_, feed), book in books])
