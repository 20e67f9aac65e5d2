"""A sandbox, a warehouse and what is between them, for tests of the sync."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import Feed
from pipelines.floriday.auth import TokenSession
from pipelines.floriday.client import FloridayClient
from pipelines.floriday.patience import Patience
from pipelines.outcome import FeedOutcome
from pipelines.pipeline import Pipeline, scopes_to_ask
from pipelines.sandbox import Sandbox
from pipelines.settings import load_settings
from pipelines.warehouse.connection import Warehouse
from tests.expected_rows import assert_holds, parsed
from tests.hand_moved_time import HandMovedTime

SUPPLIERS = catalogue_of("suppliers")


def with_pages_of(feed: Feed, size: int) -> Feed:
    """The feed, asked for in smaller pages than the catalogue says."""
    return replace(feed, endpoint=replace(feed.endpoint, page_maximum=size))


@dataclass
class Syncing:
    """One sandbox and one warehouse.

    Args:
        sandbox: started.
        path: of the warehouse.
        time: moves by hand, so that waiting costs nothing.
        page: records a page, instead of what the catalogue says.
    """

    sandbox: Sandbox
    path: Path
    time: HandMovedTime = field(default_factory=HandMovedTime)
    page: int | None = None
    runs: int = 0

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
                scopes_to_ask(known, SUPPLIERS),
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
            pipeline = Pipeline(known, SUPPLIERS, session, clients, Warehouse(self.path, patience=5))
            pipeline.prepare()
            yield pipeline

    def sync(self, *names: str, full: bool = False, **settings: str) -> dict[tuple[str, str], FeedOutcome]:
        """One sync of some feeds, all without names; outcomes by account and feed."""
        self.runs += 1
        with self.pipeline(**settings) as pipeline:
            feeds = [SUPPLIERS.feed(name) for name in names] or list(SUPPLIERS.feeds)
            if self.page:
                feeds = [with_pages_of(feed, self.page) for feed in feeds]
            outcomes = list(pipeline.sync_all(feeds, run_id=f"run {self.runs}", full=full))
        return {(outcome.account, outcome.feed): outcome for outcome in outcomes}

    def sync_one(self, name: str, *, full: bool = False) -> FeedOutcome:
        """One sync of one feed of the account ``main``."""
        return self.sync(name, full=full)[("main", SUPPLIERS.feed(name).name)]

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
        feeds = [SUPPLIERS.feed(name) for name in names] or SUPPLIERS.feeds
        with self.reading() as connection:
            for feed in feeds:
                served = [parsed(entry.body) for entry in self.sandbox.book(feed.name, account).entries()]
                assert_holds(connection, feed, account, served)

    def content(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything that the warehouse holds of records, to see whether anything changed."""
        feeds = [table.qualified_name for feed in SUPPLIERS.feeds for table in tables_of(feed).walk()]
        raw = [f"raw.{feed.table}" for feed in SUPPLIERS.feeds]
        kept = [f"versions.{name.split('.')[1]}" for name in feeds]
        names = [*feeds, *raw, *kept, "sync.rejected_records", "sync.windows", "sync.accounts", "sync.settings"]
        with self.reading() as connection:
            return {name: connection.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall() for name in names}

    def versions(self, feed: str) -> int:
        """How many versions the raw log of a feed holds; the history holds as many."""
        table = SUPPLIERS.feed(feed).table
        (counts,) = self.rows(f"SELECT (SELECT count(*) FROM raw.{table}), (SELECT count(*) FROM history.{table})")
        assert counts[0] == counts[1]
        return int(counts[0])
