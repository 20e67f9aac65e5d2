"""How the server behaves where Floriday's behaviour differs, is unknown, or is to be provoked."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Switches:
    """May be turned while the server runs.

    Args:
        token_lifetime: seconds that a token lasts.
        refuses_unknown_scopes: whether a request for a scope that the application has not is refused as a whole,
            instead of granting the others.
        grants_all_scopes: whether a token carries all of the application's scopes, whatever was asked for: the public
            Python client asks for a fixed list that leaves some feeds out.
        tells_scopes: whether the token's answer names the granted scopes.
        rate_limits: what the stated rate limits are multiplied with, or None for none.
        tells_retry_after: whether a 429 of the rate limits says when to come back.
        inclusive: whether a page begins with the record at the number asked for (docs/floriday.md: Change feeds).
        serves_control: whether the control routes under ``/sandbox`` are there.
    """

    token_lifetime: float = 3600
    refuses_unknown_scopes: bool = False
    grants_all_scopes: bool = False
    tells_scopes: bool = True
    rate_limits: float | None = 1.0
    tells_retry_after: bool = True
    inclusive: bool = False
    serves_control: bool = True
