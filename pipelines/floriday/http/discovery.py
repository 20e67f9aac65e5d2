"""Discovery: from an authorization server's address to its token endpoint (RFC 8414)."""

from __future__ import annotations

from functools import partial
from urllib.parse import urlsplit

import msgspec
import requests

from pipelines import setting_hints
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
    """The token endpoint of the authorization server at ``address``; an address that ends in ``/token`` is one itself.

    ``session`` carries no credentials.

    Raises:
        AuthenticationError: no metadata, or metadata that must not be trusted with the credentials.
        RetriableError: the server cannot be reached or stays busy.
    """
    if address.endswith("/token"):
        return address
    for url in _metadata_urls(address):
        metadata = retry.call(partial(_fetch_metadata, url, session, clock), clock)
        if metadata is not None:
            return _trusted_endpoint(metadata, address)
    raise AuthenticationError(
        f"{setting_hints.AUTH_URL}: {host_of(address)} serves no metadata for that address;"
        f" {setting_hints.EXPECTED_AUTH_URL}"
    )


def _metadata_urls(address: str) -> list[str]:
    parts = urlsplit(address)
    root = f"{parts.scheme}://{parts.netloc}{_WELL_KNOWN}"
    return [f"{address}{_WELL_KNOWN}", f"{root}{parts.path}"] if parts.path else [root]


def _fetch_metadata(url: str, session: requests.Session, clock: Clock) -> _Metadata | None:
    try:
        response = session.get(url)
    except RefusedError:
        return None
    if response.status_code == 429 or response.status_code >= 500:
        raise BusyError(
            f"{host_of(url)} answered {response.status_code} to the request for its metadata",
            retry_after=retry_after(response.headers, clock.wall()),
        )
    try:
        return msgspec.json.decode(response.content, type=_Metadata) if response.status_code == 200 else None
    except UNDECODABLE:
        return None


def _trusted_endpoint(metadata: _Metadata, address: str) -> str:
    host = host_of(address)
    if metadata.issuer is not None and not _is_same(metadata.issuer, address):
        raise AuthenticationError(
            f"{setting_hints.AUTH_URL}: the metadata of {host} name another issuer; "
            "it expects that issuer's own address or the token endpoint"
        )
    try:
        endpoint = checked_address(metadata.token_endpoint)
    except ValueError as problem:
        raise AuthenticationError(f"the token endpoint that {host} names {problem}") from None
    if origin_of(endpoint) != origin_of(address):
        raise AuthenticationError(f"the token endpoint that {host} names is on another host, which is refused")
    return endpoint


def _is_same(issuer: str, address: str) -> bool:
    try:
        return checked_address(issuer) == address
    except ValueError:
        return False
