"""What the server holds: for each organization and feed a book of numbered records.

A book keeps Floriday's rules: one record stands at exactly one number, every change gives it a new and higher
one, numbers have gaps, and a page's maximum counts what a filter hides. Nothing here knows of HTTP.
"""

from __future__ import annotations

import random
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

import msgspec

from pipelines.sandbox.records.entries import EVERYTHING, NUMBER, Document, Entry, Key, Page, View, encode, numbered


class Book:
    """The records of one feed that one organization sees.

    Safe to use from several threads.

    Args:
        key: JSON names of the identifying fields.
        seed: what the gaps between numbers follow from.
        first: the number below which no record stands.
        widest_gap: the most by which a number is above the one before it; 1 for none.
        part: JSON name of the member that tells a record's part, for a feed that is read part by part.
        tells_numbers: whether the records themselves tell their numbers; those of a snapshot do not.
    """

    def __init__(
        self,
        key: tuple[str, ...],
        *,
        seed: str = "",
        first: int = 0,
        widest_gap: int = 9,
        part: str | None = None,
        tells_numbers: bool = True,
    ) -> None:
        self.key = key
        self.is_locked = False
        """Whether it is being rebuilt, and may not be read meanwhile."""
        self._part = part
        self._tells_numbers = tells_numbers
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
        filtered_by: Iterable[str] = (),
    ) -> int:
        """Store a record in place of the one with the same key, at a new number.

        Args:
            record: a document, in which the number is set, or JSON text (or what should pass for it), which is
                served exactly as it is.
            key: its identifying values, where they cannot be read from it.
            number: where it shall stand, above all others if not given.
            hidden: whether it is kept out of all pages.
            filtered_by: names of the post filters that keep it out of a page when they are on.

        Returns:
            The number at which it stands.

        Raises:
            ValueError: another record stands there already.
        """
        with self._lock:
            number = self.reserve() if number is None else number
            entry = self._entry(record, key, number)
            return self._place(replace(entry, hidden=hidden, filtered_by=frozenset(filtered_by)))

    def _entry(self, record: Mapping[str, Any] | bytes, key: Key | None, number: int) -> Entry:
        members = _members(record)
        part = members.get(self._part) if self._part else None
        return Entry(
            key=key or self._key_of(members) or (f"nameless {number}",),
            number=number,
            body=record if isinstance(record, bytes) else encode(self._numbered(record, number)),
            part=None if part is None else str(part),
        )

    def _numbered(self, record: Mapping[str, Any], number: int) -> Mapping[str, Any]:
        return {**record, NUMBER: number} if self._tells_numbers else record

    def _place(self, entry: Entry) -> int:
        standing = self._at.get(entry.number)
        if standing and standing.key != entry.key:
            raise ValueError(f"{standing.key} stands at {entry.number} already")
        self._take_out(entry.key)
        self._put_in(entry)
        return entry.number

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

    def _key_of(self, members: Mapping[str, Any]) -> Key | None:
        if any(name not in members for name in self.key):
            return None
        return tuple(str(members[name]) for name in self.key)

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
        body = numbered(entry.body, number) if self._tells_numbers else entry.body
        self._put_in(replace(entry, number=number, body=body))
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

    def page(self, after: int, limit: int, view: View = EVERYTHING, *, inclusive: bool = False) -> Page:
        """The records that stand above ``after``, ``limit`` of them before filtering.

        Args:
            after: the number asked for.
            limit: the page's size.
            view: what of the feed is asked for.
            inclusive: whether the record at ``after`` itself belongs to the page.
        """
        with self._lock:
            start = (bisect_left if inclusive else bisect_right)(self._numbers, after)
            above = (self._at[number] for number in islice(self._numbers, start, None))
            entries = list(islice(filter(view.counts, above), limit))
        return Page(entries[-1].number if entries else after, tuple(filter(view.shows, entries)))

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

    def standing(self) -> tuple[Entry, ...]:
        """All records, ascending, hidden ones included."""
        with self._lock:
            return tuple(self._at[number] for number in self._numbers)

    def documents(self) -> list[Document]:
        """:meth:`entries`, decoded."""
        return [entry.document for entry in self.entries()]


def _text(key: Iterable[object]) -> Key:
    return tuple(str(part) for part in key)


def _members(record: Mapping[str, Any] | bytes) -> Mapping[str, Any]:
    """The members of a record; none of what is no record."""
    if not isinstance(record, bytes):
        return record
    try:
        return msgspec.json.decode(record, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}


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
