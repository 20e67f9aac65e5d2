"""A server of a few feeds in memory, over real HTTP, whose responses a test can corrupt; and syncs from it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import sleep
from typing import Any

from pipelines.catalogue import Catalogue, catalogue_of
from pipelines.catalogue.types import Feed
from pipelines.floriday.client import FloridayClient
from pipelines.floriday.http.auth import TokenSession
from pipelines.floriday.http.retry import RetryPolicy
from pipelines.lake_address import LakeAddress
from pipelines.settings import load_settings
from pipelines.sync.outcome import FeedOutcome
from pipelines.sync.session import Connected
from pipelines.warehouse.file.reused_connection import ReusingWarehouse
from pipelines.warehouse.lake.connection import LakeWarehouse
from tests.integration.answering_server import AnsweringServer, Reply, Request
from tests.integration.syncing import catalogue_with, empty
from tests.manual_clock import ManualClock
from tests.records import page_of
from tests.warehouses import address_at, settings_at, warehouse_at

BASE = "/suppliers-api-2026v1"
ORGANIZATIONS = {
    "north": "11111111-1111-4111-8111-111111111111",
    "south": "22222222-2222-4222-8222-222222222222",
}
"""Organization ids by account; the API key of an account is its name."""

Corruption = Callable[[Request, Reply], Reply]
"""Returns a corrupted response, or the response as it is."""


class ScriptedFloriday(AnsweringServer):
    """Serves the records of its feeds after the requested number; each response passes through ``corrupt``.

    Args:
        feeds: records of each feed in ascending order of their sequence numbers. The lists of snapshots, by their path,
            are filled later.
    """

    def __init__(self, feeds: Mapping[Feed, list[tuple[int, bytes]]]) -> None:
        super().__init__()
        self._feeds = feeds
        self.lists: dict[str, list[bytes]] = {}
        self.corrupt: Corruption = lambda _, reply: reply

    def next_reply(self, request: Request) -> Reply:
        """Return the response for a feed, an identity or a token."""
        path = request.path.removeprefix(BASE)
        return self.corrupt(request, self._token() if request.method == "POST" else self._answer(path, request))

    def _token(self) -> Reply:
        return Reply(200, {"access_token": "token", "expires_in": 3600, "token_type": "Bearer"})

    def _answer(self, path: str, request: Request) -> Reply:
        if path == "/identities":
            account = request.headers["X-Api-Key"]
            return Reply(200, {"organization": {"organizationId": ORGANIZATIONS[account], "name": account}})
        if path in self.lists:
            return Reply(200, b"[%s]" % b",".join(self.lists[path]))
        for feed, records in self._feeds.items():
            after = re.fullmatch(re.escape(feed.endpoint.path) + r"/sync/(-?\d+)", path)
            if after is not None:
                served = [(number, record) for number, record in records if number > int(after[1])]
                maximum = max((number for number, _ in served), default=int(after[1]))
                return Reply(200, page_of([record for _, record in served], maximum))
            if path == feed.endpoint.max_sequence:
                return Reply(200, str(max(number for number, _ in records)).encode())
        return Reply(404, {"title": "Not Found", "status": "404"})


@dataclass
class Run:
    """The result of one sync.

    Args:
        outcomes: outcomes by account and feed.
        failures: error messages of accounts that could not be identified.
    """

    outcomes: dict[tuple[str, str], FeedOutcome] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def is_well(self) -> bool:
        """Whether the command would exit with 0."""
        return not self.failures and not any(outcome.error for outcome in self.outcomes.values())


@dataclass
class ScriptedSync:
    """A warehouse that is synced from a scripted server, with simulated waits.

    Args:
        server: server that the client calls.
        path: path of the warehouse file.
        feeds: names of the feeds to sync.
        accounts: names of the accounts.
        snapshots: names of the snapshots to sync.
        lock_timeout: seconds to wait for a warehouse that another process has open.
        slept: durations of these waits.
    """

    server: ScriptedFloriday
    path: Path
    feeds: tuple[str, ...]
    accounts: tuple[str, ...] = ("north",)
    snapshots: tuple[str, ...] = ()
    lock_timeout: float = 5.0
    slept: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.snapshots:
            empty("suppliers", self.feeds).restore(self.path)

    @property
    def catalogue(self) -> Catalogue:
        """The feeds and snapshots to sync."""
        snapshots = tuple(each for each in catalogue_of("suppliers").snapshots if each.name in self.snapshots)
        return replace(catalogue_with("suppliers", self.feeds), snapshots=snapshots)

    @contextmanager
    def pipeline(self) -> Iterator[Connected]:
        """Yield the clients and the warehouse, before anything is prepared."""
        time = ManualClock()
        settings = load_settings(
            {
                "FLORIDAY_BASE_URL": f"{self.server.address}{BASE}",
                "FLORIDAY_AUTH_URL": f"{self.server.address}/token",
                "FLORIDAY_CLIENT_ID": "client",
                "FLORIDAY_CLIENT_SECRET": "secret",
                "FLORIDAY_API_KEYS": json.dumps({name: name for name in self.accounts}),
                **settings_at(self.path),
            },
            self.path.parent,
        )
        with ExitStack() as stack:
            session = TokenSession(
                settings.auth_url,
                settings.client_id,
                settings.client_secret,
                retry=RetryPolicy(),
                clock=time.clock,
            )
            stack.callback(session.close)
            clients = {
                name: stack.enter_context(
                    FloridayClient(settings.base_url, session, key, account=name, clock=time.clock, timeout=(2.0, 0.25))
                )
                for name, key in settings.accounts.items()
            }
            address = address_at(self.path)
            warehouse = (
                LakeWarehouse(address)
                if isinstance(address, LakeAddress)
                else ReusingWarehouse(address, lock_timeout=self.lock_timeout, sleep=self._sleep)
            )
            stack.callback(warehouse.close)
            yield Connected(settings, self.catalogue, session, clients, warehouse)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        sleep(seconds)

    def sync(self, corrupt: Corruption = lambda _, reply: reply) -> Run:
        """Sync all feeds of all accounts, as the command does, with corrupted responses."""
        self.server.corrupt = corrupt
        with self.pipeline() as connected:
            pipeline = connected.prepare()
            outcomes = list(pipeline.sync_all(pipeline.sources, run_id="run", accounts=list(pipeline.identities)))
            pipeline.save_positions()
            failures = {name: error.message for name, error in pipeline.unidentified.items()}
        self.server.corrupt = lambda _, reply: reply
        return Run({(outcome.account, outcome.feed): outcome for outcome in outcomes}, failures)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with warehouse_at(self.path).reading() as connection:
            return connection.execute(sql).fetchall()
