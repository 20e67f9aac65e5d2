"""The pages of a walk, stored batch by batch: while one batch is committed, the next one is read and normalized.

Which pages are read does not belong here: that is ``sub_feed``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Self

from pipelines.errors import PipelineError
from pipelines.floriday.change_feed import Step
from pipelines.floriday.page_checks import shared_numbers
from pipelines.normalize import get_ready
from pipelines.normalize.rejected import key_of
from pipelines.sync.batches import BYTES_A_CHUNK, BatchBuilder, PageBatch, WindowBuilder, without_stored
from pipelines.sync.feed_writer import Commit, FeedWriter
from pipelines.warehouse.file.connection import WriteSession
from pipelines.warehouse.load.change_detection import StoredNumber
from pipelines.warehouse.load.upsert import Effects, Stored


@dataclass(frozen=True)
class Walk:
    """What a walk over a feed is for."""

    is_reread: bool = False  # whether it begins at number 0
    stored: Mapping[int, Collection[bytes]] = field(default_factory=dict)  # hashes stored with numbers to be read again
    gathers_keys: bool = False  # whether the keys of all served records are returned
    ahead: set[StoredNumber] = field(default_factory=set)  # filled: records that it served below their stored numbers


def store_walk(writer: FeedWriter, steps: Iterator[Step], windows: WindowBuilder, walk: Walk) -> set[str | None]:
    """Store the steps of a walk; what was fetched before a failure is stored before the failure is raised.

    Returns the keys of all records that were served, None for a record without a readable key; empty where ``walk``
    does not gather them.

    Raises:
        PipelineError: the walk failed; committed pages stay.
    """
    with _BackgroundCommits(writer) as commits:
        return _WalkWriter(writer, BatchBuilder(writer.target.table, windows), walk, commits).store(steps)


class _BackgroundCommits:
    """Commits batches of one writer, one at a time, in a thread of its own."""

    def __init__(self, writer: FeedWriter) -> None:
        self.session = WriteSession(writer.target.warehouse)
        self._writer = writer
        self._thread = ThreadPoolExecutor(1, "floriday store")
        self._running: Future[Commit] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()
        self.session.close()

    @property
    def is_idle(self) -> bool:
        """Whether no commit is running."""
        return self._running is None or self._running.done()

    def start(self, batch: PageBatch, effects: Effects) -> None:
        """Commit a batch in the background; the one before it is finished."""
        self._running = self._thread.submit(self._writer.commit, self.session, batch, effects)

    def finish(self, *, is_next_ready: bool = False) -> Stored | None:
        """Wait for the running commit, if any, and take over its position; returns what it stored.

        A commit that failed raises its error at each call. So nothing is stored after it, and no cursor moves over it.
        ``is_next_ready``: another batch is to be committed immediately after it.
        """
        if self._running is None:
            return None
        self.session.expects_more = is_next_ready
        commit = self._running.result()
        self._running, self.session.expects_more = None, False
        self._writer.follow(commit)
        return commit.stored


class _WalkWriter:
    """Stores the steps of one walk."""

    def __init__(self, writer: FeedWriter, builder: BatchBuilder, walk: Walk, commits: _BackgroundCommits) -> None:
        self._writer = writer
        self._builder = builder
        self._walk = walk
        self._commits = commits
        self._served: set[str | None] = set()
        self._ignored = 0
        self._has_stored = False

    def store(self, steps: Iterator[Step]) -> set[str | None]:
        """Store all steps; returns the keys of the served records."""
        failure: PipelineError | None = None
        try:
            for step in steps:
                self._add(step)
        except PipelineError as error:
            failure = error
        if self._builder.windows.pages:
            self._commit()
        self._finish_commit()
        if failure is not None:
            raise failure
        return self._served

    def _add(self, step: Step) -> None:
        windows, progress = self._builder.windows, self._writer.progress
        if self._walk.gathers_keys:
            self._served.update(key_of(self._writer.target.table, raw) for raw in step.page.records)
        progress.count_page(len(step.page.records), shared_numbers(step.page))
        for piece in _split(replace(step, page=without_stored(step.page, self._walk.stored))):
            if piece.page.records:
                get_ready()
            self._builder.add(piece)
            self._commits.session.expects_more = windows.is_half_full
            self._builder.normalize_full_chunk()
            if windows.is_large_enough(is_idle=self._commits.is_idle):
                self._commit()
        progress.update(left=windows.unread(self._writer.maximum))

    def _commit(self) -> None:
        """Commit the batch once the one before it is committed, unless it changes nothing."""
        batch = self._builder.take()
        self._finish_commit(is_next_ready=batch.served > 0)
        covered, cursor = batch.covered, self._writer.position.cursor
        moves = covered.cursor_from(cursor) != cursor
        # With the end of a walk that has stored something, the stored numbers are compared with that end.
        checks_end = covered.end is not None and (self._has_stored or self._walk.is_reread)
        if batch.served or moves or checks_end or any(piece.ends > cursor for piece in covered.pieces):
            self._has_stored = True
            widens = self._writer.target.widens
            self._commits.start(batch, Effects(widens, is_reread=self._walk.is_reread, ignored=self._ignored))
        elif covered.current:
            self._writer.note_current()

    def _finish_commit(self, *, is_next_ready: bool = False) -> None:
        stored = self._commits.finish(is_next_ready=is_next_ready)
        if stored is not None:
            self._ignored += stored.older
            self._walk.ahead.update(stored.ahead)


def _split(step: Step) -> Iterator[Step]:
    """The step in chunks that are normalized at once; only the last one moves the cursor."""
    *first, last = step.page.split(BYTES_A_CHUNK)
    for page in first:
        yield replace(step, page=page, reached=step.after, is_end=False)
    yield replace(step, page=last)
