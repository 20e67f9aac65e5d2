"""The sandbox as a whole: a world, the books it writes, and the server that serves them."""

from __future__ import annotations

import datetime as dt
import json
import random
import string
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

import msgspec

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.types import Feed, Source
from pipelines.sandbox.accounts import Account, Accounts
from pipelines.sandbox.faults.fault import Faults
from pipelines.sandbox.http import application
from pipelines.sandbox.http.authorization import ISSUER_PATH, TOKEN_PATH, AuthorizationServer
from pipelines.sandbox.http.journal import Calls
from pipelines.sandbox.http.operations import key_of
from pipelines.sandbox.http.web_server import LOOPBACK, Running
from pipelines.sandbox.rate_limits import RateLimits
from pipelines.sandbox.records import retention
from pipelines.sandbox.records.books import Book, Books
from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.switches import Switches
from pipelines.sandbox.tokens import APPLICATION_ROLE, Application, Tokens
from pipelines.sandbox.world import Market, World, buyer, grower

SHARED_FEEDS = frozenset({"organizations.organizations", "catalog.commercial_service_types"})
"""What all organizations see alike."""

WORLDS: dict[str, type[World | Market]] = {"suppliers": World, "customers": Market}
"""The world of each API."""


class Sandbox:
    """A local Floriday. Use it as a context manager, or call :meth:`start` and :meth:`stop`.

    Args:
        seed: what credentials, numbers and the world follow from: the same seed and moment give the same records.
        now: the world's moment, the real one (to the second) if not given.
        api: ``suppliers`` or ``customers``.
        accounts: names of the organizations that have a key; in the world the first one trades most.
        scale: how much the world trades, 1.0 for some 15,000 records of the first account, of a buyer some 5,000.
        empty: whether there is no world and all books are empty.
        port: where it listens, 0 for any free port.
        scopes: what the application is entitled to, all that the feeds ask for if not given.
        switches: how the server behaves.
        clock: seconds that only move forward, for tokens and rate limits.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        now: dt.datetime | None = None,
        api: str = "suppliers",
        accounts: Sequence[str] = ("main",),
        scale: float = 1.0,
        empty: bool = False,
        port: int = 0,
        scopes: Sequence[str] | None = None,
        switches: Switches | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seed = seed
        self._port = port
        self._running: Running | None = None
        self._trading: threading.Event | None = None
        now = now or dt.datetime.now(dt.UTC).replace(microsecond=0)
        catalogue = catalogue_of(api)
        self.api = api
        self.feeds = {feed.name: feed for feed in catalogue.feeds}
        self.snapshots = {snapshot.name: snapshot for snapshot in catalogue.snapshots}
        self.sources: dict[str, Source] = {**self.feeds, **self.snapshots}
        self.api_path = f"/{api}-api-{catalogue.version}"
        self.switches = switches or Switches()
        self.limits = RateLimits(self.switches, clock)
        self.faults = Faults(seed)
        self.calls = Calls()
        self.tokens = Tokens(clock)
        self.books = Books(self._make_book, SHARED_FEEDS)
        self.accounts = _accounts(api, seed, accounts, now)
        self.application = _application(seed, scopes or (APPLICATION_ROLE, "organization:read", *catalogue.scopes))
        self.authorization = AuthorizationServer(self.application, self.tokens, self.switches, lambda: self.url)
        self.world = None if empty else WORLDS[api](seed, now, self.accounts, self._book_of, scale)
        self._empty_since = now
        self.expire()

    def _make_book(self, organization: str, feed: str) -> Book:
        seed = f"{self._seed}/{organization}/{feed}"
        source = self.sources[feed]
        return Book(
            key_of(source),
            seed=seed,
            first=random.Random(seed).randrange(10**6, 10**9),
            part=source.endpoint.part_parameter if isinstance(source, Feed) else None,
            tells_numbers=isinstance(source, Feed),
        )

    def _book_of(self, organization: str, feed: str) -> Book:
        return self.books.book(organization, feed)

    def start(self) -> Self:
        """Start serving, on the same port as before if it was started already."""
        self._running = Running(application.build(self), self._port)
        self._port = self._running.port
        return self

    def stop(self) -> None:
        """Stop serving; what the books hold stays."""
        self.stop_trading()
        if self._running:
            self._running.stop()
            self._running = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

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
        """The application's id."""
        return self.application.client_id

    @property
    def client_secret(self) -> str:
        """The application's secret."""
        return self.application.client_secret

    @property
    def api_keys(self) -> dict[str, str]:
        """The accounts' keys by their names."""
        return {account.name: account.api_key for account in self.accounts}

    def environment(self) -> dict[str, str]:
        """The settings that point here: one key as FLORIDAY_API_KEY, several as FLORIDAY_API_KEYS."""
        keys = self.api_keys
        return {
            "FLORIDAY_CLIENT_ID": self.client_id,
            "FLORIDAY_CLIENT_SECRET": self.client_secret,
            "FLORIDAY_AUTH_URL": self.token_url,
            "FLORIDAY_BASE_URL": self.base_url,
            **({"FLORIDAY_API_KEYS": json.dumps(keys)} if len(keys) > 1 else {"FLORIDAY_API_KEY": min(keys.values())}),
        }

    def source(self, name: str) -> Source:
        """The feed or snapshot called ``sales_orders`` or ``orders.sales_orders``."""
        return next(source for source in self.sources.values() if name in (source.table, source.name))

    def book(self, source: str, account: str | None = None) -> Book:
        """The book of a feed or snapshot and an account, the first one if not named."""
        owner = self.accounts[account or next(iter(self.accounts)).name]
        return self.books.book(owner.organization_id, self.source(source).name)

    def truth(self, source: str, account: str | None = None) -> list[Document]:
        """All records that an account's key could see in a feed or snapshot, decoded, ascending by number."""
        return self.book(source, account).documents()

    @contextmanager
    def rebuild(self, feed: str, account: str | None = None) -> Iterator[Book]:
        """Rebuild a selection: its operations answer 423 within the block, after it a new series begins at 0.

        Yields:
            The book, to be changed meanwhile.
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
        """The world's moment."""
        return self.world.now if self.world else self._empty_since

    def advance(self, by: dt.timedelta) -> dt.datetime:
        """Let the world move on; returns its new moment. Without a world only the moment moves."""
        if self.world:
            self.world.advance(by)
        else:
            self._empty_since += by
        return self.now

    def expire(self) -> int:
        """Stop serving what Floriday would not serve any more at the world's moment; returns how many records went."""
        return sum(retention.expire(book, self.sources[feed], self.now) for feed, book in self.books)

    def turn(self, **switches: Any) -> None:
        """Turn switches by their names.

        Raises:
            ValueError: there is no such switch, or it does not take the value.
        """
        if unknown := switches.keys() - asdict(self.switches).keys():
            raise ValueError(f"There is no switch {', '.join(sorted(unknown))}.")
        for name, value in asdict(msgspec.convert({**asdict(self.switches), **switches}, Switches)).items():
            setattr(self.switches, name, value)

    def keep_trading(self, every: float = 5.0, orders: int = 3) -> None:
        """Let the world keep up with the real clock and trade a little extra every few seconds, in the background."""
        self.stop_trading()
        self._trading = stopped = threading.Event()
        threading.Thread(target=self._trade, args=(stopped, every, orders), name="sandbox-trade", daemon=True).start()

    def _trade(self, stopped: threading.Event, every: float, orders: int) -> None:
        while self.world and not stopped.wait(every):
            self.world.advance(dt.timedelta(seconds=every))
            self.world.trade(orders)

    def stop_trading(self) -> None:
        """End what :meth:`keep_trading` began."""
        if self._trading:
            self._trading.set()
            self._trading = None

    def overview(self) -> dict[str, Any]:
        """What runs here, with the settings that point at it while it serves."""
        records = {
            account.name: {name: len(self._book_of(account.organization_id, name)) for name in self.sources}
            for account in self.accounts
        }
        environment = self.environment() if self._running else {}
        return {"now": self.now, "environment": environment, "records": records}


def _accounts(api: str, seed: int, names: Sequence[str], now: dt.datetime) -> Accounts:
    owner = {"suppliers": grower, "customers": buyer}[api]
    accounts = Accounts()
    for name in names:
        accounts.add(Account(name, _secret(f"{seed}/key/{name}", 40), owner(seed, name, now)))
    return accounts


def _application(seed: int, scopes: Sequence[str]) -> Application:
    return Application(_secret(f"{seed}/client", 20), _secret(f"{seed}/secret", 48), frozenset(scopes))


def _secret(seed: str, length: int) -> str:
    """Text that looks like a secret and is none: it follows from the seed."""
    return "".join(random.Random(seed).choices(string.ascii_letters + string.digits, k=length))
