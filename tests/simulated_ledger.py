"""A simulated feed and the sync tables of its warehouse: the test knows when each number was assigned."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from uuid import UUID

import duckdb

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import tables_of
from pipelines.floriday.sequence_ranges import END_OF_FEED, SequenceRange
from pipelines.settings.values import AMSTERDAM
from pipelines.warehouse.load.cursors import FeedPart, Position, Window, add_windows
from pipelines.warehouse.load.days_to_sequence import Days, note_catch_up, numbered_in
from pipelines.warehouse.load.feed_cursor import FeedCursor
from pipelines.warehouse.load.merge_windows import merge_windows
from pipelines.warehouse.read.feed_status import unread_since
from pipelines.warehouse.schema.create import create_tables

FEED = FeedPart("main", "organizations.connections")
TABLE = tables_of(catalogue_of("suppliers").feed(FEED.feed))
BEGAN = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


def empty_ledger() -> duckdb.DuckDBPyConnection:
    """Return an in-memory warehouse with the tables of the feed."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    create_tables(connection, [TABLE])
    return connection


@dataclass(frozen=True)
class ServerRecord:
    """A record on the server.

    Args:
        number: sequence number of the record.
        given_at: time at which the number was assigned, by the server's clock.
        changed_at: time of the last change, by the server's clock.
        visible_from: time from which it is served, by the correct local clock.
    """

    number: int
    given_at: dt.datetime
    changed_at: dt.datetime
    visible_from: dt.datetime


