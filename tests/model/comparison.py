"""Comparison of the tables with the model; each difference is one line of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import duckdb

from pipelines.catalogue.tables import Table, tables_of
from pipelines.catalogue.types import Feed
from pipelines.warehouse.read import integrity
from tests.model.floriday import Book, Entry, State

Key = tuple[str, str, str]
"""Account, feed and id."""


@dataclass
class Comparison:
    """The content of the warehouse and what the model expects.

    Args:
        connection: connection to the warehouse.
        known: index of the served state of each record that was stored at the last comparison.
    """

    connection: duckdb.DuckDBPyConnection
    known: dict[Key, int] = field(default_factory=dict)

    def rows(self, book: Book, feed: Feed) -> Iterator[str]:
        """Yield the differences in the current rows of a feed and account."""
        shape, stored = book.shape, self.stored(book, feed)
        for key in sorted(stored.keys() | book.entries.keys() | book.served.keys()):
            entry, row = book.entries.get(key), stored.get(key)
            if entry is not None and book.is_readable(entry):
                if row != entry.state:
                    yield f"{book.name}: {key[-3:]} is {row}, but Floriday serves {entry.state}"
            elif row is None:
                if (book.account.name, shape.feed, key) in self.known:
                    yield f"{book.name}: {key[-3:]} was stored and is missing"
            elif not self._was_served_as(book, key, row):
                yield f"{book.name}: {key[-3:]} is {row}, which was never served: {book.served.get(key)}"

    def _was_served_as(self, book: Book, key: str, row: State) -> bool:
        """Return whether a row equals a served state; a record that left a selection is marked as deleted."""
        floor = self.known.get((book.account.name, book.shape.feed, key), 0)
        states = book.served.get(key, [])[floor:]
        if row in states:
            return True
        has_left = book.shape.selection and row.deleted
        return has_left and any(row.content == state.content for state in states)

    def stored(self, book: Book, feed: Feed) -> dict[str, State]:
        """Return the current rows of a feed and account, by id."""
        shape = book.shape
        rows = self.connection.execute(
            f"SELECT CAST({shape.key_column} AS VARCHAR), sequence_number, {shape.column}, is_deleted FROM {feed.name}"
            " WHERE account = ?",
            [book.account.name],
        ).fetchall()
        contents = {shape.value(content): content for content in range(4)}
        return {key: State(number, contents[value], deleted) for key, number, value, deleted in rows}

    def everything(self, book: Book, feed: Feed) -> Iterator[str]:
        """Yield the differences in all tables of a feed and account after quiet syncs."""
        yield from self.rows(book, feed)
        yield from self._raw(book, feed)
        yield from self._rejected(book)
        yield from self._cursors(book)
        yield from self._selection(book, feed)
        table = tables_of(feed)
        for inspect in (integrity.duplicate_keys, integrity.orphans, integrity.differs_from_raw):
            found = inspect(self.connection, table)
            if found.count:
                yield f"{book.name}: {inspect.__name__}: {found.examples}"
        yield from self._history(book, table)

    def confirm(self, book: Book, feed: Feed) -> None:
        """Remember the stored states: later ones must not be older or missing."""
        for key, row in self.stored(book, feed).items():
            states = book.served.get(key, [])
            places = [place for place, state in enumerate(states) if state.content_state == row.content_state]
            self.known[book.account.name, book.shape.feed, key] = places[-1] if places else 0

    def _raw(self, book: Book, feed: Feed) -> Iterator[str]:
        """The payloads of each record are states that it had, in their order, and end with the current one."""
        shape = book.shape
        rows = self.connection.execute(
            f"SELECT CAST({shape.key_column} AS VARCHAR), list(payload ORDER BY rowid) FROM raw.{feed.table}"
            " WHERE account = ? GROUP BY 1",
            [book.account.name],
        ).fetchall()
        for key, payloads in rows:
            versions = [shape.content_state(payload) for payload in payloads]
            states = [state.content_state for state in book.served.get(key, [])]
            if not _in_order(versions, states, selection=shape.selection):
                yield f"{book.name}: the raw versions of {key[-3:]} are {versions}, but it was {states}"
            if any(first == second for first, second in pairwise(versions)):
                yield f"{book.name}: the same raw version of {key[-3:]} is stored twice: {versions}"
            entry = book.entries.get(key)
            if entry is not None and book.is_readable(entry) and versions[-1] != entry.state.content_state:
                yield f"{book.name}: the last raw version of {key[-3:]} is {versions[-1]} instead of {entry.state}"

    def _history(self, book: Book, table: Table) -> Iterator[str]:
        """The history has as many versions as the raw log, numbered from 1, and one of them is current."""
        key = book.shape.key_column
        rows = self.connection.execute(
            f"SELECT CAST({key} AS VARCHAR), list(version ORDER BY version), count(*) FILTER (is_current),"
            f" (SELECT count(*) FROM raw.{table.name} r WHERE r.account = $account AND r.{key} = h.{key})"
            f" FROM history.{table.name} h WHERE h.account = $account GROUP BY h.{key}",
            {"account": book.account.name},
        ).fetchall()
        for identity, versions, current, raw in rows:
            if versions != list(range(1, raw + 1)) or current != 1:
                found = f"the versions {versions}, {current} of them current, and {raw} in raw"
                yield f"{book.name}: the history of {identity[-3:]} has {found}"

    def _rejected(self, book: Book) -> Iterator[str]:
        """Served records that cannot be read are open rejected records, and valid ones are not."""
        rows = self.connection.execute(
            "SELECT key, sequence_number FROM sync.rejected_records WHERE account = ? AND feed = ?"
            " AND resolved_at IS NULL",
            [book.account.name, book.shape.feed],
        ).fetchall()
        keys, numbers = {key for key, _ in rows if key}, {number for _, number in rows}
        for entry in filter(book.is_reachable, book.numbered()):
            if entry.garbage == "field" and entry.key not in keys:
                yield f"{book.name}: {entry.key[-3:]}@{entry.place} cannot be read and is not among the rejected"
            if entry.garbage == "key" and entry.place not in numbers:
                yield f"{book.name}: the unreadable record at {entry.place} is not among the rejected"
            if entry.garbage is None and (entry.key in keys or entry.place in numbers):
                yield f"{book.name}: {entry.key[-3:]}@{entry.place} is valid and still among the rejected"

    def _cursors(self, book: Book) -> Iterator[str]:
        """Each cursor equals the maximum; while no valid record is served, a restart cannot be proven."""
        if not any(map(book.is_readable, book.numbered())):
            return
        rows = self.connection.execute(
            "SELECT part, cursor FROM sync.cursors WHERE account = ? AND feed = ?",
            [book.account.name, book.shape.feed],
        ).fetchall()
        for part, cursor in rows:
            if (part is None or part in book.account.connected) and not self._fits(book, part, cursor):
                yield f"{book.name}: the cursor is {cursor}, but the maximum {book.maximum(part)}"

    @staticmethod
    def _fits(book: Book, part: str | None, cursor: int) -> bool:
        return book.maximum(part) <= cursor <= max(book.highest, book.maximum(part))

    def _selection(self, book: Book, feed: Feed) -> Iterator[str]:
        """Records that a selection did not serve since its restart are marked as deleted."""
        if not book.shape.selection or book.series == 1:
            return
        for key, row in self.stored(book, feed).items():
            entry = book.entries.get(key)
            if not row.deleted and (entry is None or not _was_served(book, entry)):
                yield f"{book.name}: {key[-3:]} has left the selection and is still {row}"


def _was_served(book: Book, entry: Entry) -> bool:
    """Return whether a record is in the selection or was served before, which is accepted too."""
    return book.is_visible(entry) or entry.hidden or bool(book.served.get(entry.key))


def _in_order(some: Sequence[Any], of: Sequence[Any], *, selection: bool) -> bool:
    """Return whether ``some`` is a subsequence of ``of``.

    A record that left a selection ends with a version that Floriday never served, and may return as it was before.
    """
    place = 0
    for content, deleted in some:
        found = next((index for index in range(place, len(of)) if of[index] == (content, deleted)), None)
        if found is None and selection and deleted:
            continue
        if found is None:
            return False
        place = found
    return True
