"""A sandbox of many accounts in a process of its own, so that its processor time is not counted."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from pipelines.sandbox import Sandbox
from pipelines.sandbox.records.books import Book

SCALE = 0.01
"""Volume of trade; most of the sandbox's time for an account does not depend on it."""


@dataclass(frozen=True)
class SandboxProcess:
    """Commands for the sandbox of another process; they wait until it is done.

    Args:
        environment: the settings for a client.
        pipe: connection to the other process.
    """

    environment: dict[str, str]
    pipe: Connection

    def advance(self, by: dt.timedelta) -> None:
        """Let the accounts trade for a simulated time."""
        self._do("advance", by)

    def change(self, accounts: Sequence[str], feeds: Sequence[str], share: float) -> int:
        """Change a record in a share of the accounts' feeds, at least in one; returns in how many.

        Feeds without records are left out.
        """
        return int(self._do("change", accounts, feeds, share))

    def calls(self) -> Counter[str]:
        """The numbers of calls since the last time: of ``maximum``, ``page``, and ``other`` operations."""
        found: Counter[str] = self._do("calls")
        return found

    def _do(self, *command: object) -> Any:
        self.pipe.send(command)
        return self.pipe.recv()


@contextmanager
def sandbox_process(accounts: Sequence[str], now: dt.datetime) -> Iterator[SandboxProcess]:
    """Run a sandbox without rate limits within the block, beginning at a simulated time."""
    context = multiprocessing.get_context("spawn")
    pipe, other = context.Pipe()
    process = context.Process(target=_serve, args=(other, tuple(accounts), now), daemon=True)
    process.start()
    other.close()
    try:
        yield SandboxProcess(pipe.recv(), pipe)
    finally:
        pipe.close()
        process.join()


def _serve(pipe: Connection, accounts: Sequence[str], now: dt.datetime) -> None:
    """Run the sandbox, and execute commands until the pipe is closed."""
    with Sandbox(now=now, scale=SCALE, accounts=accounts) as sandbox:
        sandbox.set_switches(rate_limits=None)
        pipe.send(sandbox.environment())
        commands = _Commands(sandbox)
        while (command := _received(pipe)) is not None:
            name, *arguments = command
            pipe.send(getattr(commands, name)(*arguments))


def _received(pipe: Connection) -> tuple[Any, ...] | None:
    try:
        command: tuple[Any, ...] = pipe.recv()
    except EOFError:
        return None
    return command


@dataclass
class _Commands:
    sandbox: Sandbox
    _random: random.Random = field(default_factory=lambda: random.Random(1))

    def advance(self, by: dt.timedelta) -> None:
        self.sandbox.advance(by)

    def change(self, accounts: Sequence[str], feeds: Sequence[str], share: float) -> int:
        books = [self.sandbox.book(feed, account) for account in accounts for feed in feeds]
        books = [book for book in books if len(book)]
        chosen = self._random.sample(books, max(1, round(share * len(books))))
        for book in chosen:
            _change(book, self._random)
        return len(chosen)

    def calls(self) -> Counter[str]:
        found = Counter(_kind(call.path) for call in self.sandbox.calls)
        self.sandbox.calls.clear()
        return found


def _kind(path: str) -> str:
    if "max-sequence" in path:
        return "maximum"
    return "page" if "/sync/" in path else "other"


def _change(book: Book, source: random.Random) -> None:
    """Change a record's number of pieces, or the time of its last change."""
    document = source.choice(book.entries()).document
    if pieces := {"numberOfPieces", "deltaNumberOfPieces"} & document.keys():
        changed: dict[str, object] = {name: document[name] + 1 for name in pieces}
    else:
        changed = {"lastModifiedDateTime": dt.datetime(2026, 11, 1, tzinfo=dt.UTC) + dt.timedelta(source.random())}
    book.put({**document, **changed})
