"""The requests of one round for the maxima of all feeds, which also show whether an account's key is still accepted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pipelines.catalogue.types import Feed, Source
from pipelines.errors import AuthenticationError, PipelineError
from pipelines.floriday.client import FloridayClient
from pipelines.floriday.http.retry import RetryPolicy
from pipelines.sync.follow.moved_feeds import KnownCursors, Moved
from pipelines.sync.follow.poller import Key, Poll

POLL_RETRY = RetryPolicy(attempts=2, seconds=10.0)  # a feed that fails is tried again in a later round


@dataclass
class Maxima:
    """The requests of one round.

    Args:
        clients: the client of each account, by the account's name.
        known: the cursors that the maxima are compared with.
    """

    clients: Mapping[str, FloridayClient]
    known: KnownCursors
    _refused: dict[str, AuthenticationError] = field(default_factory=dict)
    _silent: set[str] = field(default_factory=set)
    _answered: set[str] = field(default_factory=set)

    def poll(self, account: str, source: Source) -> Poll:
        """A function that requests the maximum of a feed, and returns whether the feed moved.

        It raises errors of the client. After an answer that no token would change, it raises that error for all feeds
        of the account, because each attempt would request a new token.
        """

        def maximum(feed: Feed) -> int | None:
            number = self.clients[account].maximum(feed.endpoint, retry=POLL_RETRY)
            if feed.endpoint.max_sequence is not None:
                (self._silent if number is None else self._answered).add(account)
            return number

        def moved() -> Moved | None:
            if account in self._refused:
                raise self._refused[account]
            try:
                return self.known.moved(account, source, maximum)
            except AuthenticationError as error:
                self._refused[account] = error
                raise

        return moved

    def refused_keys(self) -> Iterator[tuple[Key, PipelineError]]:
        """The accounts whose key is refused: no maximum may be read with it (403), nor the identity behind it."""
        for account in sorted(self._silent - self._answered):
            try:
                self.clients[account].identity()
            except PipelineError as error:
                yield (account, ""), error
