"""Tokens: client credentials over OAuth 2, one token for all accounts and threads.

Here belongs everything that knows the client's secret. What a token is used for does not.
"""

from __future__ import annotations

import copy
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from threading import Lock
from typing import Any

import msgspec
import requests
from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error
from pydantic import SecretStr
from requests_oauthlib import OAuth2Session

from pipelines.errors import AuthenticationError, BusyError, GarbledAnswerError, PipelineError, RefusedError
from pipelines.floriday.http.deadlines import CALL_SECONDS
from pipelines.floriday.http.decoding import UNDECODABLE
from pipelines.floriday.http.discovery import token_endpoint
from pipelines.floriday.http.error_answers import retry_after
from pipelines.floriday.http.retry import Clock, RetryPolicy
from pipelines.floriday.http.transport import MEGABYTE, BoundedAdapter, configure, new_session
from pipelines.settings.addresses import host_of, set_address

BASE_SCOPES = ("role:app", "organization:read")
"""What every call needs, and `/identities` (docs/floriday.md: Access)."""

_USUAL_LIFETIME = 3600.0
_LONGEST_LIFETIME = 366 * 86400.0
_RETRY_POLICY = RetryPolicy(attempts=5)

# The library writes secrets and tokens into its debug log.
logging.getLogger("requests_oauthlib.oauth2_session").addFilter(lambda record: record.levelno > logging.DEBUG)


class _TokenAnswer(msgspec.Struct):
    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - the name of a scheme
    expires_in: float | str | None = None
    scope: str | list[str] | None = None


class _ScopesRefusedError(Exception):
    """The server grants nothing because of what was asked for."""


@dataclass(frozen=True)
class _Grant:
    access_token: str = field(repr=False)
    scopes: frozenset[str] | None
    refused: tuple[str, ...]
    expires_at: float
    renew_at: float


