"""The log of the API calls: for tests, and for developers who debug an integration."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """One request.

    Args:
        method: HTTP method of the request.
        path: path of the request, decoded.
        query: query string as received.
        account: name of the account whose key was sent, or None.
        status: HTTP status of the answer, or None if the connection was closed before it.
    """

    method: str
    path: str
    query: str
    account: str | None
    status: int | None


class Calls:
    """The newest calls, oldest first.

    Args:
        maximum: number of calls that are kept.
    """

    def __init__(self, maximum: int = 100_000) -> None:
        self._calls: deque[Call] = deque(maxlen=maximum)

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[Call]:
        return iter(tuple(self._calls))

    def __getitem__(self, index: int) -> Call:
        return self._calls[index]

    def add(self, call: Call) -> None:
        """Append a call."""
        self._calls.append(call)

    def clear(self) -> None:
        """Delete all calls."""
        self._calls.clear()

    def to(self, part: str) -> list[Call]:
        """The calls whose path contains ``part``."""
        return [call for call in self if part in call.path]

    def documents(self) -> list[dict[str, Any]]:
        """All calls as dictionaries."""
        return [asdict(call) for call in self]
