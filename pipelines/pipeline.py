"""Everything that a sync needs, opened from the settings: token, clients, warehouse, catalogue.

One pipeline serves all accounts and feeds of a process. It knows who is asked and what is written where; how a
feed is read belongs to ``sync``.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from pipelines.catalogue import Catalogue, catalogue_of
from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import Feed, Snapshot, Source
from pipelines.errors import PipelineError, ScopeNotGrantedError, SettingError, SkippableError, UsageError
from pipelines.floriday.auth import BASE_SCOPES, TokenSession
from pipelines.floriday.client import FloridayClient, Identity
from pipelines.outcome import FeedOutcome, Listener
from pipelines.reports import install
from pipelines.settings import LocalSettings, Settings
from pipelines.snapshots import sync_snapshot
from pipelines.sync import sync_feed
from pipelines.warehouse import views
from pipelines.warehouse.belonging import belonging, check_belonging, remember
from pipelines.warehouse.connection import Warehouse, transaction
from pipelines.warehouse.layout import lay_out
from pipelines.warehouse.ledger import Ledger, open_ledger
from pipelines.warehouse.views import View
from pipelines.widening import Widening


def new_run_id() -> str:
    """An id for a run that Dagster did not start."""
    return str(uuid.uuid4())


def chosen_sources(settings: LocalSettings, catalogue: Catalogue) -> tuple[Source, ...]:
    """The feeds and snapshots that FLORIDAY_FEEDS names, all where it names none, as the settings want them asked for.

    Feeds that are read part by part come last: other feeds tell which parts there are.

    Raises:
        SettingError: it names one that there is not.
    """
    try:
        named = {catalogue.source(name).name for name in settings.feeds or ()}
    except UsageError as error:
        raise SettingError(f"FLORIDAY_FEEDS: {error.message}") from None
    chosen = [source for source in catalogue.sources if not named or source.name in named]
    return tuple(as_asked(source, settings) for source in sorted(chosen, key=_is_in_parts))


def as_asked(source: Source, settings: LocalSettings) -> Source:
    """The source with the filters that FLORIDAY_SELECTED_ASSORTMENT_ONLY wants."""
    if not (
        settings.selected_assortment_only and isinstance(source, Feed) and source.endpoint.selected_only_parameters
    ):
        return source
    endpoint = replace(source.endpoint, parameters=source.endpoint.selected_only_parameters)
    return replace(source, endpoint=endpoint, widened_by=(*source.widened_by, *source.selected_only_widened_by))


def _is_in_parts(source: Source) -> bool:
    return isinstance(source, Feed) and source.endpoint.part_parameter is not None


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
        rereads: feeds of accounts that wait for a full re-read, and why; filled by :meth:`prepare`.
        known: how far every feed is read; filled by :meth:`prepare`.
    """

    settings: Settings
    catalogue: Catalogue
    session: TokenSession
    clients: dict[str, FloridayClient]
    warehouse: Warehouse
    identities: dict[str, Identity] = field(default_factory=dict)
    failures: dict[str, PipelineError] = field(default_factory=dict)
    rereads: dict[tuple[str, str], str] = field(default_factory=dict)
    known: Ledger = field(default_factory=Ledger)

    @property
    def sources(self) -> tuple[Source, ...]:
        """The feeds and snapshots that the settings choose."""
        return chosen_sources(self.settings, self.catalogue)

    def identify(self) -> None:
        """Ask Floriday whose keys these are.

        Raises:
            PipelineError: none of the keys is good; with several accounts, a bad one alone is kept in ``failures``.
        """
        self.session.token()
        for account, client in self.clients.items():
            try:
                self.identities[account] = client.identity()
            except PipelineError as error:
                self.failures[account] = error
        if not self.identities:
            raise next(iter(self.failures.values()))

    def prepare(self) -> None:
        """Identify the accounts, refuse a warehouse of others, and create whatever the layout lacks.

        Raises:
            SettingError: the warehouse belongs to another API, environment or organization.
            PipelineError: no key is good, or the file cannot be used. Nothing was written then.
        """
        self.identify()
        organizations = {account: identity.organization_id for account, identity in self.identities.items()}
        named = {account: (one.organization_id, one.organization_name) for account, one in self.identities.items()}
        api, environment = self.settings.api, self.settings.environment
        if self.warehouse.exists():
            with self.warehouse.reading() as connection:
                check_belonging(belonging(connection), api, environment, organizations)
        with self.warehouse.writing() as connection, transaction(connection):
            tables = [tables_of(source) for source in self.catalogue.sources]
            lay_out(connection, tables)
            install(connection, {part.qualified_name for table in tables for part in table.walk()})
            remember(connection, api, environment, named)
            views.remember(connection, self._views())
            self.rereads = dict(views.marked(connection))
            self.known = open_ledger(connection)

    def _views(self) -> list[View]:
        """How each account asks for each feed now."""
        return [
            View(account, source.name, _parameters(source), self.grants(source))
            for account in self.identities
            for source in self.sources
        ]

    def sync(
        self, source: Source, account: str, *, run_id: str, full: bool = False, listener: Listener = lambda _: None
    ) -> FeedOutcome:
        """Sync one feed or snapshot of one account; expected failures are told in the outcome instead of raised."""
        so_far = FeedOutcome(account, source.name)

        def listen(outcome: FeedOutcome) -> None:
            nonlocal so_far
            so_far = outcome
            listener(outcome)

        try:
            self.check_scope(source)
            return self._sync(source, account, run_id=run_id, full=full, listener=listen)
        except SkippableError as error:
            return replace(so_far, skipped=error.message)
        except PipelineError as error:
            return replace(so_far, error=error.message)

    def _sync(self, source: Source, account: str, *, run_id: str, full: bool, listener: Listener) -> FeedOutcome:
        if isinstance(source, Feed):
            return self._sync_feed(source, account, run_id=run_id, full=full, listener=listener)
        assert isinstance(source, Snapshot)
        weeks = self.settings.base_supply_weeks
        client = self.clients[account]
        return sync_snapshot(client, self.warehouse, source, run_id=run_id, weeks=weeks, listener=listener)

    def _sync_feed(self, feed: Feed, account: str, *, run_id: str, full: bool, listener: Listener) -> FeedOutcome:
        marked = (account, feed.name) in self.rereads
        widening = Widening(self.warehouse, feed, account, self.sources)
        outcome = sync_feed(
            self.clients[account],
            self.warehouse,
            feed,
            run_id=run_id,
            known=self.known,
            full=full or marked,
            listener=listener,
        )
        self.rereads.update(widening.marks(outcome))
        if marked and outcome.current:
            with self.warehouse.writing() as connection, transaction(connection):
                views.done(connection, account, feed.name)
            del self.rereads[account, feed.name]
        return outcome

    def sync_all(
        self,
        sources: Iterable[Source],
        *,
        run_id: str,
        accounts: Iterable[str] | None = None,
        full: bool = False,
        listener: Listener = lambda _: None,
    ) -> Iterator[FeedOutcome]:
        """Sync feeds and snapshots of accounts one after the other; a failing one leaves the others done."""
        for account in accounts or self.clients:
            for source in sources:
                if account in self.failures:
                    yield FeedOutcome(account, source.name, error=self.failures[account].message)
                else:
                    yield self.sync(source, account, run_id=run_id, full=full, listener=listener)
        self.note()

    def note(self) -> None:
        """Write down which feeds were found to be current without having changed."""
        if self.known.noted:
            with self.warehouse.writing() as connection, transaction(connection):
                self.known.write(connection)

    def grants(self, source: Source) -> bool:
        """Whether the token carries the scope of a feed or snapshot."""
        granted = self.session.granted
        return granted is None or source.scope in granted

    def check_scope(self, source: Source) -> None:
        """Refuse what the token carries no scope for.

        Raises:
            ScopeNotGrantedError: it does not.
        """
        if not self.grants(source):
            raise ScopeNotGrantedError(f"scope {source.scope} is not granted", feed=source.name)


