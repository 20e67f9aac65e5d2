"""Access tokens: who gets one, what it allows, and when it ends. Knows nothing of HTTP."""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

APPLICATION_ROLE = "role:app"


@dataclass(frozen=True)
class Application:
    """A registered application.

    Args:
        client_id: its id.
        client_secret: its secret.
        scopes: what it is entitled to ask for.
    """

    client_id: str
    client_secret: str
    scopes: frozenset[str]

    def knows(self, client_id: str, client_secret: str) -> bool:
        """Whether these are its credentials."""
        return secrets.compare_digest(
            f"{client_id}\n{client_secret}".encode(), f"{self.client_id}\n{self.client_secret}".encode()
        )


@dataclass(frozen=True)
class Grant:
    """What a token allows.

    Args:
        token: the token.
        scopes: granted scopes.
        ends_at: the moment on the tokens' clock from which it is refused.
    """

    token: str
    scopes: frozenset[str]
    ends_at: float


class Tokens:
    """Issues tokens and remembers what they allow.

    Args:
        clock: seconds that only move forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._grants: dict[str, Grant] = {}

    def issue(self, client_id: str, scopes: frozenset[str], lifetime: float) -> Grant:
        """A new token that ends ``lifetime`` seconds from now."""
        grant = Grant(_token(client_id, scopes), scopes, self._clock() + lifetime)
        self._grants[grant.token] = grant
        return grant

    @property
    def issued(self) -> tuple[str, ...]:
        """Every token that was issued so far and not revoked, ended ones among them."""
        return tuple(self._grants)

    def check(self, token: str) -> Grant | None:
        """What a token allows, or None if it was never issued, has ended or was revoked."""
        grant = self._grants.get(token)
        return grant if grant and self._clock() < grant.ends_at else None

    def expire(self) -> None:
        """End every token that was issued so far."""
        now = self._clock()
        self._grants = {token: replace(grant, ends_at=now) for token, grant in self._grants.items()}

    def revoke(self, token: str) -> None:
        """End one token."""
        self._grants.pop(token, None)

    def revoke_all(self) -> None:
        """Forget every token that was issued so far."""
        self._grants.clear()


def _token(client_id: str, scopes: frozenset[str]) -> str:
    """Three parts like those of a JSON Web Token; the last one is no signature, only hard to guess."""
    claims = {"cid": client_id, "scp": sorted(scopes), "organizationIds": []}
    return ".".join([_part({"alg": "none", "typ": "JWT"}), _part(claims), secrets.token_urlsafe(32)])


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
