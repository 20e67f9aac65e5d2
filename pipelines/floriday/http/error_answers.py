"""The error that an answer other than a usable 200 stands for (docs/floriday.md: Errors)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import requests

from pipelines.errors import (
    AuthenticationError,
    BusyError,
    GarbledAnswerError,
    PipelineError,
    RebuildingError,
    RefusedError,
)
from pipelines.floriday.http.error_messages import REQUEST_ID, retry_after, told

_BUSY = frozenset((429, 500, 502, 503, 504))


@dataclass(frozen=True)
class Call:
    """The call that an error answers.

    Args:
        path: path of the operation, below the API's base.
        host: host name of the API.
        token_host: host name of the server that issued the token.
        secrets: token and API key, which are removed from messages.
        now: seconds since 1970, to interpret ``Retry-After``.
    """

    path: str
    host: str
    token_host: str
    secrets: Iterable[str]
    now: float


def error_for(response: requests.Response, call: Call) -> PipelineError:
    """The error for an answer whose status is not 200; its message contains Floriday's reason."""
    status = response.status_code
    reason = told(status, response.content, call.secrets, response.headers.get(REQUEST_ID))
    if status in _BUSY:
        return BusyError(
            f"{call.host} answered {reason} to {call.path}", retry_after=retry_after(response.headers, call.now)
        )
    if status == 401:
        return AuthenticationError(
            f"{call.host} refuses a token that {call.token_host} has just issued: {reason}. FLORIDAY_BASE_URL and"
            " FLORIDAY_AUTH_URL must belong to one environment, and the version must be in service"
        )
    if status == 423:
        return RebuildingError(f"Floriday is rebuilding {call.path}: {reason}")
    if 200 <= status < 300:
        return GarbledAnswerError(f"{call.host} answered {reason} to {call.path}, without the requested content")
    hint = " – is FLORIDAY_API_KEY this application's?" if status == 403 and "api key" in reason.casefold() else ""
    return RefusedError(f"{call.host} refuses {call.path}: {reason}{hint}", status=status)
