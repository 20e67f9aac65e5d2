"""The gate of the API: it admits requests with a valid token and a valid key (docs/floriday.md: Access)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pipelines.sandbox.accounts import Accounts
from pipelines.sandbox.http import answers
from pipelines.sandbox.http.request_state import CALLER, Caller
from pipelines.sandbox.tokens import APPLICATION_ROLE, Tokens


class Gate:
    """Checks token and key before an application answers.

    Args:
        app: application behind the gate.
        tokens: all tokens that were issued.
        accounts: accounts with their keys.
    """

    def __init__(self, app: ASGIApp, tokens: Tokens, accounts: Accounts) -> None:
        self._app = app
        self._tokens = tokens
        self._accounts = accounts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or attach its :class:`Caller` and pass it on."""
        answer = self._refusal(Request(scope)) or self._app
        await answer(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        grant = self._tokens.check(token) if kind.lower() == "bearer" else None
        api_key = request.headers.get("x-api-key")
        if grant is None or not api_key:
            return answers.unauthorized()
        account = self._accounts.with_key(api_key)
        if account is None:
            return answers.unknown_key()
        if APPLICATION_ROLE not in grant.scopes:
            return answers.missing_scope(APPLICATION_ROLE)
        request.scope["state"][CALLER] = Caller(account, grant)
        return None
