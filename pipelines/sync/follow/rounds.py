"""One round of the resident sync: all feeds, or only those that moved, while it holds the sync lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from pipelines.catalogue.types import Feed
from pipelines.errors import PipelineError
from pipelines.floriday.http.retry import Clock, RetryPolicy
from pipelines.sync.follow.backoff import Backoff
from pipelines.sync.follow.maxima import Maxima
from pipelines.sync.follow.moved_feeds import KnownCursors, Moved
from pipelines.sync.follow.poller import Key, Poller
from pipelines.sync.outcome import FeedOutcome, Listener
from pipelines.sync.scheduler import Task, return_memory
from pipelines.sync.session import Connected, SyncSession, new_run_id
from pipelines.warehouse.opening import RESIDENT, hold_sync_lock

RETRY = RetryPolicy(attempts=3, seconds=30.0)  # of the calls of a round; a failing feed must not delay the others
WHOLE = ("", "")  # the key of what concerns no single account or feed
LOCK_TIMEOUT = 10.0  # most seconds that a round waits for another sync


@dataclass(frozen=True)
class Round:
    """What one round did."""

    outcomes: Sequence[FeedOutcome] = ()  # of the feeds that were synced
    failures: Mapping[Key, str] = field(default_factory=dict)  # what failed and why; the feed is "" for an account
    well: frozenset[Key] = frozenset()  # what was tried and works
    is_whole: bool = False  # whether all feeds were synced

    @property
    def has_changed(self) -> bool:
        """Whether it stored something."""
        return any(outcome.new or outcome.changed or outcome.rejected for outcome in self.outcomes)

    @property
    def is_complete(self) -> bool:
        """Whether each account could be identified."""
        return all(feed for _, feed in self.failures)


@dataclass
class Rounds:
    """The rounds of a process, which keep its token, connections and cursors.

    Args:
        connected: token, clients and warehouse of the process.
        poller: requests the maxima of the feeds.
        backoff: delays the next attempt of feeds that fail.
        clock: clock of the back-off, in seconds.
        listener: is called after each page with the outcome so far, by one thread at a time.
        lock_timeout: most seconds that a round waits for another sync.
    """

    connected: Connected
    poller: Poller
    backoff: Backoff
    clock: Clock
    listener: Listener = lambda _: None
    lock_timeout: float = LOCK_TIMEOUT
    _session: SyncSession | None = None

    def whole(self, ready: Callable[[], None]) -> Round:
        """Identify the accounts, prepare the warehouse, call ``ready``, and sync all feeds.

        Raises:
            PipelineError: no account could be identified, or the warehouse cannot be used or is in use.
        """
        with self._locked():
            self._session = session = self.connected.prepare()
            ready()
            tasks = [(account, source) for account in session.identities for source in session.sources]
            done = self._sync(session, tasks)
        accounts = {(account, ""): error.message for account, error in session.unidentified.items()}
        well = done.well | {(account, "") for account in session.identities} | {WHOLE}
        return replace(done, failures={**done.failures, **accounts}, well=well, is_whole=True)

    def moved(self) -> Round:
        """Request the maximum of each feed, and sync the feeds that moved; after :meth:`whole`.

        Raises:
            PipelineError: there is no token, or the warehouse cannot be used or is in use.
        """
        assert self._session is not None
        self.connected.token_session.token()
        maxima = Maxima(self.connected.clients, KnownCursors(self._session.state))
        answers = self._poll(self._session, maxima)
        failures = {key: answer.message for key, answer in answers.items() if isinstance(answer, PipelineError)}
        for key in failures:
            self.backoff.failed(key, self.clock.now())
        failures |= {key: error.message for key, error in maxima.refused_keys()}
        moved = {key: answer for key, answer in answers.items() if isinstance(answer, Moved)}
        done = self._sync_moved(moved) if moved else Round()
        return_memory()
        unmoved = {key for key, answer in answers.items() if answer is None}
        for key in unmoved:
            self.backoff.succeeded(key)
        accounts = {(account, "") for account in self._session.identities}
        well = done.well | unmoved | accounts | {WHOLE}
        return replace(done, failures={**failures, **done.failures}, well=well)

    def publish(self) -> bool:
        """As :meth:`Connected.publish`; a file is closed afterwards."""
        try:
            return self.connected.publish()
        finally:
            self._close_file()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the sync lock; a file is closed before it is released."""
        with hold_sync_lock(self.connected.warehouse.address, RESIDENT, timeout=self.lock_timeout):
            try:
                yield
            finally:
                self._close_file()

    def _close_file(self) -> None:
        """Let other processes use a file; a lake stays attached, because that takes a second of processor time."""
        if not self.connected.warehouse.may_conflict:
            self.connected.warehouse.finish()

    def _poll(self, session: SyncSession, maxima: Maxima) -> dict[Key, Moved | PipelineError | None]:
        now = self.clock.now()
        granted = [source for source in session.sources if self.connected.grants(source)]
        tasks = [(account, source) for account in session.identities for source in granted]
        return self.poller.poll(
            {
                (account, source.name): maxima.poll(account, source)
                for account, source in tasks
                if self.backoff.is_due((account, source.name), now)
            }
        )

    def _sync_moved(self, moved: Mapping[Key, Moved]) -> Round:
        """Sync the feeds that still differ from the warehouse: another process may have synced them meanwhile."""
        assert self._session is not None
        with self._locked():
            self._session = session = self._session.renewed()
            known = KnownCursors(session.state)
            sources = {source.name: source for source in session.sources}
            tasks = [
                (account, sources[name])
                for (account, name), each in moved.items()
                if known.moved(account, sources[name], partial(_known_number, each.number))
            ]
            return self._sync(session, tasks)

    def _sync(self, session: SyncSession, tasks: Sequence[Task]) -> Round:
        """Sync feeds, then those that this marked for a full re-read."""
        run_id, known = new_run_id(), KnownCursors(session.state)
        outcomes = list(session.sync_tasks(tasks, run_id=run_id, listener=self.listener))
        begun = {(account, source.name) for account, source in tasks}
        marked = {key for key in session.state.rereads.keys() - begun if self.backoff.is_due(key, self.clock.now())}
        further = [
            (account, source)
            for account in session.identities
            for source in session.sources
            if (account, source.name) in marked and self.connected.grants(source)
        ]
        outcomes += session.sync_tasks(further, run_id=run_id, listener=self.listener)
        failures = {}
        try:
            session.save_positions()
        except PipelineError as error:
            failures[WHOLE] = error.message
        return self._judged(session, outcomes, failures, known)

    def _judged(
        self, session: SyncSession, outcomes: Sequence[FeedOutcome], failures: dict[Key, str], before: KnownCursors
    ) -> Round:
        after, well = KnownCursors(session.state), set()
        for outcome in outcomes:
            key = (outcome.account, outcome.feed)
            problem = outcome.error or outcome.skipped or outcome.why_not_current
            if problem is None:
                well.add(key)
            else:
                failures[key] = problem
            has_moved = after.position(*key) != before.position(*key)
            if problem is None and (has_moved or outcome.maximum in (None, outcome.cursor)):
                self.backoff.succeeded(key)
            else:
                self.backoff.failed(key, self.clock.now())
        return Round(outcomes, failures, frozenset(well))


def _known_number(number: int | None, _: Feed) -> int | None:
    return number


@dataclass
class PublishedCopy:
    """Renews the published copy after a round, as soon as it is old enough."""

    publish: Callable[[], bool]  # returns False if the copy is too young to be renewed
    is_pending: bool = True

    def __call__(self, done: Round) -> None:
        """Renew the copy if this round or an earlier one changed the warehouse since then."""
        self.is_pending = self.is_pending or done.has_changed
        if self.is_pending:
            self.is_pending = not self.publish()
