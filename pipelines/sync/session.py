"""Everything that a sync needs, opened from the settings: token, clients, warehouse, catalogue.

One pipeline serves all accounts and feeds of a process. It knows who is asked and what is written where; how a
feed is read belongs to ``sync``.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Thread

from pipelines.catalogue import Catalogue, catalogue_of
from pipelines.catalogue.types import Feed, Snapshot, Source
from pipelines.errors import PipelineError, ScopeNotGrantedError, SkippableError
from pipelines.floriday.client import FloridayClient, identify_all
from pipelines.floriday.http.auth import TokenSession
from pipelines.floriday.identity import Identity
from pipelines.floriday.stoppable_threads import StoppedError
from pipelines.normalize import PersonalData, get_ready
from pipelines.settings import Settings
from pipelines.sync.feed import sync_feed
from pipelines.sync.memory import hold_little
from pipelines.sync.outcome import FeedOutcome, Listener
from pipelines.sync.prepare import Preparation
from pipelines.sync.scheduler import Task, one_at_a_time, side_by_side
from pipelines.sync.selection import as_asked, check_accounts, chosen_sources, scopes_to_ask
from pipelines.sync.snapshot import sync_snapshot
from pipelines.sync.sub_feed import Run
from pipelines.sync.what_to_read import Changes, WhatToRead
from pipelines.unexpected_errors import print_if_debugging, stack_trace, summary
from pipelines.warehouse.file.connection import Warehouse, transaction
from pipelines.warehouse.file.publish import is_copy_due, publish
from pipelines.warehouse.file.reused_connection import ReusingWarehouse
from pipelines.warehouse.load import visibility
from pipelines.warehouse.load.cursors import CONNECTIONS_FEED, Ledger


def new_run_id() -> str:
    """An id for a run that Dagster did not start."""
    return str(uuid.uuid4())


@dataclass
class Pipeline:
    """The opened parts.

    Args:
        settings: all of them.
        catalogue: of the settings' API.
        session: gives the token.
        clients: one an account, by its name.
        warehouse: the DuckDB file.
        identities: whose key each account's is, as Floriday said; filled by :meth:`prepare`.
        failures: accounts whose key was refused, and why; filled by :meth:`prepare`.
        known: how far every feed is read, and which ones wait for a full re-read; filled by :meth:`prepare`.
        personal: what becomes of personal data; filled by :meth:`prepare`.
    """

    settings: Settings
    catalogue: Catalogue
    session: TokenSession
    clients: dict[str, FloridayClient]
    warehouse: Warehouse
    identities: dict[str, Identity] = field(default_factory=dict)
    failures: dict[str, PipelineError] = field(default_factory=dict)
    known: Ledger = field(default_factory=Ledger)
    personal: PersonalData | None = None

    @property
    def sources(self) -> tuple[Source, ...]:
        """The feeds and snapshots that the settings choose."""
        return chosen_sources(self.settings, self.catalogue)

    def identify(self) -> None:
        """Ask Floriday whose keys these are.

        Raises:
            PipelineError: none of the keys is good; with several accounts, a bad one alone is kept in ``failures``.
        """
        Thread(target=get_ready, name="floriday frames", daemon=True).start()
        self.session.token()
        answers = dict(identify_all(self.clients))
        self.identities = {account: one for account, one in answers.items() if isinstance(one, Identity)}
        self.failures = {account: one for account, one in answers.items() if isinstance(one, PipelineError)}
        if not self.identities:
            raise next(iter(self.failures.values()))

    def prepare(self) -> None:
        """Identify the accounts, refuse a warehouse of others, bring an older one up to date, create what it lacks.

        Raises:
            SettingError: the warehouse belongs to another API, environment or organization, or its personal data are
                treated otherwise than the settings say.
            PipelineError: no key is good, or the file cannot be used. Nothing was written then.
        """
        self.identify()
        prepared = Preparation(self.settings, self.catalogue, self.identities, self._views()).of(self.warehouse)
        self.personal, self.known = prepared.personal, prepared.known

    def _views(self) -> list[visibility.View]:
        return [
            visibility.View(name, one.name, one.endpoint.fixed_query if isinstance(one, Feed) else "", self.grants(one))
            for name in self.identities
            for one in self.sources
        ]

    def sync(
        self,
        source: Source,
        account: str,
        *,
        run_id: str,
        what: WhatToRead = Changes(),  # noqa: B008 - frozen
        listener: Listener = lambda _: None,
    ) -> FeedOutcome:
        """Sync one feed or snapshot of one account; failures are in the outcome instead of raised, unexpected ones too.

        Args:
            source: which; a snapshot is always read as a whole.
            account: whose.
            run_id: written into every row of the ledger and the raw log.
            what: what to read of a feed.
            listener: told after each page.
        """
        so_far = FeedOutcome(account, source.name)

        def listen(outcome: FeedOutcome) -> None:
            nonlocal so_far
            so_far = outcome
            listener(outcome)

        assert self.personal is not None, "prepare() comes first"
        try:
            self.check_scope(source)
            if isinstance(source, Feed):
                return self._sync_feed(source, account, run_id, what, listen)
            assert isinstance(source, Snapshot)
            weeks, client = self.settings.base_supply_weeks, self.clients[account]
            return sync_snapshot(
                client, self.warehouse, source, run_id=run_id, weeks=weeks, personal=self.personal, listener=listen
            )
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
        assert self.personal is not None
        outcome = sync_feed(
            self.clients[account],
            self.warehouse,
            feed,
            Run(run_id, self.known, self.personal),
            what,
            widens=self._widened_by(feed),
            listener=listener,
        )
        if outcome.lacks is not None and not self._grants_connections():
            raise ScopeNotGrantedError(f"{outcome.lacks}; its scope is not granted", feed=feed.name)
        return outcome

    def _widened_by(self, feed: Feed) -> tuple[str, ...]:
        """The feeds whose older records come into view with each new one of this feed, chosen or not."""
        sources = (as_asked(source, self.settings) for source in self.catalogue.sources)
        return tuple(one.name for one in sources if isinstance(one, Feed) and feed.name in one.widened_by)

    def _grants_connections(self) -> bool:
        """Whether the feed that says which parts others have may be read, where it was chosen."""
        return all(self.grants(source) for source in self.sources if source.name == CONNECTIONS_FEED)

    def sync_all(
        self,
        sources: Sequence[Source],
        *,
        run_id: str,
        accounts: Sequence[str] | None = None,
        what: WhatToRead = Changes(),  # noqa: B008 - frozen
        listener: Listener = lambda _: None,
    ) -> Iterator[FeedOutcome]:
        """Sync feeds and snapshots of accounts side by side; a failing one leaves the others done.

        The outcomes come as they are there. The arguments are those of :meth:`sync`.
        """
        tell = one_at_a_time(listener)

        def work(task: Task) -> FeedOutcome:
            account, source = task
            if account in self.failures:
                return FeedOutcome(account, source.name, error=self.failures[account].message)
            return self.sync(source, account, run_id=run_id, what=what, listener=tell)

        yield from side_by_side([(one, source) for one in accounts or self.clients for source in sources], work)

    def note(self) -> None:
        """Write down which feeds were found current without a change; ``open_pipeline`` does it at the end."""
        if self.known.noted:
            with self.warehouse.writing() as connection, transaction(connection):
                self.known.write(connection)

    def publish(self) -> None:
        """Renew the copy for readers that stay connected, where there is to be one and it is due.

        A sync calls it at its end. It needs no lock file: DuckDB's own keeps writers out while the warehouse is read.

        Raises:
            PipelineError: the copy could not be renewed; it is as it was.
        """
        target = self.settings.published
        if target is not None and is_copy_due(self.warehouse, target, self.settings.publish_every):
            publish(self.warehouse, target)

    def grants(self, source: Source) -> bool:
        """Whether the token carries the scope of a feed or snapshot."""
        return self.session.granted is None or source.scope in self.session.granted

    def check_scope(self, source: Source) -> None:
        """Refuse what the token carries no scope for.

        Raises:
            ScopeNotGrantedError: it does not.
        """
        if not self.grants(source):
            raise ScopeNotGrantedError(f"scope {source.scope} is not granted", feed=source.name)


@contextmanager
def open_pipeline(settings: Settings, *, accounts: Iterable[str] | None = None) -> Iterator[Pipeline]:
    """Open the parts, and close them in the end; nothing is called yet.

    Args:
        settings: all of them.
        accounts: names of the accounts to open; all by default.

    Raises:
        SettingError: the settings name a feed that there is not.
        UsageError: there is no account of such a name.
    """
    hold_little()
    catalogue = replace(catalogue_of(settings.api), version=settings.version)
    check_accounts(accounts or (), settings.accounts, "the settings have")
    session = TokenSession(
        settings.auth_url, settings.client_id, settings.client_secret, scopes_to_ask(settings, catalogue)
    )
    clients = {
        name: FloridayClient(settings.base_url, session, key, account=name)
        for name, key in settings.accounts.items()
        if accounts is None or name in accounts
    }
    warehouse = ReusingWarehouse(settings.warehouse)
    pipeline = Pipeline(settings, catalogue, session, clients, warehouse)
    try:
        yield pipeline
        pipeline.note()
    finally:
        warehouse.close()
        for client in clients.values():
            client.close()
        session.close()
