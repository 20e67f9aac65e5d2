"""A sandbox, a warehouse, and the syncs between them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.catalogue import CATALOGUES, Catalogue, catalogue_of
from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import Feed, Source
from pipelines.floriday.client import FloridayClient
from pipelines.floriday.http.auth import TokenSession
from pipelines.floriday.http.retry import RetryPolicy
from pipelines.lake_address import WarehouseAddress
from pipelines.reports import install
from pipelines.sandbox import Sandbox
from pipelines.settings import load_settings
from pipelines.sync.outcome import FeedOutcome, Listener
from pipelines.sync.selection import Changes, Everything, scopes_to_ask
from pipelines.sync.session import Connected, SyncSession
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.load.days_to_sequence import Days
from pipelines.warehouse.opening import open_for_sync
from pipelines.warehouse.schema.create import create_tables
from tests.expected_rows import assert_holds, parsed
from tests.manual_clock import ManualClock
from tests.warehouses import KIND, Saved, SavedFile, WarehouseKind, address_at, filled, settings_at, warehouse_at

SUPPLIERS = catalogue_of("suppliers")


def with_pages_of(source: Source, size: int) -> Source:
    """Return a feed with smaller pages; snapshots have none and are returned unchanged."""
    if not isinstance(source, Feed):
        return source
    return replace(source, endpoint=replace(source.endpoint, page_maximum=min(size, source.endpoint.page_maximum)))


def catalogue_with(api: str, only: tuple[str, ...] = ()) -> Catalogue:
    """Return the catalogue of an API; with names, only these feeds and snapshots."""
    whole = catalogue_of(api)
    if not only:
        return whole
    return replace(
        whole,
        feeds=tuple(feed for feed in whole.feeds if feed.name in only),
        snapshots=tuple(snapshot for snapshot in whole.snapshots if snapshot.name in only),
    )


@cache
def empty(api: str, only: tuple[str, ...] = (), kind: WarehouseKind = KIND) -> Saved:
    """Return a warehouse with all tables and reports and no rows; cached, because creating it takes long."""
    tables = [tables_of(source) for source in catalogue_with(api, only).sources]

    def fill(connection: duckdb.DuckDBPyConnection) -> None:
        create_tables(connection, tables)
        install(connection, {part.qualified_name for table in tables for part in table.walk()})

    return filled(fill, kind)


def empty_warehouse(api: str, only: tuple[str, ...] = ()) -> bytes:
    """Return the content of a warehouse file with all tables and reports and no rows."""
    saved = empty(api, only, "file")
    assert isinstance(saved, SavedFile)
    return saved.content


@contextmanager
def fewer_feeds(*only: str) -> Iterator[None]:
    """Let the catalogue of this process have these feeds alone, because lakes with few tables are created faster."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CATALOGUES, "suppliers", (catalogue_with("suppliers", only),))
        yield


