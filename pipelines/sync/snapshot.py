"""One snapshot of one account: the whole list, compared with the last one.

Versions are added only where something changed; rows that are missing in the list are marked as deleted, by a last
version of their own. Feeds belong to ``feed``.
"""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass, field

import duckdb

from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import Snapshot
from pipelines.errors import PipelineError
from pipelines.floriday.client import FloridayClient
from pipelines.floriday.pages import read_list
from pipelines.normalize import Batch, PersonalData, normalize
from pipelines.normalize.rejected import key_of
from pipelines.settings.values import AMSTERDAM
from pipelines.sync.outcome import FeedOutcome, Listener, combined
from pipelines.warehouse.file.connection import Warehouse, transaction
from pipelines.warehouse.load import tombstones
from pipelines.warehouse.load.cursors import FeedPart, Position, Window
from pipelines.warehouse.load.feed_cursor import FeedCursor
from pipelines.warehouse.load.upsert import Stored, store


@dataclass(frozen=True)
class SnapshotRequest:
    """One request for a snapshot."""

    parameters: dict[str, str | int]
    within: dict[str, int] = field(default_factory=dict)  # values of key columns, within which the answer is complete


def snapshot_requests(snapshot: Snapshot, weeks: tuple[int, int], now: dt.datetime) -> list[SnapshotRequest]:
    """The requests that make up a snapshot; ``weeks``, first and last, are counted from this one."""
    if snapshot.asked_by == "moment":
        moment = now.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return [SnapshotRequest({snapshot.parameters[0]: moment})]
    today = now.astimezone(AMSTERDAM).date()
    year, week = snapshot.parameters
    requests = []
    for offset in range(weeks[0], weeks[1] + 1):
        iso = (today + dt.timedelta(weeks=offset)).isocalendar()
        requests.append(SnapshotRequest({year: iso.year, week: iso.week}, {"year": iso.year, "week": iso.week}))
    return requests


def sync_snapshot(
    client: FloridayClient,
    warehouse: Warehouse,
    snapshot: Snapshot,
    *,
    run_id: str,
    personal: PersonalData,
    weeks: tuple[int, int],
    listener: Listener = lambda _: None,
) -> FeedOutcome:
    """Read a snapshot and store what changed in it; ``weeks``, first and last, are counted from this one.

    The listener is called after each answer that was stored.

    Raises:
        PipelineError: what was answered before is stored.
    """
    sync = _SnapshotSync(client, warehouse, snapshot, run_id, personal)
    answers: list[_Answer] = []
    try:
        try:
            for request in snapshot_requests(snapshot, weeks, dt.datetime.now(dt.UTC)):
                answers.append(sync.read(request))  # noqa: PERF401 - what was answered before an error is stored
        except PipelineError:
            sync.store(answers, listener)
            raise
        return combined(sync.store(answers, listener))
    except PipelineError as error:
        raise error.about(account=client.account, feed=snapshot.name) from None


@dataclass(frozen=True)
class _Answer:
    """The answer to a request."""

    request: SnapshotRequest
    records: list[bytes]  # the list, as received
    seconds: float


class _SnapshotSync:
    """One sync of a snapshot: all requests first, then the file is opened once for all answers."""

    def __init__(
        self, client: FloridayClient, warehouse: Warehouse, snapshot: Snapshot, run_id: str, personal: PersonalData
    ) -> None:
        self.client = client
        self.warehouse = warehouse
        self.snapshot = snapshot
        self.table = tables_of(snapshot)
        self.part = FeedPart(client.account, snapshot.name)
        self.protect = personal.protection(self.table)
        self.run_id = run_id

    def read(self, request: SnapshotRequest) -> _Answer:
        """Request a list."""
        began = time.monotonic()
        records = self.client.get(self.snapshot.path, read_list, request.parameters, rate=self.snapshot.rate)
        protected = list(self.protect(records)) if self.protect else list(records)
        return _Answer(request, protected, time.monotonic() - began)

    def store(self, answers: list[_Answer], listener: Listener) -> list[FeedOutcome]:
        """Store each answer in a transaction of its own; the file is not opened where there are none."""
        outcomes: list[FeedOutcome] = []
        if answers:
            with self.warehouse.writing() as connection:
                for answer in answers:
                    outcomes.append(self._stored(connection, answer))
                    listener(combined(outcomes))
        return outcomes

    def _stored(self, connection: duckdb.DuckDBPyConnection, answer: _Answer) -> FeedOutcome:
        began = time.monotonic()
        batch = normalize(self.table, answer.records)
        before = FeedCursor(connection, self.part).position().current_at
        deleted = self._deleted(connection, batch, answer.request)
        stored = self._store(connection, normalize(self.table, [*answer.records, *deleted]) if deleted else batch)
        return FeedOutcome(
            account=self.client.account,
            feed=self.snapshot.name,
            records=len(answer.records),
            new=stored.new,
            changed=stored.changed,
            rejected=stored.rejected,
            pages=1,
            current=True,
            current_before=before,
            whole=True,
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

    def _store(self, connection: duckdb.DuckDBPyConnection, batch: Batch) -> Stored:
        window = Window(
            part=self.part,
            series=1,
            from_number=None,
            to_number=None,
            records=batch.served,
            rejected=len(batch.rejected),
            started_at=dt.datetime.now(dt.UTC),
            run_id=self.run_id,
        )
        with transaction(connection):
            return store(connection, self.table, batch, window, Position(), current=True)
