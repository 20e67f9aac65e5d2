"""The records of each organization and feed, with Floriday's rules for sequence numbers.

Each record has one number. Each change gives it a new and higher one. Numbers have gaps. The maximum of a page counts
the records that a filter removes, too. No HTTP.
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
    """The records of one feed that one organization sees. Safe to use from several threads.

    Args:
        key: JSON names of the identifying fields.
        seed: seed of the gaps between the numbers.
        first: all numbers are above this one.
        widest_gap: largest difference between two numbers; 1 for no gaps.
        part: JSON name of the member with the sub-feed, for a feed that is read in parts.
        is_numbered: whether the records contain their numbers; those of a snapshot do not.
    """

    def __init__(
        self,
        key: tuple[str, ...],
        *,
        seed: str = "",
        first: int = 0,
        widest_gap: int = 9,
        part: str | None = None,
        is_numbered: bool = True,
    ) -> None:
        self.key = key
        self.is_locked = False
        """Whether it is being rebuilt and cannot be read meanwhile."""
        self._part = part
        self._is_numbered = is_numbered
        self._random = random.Random(f"gaps/{seed}")
        self._widest_gap = widest_gap
        self._last_number = first
        self._numbers: list[int] = []
        self._by_number: dict[int, Entry] = {}
        self._by_key: dict[Key, Entry] = {}
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return len(self._numbers)

    @property
    def maximum(self) -> int:
        """The highest number of a record, hidden ones included; 0 for an empty book."""
        with self._lock:
            return self._numbers[-1] if self._numbers else 0

    def reserve(self) -> int:
        """Take the next number without a record; a record that is put at it later appears late."""
        with self._lock:
            self._last_number += self._random.randint(1, self._widest_gap)
            return self._last_number

    def put(
        self,
        record: Mapping[str, Any] | bytes,
        *,
        key: Key | None = None,
        number: int | None = None,
        hidden: bool = False,
        filtered_by: Iterable[str] = (),
    ) -> int:
        """Insert or replace a record, at a new number.

        Args:
            record: document, in which the number is set; or JSON text (or any bytes), which is served unchanged.
            key: values of the identifying fields, if the record does not contain them.
            number: sequence number of the record; None for one above all others.
            hidden: whether no page contains it.
            filtered_by: names of the post filters that remove it from a page when they are on.

        Returns:
            The record's number.

        Raises:
            ValueError: another record has that number.
        """
        with self._lock:
            number = self.reserve() if number is None else number
            entry = self._entry(record, key, number)
            return self._replace(replace(entry, hidden=hidden, filtered_by=frozenset(filtered_by)))

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
        return {**record, NUMBER: number} if self._is_numbered else record

    def _replace(self, entry: Entry) -> int:
        present = self._by_number.get(entry.number)
        if present and present.key != entry.key:
            raise ValueError(f"{present.key} has the number {entry.number} already")
        self._delete(entry.key)
        self._insert(entry)
        return entry.number

    def _insert(self, entry: Entry) -> None:
        if not self._numbers or entry.number > self._numbers[-1]:
            self._numbers.append(entry.number)
        else:
            self._numbers.insert(bisect_left(self._numbers, entry.number), entry.number)
        self._last_number = max(self._last_number, entry.number)
        self._by_number[entry.number] = entry
        self._by_key[entry.key] = entry

    def _delete(self, key: Key) -> Entry | None:
        entry = self._by_key.pop(key, None)
        if entry:
            del self._numbers[bisect_left(self._numbers, entry.number)]
            del self._by_number[entry.number]
        return entry

    def _key_of(self, members: Mapping[str, Any]) -> Key | None:
        if any(name not in members for name in self.key):
            return None
        return tuple(str(members[name]) for name in self.key)

    def remove(self, *key: object) -> None:
        """Delete a record without a tombstone, as Floriday's retention does.

        Raises:
            KeyError: no record has this key.
        """
        with self._lock:
            if not self._delete(_text(key)):
                raise KeyError(key)

    def renumber(self, *key: object) -> int:
        """Give a record a new number, without a change of its content; returns the number."""
        with self._lock:
            entry = self._by_key[_text(key)]
            return self._move(entry, self.reserve())

    def _move(self, entry: Entry, number: int) -> int:
        self._delete(entry.key)
        body = numbered(entry.body, number) if self._is_numbered else entry.body
        self._insert(replace(entry, number=number, body=body))
        return number

    def hide(self, *key: object) -> None:
        """Remove a record from the pages, at an unchanged number."""
        self._set_hidden(_text(key), hidden=True)

    def show(self, *key: object) -> None:
        """Undo :meth:`hide`, at an unchanged number."""
        self._set_hidden(_text(key), hidden=False)

    def _set_hidden(self, key: Key, *, hidden: bool) -> None:
        with self._lock:
            entry = replace(self._by_key[key], hidden=hidden)
            self._by_number[entry.number] = self._by_key[key] = entry

    def restart(self, first: int = 0) -> None:
        """Give all records new numbers above ``first``, in the same order."""
        with self._lock:
            self._last_number = first
            entries = [self._by_number[number] for number in self._numbers]
            self._numbers.clear()
            self._by_number.clear()
            self._by_key.clear()
            for entry in entries:
                self._move(entry, self.reserve())

    def page(self, after: int, limit: int, view: View = EVERYTHING, *, inclusive: bool = False) -> Page:
        """The next ``limit`` records above ``after``, counted before filtering.

        Args:
            after: sequence number that was requested.
            limit: maximum number of records on the page.
            view: part of the feed, and filters, that were requested.
            inclusive: whether the record at ``after`` itself belongs to the page.
        """
        with self._lock:
            start = (bisect_left if inclusive else bisect_right)(self._numbers, after)
            above = (self._by_number[number] for number in islice(self._numbers, start, None))
            entries = list(islice(filter(view.counts, above), limit))
        return Page(entries[-1].number if entries else after, tuple(filter(view.shows, entries)))

    def page_before(self, number: int, limit: int) -> Page:
        """The page that ends with the last record at or below ``number``."""
        with self._lock:
            start = max(0, bisect_right(self._numbers, number) - limit)
            return self.page(self._numbers[start] - 1 if self._numbers else number, limit)

    def get(self, *key: object) -> Entry | None:
        """The record with this key; None for a hidden one, or if no record has the key."""
        entry = self._by_key.get(_text(key))
        return entry if entry and not entry.hidden else None

    def entries(self) -> tuple[Entry, ...]:
        """All records that are not hidden, in order of their numbers."""
        return tuple(entry for entry in self.all_entries() if not entry.hidden)

    def all_entries(self) -> tuple[Entry, ...]:
        """All records, hidden ones included, in order of their numbers."""
        with self._lock:
            return tuple(self._by_number[number] for number in self._numbers)

    def documents(self) -> list[Document]:
        """:meth:`entries`, decoded."""
        return [entry.document for entry in self.entries()]


def _text(key: Iterable[object]) -> Key:
    return tuple(str(part) for part in key)


def _members(record: Mapping[str, Any] | bytes) -> Mapping[str, Any]:
    """The members of a record; an empty mapping for bytes that are not a JSON object."""
    if not isinstance(record, bytes):
        return record
    try:
        return msgspec.json.decode(record, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}


class Books:
    """All books, each made on first use.

    Args:
        make: makes the book of an organization's id and a feed's name.
        shared: names of the feeds that have one book for all organizations.
    """

    def __init__(self, make: Callable[[str, str], Book], shared: frozenset[str] = frozenset()) -> None:
        self._make = make
        self._shared = shared
        self._books: dict[tuple[str, str], Book] = {}
        self._lock = threading.Lock()

    def book(self, organization_id: str, feed: str) -> Book:
        """The book of an organization (its id) and a feed (``schema.table``)."""
        owner = ("" if feed in self._shared else organization_id, feed)
        with self._lock:
            if owner not in self._books:
                self._books[owner] = self._make(*owner)
            return self._books[owner]

    def __iter__(self) -> Iterator[tuple[str, Book]]:
        """Every book with its feed's name."""
        with self._lock:
            books = list(self._books.items())
        return iter([(feed, book) for (_, feed), book in books])