@dataclass
class Syncing:
    """One sandbox and one warehouse.

    Args:
        sandbox: sandbox that the syncs call.
        path: path of the warehouse file.
        time: clock of the simulated waits.
        page: number of records in a page; None for that of the catalogue.
        api: API of the sandbox.
        only: names of the feeds in the warehouse; empty for all. A small file is opened faster.
        kind: whether the warehouse is a file, or the lake that stands for it.
    """

    sandbox: Sandbox
    path: Path
    time: ManualClock = field(default_factory=ManualClock)
    page: int | None = None
    api: str = "suppliers"
    only: tuple[str, ...] = ()
    kind: WarehouseKind = KIND
    runs: int = 0

    def __post_init__(self) -> None:
        if not self.warehouse.exists():
            empty(self.api, self.only, self.kind).restore(self.path)

    @property
    def address(self) -> WarehouseAddress:
        """The address of the warehouse."""
        return address_at(self.path, self.kind)

    @property
    def warehouse(self) -> Warehouse:
        """The warehouse, for tests that look into it or change it."""
        return warehouse_at(self.path, self.kind)

    @property
    def warehouse_settings(self) -> dict[str, str]:
        """The settings of the warehouse."""
        return settings_at(self.path, self.kind)

    @property
    def catalogue(self) -> Catalogue:
        """The feeds and snapshots that are synced."""
        return catalogue_with(self.api, self.only)

    @contextmanager
    def pipeline(self, **settings: str) -> Iterator[SyncSession]:
        """Yield a session with the sandbox's settings."""
        environment = {**self.sandbox.environment(), **self.warehouse_settings, **settings}
        known = load_settings(environment, self.path.parent)
        with ExitStack() as stack:
            session = TokenSession(
                known.auth_url,
                known.client_id,
                known.client_secret,
                scopes_to_ask(known, self.catalogue),
                retry=RetryPolicy(),
                clock=self.time.clock,
            )
            stack.callback(session.close)
            clients = {
                name: stack.enter_context(
                    FloridayClient(known.base_url, session, key, account=name, clock=self.time.clock)
                )
                for name, key in known.accounts.items()
            }
            warehouse = open_for_sync(self.address, lock_timeout=5)
            stack.callback(warehouse.close)
            yield Connected(known, self.catalogue, session, clients, warehouse).prepare()

    def sync(
        self,
        *names: str,
        full: bool = False,
        days: Days | None = None,
        listener: Listener = lambda _: None,
        **settings: str,
    ) -> dict[tuple[str, str], FeedOutcome]:
        """Sync some feeds, or all, and return the outcomes by account and feed."""
        self.runs += 1
        what = Everything() if full else days or Changes()
        with self.pipeline(**settings) as pipeline:
            wanted = {self.catalogue.source(name).name for name in names}
            sources = [source for source in pipeline.sources if not wanted or source.name in wanted]
            if self.page:
                sources = [with_pages_of(source, self.page) for source in sources]
            outcomes = list(pipeline.sync_all(sources, run_id=f"run {self.runs}", what=what, listener=listener))
            pipeline.save_positions()
        return {(outcome.account, outcome.feed): outcome for outcome in outcomes}

    def sync_one(self, name: str, *, full: bool = False, days: Days | None = None) -> FeedOutcome:
        """Sync one feed of the account ``main``."""
        return self.sync(name, full=full, days=days)[("main", self.catalogue.source(name).name)]

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the warehouse for reading."""
        with self.warehouse.reading() as connection:
            yield connection

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with self.reading() as connection:
            return connection.execute(sql).fetchall()

    def assert_equal(self, *names: str, account: str = "main") -> None:
        """Assert that every table of the feeds equals the records of the sandbox."""
        feeds = [self.catalogue.feed(name) for name in names] or self.catalogue.feeds
        with self.reading() as connection:
            for feed in feeds:
                served = [parsed(entry.body) for entry in self.sandbox.book(feed.name, account).entries()]
                assert_holds(connection, feed, account, served)

    def assert_cursors_are_not_ahead(self) -> None:
        """Assert that every record up to each committed cursor is stored."""
        for account, name, cursor in self._cursors():
            served = [entry for entry in self.sandbox.book(name, account).entries() if entry.number <= cursor]
            table = tables_of(self.catalogue.feed(name)).qualified_name
            ((stored,),) = self.rows(f"SELECT count(*) FROM {table} WHERE account = '{account}'")
            assert stored == len(served)

    def _cursors(self) -> list[tuple[Any, ...]]:
        """Return account, feed and cursor of each committed cursor; empty without the ``sync`` tables."""
        has_tables = self.rows("SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'sync'") != [(0,)]
        return self.rows("SELECT account, feed, cursor FROM sync.cursors") if has_tables else []

    def content(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return the rows of all tables with records, to compare them with later ones."""
        rows = [table.qualified_name for source in self.catalogue.sources for table in tables_of(source).walk()]
        raw = [f"raw.{source.table}" for source in self.catalogue.sources]
        kept = [f"versions.{name.split('.')[1]}" for name in rows]
        names = [*rows, *raw, *kept, "sync.rejected_records", "sync.windows", "sync.accounts", "sync.settings"]
        with self.reading() as connection:
            return {name: connection.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall() for name in names}

    def versions(self, feed: str) -> int:
        """Return the number of versions of a feed in the raw log, which must equal that in the history."""
        table = self.catalogue.source(feed).table
        (counts,) = self.rows(f"SELECT (SELECT count(*) FROM raw.{table}), (SELECT count(*) FROM history.{table})")
        assert counts[0] == counts[1]
        return int(counts[0])
