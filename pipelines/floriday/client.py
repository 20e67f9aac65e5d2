"""Calls to the API under one API key: limits, retries, and what each status means.

Here belongs what holds for every call. What a page of a feed says does not: that is ``changes``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from threading import Lock
from typing import NoReturn, Self
from uuid import UUID

import msgspec
import requests
from pydantic import SecretStr
from requests.auth import AuthBase

from pipelines.errors import (
    AuthenticationError,
    BusyError,
    GarbledAnswerError,
    PipelineError,
    RebuildingError,
    RefusedError,
)
from pipelines.floriday.endpoints import USUAL, Endpoint, RateLimit
from pipelines.floriday.http.auth import TokenSession
from pipelines.floriday.http.deadlines import CALL_SECONDS
from pipelines.floriday.http.decoding import SequenceNumber, decoded
from pipelines.floriday.http.error_messages import REQUEST_ID, retry_after, told
from pipelines.floriday.http.rate_limit import Buckets, TokenBucket
from pipelines.floriday.http.retry import Clock, Patience
from pipelines.floriday.http.transport import MEGABYTE, Wire, session_over
from pipelines.settings.addresses import host_of, set_address

Check = Callable[[bytes], object]
"""Looks at the body of a 200 and raises GarbledAnswerError to have the call made again."""

_BUSY = frozenset((429, 500, 502, 503, 504))


@dataclass(frozen=True)
class Identity:
    """Whose API key it is, as `/identities` tells; the organization's id in lower case, with hyphens."""

    organization_id: str
    organization_name: str | None
    client_id: str | None
    api_version: str | None


class _Organization(msgspec.Struct, rename="camel"):
    organization_id: str
    name: str | None = None


class _IdentityAnswer(msgspec.Struct, rename="camel"):
    organization: _Organization | None = None
    customer_organization: _Organization | None = None
    client_id: str | None = None
    api_version: str | None = None


class _NoTokenError(Exception):
    """Carries what the token session raised past the retries: it has had its own."""

    def __init__(self, problem: PipelineError) -> None:
        super().__init__()
        self.problem = problem


@dataclass(frozen=True)
class _Signature(AuthBase):
    """Signs a request with token and key, and keeps a `.netrc` from doing it."""

    token: str
    api_key: SecretStr

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        request.headers["X-Api-Key"] = self.api_key.get_secret_value()
        return request

    def __repr__(self) -> str:
        return "_Signature(…)"


