"""Everything that the HTTP server of the sandbox reads and changes: credentials, records, faults, the world."""

from __future__ import annotations

import datetime as dt
import json
import random
import string
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import msgspec

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import json_key
from pipelines.catalogue.types import Feed, Source
from pipelines.sandbox.accounts import Account, Accounts
from pipelines.sandbox.calls import Calls
from pipelines.sandbox.faults.plan import Faults
from pipelines.sandbox.rate_limits import RateLimits
from pipelines.sandbox.records import retention
from pipelines.sandbox.records.books import Book, Books
from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.switches import Switches
from pipelines.sandbox.tokens import APPLICATION_ROLE, Application, Tokens
from pipelines.sandbox.world import Market, World, buyer, grower
from pipelines.sandbox.world.history import RECENT, History

LOOPBACK = "127.0.0.1"
ISSUER_PATH = "/oauth2/aussandbox0floriday"
TOKEN_PATH = f"{ISSUER_PATH}/v1/token"

SHARED_FEEDS = frozenset({"organizations.organizations", "catalog.commercial_service_types"})
"""Feeds that serve the same records to all organizations."""

WORLDS: dict[str, type[World | Market]] = {"suppliers": World, "customers": Market}
"""The world of each API."""


class SandboxState:
    """The sandbox without its server.

    Args:
        seed: seed of credentials, numbers and the world. The same seed and time give the same records.
        now: simulated time at the start; None for the real time, to the second.
        api: ``suppliers`` or ``customers``, as in the address of the API.
        version: version of the API; None for the newest one that has a catalogue.
        accounts: names of the organizations that have a key; the first one trades most.
        scale: volume of trade; at 1.0 the first account has some 15,000 records, a buyer some 5,000.
        history: how far the world reaches back, and how much is traded on each day.
        empty: whether there is no world, so that all books are empty.
        port: port on which the server listens; 0 for any free port.
        scopes: scopes of the application; None for all scopes of the feeds.
        switches: settings of the server's behaviour; None for the default ones.
        clock: monotonic clock in seconds, for tokens and rate limits.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        now: dt.datetime | None = None,
        api: str = "suppliers",
        version: str | None = None,
        accounts: Sequence[str] = ("main",),
        scale: float = 1.0,
        history: History = RECENT,
        empty: bool = False,
        port: int = 0,
        scopes: Sequence[str] | None = None,
        switches: Switches | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seed = seed
        self._port = port
        now = now or dt.datetime.now(dt.UTC).replace(microsecond=0)
        catalogue = catalogue_of(api, version)
        self.api = api
        self.api_path = f"/{api}-api-{catalogue.version}"
        """Path of the API, with its version."""
        self.feeds = {feed.name: feed for feed in catalogue.feeds}
        self.snapshots = {snapshot.name: snapshot for snapshot in catalogue.snapshots}
        self.sources: dict[str, Source] = {**self.feeds, **self.snapshots}
        self.switches = switches or Switches()
        self.rate_limits = RateLimits(self.switches, clock)
        self.faults = Faults(seed)
        self.calls = Calls()
        self.tokens = Tokens(clock)
        self.books = Books(self._make_book, SHARED_FEEDS)
        self.accounts = _accounts(api, seed, accounts, now)
        self.application = _application(seed, scopes or (APPLICATION_ROLE, "organization:read", *catalogue.scopes))
        self.metadata_changes: dict[str, Any] = {}
        """Members that replace those of the authorization server's metadata, to test a client."""
        self.is_serving = False
        self.world = (
            None if empty else WORLDS[api](seed, now, self.accounts, self.books.book, scale=scale, history=history)
        )
        self._now_without_world = now
        self.expire()

    def _make_book(self, organization_id: str, source_name: str) -> Book:
        seed = f"{self._seed}/{organization_id}/{source_name}"
        source = self.sources[source_name]
        return Book(
            json_key(source),
            seed=seed,
            first=random.Random(seed).randrange(10**6, 10**9),
            part=source.endpoint.part_parameter if isinstance(source, Feed) else None,
            is_numbered=isinstance(source, Feed),
        )

    @property
    def api_version(self) -> str:
        """The version of the API, as in its path."""
        return self.api_path.rpartition("-")[2]

    @property
    def url(self) -> str:
        """The server's own address, known once it was started."""
        if not self._port:
            raise RuntimeError("The sandbox has no address before it is started.")
        return f"http://{LOOPBACK}:{self._port}"

    @property
    def base_url(self) -> str:
        """The API's address, with its version."""
        return f"{self.url}{self.api_path}"

    @property
    def auth_url(self) -> str:
        """The authorization server's address, from which the token endpoint can be discovered."""
        return f"{self.url}{ISSUER_PATH}"

    @property
    def token_url(self) -> str:
        """The token endpoint."""
        return f"{self.url}{TOKEN_PATH}"

    @property
    def client_id(self) -> str:
        """The application's client id."""
        return self.application.client_id

    @property
    def client_secret(self) -> str:
        """The application's client secret."""
        return self.application.client_secret

    @property
    def api_keys(self) -> dict[str, str]:
        """The API key of each account, by the account's name."""
        return {account.name: account.api_key for account in self.accounts}

    def environment(self) -> dict[str, str]:
        """The settings for a client: the key of the account main alone as FLORIDAY_API_KEY, else FLORIDAY_API_KEYS."""
        keys = self.api_keys
        is_main = list(keys) == ["main"]
        return {
            "FLORIDAY_CLIENT_ID": self.client_id,
            "FLORIDAY_CLIENT_SECRET": self.client_secret,
            "FLORIDAY_AUTH_URL": self.token_url,
            "FLORIDAY_BASE_URL": self.base_url,
            **({"FLORIDAY_API_KEY": keys["main"]} if is_main else {"FLORIDAY_API_KEYS": json.dumps(keys)}),
        }

    def source(self, name: str) -> Source:
        """The feed or snapshot called ``sales_orders`` or ``orders.sales_orders``."""
        return next(source for source in self.sources.values() if name in (source.table, source.name))

    def book(self, source: str, account: str | None = None) -> Book:
        """The book of a feed or snapshot and an account; None for the first account."""
        owner = self.accounts[account or next(iter(self.accounts)).name]
        return self.books.book(owner.organization_id, self.source(source).name)

    def truth(self, source: str, account: str | None = None) -> list[Document]:
        """All records that an account's key can read from a feed or snapshot, decoded, in order of their numbers."""
        return self.book(source, account).documents()

    @contextmanager
    def rebuild(self, feed: str, account: str | None = None) -> Iterator[Book]:
        """Rebuild a selection: its operations answer 423 within the block; afterwards a new series begins at 0.

        Yields:
            The book, which the caller may change.
        """
        book = self.book(feed, account)
        book.is_locked = True
        try:
            yield book
        finally:
            book.restart()
            book.is_locked = False

    @property
    def now(self) -> dt.datetime:
        """The simulated time."""
        return self.world.now if self.world else self._now_without_world

    def advance(self, by: dt.timedelta) -> dt.datetime:
        """Advance the simulated time, and the world with it; returns the new time."""
        if self.world:
            self.world.advance(by)
        else:
            self._now_without_world += by
        return self.now

    def expire(self) -> int:
        """Remove the records that Floriday would no longer serve at the simulated time; returns how many."""
        return sum(retention.expire(book, self.sources[name], self.now) for name, book in self.books)

    def set_switches(self, **values: Any) -> None:
        """Change switches by name.

        Raises:
            ValueError: a switch does not exist, or does not accept the value.
        """
        if unknown := values.keys() - asdict(self.switches).keys():
            raise ValueError(f"There is no switch {', '.join(sorted(unknown))}.")
        for name, value in asdict(msgspec.convert({**asdict(self.switches), **values}, Switches)).items():
            setattr(self.switches, name, value)

    def overview(self) -> dict[str, Any]:
        """The simulated time, the number of records, and while the server runs the settings for a client."""
        records = {
            account.name: {name: len(self.books.book(account.organization_id, name)) for name in self.sources}
            for account in self.accounts
        }
        return {"now": self.now, "environment": self.environment() if self.is_serving else {}, "records": records}


def _accounts(api: str, seed: int, names: Sequence[str], now: dt.datetime) -> Accounts:
    owner = {"suppliers": grower, "customers": buyer}[api]
    accounts = Accounts()
    for name in names:
        accounts.add(Account(name, _secret(f"{seed}/key/{name}", 40), owner(seed, name, now)))
    return accounts


def _application(seed: int, scopes: Sequence[str]) -> Application:
    return Application(_secret(f"{seed}/client", 20), _secret(f"{seed}/secret", 48), frozenset(scopes))


def _secret(seed: str, length: int) -> str:
    """Text that looks like a secret but follows from the seed."""
    return "".join(random.Random(seed).choices(string.ascii_letters + string.digits, k=length))
