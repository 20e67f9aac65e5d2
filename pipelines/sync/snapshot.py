"""One snapshot of one account: the whole list, compared with the last one.

Versions are added only where something changed; rows that are gone are marked deleted, by a last version of their
own. Feeds belong to ``sync``.
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
from pipelines.normalize.fast_path import key_of
from pipelines.sync.outcome import FeedOutcome, Listener, together
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.load import tombstones
from pipelines.warehouse.load.cursors import FeedPart, Position, Window
from pipelines.warehouse.load.days_to_sequence import AMSTERDAM
from pipelines.warehouse.load.feed_cursor import FeedCursor
from pipelines.warehouse.load.upsert import Stored, store


@dataclass(frozen=True)
class Question:
    """One call for a snapshot.

    Args:
        parameters: the query.
        within: the key columns that it asks for, with their values; what it lists is complete within them.
    """

    parameters: dict[str, str | int]
    within: dict[str, int] = field(default_factory=dict)


def questions(snapshot: Snapshot, weeks: tuple[int, int], now: dt.datetime) -> list[Question]:
    """The calls that make up the snapshot.

    Args:
        snapshot: which.
        weeks: for one that is asked week by week, the first and the last, counted from this one.
        now: the moment of asking.
    """
    if snapshot.asked_by == "moment":
        moment = now.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return [Question({snapshot.parameters[0]: moment})]
    today = now.astimezone(AMSTERDAM).date()
    year, week = snapshot.parameters
    asked = []
    for away in range(weeks[0], weeks[1] + 1):
        iso = (today + dt.timedelta(weeks=away)).isocalendar()
        asked.append(Question({year: iso.year, week: iso.week}, {"year": iso.year, "week": iso.week}))
    return asked


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
    """Read a snapshot and store what changed in it.

    Args:
        client: the account's.
        warehouse: laid out.
        snapshot: which.
        run_id: written into every row of the ledger and the raw log.
        weeks: the weeks to ask for, counted from this one.
        personal: what becomes of personal data, before anything else sees a record.
        listener: told after each answer that was stored.

    Raises:
        PipelineError: what was answered before is stored.
    """
    reading = _Reading(client, warehouse, snapshot, run_id, personal)
    try:
        try:
            for question in questions(snapshot, weeks, dt.datetime.now(dt.UTC)):
                reading.ask(question)
        except PipelineError:
            reading.store_answers(listener)
            raise
        return together(reading.store_answers(listener))
    except PipelineError as error:
        raise error.about(account=client.account, feed=snapshot.name) from None


@dataclass(frozen=True)
class _Answer:
    """What a question was answered.

    Args:
        question: the call.
        records: the list, as received.
        seconds: how long that took.
    """

    question: Question
    records: list[bytes]
    seconds: float


class _Reading:
    """One reading of a snapshot: all questions, then the file is opened once for the answers."""

    def __init__(
        self,
        client: FloridayClient,
        warehouse: Warehouse,
        snapshot: Snapshot,
        run_id: str,
        personal: PersonalData,
    ) -> None:
        self.client = client
        self.warehouse = warehouse
        self.snapshot = snapshot
        self.table = tables_of(snapshot)
        self.protect = personal.protection(self.table)
        self.run_id = run_id
        self._answers: list[_Answer] = []

    @property
    def part(self) -> FeedPart:
        """Account and snapshot."""
        return FeedPart(self.client.account, self.snapshot.name)

    def ask(self, question: Question) -> None:
        began = time.monotonic()
        records = self._records(question)
        self._answers.append(_Answer(question, records, time.monotonic() - began))

    def store_answers(self, listener: Listener) -> list[FeedOutcome]:
        """Each in a transaction of its own; none where nothing was answered."""
        outcomes: list[FeedOutcome] = []
        if self._answers:
            with self.warehouse.writing() as connection:
                for answer in self._answers:
                    outcomes.append(self._stored(connection, answer))
                    listener(together(outcomes))
        return outcomes

    def _stored(self, connection: duckdb.DuckDBPyConnection, answer: _Answer) -> FeedOutcome:
        began = time.monotonic()
        batch = normalize(self.table, answer.records)
        before = FeedCursor(connection, self.part).position().current_at
        ended = self._ended(connection, batch, answer.question)
        stored = self._store(connection, normalize(self.table, [*answer.records, *ended]) if ended else batch)
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

    def _records(self, question: Question) -> list[bytes]:
        records = self.client.get(self.snapshot.path, read_list, question.parameters, rate=self.snapshot.rate)
        return list(self.protect(records)) if self.protect else list(records)

    def _ended(self, connection: duckdb.DuckDBPyConnection, batch: Batch, question: Question) -> list[bytes]:
        """The last versions of what the list no longer has; none while it holds a record that cannot be told."""
        rejected = {record.key for record in batch.rejected}
        if None in rejected:
            return []
        frame = batch.frames[self.table.qualified_name]
        missing = tombstones.not_served(connection, self.table, self.client.account, frame, question.within)
        return [tombstones.deleted(one, "isDeleted") for one in missing if key_of(self.table, one) not in rejected]

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
        return store(connection, self.table, batch, window, Position(), current=True)
