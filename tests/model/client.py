"""The client of the model test: it syncs as the command does; each sync is a process of its own, and some crash."""

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
from pipelines.sync.scheduler import dependencies
from pipelines.sync.selection import Changes, Everything, RejectedOnly, scopes_to_ask
from pipelines.sync.session import Connected, SyncSession
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.load.rejected_records import open_records
from tests.manual_clock import ManualClock
from tests.model.crashing import Crashed, CrashPoint, crashing_warehouse
from tests.model.feeds import catalogue_with
from tests.model.floriday import World
from tests.model.server import ModelServer
from tests.warehouses import Saved, saved_at, settings_at

RETRY_POLICY = RetryPolicy(attempts=2)
"""Two faults in a row make a call fail; more attempts would only add calls."""


@dataclass(frozen=True)
class SyncRequest:
    """What one sync does.

    Args:
        names: names of the feeds; empty for all feeds.
        full: whether to read from sequence number 0.
        retry: whether to request only rejected records, as ``floriday rejected --retry``.
        account: name of the only account to sync; None for all.
        crashes_at: index of the commit at which the process crashes; None if it does not.
        crashes_after: whether that commit is completed before the crash.
    """

    names: tuple[str, ...] = ()
    full: bool = False
    retry: bool = False
    account: str | None = None
    crashes_at: int | None = None
    crashes_after: bool = False

    def __str__(self) -> str:
        command = (
            "rejected --retry" if self.retry else " ".join(("sync", *self.names, *(("--full",) if self.full else ())))
        )
        account = f" --account {self.account}" if self.account else ""
        when = "after" if self.crashes_after else "before"
        crash = "" if self.crashes_at is None else f", crashes {when} commit {self.crashes_at}"
        return f"{command}{account}{crash}"


@dataclass
class Client:
    """A warehouse and the clients that sync into it.

    Args:
        server: server with the simulated Floriday.
        path: path of the warehouse file.
        catalogue: catalogue of the simulated feeds.
    """

    server: ModelServer
    path: Path
    catalogue: Catalogue
    time: ManualClock = field(default_factory=ManualClock)
    runs: int = 0

    def __post_init__(self) -> None:
        names = [feed.name for feed in self.catalogue.feeds]
        environment = {**self.server.environment(), **settings_at(self.path)}
        self.settings = load_settings({**environment, "FLORIDAY_FEEDS": ",".join(names)}, self.path.parent)
        self.warehouse = crashing_warehouse(self.path)
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
        """Close the warehouse and the sessions."""
        self.warehouse.close()
        for client in self.clients.values():
            client.close()
        self.session.close()

    def sync(self, request: SyncRequest) -> list[FeedOutcome] | None:
        """Sync; return None if the process crashed."""
        self.runs += 1
        crash_point = CrashPoint(request.crashes_at, request.crashes_after)
        opened = self.warehouse.opened
        with suppress(Crashed):
            return self._synced(request, crashing_warehouse(self.path, opened, crash_point))
        return None

    def _synced(self, request: SyncRequest, warehouse: Warehouse) -> list[FeedOutcome]:
        wanted = self._with_rejected_records(request.account) if request.retry else []
        if request.retry and not wanted:
            return []
        settings = self._narrowed(sorted({feed for _, feed in wanted}) or request.names)
        clients = {name: client for name, client in self.clients.items() if request.account in (None, name)}
        connected = Connected(settings, self.catalogue, self.session, clients, warehouse)
        with patch("pipelines.sync.prepare.install"):  # the reports exist, and checking them takes half of the time
            pipeline = connected.prepare()
        outcomes = self._retried(pipeline, wanted) if request.retry else self._read(pipeline, request)
        pipeline.save_positions()
        return outcomes

    def _narrowed(self, names: Sequence[str]) -> Settings:
        return self.settings.model_copy(update={"feeds": tuple(names)}) if names else self.settings

    def _read(self, pipeline: SyncSession, request: SyncRequest) -> list[FeedOutcome]:
        run = f"run {self.runs}"
        what = Everything() if request.full else Changes()
        if request.crashes_at is None:
            return list(pipeline.sync_all(pipeline.sources, run_id=run, what=what))
        # Sequentially, so that the same commit crashes when an example is repeated; each feed after its dependencies.
        return [
            outcome
            for account in pipeline.connected.clients
            for source in sorted(pipeline.sources, key=lambda source: bool(dependencies(source)))
            for outcome in pipeline.sync_all([source], run_id=run, accounts=[account], what=what)
        ]

    def _with_rejected_records(self, account: str | None) -> list[tuple[str, str]]:
        """Return the accounts and feeds with rejected records, as the command finds them."""
        with self.warehouse.reading() as connection:
            found = open_records(connection, (), (account,) if account else ())
        return sorted({(record.account, record.feed) for record in found})

    def _retried(self, pipeline: SyncSession, wanted: Sequence[tuple[str, str]]) -> list[FeedOutcome]:
        sources = {source.name: source for source in pipeline.sources}
        return [
            pipeline.sync(sources[feed], account, run_id=f"run {self.runs}", what=RejectedOnly())
            for account, feed in wanted
        ]


@cache
def prepared_warehouse(feeds: tuple[str, ...], accounts: int, server: str) -> Saved:  # noqa: ARG001 - it belongs to a server
    """Return a warehouse after the first sync of an empty server; cached, because creating it takes long."""
    model = ModelServer()
    model.world = World.of(feeds, accounts, 3)
    model.start()
    try:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "w.duckdb"
            client = Client(model, path, catalogue_with(feeds, 3))
            Connected(client.settings, client.catalogue, client.session, client.clients, client.warehouse).prepare()
            client.close()
            return saved_at(path)
    finally:
        model.stop()
