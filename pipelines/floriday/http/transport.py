"""HTTP transport: what holds for every call, whether it requests a token or records.

TLS is verified, each call has a deadline, each answer a maximum size, and no redirect is followed. Errors of the HTTP
library are replaced, because they carry the request and with it the secrets.
"""

from __future__ import annotations

import io
import os
import ssl
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import requests
import urllib3

from pipelines.errors import (
    AnswerTooLargeError,
    FatalError,
    GarbledAnswerError,
    PipelineError,
    RefusedError,
    UnreachableError,
)
from pipelines.floriday.http.connections import HEAD_BYTES, DeadlineAdapter, HeadTooLargeError
from pipelines.floriday.http.deadlines import CALL_SECONDS, deadline
from pipelines.settings.addresses import host_of, is_loopback, origin_of
from pipelines.text_format import one_line

MEGABYTE = 2**20

_CHUNK = MEGABYTE // 4
_ERROR_BYTES = MEGABYTE
_CONNECTIONS = 16

_Problem = type[Exception] | tuple[type[Exception], ...]

_REPLACEMENTS: tuple[tuple[_Problem, type[PipelineError], str], ...] = (
    (ssl.SSLCertVerificationError, FatalError, "the TLS certificate of {host} cannot be verified{reason}"),
    (
        HeadTooLargeError,
        GarbledAnswerError,
        f"{{host}} answered with more than {HEAD_BYTES // 1024} KB before the body, which is refused",
    ),
    (urllib3.exceptions.DecodeError, GarbledAnswerError, "the answer of {host} cannot be unpacked"),
    (urllib3.exceptions.ProxyError, UnreachableError, "the proxy on the way to {host} cannot be used"),
    (
        urllib3.exceptions.NameResolutionError,
        UnreachableError,
        "{host} cannot be reached: there is no such host name{hint}",
    ),
    (ConnectionRefusedError, UnreachableError, "{host} cannot be reached: port {port} refuses the connection{hint}"),
    # The library counts this one among the time-outs.
    (urllib3.exceptions.NewConnectionError, UnreachableError, "{host} cannot be reached at port {port}{reason}{hint}"),
    (
        urllib3.exceptions.ConnectTimeoutError,
        UnreachableError,
        "{host} cannot be reached: port {port} did not answer in time{hint}",
    ),
    ((requests.Timeout, urllib3.exceptions.TimeoutError), UnreachableError, "{host} did not answer in time"),
)
"""Exceptions of libraries, and the error and message that replace them; the first one among the causes counts."""


def user_agent() -> str:
    """Name and version of this program, for Floriday's logs (docs/floriday.md: Access)."""
    try:
        return f"floriday-warehouse/{version('floriday-warehouse')}"
    except PackageNotFoundError:
        return "floriday-warehouse"


