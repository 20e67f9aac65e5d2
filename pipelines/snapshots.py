"""One snapshot of one account: the whole list, compared with the last one.

Versions are added only where something changed; rows that are gone are marked deleted, by a last version of their
own. Feeds belong to ``sync``.
"""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import duckdb
import msgspec

from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import Snapshot
from pipelines.errors import GarbledAnswerError, PipelineError
from pipelines.floriday.client import FloridayClient
from pipelines.normalize import Batch, normalize
from pipelines.normalize.batch import key_of
from pipelines.outcome import FeedOutcome, Listener, together
from pipelines.warehouse import gone
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.ledger import FeedPart, Position, Window
from pipelines.warehouse.store import Stored, store

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


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
        listener: told after each call.

    Raises:
        PipelineError: what was committed before stays.
    """
    reading = _Reading(client, warehouse, snapshot, run_id)
    outcomes: list[FeedOutcome] = []
    try:
        for question in questions(snapshot, weeks, dt.datetime.now(dt.UTC)):
            outcomes.append(reading.ask(question))
            listener(together(outcomes))
    except PipelineError as error:
        raise error.about(account=client.account, feed=snapshot.name) from None
    return together(outcomes)


class _Reading:
    """One reading of a snapshot, question by question."""

    def __init__(self, client: FloridayClient, warehouse: Warehouse, snapshot: Snapshot, run_id: str) -> None:
        self.client = client
        self.warehouse = warehouse
        self.snapshot = snapshot
        self.table = tables_of(snapshot)
        self.run_id = run_id

    def ask(self, question: Question) -> FeedOutcome:
        began = time.monotonic()
        records = self._records(question)
        batch = normalize(self.table, records)
        with self.warehouse.writing() as connection:
            ended = self._ended(connection, batch, question)
            stored = self._store(connection, normalize(self.table, [*records, *ended]) if ended else batch)
        return FeedOutcome(
            account=self.client.account,
            feed=self.snapshot.name,
            records=len(records),
            new=stored.new,
            changed=stored.changed,
            rejected=stored.rejected,
            pages=1,
            current=True,
            seconds=time.monotonic() - began,
            unknown_fields=batch.unknown_fields,
            unknown_values=batch.unknown_values,
        )

    def _records(self, question: Question) -> list[bytes]:
        records: list[bytes] = []

        def read(body: bytes) -> None:
            try:
                records[:] = [bytes(record) for record in msgspec.json.decode(body, type=list[msgspec.Raw])]
            except (msgspec.DecodeError, RecursionError):
                raise GarbledAnswerError("the answer is no list of records") from None

        path = self.snapshot.path
        self.client.get(path, question.parameters, bucket=path, rate=self.snapshot.rate, check=read)
        return records

    def _ended(self, connection: duckdb.DuckDBPyConnection, batch: Batch, question: Question) -> list[bytes]:
        """The last versions of what the list no longer has; none while it holds a record that cannot be told."""
        rejected = {record.key for record in batch.rejected}
        if None in rejected:
            return []
        frame = batch.frames[self.table.qualified_name]
        missing = gone.not_served(connection, self.table, self.client.account, frame, question.within)
        return [gone.deleted(one, "isDeleted") for one in missing if key_of(self.table, one) not in rejected]

    def _store(self, connection: duckdb.DuckDBPyConnection, batch: Batch) -> Stored:
        part = FeedPart(self.client.account, self.snapshot.name)
        window = Window(
            part=part,
            series=1,
            from_number=None,
            to_number=None,
            records=batch.served,
            rejected=len(batch.rejected),
            started_at=dt.datetime.now(dt.UTC),
            run_id=self.run_id,
        )
        return store(connection, self.table, batch, window, Position(), current=True)
