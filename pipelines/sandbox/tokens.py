"""Access tokens and the application that may request them. No HTTP."""

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
        client_id: client id of the application.
        client_secret: client secret of the application.
        scopes: all scopes that the application may request.
    """

    client_id: str
    client_secret: str
    scopes: frozenset[str]

    def has_credentials(self, client_id: str, client_secret: str) -> bool:
        """Whether these are the application's credentials."""
        return secrets.compare_digest(
            f"{client_id}\n{client_secret}".encode(), f"{self.client_id}\n{self.client_secret}".encode()
        )


@dataclass(frozen=True)
class Grant:
    """A token and its rights.

    Args:
        token: the access token itself.
        scopes: scopes that were granted.
        expires_at: time on the clock of :class:`Tokens` from which the token is refused.
    """

    token: str
    scopes: frozenset[str]
    expires_at: float


class Tokens:
    """Issues and checks tokens.

    Args:
        clock: monotonic clock that returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._grants: dict[str, Grant] = {}

    def issue(self, client_id: str, scopes: frozenset[str], lifetime: float) -> Grant:
        """Issue a token that expires after ``lifetime`` seconds."""
        grant = Grant(_token(client_id, scopes), scopes, self._clock() + lifetime)
        self._grants[grant.token] = grant
        return grant

    @property
    def issued(self) -> tuple[str, ...]:
        """All tokens that were issued and not revoked, expired ones included."""
        return tuple(self._grants)

    def check(self, token: str) -> Grant | None:
        """The grant of a token, or None if it is unknown, expired or revoked."""
        grant = self._grants.get(token)
        return grant if grant and self._clock() < grant.expires_at else None

    def expire(self) -> None:
        """Expire all tokens that were issued so far."""
        now = self._clock()
        self._grants = {token: replace(grant, expires_at=now) for token, grant in self._grants.items()}

    def revoke(self, token: str) -> None:
        """Revoke one token."""
        self._grants.pop(token, None)

    def revoke_all(self) -> None:
        """Revoke all tokens that were issued so far."""
        self._grants.clear()


def _token(client_id: str, scopes: frozenset[str]) -> str:
    """Three parts like those of a JSON Web Token. The last is random text, not a signature."""
    claims = {"cid": client_id, "scp": sorted(scopes), "organizationIds": []}
    return ".".join([_part({"alg": "none", "typ": "JWT"}), _part(claims), secrets.token_urlsafe(32)])


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
