"""A sandbox, a warehouse and what is between them, for tests of the sync."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from pipelines.catalogue import Catalogue, catalogue_of
from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import Feed, Source
from pipelines.floriday.auth import TokenSession
from pipelines.floriday.client import FloridayClient
from pipelines.floriday.patience import Patience
from pipelines.outcome import FeedOutcome
from pipelines.pipeline import Pipeline, scopes_to_ask
from pipelines.reports import install
from pipelines.sandbox import Sandbox
from pipelines.settings import load_settings
from pipelines.warehouse.connection import Warehouse, transaction
from pipelines.warehouse.layout import lay_out
from tests.expected_rows import assert_holds, parsed
from tests.hand_moved_time import HandMovedTime

SUPPLIERS = catalogue_of("suppliers")


def with_pages_of(source: Source, size: int) -> Source:
    """The feed, asked for in smaller pages than the catalogue says; a snapshot has none."""
    if not isinstance(source, Feed):
        return source
    return replace(source, endpoint=replace(source.endpoint, page_maximum=min(size, source.endpoint.page_maximum)))


@cache
def _laid_out(api: str) -> bytes:
    """A warehouse as a first sync lays it out, before it belongs to anyone; laying it out takes a while."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "w.duckdb"
        tables = [tables_of(source) for source in catalogue_of(api).sources]
        with Warehouse(path).writing() as connection, transaction(connection):
            lay_out(connection, tables)
            install(connection, {part.qualified_name for table in tables for part in table.walk()})
        return path.read_bytes()


@dataclass
class Syncing:
    """One sandbox and one warehouse.

    Args:
        sandbox: started.
        path: of the warehouse.
        time: moves by hand, so that waiting costs nothing.
        page: records a page, instead of what the catalogue says.
        api: of the sandbox.
    """

    sandbox: Sandbox
    path: Path
    time: HandMovedTime = field(default_factory=HandMovedTime)
    page: int | None = None
    api: str = "suppliers"
    runs: int = 0

    def __post_init__(self) -> None:
        if not self.path.exists():
            self.path.write_bytes(_laid_out(self.api))

    @property
    def catalogue(self) -> Catalogue:
        """What the sandbox serves."""
        return catalogue_of(self.api)

    @contextmanager
    def pipeline(self, **settings: str) -> Iterator[Pipeline]:
        """A pipeline with the sandbox's settings, prepared."""
        environment = {**self.sandbox.environment(), "FLORIDAY_WAREHOUSE": str(self.path), **settings}
        known = load_settings(environment, self.path.parent)
        with ExitStack() as stack:
            session = TokenSession(
                known.auth_url,
                known.client_id,
                known.client_secret,
                scopes_to_ask(known, self.catalogue),
                patience=Patience(),
                clock=self.time.clock,
            )
            stack.callback(session.close)
            clients = {
                name: stack.enter_context(
                    FloridayClient(known.base_url, session, key, account=name, clock=self.time.clock)
                )
                for name, key in known.accounts.items()
            }
            pipeline = Pipeline(known, self.catalogue, session, clients, Warehouse(self.path, patience=5))
            pipeline.prepare()
            yield pipeline

    def sync(self, *names: str, full: bool = False, **settings: str) -> dict[tuple[str, str], FeedOutcome]:
        """One sync of some feeds, all without names; outcomes by account and feed."""
        self.runs += 1
        with self.pipeline(**settings) as pipeline:
            wanted = {self.catalogue.source(name).name for name in names}
            sources = [source for source in pipeline.sources if not wanted or source.name in wanted]
            if self.page:
                sources = [with_pages_of(source, self.page) for source in sources]
            outcomes = list(pipeline.sync_all(sources, run_id=f"run {self.runs}", full=full))
        return {(outcome.account, outcome.feed): outcome for outcome in outcomes}

    def sync_one(self, name: str, *, full: bool = False) -> FeedOutcome:
        """One sync of one feed of the account ``main``."""
        return self.sync(name, full=full)[("main", self.catalogue.source(name).name)]

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The warehouse, for a look."""
        with Warehouse(self.path).reading() as connection:
            yield connection

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a query finds in the warehouse."""
        with self.reading() as connection:
            return connection.execute(sql).fetchall()

    def assert_equal(self, *names: str, account: str = "main") -> None:
        """Every table of the feeds equals what the sandbox serves, row for row and column for column."""
        feeds = [self.catalogue.feed(name) for name in names] or self.catalogue.feeds
        with self.reading() as connection:
            for feed in feeds:
                served = [parsed(entry.body) for entry in self.sandbox.book(feed.name, account).entries()]
                assert_holds(connection, feed, account, served)

    def content(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything that the warehouse holds of records, to see whether anything changed."""
        rows = [table.qualified_name for source in self.catalogue.sources for table in tables_of(source).walk()]
        raw = [f"raw.{source.table}" for source in self.catalogue.sources]
        kept = [f"versions.{name.split('.')[1]}" for name in rows]
        names = [*rows, *raw, *kept, "sync.rejected_records", "sync.windows", "sync.accounts", "sync.settings"]
        with self.reading() as connection:
            return {name: connection.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall() for name in names}

    def versions(self, feed: str) -> int:
        """How many versions the raw log of a feed holds; the history holds as many."""
        table = self.catalogue.source(feed).table
        (counts,) = self.rows(f"SELECT (SELECT count(*) FROM raw.{table}), (SELECT count(*) FROM history.{table})")
        assert counts[0] == counts[1]
        return int(counts[0])
