"""Everything that can go wrong on purpose, in one tree.

PipelineError                     one line for a person; carries account, feed and number
├── FatalError                    asking again would not help
│   ├── SettingError              a setting is missing, malformed or contradicts the warehouse (exit 2)
│   ├── UsageError                a command was called with something it does not take (exit 2)
│   ├── AuthenticationError       no token: wrong credentials, no usable scope, a token server that is not one
│   ├── RefusedError              the API refused a call for good (400, 403, 404 …)
│   ├── AnswerTooLargeError       an answer holds more bytes than are taken
│   ├── StuckFeedError            a feed that does not advance although there is more
│   ├── ContradictingAnswersError answers about a feed that contradict themselves and each other
│   ├── WarehouseError            the DuckDB file cannot be used: not writable, truncated, newer than this program
│   ├── QueryTimeoutError         a query took longer than it may
│   ├── QueryMemoryError          a query needs more memory than it may use
│   └── DagsterError              Dagster cannot be started here, or ended by itself
├── RetriableError                the same call may succeed a little later
│   ├── UnreachableError          no answer: refused, cut or timed-out connections
│   ├── BusyError                 429, 500, 503, 504
│   ├── GarbledAnswerError        200 with something that is not the JSON that was asked for
│   └── WarehouseBusyError        another process holds the DuckDB file or the lock file
└── SkippableError                this feed is left out now, and that is no failure
    ├── ScopeNotGrantedError      the token does not carry the feed's scope
    └── RebuildingError           423: Floriday is rebuilding the feed

What does not belong here: how an error is printed (``cli``) or retried (``floriday.client``).
"""

from __future__ import annotations


class PipelineError(Exception):
    """An expected failure, told in one line.

    Args:
        message: what happened and what to do next; never a secret.
        account: the account's name in the settings, where it matters.
        feed: the feed as ``schema.table``, where it matters.
        number: the sequence number at which it happened.
    """

    exit_code = 1

    def __init__(
        self, message: str, *, account: str | None = None, feed: str | None = None, number: int | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.account = account
        self.feed = feed
        self.number = number

    def about(self, *, account: str | None = None, feed: str | None = None) -> PipelineError:
        """The same error, told which account and feed it concerns where it did not know."""
        self.account = self.account or account
        self.feed = self.feed or feed
        return self

    def __str__(self) -> str:
        where = " · ".join(part for part in (self.account, self.feed) if part)
        return f"{where}: {self.message}" if where else self.message


class FatalError(PipelineError):
    """Asking again would not help."""


class SettingError(FatalError):
    """A setting is missing, malformed, or contradicts what the warehouse belongs to."""

    exit_code = 2


class UsageError(FatalError):
    """A command was called with something that it does not take."""

    exit_code = 2


class AuthenticationError(FatalError):
    """The token endpoint gave no usable token."""


class RefusedError(FatalError):
    """The API refused a call for good; ``status`` is the HTTP status."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        account: str | None = None,
        feed: str | None = None,
        number: int | None = None,
    ) -> None:
        super().__init__(message, account=account, feed=feed, number=number)
        self.status = status


class AnswerTooLargeError(FatalError):
    """An answer holds more bytes than are taken; one with fewer records may be taken."""


class StuckFeedError(FatalError):
    """A feed does not advance although its maximum says that there is more."""


class ContradictingAnswersError(FatalError):
    """Answers about a feed contradict themselves, and no two of them agree."""


class WarehouseError(FatalError):
    """The DuckDB file cannot be used."""


class QueryTimeoutError(FatalError):
    """A query took longer than it may, and was ended."""


class QueryMemoryError(FatalError):
    """A query needs more memory than it may use."""


class DagsterError(FatalError):
    """Dagster cannot be started here, or ended by itself."""


class RetriableError(PipelineError):
    """The same call may succeed a little later.

    Args:
        retry_after: seconds that the server asked for, where it did.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        account: str | None = None,
        feed: str | None = None,
        number: int | None = None,
    ) -> None:
        super().__init__(message, account=account, feed=feed, number=number)
        self.retry_after = retry_after


class UnreachableError(RetriableError):
    """No answer: the connection was refused, cut or timed out."""


class BusyError(RetriableError):
    """The server said 429, 500, 503 or 504."""


class GarbledAnswerError(RetriableError):
    """A 200 whose body is not the JSON that was asked for."""


class WarehouseBusyError(RetriableError):
    """Another process holds the DuckDB file or the lock file."""


class SkippableError(PipelineError):
    """This feed is left out now, and that is no failure."""


class ScopeNotGrantedError(SkippableError):
    """The token does not carry the feed's scope."""


class RebuildingError(SkippableError):
    """Floriday is rebuilding the feed (423)."""
