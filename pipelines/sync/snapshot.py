"""One snapshot of one account: the whole list, compared with the last one.

Versions are added only where something changed; rows that are missing in the list are marked as deleted, by a last
version of their own. Feeds belong to ``feed``.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import replace

import duckdb

from pipelines.catalogue.tables import Table, tables_of
from pipelines.catalogue.types import Snapshot
from pipelines.errors import PipelineError
from pipelines.floriday.client import FloridayClient
from pipelines.floriday.pages import read_list
from pipelines.normalize import Batch, normalize
from pipelines.normalize.rejected import key_of
from pipelines.sync.feed import Run
from pipelines.sync.outcome import FeedOutcome, Listener, combined
from pipelines.sync.selection import Everything, WhatToRead
from pipelines.sync.snapshot_answers import CompleteSnapshot, SnapshotAnswer, SnapshotRequest, snapshot_requests
from pipelines.warehouse.file.connection import Warehouse, transaction
from pipelines.warehouse.load import rejected_records, tombstones
from pipelines.warehouse.load.change_detection import listed_contents
from pipelines.warehouse.load.cursors import FeedPart, Window
from pipelines.warehouse.load.upsert import Effects, Stored, store


def sync_snapshot(
    client: FloridayClient,
    warehouse: Warehouse,
    snapshot: Snapshot,
    run: Run,
    what: WhatToRead,
    *,
    weeks: tuple[int, int],
    listener: Listener = lambda _: None,
) -> FeedOutcome:
    """Read a snapshot and store what changed in it; ``weeks``, first and last, are counted from this one.

    An answer with the contents of the current rows changes nothing. If everything is to be read, its rows are written
    again, which repairs them. Complete answers resolve rejected records. The listener is called after each answer that
    was stored.

    Raises:
        PipelineError: what was answered before is stored.
    """
    sync = _SnapshotSync(client, warehouse, snapshot, run)
    repairs = isinstance(what, Everything)
    answers: list[SnapshotAnswer] = []
    try:
        try:
            for request in snapshot_requests(snapshot, weeks, dt.datetime.now(dt.UTC)):
                answers.append(sync.read(request))  # noqa: PERF401 - what was answered before an error is stored
        except PipelineError:
            sync.store(answers, listener, repairs=repairs, is_complete=False)
            raise
        outcomes = sync.store(answers, listener, repairs=repairs, is_complete=True)
        sync.resolve_rejected(answers)
        return combined(outcomes)
    except PipelineError as error:
        raise error.about(account=client.account, feed=snapshot.name) from None


class _SnapshotSync:
    """One sync of a snapshot: all requests first, then the file is opened once for all answers."""

    def __init__(self, client: FloridayClient, warehouse: Warehouse, snapshot: Snapshot, run: Run) -> None:
        self.client = client
        self.warehouse = warehouse
        self.snapshot = snapshot
        self.protect = run.personal.protection(self.table)
        self.run = run
        self.started_at = dt.datetime.now(dt.UTC)
        self.rejected: set[str | None] = set()  # keys of the records that this sync rejected

    @property
    def table(self) -> Table:
        """Where the records are stored."""
        return tables_of(self.snapshot)

    @property
    def part(self) -> FeedPart:
        """What has the position of the snapshot."""
        return FeedPart(self.client.account, self.snapshot.name)

    def read(self, request: SnapshotRequest) -> SnapshotAnswer:
        """Request a list.

        Raises:
            PipelineError: there was no usable answer, or it is one to another request.
        """
        began = time.monotonic()
        records = self.client.get(self.snapshot.path, read_list, request.parameters, rate=self.snapshot.rate)
        request.check(self.table, records)
        once = list(reversed(dict.fromkeys(reversed(records))))  # the last of identical records
        protected = list(self.protect(once)) if self.protect else once
        return SnapshotAnswer(request, protected, time.monotonic() - began)

    def store(
        self, answers: list[SnapshotAnswer], listener: Listener, *, repairs: bool, is_complete: bool
    ) -> list[FeedOutcome]:
        """Store each answer in a transaction of its own, without those that change nothing unless the sync repairs.

        The file is opened for writing only if there is something to store. If the answers are complete, the snapshot is
        current with the last transaction.
        """
        if not answers:
            return []
        position = self.run.state.position(self.part)
        changed = answers if repairs or position.current_at is None else self._changed(answers)
        outcomes = [self._outcome(answer, position.current_at) for answer in answers if answer not in changed]
        if changed:
            with self.warehouse.writing() as connection:
                for answer in changed:
                    current = is_complete and answer is changed[-1]
                    outcomes.append(self._stored(connection, answer, position.current_at, current=current))
                    listener(combined(outcomes))
        elif is_complete:
            self.run.state.note(self.part, position.found_current(self.started_at))
        return outcomes

    def resolve_rejected(self, answers: Sequence[SnapshotAnswer]) -> None:
        """Resolve the records that were rejected, as far as the answers to all requests prove it."""
        if not self.run.state.may_resolve(self.part):
            return
        complete = CompleteSnapshot(self.table, answers, self.rejected)
        with self.warehouse.reading() as connection:
            found = rejected_records.open_records(connection, [self.part.feed], [self.part.account])
        resolved = [record for record in found if complete.resolves(record)]
        if resolved:
            with self.warehouse.writing() as connection, transaction(connection):
                rejected_records.resolve_records(connection, self.part, resolved, dt.datetime.now(dt.UTC))

    def _changed(self, answers: Sequence[SnapshotAnswer]) -> list[SnapshotAnswer]:
        """The answers whose records are not the current rows."""
        scopes = [answer.request.within for answer in answers]
        with self.warehouse.reading() as connection:
            stored = listed_contents(connection, self.table, self.client.account, scopes)
        return [answer for answer, contents in zip(answers, stored, strict=True) if answer.contents != contents]

    def _outcome(self, answer: SnapshotAnswer, before: dt.datetime | None) -> FeedOutcome:
        """The outcome of an answer that changes nothing."""
        return FeedOutcome(
            account=self.client.account,
            feed=self.snapshot.name,
            records=len(answer.records),
            pages=1,
            current=True,
            current_before=before,
            whole=True,
            seconds=answer.seconds,
        )

    def _stored(
        self,
        connection: duckdb.DuckDBPyConnection,
        answer: SnapshotAnswer,
        before: dt.datetime | None,
        *,
        current: bool,
    ) -> FeedOutcome:
        began = time.monotonic()
        batch = normalize(self.table, answer.records)
        self.rejected.update(record.key for record in batch.rejected)
        deleted = self._deleted(connection, batch, answer.request)
        complete = normalize(self.table, [*answer.records, *deleted]) if deleted else batch
        stored = self._store(connection, complete, current=current)
        return replace(
            self._outcome(answer, before),
            new=stored.new,
            changed=stored.changed,
            rejected=stored.rejected,
            seconds=answer.seconds + time.monotonic() - began,
            unknown_fields=batch.unknown_fields,
            unknown_values=batch.unknown_values,
        )

    def _deleted(self, connection: duckdb.DuckDBPyConnection, batch: Batch, request: SnapshotRequest) -> list[bytes]:
        """Last versions of records that the list no longer has; none while it holds a record without readable key."""
        rejected = {record.key for record in batch.rejected}
        if None in rejected:
            return []
        frame = batch.frames[self.table.qualified_name]
        missing = tombstones.not_served(connection, self.table, self.client.account, frame, request.within)
        return [
            tombstones.deleted(payload, "isDeleted")
            for payload in missing
            if key_of(self.table, payload) not in rejected
        ]

    def _store(self, connection: duckdb.DuckDBPyConnection, batch: Batch, *, current: bool) -> Stored:
        window = Window(
            part=self.part,
            series=1,
            from_number=None,
            to_number=None,
            records=batch.served,
            rejected=len(batch.rejected),
            started_at=dt.datetime.now(dt.UTC),
            run_id=self.run.id,
        )
        state, at = self.run.state, self.run.state.position(self.part)
        effects = Effects(may_resolve=state.may_resolve(self.part))
        with transaction(connection):
            stored = store(connection, self.table, batch, window, at, current=current, effects=effects)
        state.follow(self.part, stored.position, stored.marked, has_rejected=stored.rejected > 0)
        return stored
