"""Settings of the server's behaviour, where Floriday's varies or is unknown, or where a client is to be tested."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Switches:
    """May be changed while the server runs.

    Args:
        token_lifetime: seconds until a token expires.
        refuses_unknown_scopes: whether a token request with a scope that the application does not have is refused;
            otherwise the other scopes are granted.
        grants_all_scopes: whether a token always carries all scopes of the application. The public Python client
            requests a fixed list, which lacks the scopes of some feeds.
        returns_scopes: whether the token's answer contains the granted scopes.
        rate_limits: factor by which the documented rate limits are multiplied; None for no limits.
        sends_retry_after: whether a 429 of the rate limits has a ``Retry-After`` header.
        inclusive: whether a page begins with the record at the requested number (docs/floriday.md: Change feeds).
        serves_control: whether the control routes under ``/sandbox`` are served.
    """

    token_lifetime: float = 3600
    refuses_unknown_scopes: bool = False
    grants_all_scopes: bool = False
    returns_scopes: bool = True
    rate_limits: float | None = 1.0
    sends_retry_after: bool = True
    inclusive: bool = False
    serves_control: bool = True