class BoundedAdapter(DeadlineAdapter):
    """Sends a request and reads the whole answer, within limits of time and size.

    Args:
        limit: maximum size of an answer in bytes, unpacked.
        timeout: seconds to connect, and seconds without a byte.
        seconds: the deadline of one call, from before it connects to the end of its answer.
        setting: the setting that names the server, for the message that it cannot be reached; None if none does.
        in_clear: whether to use plain http although the address begins with https; for the loopback only.
    """

    def __init__(
        self,
        *,
        limit: int,
        timeout: tuple[float, float],
        seconds: float = CALL_SECONDS,
        setting: str | None = None,
        in_clear: bool = False,
    ) -> None:
        super().__init__(pool_connections=1, pool_maxsize=_CONNECTIONS, pool_block=True)
        self._limit = limit
        self._timeout = timeout
        self._seconds = seconds
        self._hint = f"; check {setting} and the network" if setting else ""
        self._in_clear = in_clear

    def send(
        self, request: requests.PreparedRequest, *_: Any, proxies: Mapping[str, str] | None = None, **options: Any
    ) -> requests.Response:
        """The whole answer.

        Raises:
            UnreachableError: the connection is refused, cut or timed out, or the answer is incomplete at the deadline.
            GarbledAnswerError: the answer cannot be unpacked, or has too large a head.
            RefusedError: the answer is a redirect; it is not followed, and nothing was sent to the other address.
            FatalError: the answer is too large, or the TLS certificate cannot be verified.
        """
        url = request.url or ""
        host = host_of(url)
        if self._in_clear and is_loopback(host):
            request.url = "http" + url.removeprefix("https")
        options |= {"stream": True, "timeout": self._timeout, "proxies": {} if is_loopback(host) else proxies}
        with deadline(self._seconds) as call:
            try:
                response = super().send(request, **options)
                with response:
                    body = self._read(response, host)
            except (requests.RequestException, urllib3.exceptions.HTTPError) as problem:
                raise (self._timed_out(host) if call.expired else _error_for(url, problem, self._hint)) from None
        if call.expired:
            raise self._timed_out(host)
        if 300 <= response.status_code < 400:
            raise _redirect_error(host, response)
        response.raw = io.BytesIO()  # requests reads cookies from it, and none are stored
        response._content, response._content_consumed = body, True  # type: ignore[attr-defined]  # noqa: SLF001 - no copy
        return response

    def _read(self, response: requests.Response, host: str) -> bytes:
        limit = self._limit if response.status_code == 200 else min(self._limit, _ERROR_BYTES)
        chunks, size = [], 0
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            chunks.append(chunk)
            size += len(chunk)
            if size > limit and response.status_code == 200:
                raise AnswerTooLargeError(f"{host} answered with more than {limit / MEGABYTE:g} MB, which is refused")
            if size > limit:
                break
        return b"".join(chunks)

    def _timed_out(self, host: str) -> UnreachableError:
        return UnreachableError(f"{host} took longer than {self._seconds:g} s for one call")


def new_session(adapter: BoundedAdapter) -> requests.Session:
    """A session that uses one adapter and adds nothing to requests: no cookies, no `.netrc`."""
    session = requests.Session()
    configure(session, adapter)
    session.auth = lambda request: request  # otherwise requests would use a `.netrc`
    return session


def configure(session: requests.Session, adapter: BoundedAdapter) -> None:
    """Make a session use one adapter, and send this program's name."""
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.headers["User-Agent"] = user_agent()
    session.headers["Accept"] = "application/json"


def _redirect_error(host: str, response: requests.Response) -> RefusedError:
    location = response.headers.get("Location")
    if location is None:
        reason = f"{response.status_code} {one_line(response.reason or '', 40)}".strip()
        return RefusedError(f"{host} answered {reason}, which is no answer to this call", status=response.status_code)
    try:
        target = one_line(host_of(location), 300)
    except ValueError:
        target = ""
    target = target or "another address"
    return RefusedError(
        f"{host} redirects the call to {target}: redirects are not followed", status=response.status_code
    )


def _error_for(url: str, problem: Exception, hint: str) -> PipelineError:
    causes = _causes(problem)
    _, host, port = origin_of(url)
    for kind, error, message in _REPLACEMENTS:
        if any(isinstance(cause, kind) for cause in causes):
            return error(message.format(host=host, port=port, reason=_reason(causes), hint=hint))
    return UnreachableError(f"the connection to {host} was cut")


def _reason(causes: Iterable[BaseException]) -> str:
    """The reason of the operating system or of TLS, such as ``: certificate has expired``; empty if there is none."""
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError) and cause.verify_message:
            return f": {one_line(cause.verify_message, 200)}"
        if isinstance(cause, OSError) and cause.errno:
            return f": {os.strerror(cause.errno)}"
    return ""


def _causes(problem: BaseException) -> list[BaseException]:
    """An exception and all that it wraps: as argument, cause, context or reason."""
    found: list[BaseException] = []
    unchecked: list[object] = [problem]
    while unchecked:
        cause = unchecked.pop()
        if isinstance(cause, BaseException) and cause not in found:
            found.append(cause)
            unchecked += [*cause.args, cause.__cause__, cause.__context__, getattr(cause, "reason", None)]
    return found
