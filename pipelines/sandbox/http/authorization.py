"""The authorization server: its token endpoint and its metadata (docs/floriday.md: Access)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote_plus

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipelines.sandbox.http import answers
from pipelines.sandbox.state import ISSUER_PATH, TOKEN_PATH, SandboxState

_METADATA = "/.well-known/oauth-authorization-server"


class AuthorizationServer:
    """Issues tokens to the sandbox's application.

    Args:
        state: sandbox with the application, its tokens and the switches.
    """

    def __init__(self, state: SandboxState) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        """The token endpoint, and the metadata at both paths: below the issuer, and as in RFC 8414."""
        return [
            Route(TOKEN_PATH, self.token, methods=["POST"]),
            Route(f"{ISSUER_PATH}{_METADATA}", self.metadata),
            Route(f"{_METADATA}{ISSUER_PATH}", self.metadata),
        ]

    async def metadata(self, _: Request) -> Response:
        """The document from which a client discovers the token endpoint."""
        document = {
            "issuer": self._state.auth_url,
            "token_endpoint": self._state.token_url,
            "response_types_supported": ["token"],
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "scopes_supported": sorted(self._state.application.scopes),
        }
        return answers.answer({**document, **self._state.metadata_changes})

    async def token(self, request: Request) -> Response:
        """A token for the client credentials in the form or in the Authorization header."""
        form = {name: values[-1] for name, values in parse_qs((await request.body()).decode("latin-1")).items()}
        client_id, secret = _basic(request.headers) or (form.get("client_id", ""), form.get("client_secret", ""))
        if not self._state.application.has_credentials(client_id, secret):
            return _error(401, "invalid_client", "The client credentials are not known.")
        if form.get("grant_type") != "client_credentials":
            return _error(400, "unsupported_grant_type", "Only client_credentials is supported.")
        granted = self._granted(frozenset(form.get("scope", "").split()))
        if granted is None:
            return _error(400, "invalid_scope", "One or more scopes are not configured for this client.")
        return self._issue(client_id, granted)

    def _granted(self, requested: frozenset[str]) -> frozenset[str] | None:
        """The granted scopes, or None for a refusal; a request without scopes is granted all."""
        available = self._state.application.scopes
        if self._state.switches.grants_all_scopes or not requested:
            return available
        if self._state.switches.refuses_unknown_scopes and not requested <= available:
            return None
        return requested & available or None

    def _issue(self, client_id: str, scopes: frozenset[str]) -> Response:
        lifetime = self._state.switches.token_lifetime
        grant = self._state.tokens.issue(client_id, scopes, lifetime)
        body: dict[str, Any] = {"token_type": "Bearer", "expires_in": int(lifetime), "access_token": grant.token}
        if self._state.switches.returns_scopes:
            body["scope"] = " ".join(sorted(scopes))
        return answers.answer(body, headers={"Cache-Control": "no-store"})


def _basic(headers: Mapping[str, str]) -> tuple[str, str] | None:
    """The credentials of an ``Authorization: Basic`` header; None without one, empty ones if it is malformed."""
    kind, _, encoded = headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote_plus(client_id), unquote_plus(secret)


def _error(status: int, error: str, description: str) -> Response:
    return answers.answer({"error": error, "error_description": description}, status)
