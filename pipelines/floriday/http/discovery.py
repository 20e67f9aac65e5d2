"""From an authorization server's address to its token endpoint (RFC 8414)."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec
import requests

from pipelines.errors import AuthenticationError, BusyError, RefusedError
from pipelines.floriday.http.decoding import UNDECODABLE
from pipelines.floriday.http.error_answers import retry_after
from pipelines.floriday.http.retry import Clock, RetryPolicy
from pipelines.settings.addresses import checked_address, host_of, origin_of

_WELL_KNOWN = "/.well-known/oauth-authorization-server"


class _Metadata(msgspec.Struct):
    token_endpoint: str
    issuer: str | None = None


def token_endpoint(address: str, session: requests.Session, retry: RetryPolicy, clock: Clock) -> str:
    """The token endpoint of the authorization server at ``address``; itself where it ends in ``/token``.

    Args:
        address: checked, as in the settings.
        session: asks without any credentials.
        retry: how long an unreachable or busy server is asked again.
        clock: measures it.

    Raises:
        AuthenticationError: no metadata, or metadata that must not be trusted with the credentials.
        RetriableError: the server cannot be reached or stays busy.
    """
    if address.endswith("/token"):
        return address
    for place in _places(address):
        metadata = retry.call(lambda place=place: _metadata(place, session, clock), clock)  # type: ignore[misc]
        if metadata is not None:
            return _trusted(metadata, address)
    raise AuthenticationError(
        f"FLORIDAY_AUTH_URL: {host_of(address)} serves no metadata for that address; "
        "it expects the token endpoint (which ends in /token) or the authorization server's address"
    )


def _places(address: str) -> list[str]:
    parts = urlsplit(address)
    root = f"{parts.scheme}://{parts.netloc}{_WELL_KNOWN}"
    return [f"{address}{_WELL_KNOWN}", f"{root}{parts.path}"] if parts.path else [root]


def _metadata(place: str, session: requests.Session, clock: Clock) -> _Metadata | None:
    try:
        response = session.get(place)
    except RefusedError:
        return None
    if response.status_code == 429 or response.status_code >= 500:
        raise BusyError(
            f"{host_of(place)} answered {response.status_code} when asked for its metadata",
            retry_after=retry_after(response.headers, clock.wall()),
        )
    try:
        return msgspec.json.decode(response.content, type=_Metadata) if response.status_code == 200 else None
    except UNDECODABLE:
        return None


def _trusted(metadata: _Metadata, address: str) -> str:
    host = host_of(address)
    if metadata.issuer is not None and not _same(metadata.issuer, address):
        raise AuthenticationError(
            f"FLORIDAY_AUTH_URL: the metadata of {host} speak for another issuer; "
            "it expects that issuer's own address or the token endpoint"
        )
    try:
        endpoint = checked_address(metadata.token_endpoint)
    except ValueError as problem:
        raise AuthenticationError(f"the token endpoint that {host} names {problem}") from None
    if origin_of(endpoint) != origin_of(address):
        raise AuthenticationError(f"the token endpoint that {host} names is on another host, which is refused")
    return endpoint


def _same(issuer: str, address: str) -> bool:
    try:
        return checked_address(issuer) == address
    except ValueError:
        return False
