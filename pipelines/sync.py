"""One feed of one account, from its cursor to the end: changes → normalize → warehouse.

The command line and Dagster both call this. How a page is read, a record typed or a row stored does not belong
here, only the order in which these happen.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from pipelines.catalogue.tables import Table, tables_of
from pipelines.catalogue.types import Feed
from pipelines.errors import PipelineError
from pipelines.floriday.changes import Step, restarted, walk
from pipelines.floriday.client import FloridayClient
from pipelines.floriday.pages import Page, read_page
from pipelines.normalize import normalize
from pipelines.warehouse import ledger, rejected
from pipelines.warehouse.connection import Warehouse, transaction
from pipelines.warehouse.ledger import FeedPart, Position, Window
from pipelines.warehouse.store import store

PAGES_A_BATCH = 10
BYTES_A_BATCH = 32_000_000
PAGES_OF_REJECTED = 20
"""Pages that one sync asks for again to see whether rejected records have healed."""


@dataclass(frozen=True)
class FeedOutcome:
    """What the sync of one feed of one account came to.

    Args:
        account: the account's name.
        feed: ``schema.table``.
        records: records read.
        new: records that were not known.
        changed: versions of known records.
        rejected: records that could not be stored.
        pages: pages read.
        cursor: the last sequence number committed.
        maximum: what Floriday's max-sequence operation said, None where it is unknown.
        series: counts the restarts of the feed's numbering, from 1.
        current: whether the feed is proven read to its end.
        restarted: whether a restart of the numbering was found.
        seconds: how long it took.
        skipped: why the feed was left out, where it was.
        error: what failed, in one line, where something did.
        unknown_fields: fields that the catalogue does not know, with their type.
        unknown_values: values of enumerations that the catalogue does not know.
    """

    account: str
    feed: str
    records: int = 0
    new: int = 0
    changed: int = 0
    rejected: int = 0
    pages: int = 0
    cursor: int = 0
    maximum: int | None = None
    series: int = 1
    current: bool = False
    restarted: bool = False
    seconds: float = 0.0
    skipped: str | None = None
    error: str | None = None
    unknown_fields: dict[str, str] = field(default_factory=dict)
    unknown_values: dict[str, set[str]] = field(default_factory=dict)


Listener = Callable[[FeedOutcome], None]
"""Told after each page what there is so far."""


def sync_feed(
    client: FloridayClient,
    warehouse: Warehouse,
    feed: Feed,
    *,
    run_id: str,
    full: bool = False,
    listener: Listener = lambda _: None,
) -> FeedOutcome:
    """Read a feed from its cursor to its end.

    Args:
        client: the account's.
        warehouse: laid out.
        feed: which.
        run_id: written into every row of the ledger and the raw log.
        full: read again from sequence number 0; harmless, and repairs what was lost here.
        listener: told after each page.

    Raises:
        PipelineError: what was committed before stays, the next sync goes on from there.
    """
    try:
        return _FeedSync(client, warehouse, feed, run_id, listener).run(full=full)
    except PipelineError as error:
        raise error.about(account=client.account, feed=feed.name) from None


class _FeedSync:
    def __init__(
        self, client: FloridayClient, warehouse: Warehouse, feed: Feed, run_id: str, listener: Listener
    ) -> None:
        self.client = client
        self.warehouse = warehouse
        self.feed = feed
        self.table: Table = tables_of(feed)
        self.run_id = run_id
        self.listener = listener
        self.part = FeedPart(client.account, feed.name)
        self.began = time.monotonic()
        self.outcome = FeedOutcome(client.account, feed.name)
        self.at = Position()

    def run(self, *, full: bool) -> FeedOutcome:
        with self.warehouse.reading() as connection:
            self.at = ledger.position(connection, self.part)
            wrong = rejected.open_numbers(connection, self.part)
        maximum = self.client.maximum(self.feed.endpoint)
        self.at = replace(self.at, maximum=maximum)
        self._tell(cursor=self.at.cursor, maximum=maximum, series=self.at.series)
        if full or maximum is None or maximum != self.at.cursor:
            self._read(full=full)
        else:
            self._note_current()
        if wrong:
            self._retry_rejected(wrong)
        return self.outcome

    def _read(self, *, full: bool) -> None:
        maximum = self.at.maximum
        if maximum is not None and maximum < self.at.cursor:
            if restarted(self._fetch, self.at.cursor, self._known_numbers):
                self._open_series()
            else:
                maximum = None  # cached, or asked of another replica: the pages themselves tell
        start = 0 if full else self._start()
        floor = 0 if full else self.at.cursor
        steps: list[Step] = []
        for step in walk(self._fetch, start, maximum=maximum, page_maximum=self.feed.endpoint.page_maximum):
            steps.append(step)
            self._tell(pages=self.outcome.pages + 1, records=self.outcome.records + len(step.page.records))
            if len(steps) >= PAGES_A_BATCH or sum(s.page.size for s in steps) >= BYTES_A_BATCH:
                self._commit(steps, floor)
                steps = []
        if steps:
            self._commit(steps, floor)

    def _start(self) -> int:
        with self.warehouse.reading() as connection:
            page = self.feed.endpoint.page_maximum
            return ledger.reread_from(connection, self.part, self.at, self.table, page)

    def _fetch(self, after: int) -> Page:
        pages: list[Page] = []
        self.client.page(self.feed.endpoint, after, check=lambda body: pages.append(read_page(body)))
        return pages[-1]

    def _known_numbers(self, page: Page) -> dict[int, int | None]:
        batch = normalize(self.table, page.records)
        frame = batch.frames[self.table.qualified_name]
        with self.warehouse.reading() as connection:
            return ledger.known_numbers(connection, self.part, self.at.series, self.table, frame)

    def _open_series(self) -> None:
        self.at = replace(self.at, series=self.at.series + 1, cursor=0)
        with self.warehouse.writing() as connection, transaction(connection):
            ledger.move_cursor(connection, self.part, self.at)
        self._tell(restarted=True, series=self.at.series, cursor=0)

    def _note_current(self) -> None:
        with self.warehouse.writing() as connection, transaction(connection):
            self.at = replace(self.at, current_at=datetime.now(UTC))
            ledger.move_cursor(connection, self.part, self.at)
        self._tell(current=True)

    def _commit(self, steps: list[Step], floor: int) -> None:
        """Store a batch of pages; the window begins at ``floor`` where the pages reach back before it."""
        last = steps[-1]
        begins = max(steps[0].after, floor)
        records = [record for step in steps for record in step.page.records]
        if not records and last.reached <= self.at.cursor:
            if last.current:
                self._note_current()
            return
        self._store(records, begins, max(begins, last.reached), max(self.at.cursor, last.reached), current=last.current)

    def _store(self, records: list[bytes], begins: int, ends: int, cursor: int, *, current: bool) -> None:
        batch = normalize(self.table, records)
        window = Window(
            part=self.part,
            series=self.at.series,
            from_number=begins,
            to_number=ends,
            records=batch.served,
            rejected=len(batch.rejected),
            started_at=datetime.now(UTC),
            run_id=self.run_id,
        )
        to = replace(self.at, cursor=cursor)
        with self.warehouse.writing() as connection:
            stored = store(connection, self.table, batch, window, to, current=current)
        self.at = replace(to, committed_at=stored.committed_at)
        self._tell(
            new=self.outcome.new + stored.new,
            changed=self.outcome.changed + stored.changed,
            rejected=self.outcome.rejected + stored.rejected,
            cursor=cursor,
            current=current,
            unknown_fields={**self.outcome.unknown_fields, **batch.unknown_fields},
            unknown_values={**self.outcome.unknown_values, **batch.unknown_values},
        )

    def _retry_rejected(self, numbers: list[int]) -> None:
        """Ask again for what stands at the numbers of rejected records: it may have healed, or moved on."""
        pending = numbers
        for _ in range(PAGES_OF_REJECTED):
            if not pending:
                return
            page = self._fetch(pending[0] - 1)
            reach = max(page.highest, pending[0]) if page.records else pending[-1]
            asked = {number for number in pending if number <= reach}
            standing = {number for number in page.numbers if number in asked}
            again = [raw for raw, number in zip(page.records, page.numbers, strict=True) if number in asked]
            if again:
                self._store(again, self.at.cursor, self.at.cursor, self.at.cursor, current=self.outcome.current)
            self._resolve(sorted(asked - standing))
            pending = [number for number in pending if number not in asked]

    def _resolve(self, vanished: list[int]) -> None:
        if not vanished:
            return
        with self.warehouse.writing() as connection, transaction(connection):
            rejected.resolve_vanished(connection, self.part, vanished, datetime.now(UTC))

    def _tell(self, **news: object) -> None:
        self.outcome = replace(self.outcome, seconds=time.monotonic() - self.began, **news)  # type: ignore[arg-type]
        self.listener(self.outcome)
