"""Answers of the token endpoint: a usable token, or the exception that an answer stands for (RFC 6749)."""

from __future__ import annotations

import re

import msgspec
import requests

from pipelines import setting_hints
from pipelines.errors import AuthenticationError, BusyError, GarbledAnswerError
from pipelines.floriday.http.decoding import UNDECODABLE, json_object
from pipelines.floriday.http.error_answers import retry_after


class ScopesRefusedError(Exception):
    """The server issues no token because of the requested scopes."""


class _TokenAnswer(msgspec.Struct):
    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - the name of a scheme
    expires_in: float | str | None = None
    scope: str | list[str] | None = None


def check_token_answer(response: requests.Response, host: str, now: float) -> None:
    """Raise the exception for an answer without a usable token; ``now`` is in seconds since 1970.

    Raises:
        ScopesRefusedError: the requested scopes are not granted.
        AuthenticationError: the credentials are refused, or the answer is not that of a token endpoint.
        RetriableError: the server is busy, or the answer is no JSON.
    """
    status, code = response.status_code, _error_code(response.content)
    if status == 429 or status >= 500:
        wait = retry_after(response.headers, now)
        raise BusyError(f"{host} answered {status} to the request for a token", retry_after=wait)
    if code in ("invalid_scope", "access_denied"):
        raise ScopesRefusedError
    if status == 401 or code in ("invalid_client", "unauthorized_client"):
        raise AuthenticationError(
            f"{host} refuses {setting_hints.CREDENTIALS} ({code or status}): {setting_hints.CHECK_CREDENTIALS}"
        )
    if status != 200 or code:
        reason = f"{status} {code}" if code else str(status)
        raise AuthenticationError(f"{setting_hints.AUTH_URL}: {host} answered {reason} to the request for a token")
    _check_token(response.content, host)


def _check_token(body: bytes, host: str) -> None:
    try:
        answer = msgspec.json.decode(body, type=_TokenAnswer)
    except msgspec.ValidationError:
        raise AuthenticationError(f"{setting_hints.AUTH_URL}: {host} answered without an access token") from None
    except UNDECODABLE:
        raise GarbledAnswerError(f"{host} answered the request for a token with something not JSON") from None
    if not re.fullmatch(r"[!-~]+", answer.access_token) or answer.token_type.casefold() != "bearer":
        raise AuthenticationError(f"{setting_hints.AUTH_URL}: {host} answered with a token of an unknown kind")


def _error_code(body: bytes) -> str | None:
    """The OAuth error code of an answer; None if it has none or an unprintable one."""
    code = json_object(body).get("error")
    return code if isinstance(code, str) and re.fullmatch(r"[a-z_]{1,40}", code) else None
