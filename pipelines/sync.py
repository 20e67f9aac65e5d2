"""One feed of one account, from its cursor to the end: changes → normalize → warehouse.

The command line and Dagster both call this. How a page is read, a record typed or a row stored does not belong
here, only the order in which these happen.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime

from pipelines.catalogue.tables import Table, tables_of
from pipelines.catalogue.types import Feed
from pipelines.errors import PipelineError
from pipelines.floriday.changes import Step, restarted, walk
from pipelines.floriday.client import FloridayClient
from pipelines.floriday.pages import Page, read_page
from pipelines.normalize import normalize
from pipelines.normalize.batch import key_of
from pipelines.outcome import FeedOutcome, Listener, together
from pipelines.warehouse import gone, ledger, rejected
from pipelines.warehouse.connection import Warehouse, transaction
from pipelines.warehouse.ledger import FeedPart, Ledger, Position, Window
from pipelines.warehouse.store import store

PAGES_A_BATCH = 10
BYTES_A_BATCH = 32_000_000
PAGES_OF_REJECTED = 20
"""Pages that one sync asks for again to see whether rejected records have healed."""


def sync_feed(
    client: FloridayClient,
    warehouse: Warehouse,
    feed: Feed,
    *,
    run_id: str,
    known: Ledger,
    full: bool = False,
    listener: Listener = lambda _: None,
) -> FeedOutcome:
    """Read a feed from its cursor to its end.

    Args:
        client: the account's.
        warehouse: laid out.
        feed: which.
        run_id: written into every row of the ledger and the raw log.
        known: how far all feeds are; follows what happens here. What is only noted in it, the caller writes.
        full: read again from sequence number 0; harmless, and repairs what was lost here.
        listener: told after each page.

    Raises:
        PipelineError: what was committed before stays, the next sync goes on from there.
    """
    try:
        outcomes = [
            _PartSync(client, warehouse, feed, part, run_id=run_id, known=known, listener=listener).run(full=full)
            for part in parts_of(warehouse, feed, client.account)
        ]
    except PipelineError as error:
        raise error.about(account=client.account, feed=feed.name) from None
    return together(outcomes) if outcomes else FeedOutcome(client.account, feed.name, current=True)


def parts_of(warehouse: Warehouse, feed: Feed, account: str) -> list[str | None]:
    """What of the feed has a cursor of its own: the suppliers that a buyer is connected with, else the whole of it."""
    if feed.endpoint.part_parameter is None:
        return [None]
    with warehouse.reading() as connection:
        return list(ledger.connected_suppliers(connection, account))


class _PartSync:
    """The sync of a feed, or of one part of it."""

    def __init__(
        self,
        client: FloridayClient,
        warehouse: Warehouse,
        feed: Feed,
        part: str | None,
        *,
        run_id: str,
        known: Ledger,
        listener: Listener,
    ) -> None:
        self.client = client
        self.warehouse = warehouse
        self.feed = feed
        self.table: Table = tables_of(feed)
        self.run_id = run_id
        self.known = known
        self.listener = listener
        self.part = FeedPart(client.account, feed.name, part)
        self.began = time.monotonic()
        self.outcome = FeedOutcome(client.account, feed.name)
        self.at = known.positions.get(self.part, Position())

    def run(self, *, full: bool) -> FeedOutcome:
        wrong = self.known.rejected.pop((self.client.account, self.feed.name), [])
        maximum = self.client.maximum(self.feed.endpoint)
        idle = self._is_idle(maximum)
        self.at = replace(self.at, maximum=maximum)
        self._tell(cursor=self.at.cursor, maximum=maximum, series=self.at.series)
        if full or not idle:
            self._read(full=full)
        else:
            self._note_current()
        if wrong:
            self._retry_rejected(wrong)
        return self.outcome

    def _is_idle(self, maximum: int | None) -> bool:
        """Whether the feed's maximum alone proves that there is nothing to read.

        That of a feed in parts is the highest of all parts: it proves only that none has moved since this one was
        read to its end.
        """
        if maximum is None or self.part.part is None:
            return maximum is not None and maximum == self.at.cursor
        return self.at.current_at is not None and maximum == self.at.maximum

    def _read(self, *, full: bool) -> None:
        maximum = self.at.maximum if self.part.part is None else None
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
        if self.feed.selection and self.at.series > 1 and self.outcome.current:
            self._end_what_was_not_served()

    def _start(self) -> int:
        if self.at.committed_at is None:
            return self.at.cursor
        with self.warehouse.reading() as connection:
            page = self.feed.endpoint.page_maximum
            return ledger.reread_from(connection, self.part, self.at, self.table, page)

    def _fetch(self, after: int) -> Page:
        pages: list[Page] = []
        self.client.page(
            self.feed.endpoint, after, part=self.part.part, check=lambda body: pages.append(read_page(body))
        )
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
            if self.feed.selection:
                gone.mark_unnumbered(connection, self.table, self.client.account)
        self._tell(restarted=True, series=self.at.series, cursor=0)

    def _end_what_was_not_served(self) -> None:
        """A selection was read whole after its restart: what it did not serve has left it."""
        with self.warehouse.reading() as connection:
            wrong = rejected.open_keys(connection, self.part)
            left = gone.still_unnumbered(connection, self.table, self.client.account)
        ended = [payload for payload in left if key_of(self.table, payload) not in wrong]
        if ended:
            last = [gone.deleted(payload, "isDisabledForSync", self.at.cursor) for payload in ended]
            self._store(last, self.at.cursor, self.at.cursor, self.at.cursor, current=True)

    def _note_current(self) -> None:
        self.at = replace(self.at, current_at=datetime.now(UTC))
        self.known.note(self.part, self.at)
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
        self.at = replace(
            to, committed_at=stored.committed_at, current_at=stored.committed_at if current else to.current_at
        )
        self.known.positions[self.part] = self.at
        self.known.noted.pop(self.part, None)
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