class TokenSession:
    """The token of one application, fetched when it is first needed and renewed before it ends.

    Args:
        auth_url: the token endpoint, or the authorization server's address.
        client_id: the application's.
        client_secret: travels in the body of the token call and nowhere else.
        scopes: what to ask for.
        retry: how long a token call is tried again when the server cannot be reached or is busy.
        clock: time; tokens are measured by the wall clock, which goes on while a laptop sleeps.
        timeout: seconds to connect, and seconds without a byte.
        seconds: the deadline of one call, from before it connects to the end of its answer.

    Raises:
        AuthenticationError: (every method) no token: wrong credentials, no usable scope, not a token server.
        RetriableError: (every method) the token server cannot be reached or stays busy.
    """

    def __init__(
        self,
        auth_url: str,
        client_id: str,
        client_secret: SecretStr,
        scopes: Iterable[str] = BASE_SCOPES,
        *,
        retry: RetryPolicy = _RETRY_POLICY,
        clock: Clock = Clock(),  # noqa: B008 - it holds functions, nothing else
        timeout: tuple[float, float] = (10.0, 30.0),
        seconds: float = CALL_SECONDS,
    ) -> None:
        self._auth_url = set_address("FLORIDAY_AUTH_URL", auth_url)
        self._client_secret = client_secret
        self._wanted = tuple(dict.fromkeys(scopes))
        self._retry = retry
        self._clock = clock
        self._timeout = timeout
        self._seconds = seconds
        self._endpoint: str | None = None
        self._oauth = self._session(client_id)
        self._lock = Lock()
        self._grant: _Grant | None = None
        self._failures = 0
        self._failure: PipelineError | None = None

    @property
    def host(self) -> str:
        """The host that mints the tokens."""
        return host_of(self._auth_url)

    @property
    def granted(self) -> frozenset[str] | None:
        """The scopes that the token carries; None when the server did not say, which means all."""
        return self._current().scopes

    @property
    def refused(self) -> tuple[str, ...]:
        """The scopes that were asked for and not granted."""
        return self._current().refused

    @property
    def expires_at(self) -> datetime:
        """When the token ends (UTC)."""
        return datetime.fromtimestamp(self._current().expires_at, UTC)

    def token(self) -> str:
        """A token that is good for a while: 60 s, or half its life where that is less."""
        return self._current().access_token

    def renew(self, stale: str) -> str:
        """Another token than ``stale``, which the API refused; fetched only where nobody else has yet."""
        return self._replace(lambda grant: grant.access_token == stale).access_token

    def close(self) -> None:
        """Gives the connections back."""
        self._oauth.close()

    def _session(self, client_id: str) -> OAuth2Session:
        session = OAuth2Session(client=BackendApplicationClient(client_id))
        # The library speaks https only, unless a variable of the whole process says otherwise.
        in_clear = self._auth_url.startswith("http:")
        configure(session, self._wire(in_clear=in_clear))
        session.register_compliance_hook("access_token_response", self._judge)
        return session

    def _discovered(self) -> str:
        with new_session(self._wire()) as session:
            return token_endpoint(self._auth_url, session, self._retry, self._clock)

    def _wire(self, *, in_clear: bool = False) -> BoundedAdapter:
        return BoundedAdapter(limit=MEGABYTE, timeout=self._timeout, seconds=self._seconds, in_clear=in_clear)

    def _current(self) -> _Grant:
        grant = self._grant
        if grant is not None and self._clock.wall() < grant.renew_at:
            return grant
        return self._replace(lambda grant: self._clock.wall() >= grant.renew_at)

    def _replace(self, is_stale: Callable[[_Grant], bool]) -> _Grant:
        known_failures = self._failures
        with self._lock:
            if self._grant is not None and not is_stale(self._grant):
                return self._grant
            if self._failure is not None and self._failures > known_failures:
                # Somebody tried while this thread waited; each gets an error of its own, to add its account to.
                raise copy.copy(self._failure)
            try:
                self._grant = self._fetch()
            except PipelineError as problem:
                self._failures += 1
                self._failure = copy.copy(problem)
                raise
            return self._grant

    def _fetch(self) -> _Grant:
        if self._endpoint is None:
            self._endpoint = self._discovered()
        try:
            return self._ask(self._wanted)
        except _ScopesRefusedError:
            granted = tuple(scope for scope in self._wanted if self._grants(scope))
        try:
            if granted:
                return self._ask(granted)
        except _ScopesRefusedError:
            pass
        raise AuthenticationError(f"{self.host} grants none of the scopes {' '.join(self._wanted)} (FLORIDAY_SCOPES)")

    def _grants(self, scope: str) -> bool:
        try:
            self._ask((scope,))
        except _ScopesRefusedError:
            return False
        return True

    def _ask(self, scopes: tuple[str, ...]) -> _Grant:
        asked_at = self._clock.wall()
        try:
            token = self._retry.call(partial(self._call, scopes), self._clock)
        except (GarbledAnswerError, RefusedError) as problem:
            raise AuthenticationError(f"FLORIDAY_AUTH_URL: {problem.message}") from None
        return self._granted(scopes, token, asked_at)

    def _granted(self, asked: tuple[str, ...], token: Mapping[str, Any], asked_at: float) -> _Grant:
        granted: frozenset[str] | None = frozenset(filter(None, token.get("scope") or ())) or None
        if granted is None and asked != self._wanted:
            granted = frozenset(asked)
        refused = tuple(scope for scope in self._wanted if granted is not None and scope not in granted)
        lifetime = min(max(1.0, float(token.get("expires_in") or _USUAL_LIFETIME)), _LONGEST_LIFETIME)
        ends = asked_at + lifetime
        return _Grant(token["access_token"], granted, refused, ends, ends - min(60.0, lifetime / 2))

    def _call(self, scopes: tuple[str, ...]) -> dict[str, Any]:
        """One token call. The scopes are named for this call only, so that fewer granted ones are no error."""
        try:
            return dict(
                self._oauth.fetch_token(
                    re.sub("^http:", "https:", self._endpoint or ""),
                    include_client_id=True,
                    client_secret=self._client_secret.get_secret_value(),
                    scope=" ".join(scopes),
                )
            )
        except (OAuth2Error, ValueError, TypeError, ArithmeticError):
            raise AuthenticationError(f"FLORIDAY_AUTH_URL: {self.host} answered with no usable token") from None

    def _judge(self, response: requests.Response) -> requests.Response:
        """Lets a token through and raises what anything else means."""
        status, code = response.status_code, _error_code(response.content)
        if status == 429 or status >= 500:
            wait = retry_after(response.headers, self._clock.wall())
            raise BusyError(f"{self.host} answered {status} to the request for a token", retry_after=wait)
        if code in ("invalid_scope", "access_denied"):
            raise _ScopesRefusedError
        if status == 401 or code in ("invalid_client", "unauthorized_client"):
            raise AuthenticationError(
                f"{self.host} refuses FLORIDAY_CLIENT_ID and FLORIDAY_CLIENT_SECRET ({code or status})"
            )
        if status != 200 or code:
            answered = f"{status} {code}" if code else str(status)
            raise AuthenticationError(f"FLORIDAY_AUTH_URL: {self.host} answered {answered} to the request for a token")
        self._check_token(response.content)
        return response

    def _check_token(self, body: bytes) -> None:
        try:
            answer = msgspec.json.decode(body, type=_TokenAnswer)
        except msgspec.ValidationError:
            raise AuthenticationError(f"FLORIDAY_AUTH_URL: {self.host} answered without an access token") from None
        except UNDECODABLE:
            raise GarbledAnswerError(f"{self.host} answered the request for a token with something not JSON") from None
        if not re.fullmatch(r"[!-~]+", answer.access_token) or answer.token_type.casefold() != "bearer":
            raise AuthenticationError(f"FLORIDAY_AUTH_URL: {self.host} answered with a token of an unknown kind")


def _error_code(body: bytes) -> str | None:
    """The OAuth error code of an answer, where it has one that looks like one."""
    try:
        answer = msgspec.json.decode(body)
    except UNDECODABLE:
        return None
    code = answer.get("error") if isinstance(answer, dict) else None
    return code if isinstance(code, str) and re.fullmatch(r"[a-z_]{1,40}", code) else None
