"""Floriday's two environments, staging and live: their addresses, and to which one an address belongs."""

from __future__ import annotations

from typing import Literal

from pipelines.settings.addresses import host_of

Environment = Literal["staging", "live"]

VERSION = "2026v1"  # of the API, in new settings
AUTH_URLS: dict[Environment, str] = {
    "staging": "https://idm.staging.floriday.io/oauth2/ausmw6b47z1BnlHkw0h7/v1/token",
    "live": "https://idm.floriday.io/oauth2/aus3testdcf2vyfs70i7/v1/token",
}
"""The token endpoints; the name of the live one contains "test"."""

_API_HOSTS: dict[Environment, str] = {"staging": "api.staging.floriday.io", "live": "api.floriday.io"}
_DOMAIN = ".floriday.io"


def base_url(environment: Environment, api: str) -> str:
    """The address of an API (``suppliers`` or ``customers``) with its version."""
    return f"https://{_API_HOSTS[environment]}/{api}-api-{VERSION}"


def environment_of(address: str) -> Environment | None:
    """The environment that an address belongs to; None if it is not Floriday's."""
    host = host_of(address)
    if not host.endswith(_DOMAIN):
        return None
    return "staging" if "staging" in host.split(".") else "live"


def mixture(auth_url: str, api_url: str) -> str | None:
    """What is wrong with addresses of two environments, in one sentence; None if they fit together."""
    token, api = environment_of(auth_url), environment_of(api_url)
    if token is None or api is None or token == api:
        return None
    return (
        f"FLORIDAY_AUTH_URL is that of {token} and FLORIDAY_BASE_URL that of {api}: each has tokens, credentials and"
        " keys of its own, so name the addresses of one of them"
    )
