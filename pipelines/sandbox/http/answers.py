"""Answers in Floriday's own form: records and problem documents (docs/floriday.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

JSON = "application/json; charset=utf-8"
_CODES = "https://developer.floriday.io/docs/error-codes#"


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer; a body of bytes is JSON already."""
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return Response(content, status, dict(headers or {}), JSON)


def problem(
    status: int, code: str, title: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    """A problem document in Floriday's form; ``code`` is its ``domainErrorCode``."""
    body = {"type": _CODES + code, "title": title, "detail": detail, "status": status, "domainErrorCode": code, **more}
    return answer(body, status, headers)


def unauthorized() -> Response:
    """401: the token is missing, invalid or expired, or the key is missing. The gateway's ``status`` is text."""
    body = {
        "type": f"{_CODES}invalid-access-token",
        "title": "Unauthorized",
        "detail": "The access token is missing, invalid or expired.",
        "status": "401",
        "domainErrorCode": "invalid-access-token",
    }
    headers = {
        "WWW-Authenticate": 'Bearer realm="Floriday API", error="invalid_token"',
        "x-amzn-ErrorType": "UnauthorizedException",
    }
    return Response(msgspec.json.encode(body), 401, headers, "application/json")


def unknown_key() -> Response:
    """403: the key belongs to no organization."""
    return problem(403, "invalid-api-key", "Forbidden", "The specified api key is invalid.")


def missing_scope(scope: str) -> Response:
    """403: the token does not carry the operation's scope."""
    return problem(403, "insufficient-permissions", "Forbidden", f"This operation requires the scope {scope}.")


def other_version() -> Response:
    """403: the path names an API or a version that is not served."""
    return problem(403, "api-version-not-available", "Forbidden", "This version of the API is not available.")


def unknown_route() -> Response:
    """404: there is no such operation."""
    return problem(404, "route-not-found", "Not Found", "The requested route does not exist.")


def unknown_record(name: str) -> Response:
    """404: there is no record with that id, or the caller may not read it."""
    return problem(404, "entity-not-found", "Not Found", f"The requested {name} does not exist.")


def wrong_method() -> Response:
    """405: the operation requires another method."""
    return problem(405, "method-not-allowed", "Method Not Allowed", "This route takes another method.")


def invalid(parameter: str, message: str) -> Response:
    """400: a parameter is missing or invalid."""
    return problem(
        400,
        "invalid-parameters",
        "One or more validation errors occurred.",
        message,
        errors={parameter: [message]},
    )


def locked() -> Response:
    """423: the selection is being rebuilt (docs/floriday.md: Change feeds)."""
    return problem(423, "resource-locked", "Locked", "The supply lines are being rebuilt. Try again later.")


def too_many(retry_after: int | str | None = None) -> Response:
    """429: the rate limit is exceeded, with an optional ``Retry-After`` header."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return problem(429, "too-many-requests", "Too Many Requests", "The rate limit is exceeded.", headers=headers)
