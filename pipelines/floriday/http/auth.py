"""Tokens: OAuth 2 client credentials, one token for all accounts and threads.

Everything that uses the client secret belongs here; the use of a token does not.
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

import requests
from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error
from pydantic import SecretStr
from requests_oauthlib import OAuth2Session

from pipelines import setting_hints
from pipelines.errors import AuthenticationError, GarbledAnswerError, PipelineError, RefusedError
from pipelines.floriday.http.deadlines import CALL_SECONDS
from pipelines.floriday.http.discovery import token_endpoint
from pipelines.floriday.http.retry import Clock, RetryPolicy
from pipelines.floriday.http.token_answers import ScopesRefusedError, check_token_answer
from pipelines.floriday.http.transport import MEGABYTE, BoundedAdapter, configure, new_session
from pipelines.settings.addresses import host_of, set_address

BASE_SCOPES = ("role:app", "organization:read")
"""Scopes that every call and `/identities` need (docs/floriday.md: Access)."""

_DEFAULT_LIFETIME = 3600.0
_MAX_LIFETIME = 366 * 86400.0

# The library writes secrets and tokens into its debug log.
logging.getLogger("requests_oauthlib.oauth2_session").addFilter(lambda record: record.levelno > logging.DEBUG)


@dataclass(frozen=True)
class _Grant:
    access_token: str = field(repr=False)
    scopes: frozenset[str] | None
    refused: tuple[str, ...]
    expires_at: float
    renew_at: float


class TokenSession:
    """The token of one application, fetched at first use and renewed before it expires.

    ``auth_url`` is the token endpoint, or the authorization server's address. The secret is sent in the body of token
    calls only. Tokens expire by the wall clock, which continues while a laptop sleeps. The limits of calls are those of
    :class:`BoundedAdapter`.

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
        retry: RetryPolicy = RetryPolicy(attempts=5),  # noqa: B008 - frozen
        clock: Clock = Clock(),  # noqa: B008 - frozen
        timeout: tuple[float, float] = (10.0, 30.0),
        seconds: float = CALL_SECONDS,
    ) -> None:
        self._auth_url = set_address(setting_hints.AUTH_URL, auth_url)
        self._client_secret = client_secret
        self._requested = tuple(dict.fromkeys(scopes))
        self._retry = retry
        self._clock = clock
        self._timeout = timeout
        self._seconds = seconds
        self._endpoint: str | None = None
        self._oauth = self._oauth_session(client_id)
        self._lock = Lock()
        self._grant: _Grant | None = None
        self._failures = 0
        self._failure: PipelineError | None = None

    @property
    def host(self) -> str:
        """Host name of the token server."""
        return host_of(self._auth_url)

    @property
    def granted(self) -> frozenset[str] | None:
        """The scopes of the token; None if the server names none, which means all requested ones."""
        return self._valid_grant().scopes

    @property
    def refused(self) -> tuple[str, ...]:
        """The scopes that were requested and not granted."""
        return self._valid_grant().refused

    @property
    def expires_at(self) -> datetime:
        """When the token expires (UTC)."""
        return datetime.fromtimestamp(self._valid_grant().expires_at, UTC)

    def token(self) -> str:
        """A token that remains valid for 60 s, or for half of its lifetime if that is shorter."""
        return self._valid_grant().access_token

    def renew(self, stale: str) -> str:
        """A token other than ``stale``, which the API refused; fetched unless another thread has done so already."""
        return self._replace(lambda grant: grant.access_token == stale).access_token

    def close(self) -> None:
        """Close the connections."""
        self._oauth.close()

    def _oauth_session(self, client_id: str) -> OAuth2Session:
        session = OAuth2Session(client=BackendApplicationClient(client_id))
        # The library accepts https only, unless an environment variable of the process allows http.
        configure(session, self._adapter(in_clear=self._auth_url.startswith("http:")))
        session.register_compliance_hook("access_token_response", self._checked)
        return session

    def _adapter(self, *, in_clear: bool = False) -> BoundedAdapter:
        return BoundedAdapter(
            limit=MEGABYTE,
            timeout=self._timeout,
            seconds=self._seconds,
            setting=setting_hints.AUTH_URL,
            in_clear=in_clear,
        )

    def _checked(self, response: requests.Response) -> requests.Response:
        check_token_answer(response, self.host, self._clock.wall())
        return response

    def _valid_grant(self) -> _Grant:
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
                # Another thread failed while this one waited. Each thread gets a copy, to which it adds its account.
                raise copy.copy(self._failure)
            try:
                self._grant = self._fetch()
            except PipelineError as problem:
                self._failures += 1
                self._failure = copy.copy(problem)
                raise
            return self._grant

    def _fetch(self) -> _Grant:
        """A grant of all requested scopes; of those that are granted alone if the server refuses them together."""
        try:
            return self._request(self._requested)
        except ScopesRefusedError:
            granted = tuple(scope for scope in self._requested if self._is_granted(scope))
        try:
            if granted:
                return self._request(granted)
        except ScopesRefusedError:
            pass
        raise AuthenticationError(
            f"{self.host} grants none of the scopes {' '.join(self._requested)} ({setting_hints.SCOPES})"
        )

    def _is_granted(self, scope: str) -> bool:
        try:
            self._request((scope,))
        except ScopesRefusedError:
            return False
        return True

    def _request(self, scopes: tuple[str, ...]) -> _Grant:
        if self._endpoint is None:
            with new_session(self._adapter()) as session:
                self._endpoint = token_endpoint(self._auth_url, session, self._retry, self._clock)
        requested_at = self._clock.wall()
        try:
            token = self._retry.call(partial(self._call, self._endpoint, scopes), self._clock)
        except (GarbledAnswerError, RefusedError) as problem:
            raise AuthenticationError(f"{setting_hints.AUTH_URL}: {problem.message}") from None
        return self._grant_of(token, scopes, requested_at)

    def _grant_of(self, token: Mapping[str, Any], requested: tuple[str, ...], requested_at: float) -> _Grant:
        granted: frozenset[str] | None = frozenset(filter(None, token.get("scope") or ())) or None
        if granted is None and requested != self._requested:
            granted = frozenset(requested)
        refused = tuple(scope for scope in self._requested if granted is not None and scope not in granted)
        lifetime = min(max(1.0, float(token.get("expires_in") or _DEFAULT_LIFETIME)), _MAX_LIFETIME)
        expires_at = requested_at + lifetime
        return _Grant(token["access_token"], granted, refused, expires_at, expires_at - min(60.0, lifetime / 2))

    def _call(self, endpoint: str, scopes: tuple[str, ...]) -> dict[str, Any]:
        """One token call. The scopes are passed per request, so that a reduced grant does not raise."""
        try:
            return dict(
                self._oauth.fetch_token(
                    re.sub("^http:", "https:", endpoint),
                    include_client_id=True,
                    client_secret=self._client_secret.get_secret_value(),
                    scope=" ".join(scopes),
                )
            )
        except (OAuth2Error, ValueError, TypeError, ArithmeticError):
            raise AuthenticationError(f"{setting_hints.AUTH_URL}: {self.host} answered with no usable token") from None
