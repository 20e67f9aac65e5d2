"""What was asked and how it was answered: for tests, and for people who debug an integration."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipelines.floriday.http.error_messages import REQUEST_ID


@dataclass(frozen=True, slots=True)
class Call:
    """One request.

    Args:
        method: its method.
        path: its path, decoded.
        query: its query string.
        account: the account whose key it carried, or None.
        status: the answer's status, or None if the connection was cut before it.
    """

    method: str
    path: str
    query: str
    account: str | None
    status: int | None


class Calls:
    """The newest calls, oldest first.

    Args:
        newest: how many are kept.
    """

    def __init__(self, newest: int = 100_000) -> None:
        self._calls: deque[Call] = deque(maxlen=newest)

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[Call]:
        return iter(tuple(self._calls))

    def __getitem__(self, index: int) -> Call:
        return self._calls[index]

    def add(self, call: Call) -> None:
        """Write a call down."""
        self._calls.append(call)

    def clear(self) -> None:
        """Forget all calls."""
        self._calls.clear()

    def to(self, part: str) -> list[Call]:
        """The calls whose path contains ``part``."""
        return [call for call in self if part in call.path]

    def documents(self) -> list[dict[str, Any]]:
        """All calls as plain dictionaries."""
        return [asdict(call) for call in self]


WRITE = "write into the journal"
"""Where the state of a request keeps what writes it down, for who cuts its connection."""


class Journal:
    """The layer that gives every call an id and writes it down, but those to the control routes.

    Args:
        app: what answers.
        calls: where calls are written.
        account_of: tells the account whose key a request carries.
    """

    def __init__(self, app: ASGIApp, calls: Calls, account_of: Callable[[Scope], str | None]) -> None:
        self._app = app
        self._calls = calls
        self._account_of = account_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and write down what was answered before the client can know it."""
        written = False

        def write(status: int | None = None) -> None:
            nonlocal written
            if not written:
                query = scope["query_string"].decode("latin-1")
                self._calls.add(Call(scope["method"], scope["path"], query, self._account_of(scope), status))
            written = True

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[REQUEST_ID] = str(uuid.uuid4())
                write(message["status"])
            await send(message)

        scope["state"][WRITE] = write
        await self._app(scope, receive, watch)
        write()
