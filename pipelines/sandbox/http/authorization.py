"""The authorization server: its token endpoint and its metadata (docs/floriday.md: Access)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote_plus

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipelines.sandbox.http import answers
from pipelines.sandbox.switches import Switches
from pipelines.sandbox.tokens import Application, Tokens

ISSUER_PATH = "/oauth2/aussandbox0floriday"
TOKEN_PATH = f"{ISSUER_PATH}/v1/token"
_METADATA = "/.well-known/oauth-authorization-server"


class AuthorizationServer:
    """Gives tokens to one application.

    Args:
        application: the application.
        tokens: where tokens are kept.
        switches: how the server behaves.
        address: tells the server's own address, known once it runs.
    """

    def __init__(
        self, application: Application, tokens: Tokens, switches: Switches, address: Callable[[], str]
    ) -> None:
        self._application = application
        self._tokens = tokens
        self._switches = switches
        self._address = address
        self.metadata_changes: dict[str, Any] = {}
        """Members of the metadata document that shall differ, to provoke a client."""

    def routes(self) -> list[Route]:
        """Token endpoint, and the metadata below the issuer and where RFC 8414 puts it."""
        return [
            Route(TOKEN_PATH, self.token, methods=["POST"]),
            Route(f"{ISSUER_PATH}{_METADATA}", self.metadata),
            Route(f"{_METADATA}{ISSUER_PATH}", self.metadata),
        ]

    async def metadata(self, _: Request) -> Response:
        """The document from which a client discovers the token endpoint."""
        document = {
            "issuer": f"{self._address()}{ISSUER_PATH}",
            "token_endpoint": f"{self._address()}{TOKEN_PATH}",
            "response_types_supported": ["token"],
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "scopes_supported": sorted(self._application.scopes),
        }
        return answers.answer({**document, **self.metadata_changes})

    async def token(self, request: Request) -> Response:
        """A token for the client credentials in the form or in the Authorization header."""
        form = {name: values[-1] for name, values in parse_qs((await request.body()).decode("latin-1")).items()}
        client_id, secret = _basic(request.headers) or (form.get("client_id", ""), form.get("client_secret", ""))
        if not self._application.knows(client_id, secret):
            return _error(401, "invalid_client", "The client credentials are not known.")
        if form.get("grant_type") != "client_credentials":
            return _error(400, "unsupported_grant_type", "Only client_credentials is supported.")
        asked = frozenset(form.get("scope", "").split())
        granted = self._granted(asked)
        if granted is None:
            return _error(400, "invalid_scope", "One or more scopes are not configured for this client.")
        return self._issued(client_id, granted)

    def _granted(self, asked: frozenset[str]) -> frozenset[str] | None:
        """The granted scopes, or None for a refusal; who asks for none gets all."""
        entitled = self._application.scopes
        if self._switches.grants_all_scopes or not asked:
            return entitled
        if self._switches.refuses_unknown_scopes and not asked <= entitled:
            return None
        return asked & entitled or None

    def _issued(self, client_id: str, scopes: frozenset[str]) -> Response:
        lifetime = self._switches.token_lifetime
        grant = self._tokens.issue(client_id, scopes, lifetime)
        body: dict[str, Any] = {"token_type": "Bearer", "expires_in": int(lifetime), "access_token": grant.token}
        if self._switches.tells_scopes:
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
