"""The token of the HTTP transport: the setting, else one that is generated once and kept in a private file."""

from __future__ import annotations

import hmac
import os
import secrets
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from pipelines import setting_hints
from pipelines.errors import UsageError
from pipelines.private_files import ForeignFileError, create_folder_of, open_private_file

_BYTES = 32  # of random data in a generated token
_LONGEST = 4096  # bytes that are read of the file
_REFUSED = "Refused: the request needs the header Authorization: Bearer, with the token of this server."


def token_path(warehouse: Path) -> Path:
    """The path of the file of the generated token, beside the warehouse."""
    return warehouse.with_name(f"{warehouse.name.removesuffix('.duckdb')}.mcp-token")


def kept_token(path: Path) -> str:
    """The token in the file, which is generated if there is none.

    Raises:
        UsageError: the file cannot be read or written, or belongs to another user.
    """
    try:
        create_folder_of(path)
        with os.fdopen(open_private_file(path), "r+b") as stream:
            token = stream.read(_LONGEST).decode(errors="replace").strip()
            if not token:
                token = secrets.token_urlsafe(_BYTES)
                stream.write(f"{token}\n".encode())
    except ForeignFileError as error:
        raise UsageError(f"{error.strerror}, or set {setting_hints.MCP_TOKEN}") from None
    except OSError as error:
        raise UsageError(
            f"the token cannot be kept in {path} ({error.strerror}): set {setting_hints.MCP_TOKEN} instead"
        ) from None
    return token


class TokenGuard:
    """An ASGI application that answers 401 to requests without the token, and forwards the others."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan" or (scope["type"] == "http" and self._is_authorized(scope)):
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            headers = {"WWW-Authenticate": "Bearer", "Cache-Control": "no-store", "Connection": "close"}
            await PlainTextResponse(f"{_REFUSED}\n", 401, headers)(scope, receive, send)

    def _is_authorized(self, scope: Scope) -> bool:
        given = Headers(scope=scope).getlist("authorization")
        kind, _, token = (given[0] if len(given) == 1 else "").partition(" ")
        # The comparison takes the same time for every token of the same length.
        return hmac.compare_digest(token.strip().encode("latin-1", "replace"), self._expected) and (
            kind.casefold() == "bearer"
        )