@dataclass
class SimulatedLedger:
    """The server, and the rows that the syncs of :mod:`pipelines.sync.feed` write about it.

    Args:
        connection: warehouse with the tables of the feed; emptied here.
        skew: difference between the server's clock and the correct time.
        now: correct local time of the simulation.
        wrong: error of the local clock that the syncs read.
    """

    connection: duckdb.DuckDBPyConnection
    skew: dt.timedelta = dt.timedelta()
    now: dt.datetime = BEGAN
    wrong: dt.timedelta = dt.timedelta()
    records: dict[int, ServerRecord] = field(default_factory=dict)
    at: Position = field(default_factory=Position)
    _stored: set[tuple[int, dt.datetime]] = field(default_factory=set)
    _head: int = 0
    _restarted: bool = False
    _runs: int = 0

    def __post_init__(self) -> None:
        for name in ("sync.windows", "sync.catch_ups", "sync.cursors", f"versions.{TABLE.name}"):
            self.connection.execute(f"DELETE FROM {name}")

    def wait(self, minutes: int) -> None:
        """Advance the time."""
        self.now += minutes * MINUTE

    @property
    def clock(self) -> dt.datetime:
        """The current time, as the syncs see it."""
        return self.now + self.wrong

    @property
    def minutes_to_midnight(self) -> int:
        """Minutes until the end of the day in Amsterdam; a day more in its last half hour."""
        tomorrow = Days(today := (self.now + 30 * MINUTE).astimezone(AMSTERDAM).date(), today).ends
        return (tomorrow - self.now) // MINUTE

    @property
    def loaded(self) -> bool:
        """Whether the series was read to its end at least once."""
        return self.at.current_at is not None and not self._restarted and self.at.cursor > 0

    def change(self, identity: int, late: int = 0) -> None:
        """Change a record; its new number is served after ``late`` minutes."""
        moment = self.now + self.skew
        self._number(identity, moment, late)

    def renumber(self, identity: int) -> None:
        """Assign a new number to an unchanged record."""
        if identity in self.records:
            self._number(identity, self.records[identity].changed_at)

    def touch(self, identity: int) -> None:
        """Change a record without a change of its modification time."""
        self.renumber(identity)
        self._stored = {(known, changed) for known, changed in self._stored if known != identity}

    def _number(self, identity: int, changed_at: dt.datetime, late: int = 0) -> None:
        self._head += 1 + identity % 3
        self.records[identity] = ServerRecord(self._head, self.now + self.skew, changed_at, self.now + late * MINUTE)

    def restart(self, seed: int) -> None:
        """Renumber all records in random order."""
        self._head, self._restarted = 0, True
        identities = list(self.records)
        Random(seed).shuffle(identities)
        for identity in identities:
            self._number(identity, self.records[identity].changed_at)

    def sync(
        self, size: int = 3, pages: int | None = None, meanwhile: Sequence[int] = (), *, full: bool = False
    ) -> None:
        """Read to the end of the feed.

        Args:
            size: records of a page; each page is one window.
            pages: number of pages after which the sync is killed; None for never.
            meanwhile: records that change, one after each page, at intervals of 15 minutes.
            full: whether to begin at 0 instead of at the cursor.
        """
        self._notice_restart()
        began, maximum = self.clock, self.maximum
        if maximum == self.at.cursor and not full:
            self._note_current(began)
            return
        self._walk(0 if full else self.at.cursor, END_OF_FEED, size, pages, meanwhile)

    def reread(self, span: SequenceRange | None, size: int = 3) -> None:
        """Read a range again, as a sync of days does."""
        if span is not None:
            self._walk(span.after, span.up_to, size, None, ())

    def _walk(self, start: int, up_to: int, size: int, pages: int | None, meanwhile: Iterable[int]) -> None:
        self._runs += 1
        began, maximum, reached, changing = self.clock, self.maximum, start, iter(meanwhile)
        floor = start
        for page in range(1000):
            if page == pages:
                return
            self.wait(1)
            found = sorted((row.number, identity) for identity, row in self._visible().items() if row.number > reached)
            before, reached = reached, found[:size][-1][0] if found else reached
            ended = reached >= maximum
            if reached > before:
                self._commit(max(before, floor), reached, [identity for _, identity in found[:size]], began, ended)
            elif ended:
                self._note_current(began)
            if ended or reached == before or reached >= up_to:
                return
            for identity in (next(changing, None),):
                self.wait(15)
                if identity is not None:
                    self.change(identity)

    @property
    def maximum(self) -> int:
        """The highest served number."""
        return max((record.number for record in self._visible().values()), default=0)

    def _visible(self) -> dict[int, ServerRecord]:
        return {identity: record for identity, record in self.records.items() if record.visible_from <= self.now}

    def _notice_restart(self) -> None:
        if self._restarted and self.at.committed_at is not None:
            self.at = replace(self.at, series=self.at.series + 1, cursor=0)
            FeedCursor(self.connection, FEED).move(self.at)
        self._restarted = False

    def _note_current(self, began: dt.datetime) -> None:
        self.at = self.at.found_current(began, self.clock)
        FeedCursor(self.connection, FEED).move(self.at)

    def _commit(self, begins: int, ends: int, identities: list[int], began: dt.datetime, current: bool) -> None:  # noqa: FBT001
        self._store(identities)
        run = f"run {self._runs}"
        window = Window(FEED, self.at.series, begins, ends, len(identities), 0, began, run)
        note_catch_up(self.connection, [window], self.at)
        add_windows(self.connection, [(window, 0)], self.clock)
        self.at = replace(self.at, cursor=max(self.at.cursor, ends)).committed(self.clock, current=current)
        FeedCursor(self.connection, FEED).move(self.at)

    def _store(self, identities: list[int]) -> None:
        """Insert versions of the changed records, as the transaction does."""
        for identity in identities:
            record = self.records[identity]
            if (identity, record.changed_at) not in self._stored:
                self._stored.add((identity, record.changed_at))
                self.connection.execute(
                    f"INSERT INTO versions.{TABLE.name}"
                    " (account, customer_organization_id, sequence_number, last_modified_date_time, row_series)"
                    " VALUES (?, ?, ?, ?, ?)",
                    ["main", UUID(int=identity), record.number, record.changed_at, self.at.series],
                )

    def merge(self) -> int:
        """Merge all windows, also the newest; return how many rows were removed."""
        return merge_windows(self.connection, FEED, self.at, self.clock, kept=dt.timedelta())

    def span(self, days: Days) -> SequenceRange | None:
        """Return the range that the warehouse derives for some days, after it noticed a restart as a sync does."""
        self._notice_restart()
        return numbered_in(self.connection, FEED, self.at, TABLE, days, now=self.clock)

    def ranges(self, offsets: Iterable[int]) -> dict[Days, SequenceRange | None]:
        """Return the ranges of the single days and weeks that begin these numbers of days after the start."""
        firsts = [BEGAN.date() + dt.timedelta(days=offset) for offset in offsets]
        periods = [Days(first, first + dt.timedelta(days=length)) for first in firsts for length in (0, 6)]
        return {days: self.span(days) for days in periods}

    def derived(self) -> tuple[object, ...]:
        """Return what the product derives from windows: numbers beyond the cursor, and since when they are unread."""
        beyond = FeedCursor(self.connection, FEED).read_beyond(self.at, TABLE, 1)
        return sorted(beyond), unread_since(self.connection, FEED.feed)

    def totals(self) -> tuple[object, ...]:
        """Return the totals of all windows."""
        sums = "sum(records), sum(changed), sum(rejected), min(from_sequence_number), max(to_sequence_number)"
        (found,) = self.connection.execute(f"SELECT {sums}, max(committed_at) FROM sync.windows").fetchall()
        return tuple(found)

    def day_of(self, identity: int) -> int:
        """Return the day on which a record got its number, counted from the start; 0 for an unknown record."""
        record = self.records.get(identity)
        return (record.given_at.date() - BEGAN.date()).days if record else 0

    def numbered_on(self, days: Days) -> set[int]:
        """Return the numbers that were assigned on these days and are still current."""
        return {record.number for record in self.records.values() if days.begins <= record.given_at < days.ends}
