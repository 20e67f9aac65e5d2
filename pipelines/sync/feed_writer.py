"""Batches of a feed, or of a sub-feed, stored each in one transaction; the feed's position follows the commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import duckdb

from pipelines.catalogue.tables import Table
from pipelines.normalize import normalize
from pipelines.sync.batches import CoveredNumbers, PageBatch, Piece
from pipelines.sync.outcome import Progress, united
from pipelines.warehouse.file.connection import Warehouse, WriteSession, transaction
from pipelines.warehouse.load import rejected_records, tombstones
from pipelines.warehouse.load.cursors import FeedPart, Position, Window
from pipelines.warehouse.load.run_state import RunState
from pipelines.warehouse.load.upsert import Effects, Stored, store

DELETED_AT_ONCE = 1000  # records that one transaction marks as deleted: a selection may lose all of them at once


@dataclass(frozen=True)
class Target:
    """Where the records of a feed, or of a sub-feed, are stored."""

    warehouse: Warehouse
    table: Table
    part: FeedPart  # account, feed and sub-feed
    state: RunState  # the positions of all feeds; follows what is committed
    widens: Sequence[str]  # the feeds whose older records become visible with each new record of this one
    run_id: str  # written into every row of `sync.windows` and the raw log
    started_at: datetime


@dataclass(frozen=True)
class Commit:
    """A committed batch, and what its transaction did."""

    batch: PageBatch
    stored: Stored


class FeedWriter:
    """Stores records of a feed, or of a sub-feed."""

    def __init__(self, target: Target, progress: Progress) -> None:
        self.target = target
        self.progress = progress
        self.maximum = self.position.maximum  # what Floriday returned last
        self.unidentified = 0  # rejected records without readable key and number

    @property
    def position(self) -> Position:
        """How far the feed is read."""
        return self.target.state.position(self.target.part)

    def report_position(self) -> None:
        """Report the position and the maximum that the sync begins with."""
        position = self.position
        self.progress.update(cursor=position.cursor, maximum=self.maximum, series=position.series)

    def commit(self, session: WriteSession, batch: PageBatch, effects: Effects) -> Commit:
        """Store a batch in one transaction; :meth:`follow` takes the result."""
        covered, before = batch.covered, self.position
        to = replace(before, cursor=covered.cursor_from(before.cursor), maximum=self.maximum)
        state, part, may_conflict = self.target.state, self.target.part, self.target.warehouse.may_conflict
        effects = replace(
            effects,
            proves_end=covered.end is not None,
            may_resolve=state.may_resolve(part),
            may_catch_up=state.may_catch_up(part, self.target.run_id),
            windows=state.windows,
            filled=state.filled,
            expected=before if may_conflict else None,
        )
        state.filled |= batch.tables()

        def work(connection: duckdb.DuckDBPyConnection) -> Stored:
            return store(
                connection,
                self.target.table,
                batch.take_records(keep=may_conflict),
                self._windows(batch),
                to,
                current=covered.current,
                effects=effects,
            )

        return Commit(batch, session.execute(work))

    def _windows(self, batch: PageBatch) -> list[Window]:
        target, series = self.target, self.position.series
        return [
            Window(
                target.part, series, piece.begins, piece.ends, piece.records, rejected, target.started_at, target.run_id
            )
            for piece, rejected in zip(batch.covered.pieces, batch.rejected, strict=True)
        ]

    def follow(self, commit: Commit) -> None:
        """Move on to the position that was committed, and report it."""
        stored, batch, outcome = commit.stored, commit.batch, self.progress.outcome
        state, part, before = self.target.state, self.target.part, self.position
        state.windows += stored.windows
        self.unidentified += stored.unidentified
        state.follow(part, stored.position, stored.marked, has_rejected=stored.rejected > 0)
        ends = max((piece.ends for piece in batch.covered.pieces), default=before.cursor)
        state.follow_numbers(part, before.cursor, ends, self.target.run_id)
        self.progress.update(
            new=outcome.new + stored.new,
            changed=outcome.changed + stored.changed,
            rejected=outcome.rejected + stored.rejected,
            cursor=stored.position.cursor,
            current=batch.covered.current,
            unknown_fields={**outcome.unknown_fields, **batch.unknown_fields},
            unknown_values=united(outcome.unknown_values, batch.unknown_values),
        )

    def note_current(self) -> None:
        """The feed is current since its sync began, or since a commit after that."""
        position = replace(self.position.found_current(self.target.started_at), maximum=self.maximum)
        self.target.state.note(self.target.part, position)
        self.progress.update(current=True, whole=position.cursor == 0)

    def store_again(self, records: Sequence[bytes], *, was_served: bool = True) -> None:
        """Store records with numbers below the cursor, and do not move it.

        ``was_served`` is False for last versions that were made here.
        """
        cursor = self.position.cursor
        pieces = [Piece(cursor, cursor, len(records))]
        covered = CoveredNumbers(pieces, range(len(records)), cursor, self.progress.outcome.current)
        batch = PageBatch.of(covered, self.target.table, normalize(self.target.table, records))
        effects = Effects(self.target.widens, was_served=was_served)
        self.follow(self.commit(WriteSession(self.target.warehouse), batch, effects))

    def resolve_unidentified(self) -> None:
        """Resolve rejected records without key and number after a complete walk, unless this sync rejected one."""
        target, part = self.target, self.target.part
        if self.unidentified or not target.state.may_resolve(part):
            return
        with target.warehouse.reading() as connection:
            has_some = rejected_records.has_unidentified(connection, part)
        if has_some:
            with target.warehouse.writing() as connection, transaction(connection):
                rejected_records.resolve_unidentified(connection, part, datetime.now(UTC))

    def delete_unserved(self, served: set[str | None]) -> bool:
        """Mark as deleted what a complete walk of a selection from number 0 did not serve, in batches; returns if done.

        Rejected records were served. One of them without a readable key may be any record: then nothing is marked.
        """
        if None in served:
            return False
        target, table, account = self.target, self.target.table, self.target.part.account
        with target.warehouse.writing() as connection, transaction(connection):
            rejected_records.resolve_unserved(connection, target.part, served, target.started_at)
            keys = tombstones.left_out(connection, table, account, served)
        for first in range(0, len(keys), DELETED_AT_ONCE):
            some = keys[first : first + DELETED_AT_ONCE]
            with target.warehouse.reading() as connection:
                payloads = tombstones.newest_payloads(connection, table, account, some)
            cursor = self.position.cursor
            deleted = [tombstones.deleted(payload, "isDisabledForSync", cursor) for payload in payloads]
            self.store_again(deleted, was_served=False)
        return True
