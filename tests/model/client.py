"""The client of the model test: syncs as the command line does them, each a process of its own, some of which die."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from pipelines.catalogue import Catalogue
from pipelines.floriday.client import FloridayClient
from pipelines.floriday.http.auth import TokenSession
from pipelines.floriday.http.retry import RetryPolicy
from pipelines.settings import Settings, load_settings
from pipelines.sync.outcome import FeedOutcome
from pipelines.sync.selection import Changes, Everything, RejectedOnly, scopes_to_ask
from pipelines.sync.session import Connected, SyncSession
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.load.rejected_records import open_records
from tests.manual_clock import ManualClock
from tests.model.feeds import catalogue_with
from tests.model.floriday import World
from tests.model.mortal import Died, Life, MortalWarehouse
from tests.model.server import ModelServer

RETRY_POLICY = RetryPolicy(attempts=2)
"""Two faults in a row are a failure; more would only make more calls."""


@dataclass(frozen=True)
class Asked:
    """What a sync is to do.

    Args:
        names: of the feeds; all where none is named.
        full: from number 0.
        retry: rejected records only, as ``floriday rejected --retry``.
        account: the only one; None for all.
        dies_at: the commit at which the process ends, counted from 0; None for one that lives.
        dies_after: whether that commit still comes about.
    """

    names: tuple[str, ...] = ()
    full: bool = False
    retry: bool = False
    account: str | None = None
    dies_at: int | None = None
    dies_after: bool = False

    def __str__(self) -> str:
        what = (
            "rejected --retry" if self.retry else " ".join(("sync", *self.names, *(("--full",) if self.full else ())))
        )
        whose = f" --account {self.account}" if self.account else ""
        when = "after" if self.dies_after else "before"
        ends = "" if self.dies_at is None else f", to die just {when} commit {self.dies_at}"
        return f"{what}{whose}{ends}"


@dataclass
class Client:
    """A warehouse and whoever syncs into it.

    Args:
        server: with a world.
        path: of the warehouse.
        catalogue: of the feeds that are played.
    """

    server: ModelServer
    path: Path
    catalogue: Catalogue
    time: ManualClock = field(default_factory=ManualClock)
    runs: int = 0

    def __post_init__(self) -> None:
        names = [feed.name for feed in self.catalogue.feeds]
        environment = {**self.server.environment(), "FLORIDAY_WAREHOUSE": str(self.path)}
        self.settings = load_settings({**environment, "FLORIDAY_FEEDS": ",".join(names)}, self.path.parent)
        self.warehouse = MortalWarehouse(self.path)
        self.session = TokenSession(
            self.settings.auth_url,
            self.settings.client_id,
            self.settings.client_secret,
            scopes_to_ask(self.settings, self.catalogue),
            clock=self.time.clock,
        )
        self.clients = {
            name: FloridayClient(
                self.settings.base_url,
                self.session,
                key,
                account=name,
                retry=RETRY_POLICY,
                clock=self.time.clock,
            )
            for name, key in self.settings.accounts.items()
        }

    def close(self) -> None:
        """End."""
        self.warehouse.close()
        for client in self.clients.values():
            client.close()
        self.session.close()

    def sync(self, asked: Asked) -> list[FeedOutcome] | None:
        """Do it; None where the process died."""
        self.runs += 1
        life = Life(asked.dies_at, asked.dies_after)
        opened = self.warehouse.opened
        with suppress(Died):
            return self._synced(asked, MortalWarehouse(self.path, opened=opened, life=life))
        return None

    def _synced(self, asked: Asked, warehouse: Warehouse) -> list[FeedOutcome]:
        wanted = self._with_rejected_records(asked.account) if asked.retry else []
        if asked.retry and not wanted:
            return []
        settings = self._narrowed(sorted({feed for _, feed in wanted}) or asked.names)
        clients = {name: one for name, one in self.clients.items() if asked.account in (None, name)}
        connected = Connected(settings, self.catalogue, self.session, clients, warehouse)
        with patch(
            "pipelines.sync.prepare.install"
        ):  # the reports stand there already, and looking takes half the time
            pipeline = connected.prepare()
        outcomes = self._retried(pipeline, wanted) if asked.retry else self._read(pipeline, asked)
        pipeline.save_positions()
        return outcomes

    def _narrowed(self, names: Sequence[str]) -> Settings:
        return self.settings.model_copy(update={"feeds": tuple(names)}) if names else self.settings

    def _read(self, pipeline: SyncSession, asked: Asked) -> list[FeedOutcome]:
        run = f"run {self.runs}"
        what = Everything() if asked.full else Changes()
        if asked.dies_at is None:
            return list(pipeline.sync_all(pipeline.sources, run_id=run, what=what))
        # One after the other, so that the commit is the same one when an example is played again.
        return [
            outcome
            for account in pipeline.connected.clients
            for source in pipeline.sources
            for outcome in pipeline.sync_all([source], run_id=run, accounts=[account], what=what)
        ]

    def _with_rejected_records(self, account: str | None) -> list[tuple[str, str]]:
        """The accounts and feeds that have some, as the command line looks them up."""
        with self.warehouse.reading() as connection:
            found = open_records(connection, (), (account,) if account else ())
        return sorted({(one.account, one.feed) for one in found})

    def _retried(self, pipeline: SyncSession, wanted: Sequence[tuple[str, str]]) -> list[FeedOutcome]:
        sources = {source.name: source for source in pipeline.sources}
        return [
            pipeline.sync(sources[feed], account, run_id=f"run {self.runs}", what=RejectedOnly())
            for account, feed in wanted
        ]


@cache
def prepared_warehouse(feeds: tuple[str, ...], accounts: int, server: str) -> bytes:  # noqa: ARG001 - files belong to a server
    """A warehouse as the first sync of an empty world leaves it; laying it out takes longer than an example."""
    model = ModelServer()
    model.world = World.of(feeds, accounts, 3)
    model.start()
    try:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "w.duckdb"
            client = Client(model, path, catalogue_with(feeds, 3))
            Connected(client.settings, client.catalogue, client.session, client.clients, client.warehouse).prepare()
            client.close()
            return path.read_bytes()
    finally:
        model.stop()
