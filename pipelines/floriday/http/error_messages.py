"""What an answer that is no 200 says, however it says it (docs/floriday.md: Access, Errors)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import msgspec

from pipelines import text_format
from pipelines.floriday.http.decoding import UNDECODABLE

REQUEST_ID = "x-amzn-RequestId"
"""The header in which the gateway says what it calls a request (docs/floriday.md: Errors)."""

LONGEST_WAIT = 86_400.0
"""Seconds beyond which a request to wait is not taken seriously; the usual back-off applies then."""

_SENTENCE = 300


def told(status: int, body: bytes, withheld: Iterable[str] = (), request_id: str | None = None) -> str:
    """One line: the status, Floriday's title and detail, its own code and its id of the request where it gave them.

    Args:
        status: the HTTP status.
        body: as received: problem details, another object, HTML, or cut.
        withheld: secrets, which are taken out should the server echo them.
        request_id: as the answer's header has it.
    """
    problem = _problem(body)
    words = [str(problem[key]) for key in ("title", "detail", "message", "Message") if problem.get(key)]
    words += _field_errors(problem.get("errors"))
    said = ". ".join(word.rstrip(".") for word in dict.fromkeys(words)) or _phrase(status)
    named = [str(problem.get("domainErrorCode") or ""), f"request {request_id}" if request_id else ""]
    names = one_line(", ".join(filter(None, named)), withheld)
    return one_line(f"{status} {said}", withheld) + (f" ({names})" if names else "")


def one_line(text: str, withheld: Iterable[str] = ()) -> str:
    """``text`` without line breaks, control characters and ``withheld``, and not too long."""
    for secret in withheld:
        text = text.replace(secret, "…")
    return text_format.one_line(text, _SENTENCE)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that the server asks to wait, from seconds or an HTTP date; None where it asks for nothing sensible.

    Args:
        headers: of the answer; a date counts from the answer's own ``Date``, where it has one.
        now: seconds since 1970.
    """
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]+", value):
        seconds = float(value[:400])  # more digits are infinity, which is too long in any case
    else:
        until = _moment(value)
        if until is None:
            return None
        seconds = max(0.0, until - (_moment(headers.get("Date", "")) or now))
    return seconds if seconds <= LONGEST_WAIT else None


def _moment(text: str) -> float | None:
    try:
        moment: datetime = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _problem(body: bytes) -> dict[str, Any]:
    try:
        problem = msgspec.json.decode(body)
    except UNDECODABLE:
        return {}
    return problem if isinstance(problem, dict) else {}


def _field_errors(errors: object) -> list[str]:
    if not isinstance(errors, dict):
        return []
    return [f"{name}: {message}" for name, messages in errors.items() for message in _listed(messages)]


def _listed(messages: object) -> list[object]:
    return messages if isinstance(messages, list) else [messages]


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "(no reason given)"
