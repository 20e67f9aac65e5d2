"""All expected errors, in one tree.

PipelineError                     one line for a person, with account, feed and number
├── FatalError                    a retry would not help
│   ├── SettingError              a setting is missing, malformed or contradicts the warehouse (exit 2)
│   ├── UsageError                a command was called with an invalid option or argument (exit 2)
│   ├── AuthenticationError       no token: wrong credentials, no usable scope, not a token server
│   ├── RefusedError              the API refused a call, and a retry would not help
│   ├── AnswerTooLargeError       an answer has more bytes than are accepted
│   ├── StuckFeedError            a feed does not advance although there are more records
│   ├── ContradictingAnswersError answers of a feed contradict the request, or themselves and each other
│   ├── WarehouseError            the DuckDB file cannot be used: not writable, truncated
│   │   └── NewerWarehouseError   a newer version of this program wrote it
│   ├── QueryTimeoutError         a query took longer than its time limit
│   ├── QueryMemoryError          a query needs more memory than its limit
│   └── DagsterError              Dagster cannot be started, or ended by itself
├── RetriableError                the same call may succeed a little later
│   ├── UnreachableError          no answer: refused, cut or timed-out connections
│   ├── BusyError                 429, 500, 502, 503, 504
│   ├── GarbledAnswerError        200 with something other than the expected JSON
│   └── WarehouseBusyError        another process holds the DuckDB file or the lock file
│       └── ConflictError         another transaction of a lake was first
└── SkippableError                this feed is skipped now, which is no failure
    ├── ScopeNotGrantedError      the token does not have the feed's scope
    └── RebuildingError           423: Floriday is rebuilding the feed

Not here: how an error is printed (``cli``) or retried (``floriday.http.retry``).
"""

from __future__ import annotations


class PipelineError(Exception):
    """An expected failure, described in one line: what happened and what to do next, without secrets.

    The account, the feed (``schema.table``) and the sequence number are those that the failure concerns, if any.
    """

    exit_code = 1
    details: tuple[str, ...] = ()  # the same as a list, for a terminal: several problems, then the next steps

    def __init__(
        self, message: str, *, account: str | None = None, feed: str | None = None, number: int | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.account = account
        self.feed = feed
        self.number = number

    def about(self, *, account: str | None = None, feed: str | None = None) -> PipelineError:
        """The same error, with account and feed where it has none yet."""
        self.account = self.account or account
        self.feed = self.feed or feed
        return self

    def __str__(self) -> str:
        subject = " · ".join(part for part in (self.account, self.feed) if part)
        return f"{subject}: {self.message}" if subject else self.message


class FatalError(PipelineError):
    """A retry would not help."""


class SettingError(FatalError):
    """A setting is missing, malformed, or contradicts the warehouse."""

    exit_code = 2


class UsageError(FatalError):
    """A command was called with an invalid option or argument."""

    exit_code = 2


class AuthenticationError(FatalError):
    """The token endpoint issued no usable token."""


class RefusedError(FatalError):
    """The API refused a call with an HTTP status (400, 403, 404 …); a retry would not help."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class AnswerTooLargeError(FatalError):
    """An answer has more bytes than are accepted; one with fewer records may be accepted."""


class StuckFeedError(FatalError):
    """A feed does not advance although its maximum proves that there are more records."""


class ContradictingAnswersError(FatalError):
    """Answers of a feed contradict the request, or they contradict themselves and no two of them agree."""


class WarehouseError(FatalError):
    """The DuckDB file cannot be used."""


class NewerWarehouseError(WarehouseError):
    """A newer version of this program wrote the DuckDB file."""


class QueryTimeoutError(FatalError):
    """A query took longer than its time limit, and was cancelled."""


class QueryMemoryError(FatalError):
    """A query needs more memory than its limit."""


class DagsterError(FatalError):
    """Dagster cannot be started, or ended by itself."""


class RetriableError(PipelineError):
    """The same call may succeed a little later.

    ``retry_after`` is the number of seconds that the server asked to wait; None if it named none.
    """

    attempts: int | None = None  # the number of calls after which the retries ended, which makes the error final

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UnreachableError(RetriableError):
    """No answer: the connection was refused, cut or timed out."""


class BusyError(RetriableError):
    """The server answered 429, 500, 502, 503 or 504."""


class GarbledAnswerError(RetriableError):
    """A 200 whose body is not the expected JSON."""


class WarehouseBusyError(RetriableError):
    """Another process holds the DuckDB file or the lock file."""


class ConflictError(WarehouseBusyError):
    """Another transaction of a lake was first, so that the whole transaction must be executed again."""


class SkippableError(PipelineError):
    """This feed is skipped now, which is no failure."""


class ScopeNotGrantedError(SkippableError):
    """The token does not have the feed's scope."""


class RebuildingError(SkippableError):
    """Floriday is rebuilding the feed (423)."""
