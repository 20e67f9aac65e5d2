"""Everything that a sync needs, opened from the settings: token, clients, warehouse, catalogue.

:func:`open_clients` opens the parts, and :meth:`Connected.prepare` makes a session of them, which syncs all feeds and
accounts of a process. How a feed is read belongs to ``feed``.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType

from pipelines.catalogue import Catalogue, catalogue_of
from pipelines.catalogue.types import Feed, Snapshot, Source
from pipelines.errors import PipelineError, ScopeNotGrantedError, SkippableError
from pipelines.floriday.client import FloridayClient, identify_all
from pipelines.floriday.http.auth import TokenSession
from pipelines.floriday.http.retry import RetryPolicy
from pipelines.floriday.identity import Identity
from pipelines.floriday.stoppable_threads import StoppedError
from pipelines.normalize import PersonalData
from pipelines.settings import Settings
from pipelines.settings.overrides import current
from pipelines.sync.feed import Run, sync_feed
from pipelines.sync.outcome import FeedOutcome, Listener
from pipelines.sync.prepare import Preparation
from pipelines.sync.scheduler import Task, limit_malloc_arenas, run_concurrently, serialize
from pipelines.sync.selection import Changes, WhatToRead, as_asked, check_accounts, chosen_sources, scopes_to_ask
from pipelines.sync.snapshot import sync_snapshot
from pipelines.unexpected_errors import print_if_debugging, stack_trace, summary
from pipelines.warehouse.file.connection import Warehouse, transaction
from pipelines.warehouse.file.publish import is_copy_due, is_copy_young, publish
from pipelines.warehouse.load import visibility
from pipelines.warehouse.load.cursors import CONNECTIONS_FEED
from pipelines.warehouse.load.run_state import RunState
from pipelines.warehouse.opening import open_for_sync


def new_run_id() -> str:
    """An id for a run that Dagster did not start."""
    return str(uuid.uuid4())


@dataclass(frozen=True)
class Connected:
    """The opened parts; nothing is requested and nothing created before it is needed."""

    settings: Settings
    catalogue: Catalogue  # of the settings' API
    token_session: TokenSession  # gives the access token
    clients: Mapping[str, FloridayClient]  # one client for each account, by the account's name
    warehouse: Warehouse

    @property
    def sources(self) -> tuple[Source, ...]:
        """The feeds and snapshots that the settings choose."""
        return chosen_sources(self.settings, self.catalogue)

    def prepare(self) -> SyncSession:
        """Identify the accounts, refuse a warehouse of others, bring an older one up to date, create what it lacks.

        Raises:
            SettingError: see :meth:`Preparation.prepare`.
            PipelineError: no account could be identified, or the file cannot be used. Nothing was written then.
        """
        self.token_session.token()
        answers = dict(identify_all(self.clients))
        identities = {account: answer for account, answer in answers.items() if isinstance(answer, Identity)}
        unidentified = {account: answer for account, answer in answers.items() if isinstance(answer, PipelineError)}
        if not identities:
            raise _none_identified(unidentified)
        return self.session(identities, unidentified)

    def session(
        self, identities: Mapping[str, Identity], unidentified: Mapping[str, PipelineError] = MappingProxyType({})
    ) -> SyncSession:
        """A session of accounts that are identified; the arguments are those of :class:`SyncSession`.

        Raises errors of the warehouse as :meth:`prepare` does.
        """
        views = [self._view(account, source) for account in identities for source in self.sources]
        prepared = Preparation(self.settings, self.catalogue, identities, views).prepare(self.warehouse)
        return SyncSession(self, identities, unidentified, prepared.state, prepared.personal)

    def _view(self, account: str, source: Source) -> visibility.View:
        parameters = source.endpoint.fixed_query if isinstance(source, Feed) else ""
        return visibility.View(account, source.name, parameters, self.grants(source))

    def widened_by(self, feed: Feed) -> tuple[str, ...]:
        """The feeds whose older records become visible with each new record of this one, chosen or not."""
        sources = (as_asked(source, self.settings) for source in self.catalogue.sources)
        return tuple(other.name for other in sources if isinstance(other, Feed) and feed.name in other.widened_by)

    def publish(self) -> bool:
        """Renew the copy for readers that stay connected, where the settings define one and it is due.

        A sync calls it at its end. It needs no lock file: DuckDB's own keeps writers out while the warehouse is read.
        A PipelineError leaves the copy as it was.

        Returns:
            Whether the copy may be left as it is; False if it is too young to be renewed.
        """
        target, every = self.settings.published, self.settings.publish_every
        if target is not None and is_copy_due(self.warehouse, target, every):
            publish(self.warehouse, target)
        return target is None or not is_copy_young(target, every)

    def grants(self, source: Source) -> bool:
        """Whether the token carries the scope of a feed or snapshot."""
        return self.token_session.granted is None or source.scope in self.token_session.granted

    def grants_connections(self) -> bool:
        """Whether the feed that lists the sub-feeds of others may be read, where it was chosen."""
        return all(self.grants(source) for source in self.sources if source.name == CONNECTIONS_FEED)

    def check_scope(self, source: Source) -> None:
        """Raise a ScopeNotGrantedError if the token does not carry the scope of a feed or snapshot."""
        if not self.grants(source):
            raise ScopeNotGrantedError(f"scope {source.scope} is not granted", feed=source.name)


def _none_identified(unidentified: Mapping[str, PipelineError]) -> PipelineError:
    """The error of the first account, with the reasons of all accounts in one line."""
    error = next(iter(unidentified.values()))
    if len(unidentified) == 1:
        return error
    error.message = "; ".join(f"{account}: {each.message}" for account, each in unidentified.items())
    error.account = None
    return error


@dataclass(frozen=True)
class SyncSession:
    """A sync of all accounts and feeds of a process; several threads may use one."""

    connected: Connected
    identities: Mapping[str, Identity]  # the organization behind each account's key
    unidentified: Mapping[str, PipelineError]  # accounts without an identity, with the reason: key refused, no answer …
    state: RunState  # cursors and marks of all feeds; follows what the session commits
    personal: PersonalData  # how personal data are protected

    @property
    def sources(self) -> tuple[Source, ...]:
        """The feeds and snapshots that the settings choose."""
        return self.connected.sources

    @property
    def warehouse(self) -> Warehouse:
        """The DuckDB file."""
        return self.connected.warehouse

    def sync(
        self,
        source: Source,
        account: str,
        *,
        run_id: str,
        what: WhatToRead = Changes(),  # noqa: B008 - frozen
        listener: Listener = lambda _: None,
    ) -> FeedOutcome:
        """Sync one feed, or one snapshot as a whole; failures are in the outcome, unexpected ones too.

        The run's id is written into every row of ``sync.windows`` and the raw log; the listener is called after each
        page with the outcome so far.
        """
        so_far = FeedOutcome(account, source.name)

        def listen(outcome: FeedOutcome) -> None:
            nonlocal so_far
            so_far = outcome
            listener(outcome)

        try:
            self.connected.check_scope(source)
            if isinstance(source, Feed):
                return self._sync_feed(source, account, run_id, what, listen)
            assert isinstance(source, Snapshot)
            run, weeks = Run(run_id, self.state, self.personal), self.connected.settings.base_supply_weeks
            client = self.connected.clients[account]
            return sync_snapshot(client, self.warehouse, source, run, what, weeks=weeks, listener=listen)
        except SkippableError as error:
            return replace(so_far, skipped=error.message)
        except PipelineError as error:
            return replace(so_far, error=error.message)
        except StoppedError:
            raise
        except Exception as defect:  # noqa: BLE001 - one feed's defect must leave the others done
            print_if_debugging(defect)
            return replace(so_far, error=summary(defect), stack=stack_trace(defect))

    def _sync_feed(self, feed: Feed, account: str, run_id: str, what: WhatToRead, listener: Listener) -> FeedOutcome:
        outcome = sync_feed(
            self.connected.clients[account],
            self.warehouse,
            feed,
            Run(run_id, self.state, self.personal),
            what,
            widens=self.connected.widened_by(feed),
            listener=listener,
        )
        if outcome.lacks is not None and not self.connected.grants_connections():
            raise ScopeNotGrantedError(f"{outcome.lacks}; its scope is not granted", feed=feed.name)
        return outcome

    def sync_all(
        self,
        sources: Sequence[Source],
        *,
        run_id: str,
        accounts: Sequence[str] | None = None,
        what: WhatToRead = Changes(),  # noqa: B008 - frozen
        listener: Listener = lambda _: None,
    ) -> Iterator[FeedOutcome]:
        """Sync feeds and snapshots of accounts concurrently, and yield each outcome as soon as it is known.

        A failing feed leaves the others done. The arguments are those of :meth:`sync`.
        """
        tasks = [(account, source) for account in accounts or self.connected.clients for source in sources]
        yield from self.sync_tasks(tasks, run_id=run_id, what=what, listener=listener)

    def sync_tasks(
        self,
        tasks: Sequence[Task],
        *,
        run_id: str,
        what: WhatToRead = Changes(),  # noqa: B008 - frozen
        listener: Listener = lambda _: None,
    ) -> Iterator[FeedOutcome]:
        """As :meth:`sync_all`, for other feeds of each account."""
        serialized = serialize(listener)

        def work(task: Task) -> FeedOutcome:
            account, source = task
            # `floriday sync` leaves these accounts out and prints them itself; in a run of Dagster each of their feeds
            # needs an outcome.
            if account in self.unidentified:
                return FeedOutcome(account, source.name, error=self.unidentified[account].message)
            return self.sync(source, account, run_id=run_id, what=what, listener=serialized)

        yield from run_concurrently(tasks, work)

    def renewed(self) -> SyncSession:
        """The session of the same accounts with what the warehouse holds now, which other syncs may have changed.

        Raises errors of the warehouse as :meth:`Connected.prepare` does.
        """
        return self.connected.session(self.identities, self.unidentified)

    def save_positions(self) -> None:
        """Write down which feeds were found current without a change; to be called when all feeds are done.

        A second call writes only what the first could not.
        """
        if self.state.noted:
            with self.warehouse.writing() as connection, transaction(connection):
                self.state.write(connection)


@contextmanager
def open_clients(
    settings: Settings,
    *,
    accounts: Iterable[str] | None = None,
    retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - frozen
) -> Iterator[Connected]:
    """Open the parts for some accounts, None for all, and close them in the end; nothing is requested yet.

    ``retry`` is how often and how long calls to the API are retried.

    Raises:
        SettingError: the settings name a feed that does not exist.
        UsageError: an account has an unknown name.
    """
    limit_malloc_arenas()
    catalogue = catalogue_of(settings.api, settings.version)
    check_accounts(
        accounts or (), settings.accounts, f"cell {cell} has" if (cell := current().cell) else "the settings have"
    )
    token_session = TokenSession(
        settings.auth_url, settings.client_id, settings.client_secret, scopes_to_ask(settings, catalogue)
    )
    clients = {
        name: FloridayClient(settings.base_url, token_session, key, account=name, retry=retry)
        for name, key in settings.accounts.items()
        if accounts is None or name in accounts
    }
    warehouse = open_for_sync(settings.warehouse)
    try:
        yield Connected(settings, catalogue, token_session, clients, warehouse)
    finally:
        warehouse.close()
        for client in clients.values():
            client.close()
        token_session.close()
