"""Calls to the API with one API key: rate limits, retries, and the operations that every account needs.

Not here: the rules of a change feed (``change_feed``) and the error that a status stands for (``http.error_answers``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import Self, TypeVar

import requests
from pydantic import SecretStr
from requests.auth import AuthBase

from pipelines import setting_hints
from pipelines.errors import PipelineError, RefusedError
from pipelines.floriday.endpoints import USUAL, Endpoint, RateLimit
from pipelines.floriday.http.auth import TokenSession
from pipelines.floriday.http.deadlines import CALL_SECONDS
from pipelines.floriday.http.decoding import SequenceNumber, decoded
from pipelines.floriday.http.error_answers import error_for, retry_after
from pipelines.floriday.http.rate_limit import Buckets, TokenBucket
from pipelines.floriday.http.retry import Clock, RetryPolicy
from pipelines.floriday.http.transport import MEGABYTE, BoundedAdapter, new_session
from pipelines.floriday.identity import Identity, parse_identity
from pipelines.floriday.pages import Page, read_page
from pipelines.floriday.stoppable_threads import StoppedError, stoppable_pool
from pipelines.settings.addresses import host_of, set_address
from pipelines.unexpected_errors import print_if_debugging, summary

_Result = TypeVar("_Result")
_Params = Mapping[str, str | int] | None  # of the query

IDENTITY_THREADS = 8  # accounts that are identified concurrently
IDENTITY_ATTEMPTS = 5  # the identity call comes first and fails early, because the address may simply be wrong


@dataclass(frozen=True)
class _Signature(AuthBase):
    """Adds token and key to a request; requests then ignores a `.netrc`."""

    token: str
    api_key: SecretStr

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        request.headers["X-Api-Key"] = self.api_key.get_secret_value()
        return request

    def __repr__(self) -> str:
        return "_Signature(…)"


class FloridayClient:
    """The API for one account, at its address with a version. Several threads may use it concurrently.

    The clients of all accounts share the token session. The limits of answers and calls are those of
    :class:`BoundedAdapter`.
    """

    def __init__(
        self,
        base_url: str,
        session: TokenSession,
        api_key: SecretStr,
        *,
        account: str,
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - frozen
        clock: Clock = Clock(),  # noqa: B008 - it holds functions, nothing else
        answer_limit: int = 128 * MEGABYTE,
        timeout: tuple[float, float] = (10.0, 60.0),
        seconds: float = CALL_SECONDS,
    ) -> None:
        self.account = account
        self.calls = 0
        self._base_url = set_address(setting_hints.BASE_URL, base_url)
        self._session = session
        self._api_key = api_key
        self._retry = retry
        self._clock = clock
        adapter = BoundedAdapter(limit=answer_limit, timeout=timeout, seconds=seconds, setting=setting_hints.BASE_URL)
        self._http = new_session(adapter)
        self._buckets = Buckets(clock)
        self._count_lock = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def host(self) -> str:
        """Host name of the API, which identifies the environment."""
        return host_of(self._base_url)

    def close(self) -> None:
        """Close the connections; the token session stays open because other clients may share it."""
        self._http.close()

    def page(self, endpoint: Endpoint, after: int, *, part: str | None = None, limit: int | None = None) -> Page:
        """The page of a change feed, or its sub-feed ``part``, with the records above the sequence number ``after``.

        It has at most ``limit`` records, or as many as the endpoint allows.
        """
        params: dict[str, str | int] = dict(endpoint.parameters)
        if endpoint.part_parameter is not None and part is not None:
            params[endpoint.part_parameter] = part
        params[endpoint.page_parameter] = limit or endpoint.page_maximum
        page = self.get(endpoint.page(after), read_page, params, bucket=endpoint.sync, rate=endpoint.rate)
        return replace(page, limit=limit)

    def maximum(self, endpoint: Endpoint, *, retry: RetryPolicy | None = None) -> int | None:
        """The highest sequence number of a feed; None where there is no such operation or access is refused (403).

        ``retry`` is None for that of the client.
        """
        path = endpoint.max_sequence
        if path is None:
            return None
        try:
            return self.get(path, _parse_maximum, rate=endpoint.max_sequence_rate, retry=retry)
        except RefusedError as problem:
            if problem.status == 403:
                return None
            raise

    def identity(self) -> Identity:
        """Organization and application of the API key."""
        early = replace(self._retry, attempts=min(self._retry.attempts, IDENTITY_ATTEMPTS))
        return self.get("/identities", parse_identity, rate=USUAL, retry=early)

    def get(
        self,
        path: str,
        parse: Callable[[bytes], _Result],
        params: _Params = None,
        *,
        rate: RateLimit,
        bucket: str | None = None,
        retry: RetryPolicy | None = None,
    ) -> _Result:
        """The result of ``parse`` for the body of a 200; the call is retried if it raises a RetriableError.

        ``bucket`` names the token bucket that the call takes from; calls without it share that of their path.

        Raises:
            AuthenticationError: the API refuses a new token, or there is no token.
            RefusedError: the API refuses the call, and a retry would not help; the message contains Floriday's reason.
            RebuildingError: the API answered 423.
            RetriableError: the last failure after all retries; the message contains the number of attempts.
            FatalError: the answer is too large, or the TLS certificate cannot be verified.
        """
        tokens = self._buckets.of(bucket or path, rate)
        try:
            return (retry or self._retry).call(lambda: parse(self._body(path, params, tokens)), self._clock)
        except PipelineError as problem:
            raise problem.about(account=self.account) from None

    def _body(self, path: str, params: _Params, bucket: TokenBucket) -> bytes:
        """The body of a 200; the call is repeated once with a new token after a 401."""
        token = self._session.token()
        response = self._send(path, params, bucket, token)
        if response.status_code == 401:
            token = self._session.renew(token)
            response = self._send(path, params, bucket, token)
        if response.status_code == 200:
            return response.content
        secrets = (token, self._api_key.get_secret_value())
        raise error_for(response, path, token_host=self._session.host, secrets=secrets, now=self._clock.wall())

    def _send(self, path: str, params: _Params, bucket: TokenBucket, token: str) -> requests.Response:
        signature = _Signature(token, self._api_key)
        with bucket.call() as outcome:
            with self._count_lock:
                self.calls += 1
            response = self._http.get(f"{self._base_url}{path}", params=params, auth=signature, allow_redirects=False)
            if response.status_code == 429:
                wait = retry_after(response.headers, self._clock.wall()) or 0.0
                outcome.refused_for = min(wait, self._retry.seconds)
            else:
                outcome.passed = True
        return response


def identify_all(clients: Mapping[str, FloridayClient]) -> Iterator[tuple[str, Identity | PipelineError]]:
    """Each account, in the order of ``clients``, with its identity or the error of its call."""
    with stoppable_pool(IDENTITY_THREADS, "floriday identity") as pool:
        yield from zip(clients, pool.map(_identity_or_error, clients.values()), strict=True)


def _identity_or_error(client: FloridayClient) -> Identity | PipelineError:
    try:
        return client.identity()
    except PipelineError as error:
        return error
    except StoppedError:
        raise
    except Exception as defect:  # noqa: BLE001 - a defect with one account must not hide the others
        print_if_debugging(defect)
        return PipelineError(summary(defect))


def _parse_maximum(body: bytes) -> int:
    maximum: int = decoded(
        body, SequenceNumber, "Floriday answered the request for a maximum with something other than a sequence number"
    )
    return maximum