class FloridayClient:
    """The API as one account sees it. Several threads may use one at once.

    Args:
        base_url: the API's base with its version.
        session: gives the token; shared by the clients of all accounts.
        api_key: the account's.
        account: its name in the settings, told by every error.
        patience: how long a call is tried again.
        clock: time, for waits and limits.
        answer_limit: the most bytes that an answer may hold, unpacked.
        timeout: seconds to connect, and seconds without a byte.
        seconds: the deadline of one call, as in ``Wire``.
    """

    def __init__(
        self,
        base_url: str,
        session: TokenSession,
        api_key: SecretStr,
        *,
        account: str,
        patience: Patience = Patience(),  # noqa: B008 - frozen
        clock: Clock = Clock(),  # noqa: B008 - it holds functions, nothing else
        answer_limit: int = 128 * MEGABYTE,
        timeout: tuple[float, float] = (10.0, 60.0),
        seconds: float = CALL_SECONDS,
    ) -> None:
        self.account = account
        self.calls = 0
        self._base_url = set_address("FLORIDAY_BASE_URL", base_url)
        self._session = session
        self._api_key = api_key
        self._patience = patience
        self._clock = clock
        self._http = session_over(Wire(limit=answer_limit, timeout=timeout, seconds=seconds))
        self._buckets = Buckets(clock)
        self._count_lock = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def host(self) -> str:
        """The API's host: the environment."""
        return host_of(self._base_url)

    def close(self) -> None:
        """Gives the connections back; the token session stays open, others may share it."""
        self._http.close()

    def page(
        self,
        endpoint: Endpoint,
        after: int,
        *,
        part: str | None = None,
        limit: int | None = None,
        check: Check | None = None,
    ) -> bytes:
        """A page of a change feed, as received: the records whose number is above ``after``.

        Args:
            endpoint: of the feed.
            after: the cursor.
            part: of a feed that is read part by part, which one.
            limit: records at most; as many as the endpoint allows by default.
            check: as in ``get``.
        """
        params: dict[str, str | int] = dict(endpoint.parameters)
        if endpoint.part_parameter is not None and part is not None:
            params[endpoint.part_parameter] = part
        params[endpoint.page_parameter] = limit or endpoint.page_maximum
        return self.get(endpoint.page(after), params, bucket=endpoint.sync, rate=endpoint.rate, check=check)

    def maximum(self, endpoint: Endpoint) -> int | None:
        """The highest number in a feed; None where there is no such operation or it is not ours to ask (403)."""
        path = endpoint.max_sequence
        if path is None:
            return None
        try:
            return _maximum(self.get(path, bucket=path, rate=endpoint.max_sequence_rate, check=_maximum))
        except RefusedError as problem:
            if problem.status == 403:
                return None
            raise

    def identity(self) -> Identity:
        """Whose key this is. It is asked first, so it gives up early: an address may simply be wrong."""
        early = replace(self._patience, attempts=min(self._patience.attempts, 5))
        return _identity(self.get("/identities", bucket="/identities", rate=USUAL, check=_identity, patience=early))

    def get(
        self,
        path: str,
        params: Mapping[str, str | int] | None = None,
        *,
        bucket: str,
        rate: RateLimit,
        check: Check | None = None,
        patience: Patience | None = None,
    ) -> bytes:
        """The body of a 200, as received.

        Args:
            path: below the base, with a slash in front.
            params: the query.
            bucket: the limit that the call counts for; one bucket a name, for this key.
            rate: that limit.
            check: looks at the body inside the retries; by default it must be JSON, whole.
            patience: how long the call is tried again, if not as long as all others.

        Raises:
            AuthenticationError: the API refuses a fresh token, or there is none.
            RefusedError: the API refuses the call for good; tells Floriday's reason.
            RebuildingError: 423.
            RetriableError: the last failure, once the patience is used up; tells the attempts.
            FatalError: the answer is too large, or the certificate does not hold.
        """
        attempt = partial(self._attempt, path, params, self._buckets.of(bucket, rate), check or _json)
        try:
            return (patience or self._patience).persist(attempt, self._clock)
        except _NoTokenError as failure:
            problem = failure.problem
        except PipelineError as failure:
            problem = failure
        raise problem.about(account=self.account) from None

    def _attempt(self, path: str, params: Mapping[str, str | int] | None, bucket: TokenBucket, check: Check) -> bytes:
        token = self._token(self._session.token)
        response = self._send(path, params, bucket, token)
        if response.status_code == 401:
            token = self._token(partial(self._session.renew, token))
            response = self._send(path, params, bucket, token)
        if response.status_code != 200:
            self._raise(path, response, token)
        body = response.content
        check(body)
        return body

    def _token(self, ask: Callable[[], str]) -> str:
        try:
            return ask()
        except PipelineError as problem:
            raise _NoTokenError(problem) from None

    def _send(
        self, path: str, params: Mapping[str, str | int] | None, bucket: TokenBucket, token: str
    ) -> requests.Response:
        signature = _Signature(token, self._api_key)
        with bucket.call() as outcome:
            with self._count_lock:
                self.calls += 1
            response = self._http.get(f"{self._base_url}{path}", params=params, auth=signature, allow_redirects=False)
            if response.status_code == 429:
                outcome.refused_for = min(self._asked_to_wait(response) or 0.0, self._patience.seconds)
            else:
                outcome.passed = True
        return response

    def _asked_to_wait(self, response: requests.Response) -> float | None:
        return retry_after(response.headers, self._clock.wall())

    def _raise(self, path: str, response: requests.Response, token: str) -> NoReturn:
        status = response.status_code
        secrets = (token, self._api_key.get_secret_value())
        said = told(status, response.content, secrets, response.headers.get(REQUEST_ID))
        if status in _BUSY:
            raise BusyError(f"{self.host} answered {said} to {path}", retry_after=self._asked_to_wait(response))
        if status == 401:
            raise AuthenticationError(self._unauthorized(said))
        if status == 423:
            raise RebuildingError(f"Floriday is rebuilding {path}: {said}")
        if 200 <= status < 300:
            raise GarbledAnswerError(f"{self.host} answered {said} to {path}, without what was asked for")
        hint = " – is FLORIDAY_API_KEY this application's?" if status == 403 and "api key" in said.casefold() else ""
        raise RefusedError(f"{self.host} refuses {path}: {said}{hint}", status=status)

    def _unauthorized(self, said: str) -> str:
        return (
            f"{self.host} refuses a token that {self._session.host} has just minted: {said}. "
            "FLORIDAY_BASE_URL and FLORIDAY_AUTH_URL must belong to one environment, and the version must be in service"
        )


def _json(body: bytes) -> None:
    decoded(body, msgspec.Raw, "Floriday answered 200 with something that is not JSON, or not all of it")


def _maximum(body: bytes) -> int:
    maximum: int = decoded(
        body, SequenceNumber, "Floriday answered something else than a sequence number when asked for a maximum"
    )
    return maximum


def _identity(body: bytes) -> Identity:
    missing = "Floriday answered without an organization when asked whose key this is"
    answer: _IdentityAnswer = decoded(body, _IdentityAnswer, missing)
    organization = answer.organization or answer.customer_organization
    if organization is None:
        raise GarbledAnswerError(missing)
    try:
        organization_id = str(UUID(organization.organization_id))
    except ValueError:
        raise GarbledAnswerError("Floriday answered a malformed organization id when asked whose key this is") from None
    return Identity(organization_id, organization.name, answer.client_id, answer.api_version)