def _parameters(source: Source) -> str:
    """The fixed part of a feed's query, as text."""
    return "&".join(f"{name}={value}" for name, value in source.endpoint.parameters) if isinstance(source, Feed) else ""


def scopes_to_ask(settings: Settings, catalogue: Catalogue) -> tuple[str, ...]:
    """The scopes of FLORIDAY_SCOPES, else those that the chosen feeds need, never one that writes."""
    if settings.scopes:
        return settings.scopes
    return tuple(
        dict.fromkeys((*BASE_SCOPES, *sorted({source.scope for source in chosen_sources(settings, catalogue)})))
    )


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
    catalogue = replace(catalogue_of(settings.api), version=settings.version)
    unknown = set(accounts or ()) - set(settings.accounts)
    if unknown:
        raise UsageError(
            f"no account is called {', '.join(sorted(unknown))}; there are: {', '.join(settings.accounts)}"
        )
    session = TokenSession(
        settings.auth_url, settings.client_id, settings.client_secret, scopes_to_ask(settings, catalogue)
    )
    clients = {
        name: FloridayClient(settings.base_url, session, key, account=name)
        for name, key in settings.accounts.items()
        if accounts is None or name in accounts
    }
    pipeline = Pipeline(settings, catalogue, session, clients, Warehouse(settings.warehouse))
    try:
        yield pipeline
        pipeline.note()
    finally:
        for client in clients.values():
            client.close()
        session.close()
