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
from pipelines.catalogue.types import Feed
from pipelines.errors import PipelineError, ScopeNotGrantedError, SettingError, SkippableError, UsageError
from pipelines.floriday.auth import BASE_SCOPES, TokenSession
from pipelines.floriday.client import FloridayClient, Identity
from pipelines.outcome import FeedOutcome, Listener
from pipelines.reports import install
from pipelines.settings import LocalSettings, Settings
from pipelines.sync import sync_feed
from pipelines.warehouse.belonging import belonging, check_belonging, remember
from pipelines.warehouse.connection import Warehouse, transaction
from pipelines.warehouse.layout import lay_out


def new_run_id() -> str:
    """An id for a run that Dagster did not start."""
    return str(uuid.uuid4())


def chosen_feeds(settings: LocalSettings, catalogue: Catalogue) -> tuple[Feed, ...]:
    """The feeds that FLORIDAY_FEEDS names, all where it names none.

    Raises:
        SettingError: it names one that there is not.
    """
    if not settings.feeds:
        return catalogue.feeds
    try:
        named = {catalogue.feed(name).name for name in settings.feeds}
    except UsageError as error:
        raise SettingError(f"FLORIDAY_FEEDS: {error.message}") from None
    return tuple(feed for feed in catalogue.feeds if feed.name in named)


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
    """

    settings: Settings
    catalogue: Catalogue
    session: TokenSession
    clients: dict[str, FloridayClient]
    warehouse: Warehouse
    identities: dict[str, Identity] = field(default_factory=dict)
    failures: dict[str, PipelineError] = field(default_factory=dict)

    @property
    def feeds(self) -> tuple[Feed, ...]:
        """The feeds that the settings choose."""
        return chosen_feeds(self.settings, self.catalogue)

    def identify(self) -> None:
        """Ask Floriday whose keys these are.

        Raises:
            PipelineError: none of the keys is good; with several accounts, a bad one alone is kept in ``failures``.
        """
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
            tables = [tables_of(feed) for feed in self.catalogue.feeds]
            lay_out(connection, tables)
            install(connection, {part.qualified_name for table in tables for part in table.walk()})
            remember(connection, api, environment, named)

    def sync(
        self, feed: Feed, account: str, *, run_id: str, full: bool = False, listener: Listener = lambda _: None
    ) -> FeedOutcome:
        """Sync one feed of one account; expected failures are told in the outcome instead of raised."""
        try:
            self.check_scope(feed)
            return sync_feed(self.clients[account], self.warehouse, feed, run_id=run_id, full=full, listener=listener)
        except SkippableError as error:
            return FeedOutcome(account, feed.name, skipped=error.message)
        except PipelineError as error:
            return FeedOutcome(account, feed.name, error=error.message)

    def sync_all(
        self,
        feeds: Iterable[Feed],
        *,
        run_id: str,
        accounts: Iterable[str] | None = None,
        full: bool = False,
        listener: Listener = lambda _: None,
    ) -> Iterator[FeedOutcome]:
        """Sync feeds of accounts one after the other; a failing one leaves the others done."""
        for account in accounts or self.clients:
            for feed in feeds:
                if account in self.failures:
                    yield FeedOutcome(account, feed.name, error=self.failures[account].message)
                else:
                    yield self.sync(feed, account, run_id=run_id, full=full, listener=listener)

    def check_scope(self, feed: Feed) -> None:
        """Refuse a feed whose scope the token does not carry.

        Raises:
            ScopeNotGrantedError: it does not.
        """
        granted = self.session.granted
        if granted is not None and feed.scope not in granted:
            raise ScopeNotGrantedError(f"scope {feed.scope} is not granted", feed=feed.name)


def scopes_to_ask(settings: Settings, catalogue: Catalogue) -> tuple[str, ...]:
    """The scopes of FLORIDAY_SCOPES, else those that the chosen feeds need, never one that writes."""
    if settings.scopes:
        return settings.scopes
    return tuple(dict.fromkeys((*BASE_SCOPES, *sorted({feed.scope for feed in chosen_feeds(settings, catalogue)}))))


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
    try:
        yield Pipeline(settings, catalogue, session, clients, Warehouse(settings.warehouse))
    finally:
        for client in clients.values():
            client.close()
        session.close()
