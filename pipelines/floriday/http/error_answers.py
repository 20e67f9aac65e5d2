"""Answers that report an error: the exception for each status, its message, and ``Retry-After`` (docs/floriday.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import requests

from pipelines import setting_hints
from pipelines.errors import (
    AuthenticationError,
    BusyError,
    GarbledAnswerError,
    PipelineError,
    RebuildingError,
    RefusedError,
)
from pipelines.floriday.http.decoding import json_object
from pipelines.settings.addresses import host_of
from pipelines.text_format import one_line

REQUEST_ID = "x-amzn-RequestId"  # the header with the id that Floriday's gateway gives to a request
LONGEST_WAIT = 86_400.0  # seconds; a longer ``Retry-After`` is ignored, and the usual back-off applies
_BUSY = frozenset((429, 500, 502, 503, 504))
_MAX_CHARACTERS = 300


def error_for(
    response: requests.Response, path: str, *, token_host: str, secrets: tuple[str, ...], now: float
) -> PipelineError:
    """The exception for an answer with another status than 200; its message contains Floriday's reason.

    ``path`` is that below the API's base address. The secrets are removed from the message. ``now`` is in seconds since
    1970.
    """
    status, host = response.status_code, host_of(response.url)
    reason = described(status, response.content, secrets, response.headers.get(REQUEST_ID))
    if status in _BUSY:
        return BusyError(f"{host} answered {reason} to {path}", retry_after=retry_after(response.headers, now))
    if status == 401:
        return AuthenticationError(
            f"{host} refuses a token that {token_host} has just issued: {reason}. {setting_hints.CHECK_ENVIRONMENT}"
        )
    if status == 423:
        return RebuildingError(f"Floriday is rebuilding {path}: {reason}")
    if 200 <= status < 300:
        return GarbledAnswerError(f"{host} answered {reason} to {path}, without the requested content")
    hint = f" – {setting_hints.CHECK_API_KEY}" if status == 403 and "api key" in reason.casefold() else ""
    return RefusedError(f"{host} refuses {path}: {reason}{hint}", status=status)


def described(status: int, body: bytes, secrets: tuple[str, ...] = (), request_id: str | None = None) -> str:
    """One line: the status, Floriday's title and detail, and in parentheses its error code and the request's id.

    The body may be problem details, another object, HTML, or cut off. Secrets are removed, in case the server repeats
    them.
    """
    problem = json_object(body)
    sentences = [str(problem[key]) for key in ("title", "detail", "message", "Message") if problem.get(key)]
    sentences += _field_errors(problem.get("errors"))
    reason = ". ".join(sentence.rstrip(".") for sentence in dict.fromkeys(sentences)) or _phrase(status)
    codes = [str(problem.get("domainErrorCode") or ""), f"request {request_id}" if request_id else ""]
    suffix = _without_secrets(", ".join(filter(None, codes)), secrets)
    return _without_secrets(f"{status} {reason}", secrets) + (f" ({suffix})" if suffix else "")


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait, from ``Retry-After`` as seconds or as an HTTP date; None where it is missing or invalid.

    A date is compared with the answer's own ``Date``, or with ``now`` (seconds since 1970) where it has none.
    """
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]+", value):
        seconds = float(value[:400])  # more digits are infinity, which is too long in any case
    else:
        until = _timestamp(value)
        if until is None:
            return None
        seconds = max(0.0, until - (_timestamp(headers.get("Date", "")) or now))
    return seconds if seconds <= LONGEST_WAIT else None


def _timestamp(text: str) -> float | None:
    try:
        moment: datetime = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _without_secrets(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        text = text.replace(secret, "…")
    return one_line(text, _MAX_CHARACTERS)


def _field_errors(errors: object) -> list[str]:
    if not isinstance(errors, dict):
        return []
    lists = {name: messages if isinstance(messages, list) else [messages] for name, messages in errors.items()}
    return [f"{name}: {message}" for name, messages in lists.items() for message in messages]


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "(no reason given)"
