"""The server: the gate before the API, the API, the authorization server and the control routes in one application."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from pipelines.sandbox.accounts import Accounts
from pipelines.sandbox.http import answers
from pipelines.sandbox.http.control import PATH as CONTROL_PATH
from pipelines.sandbox.http.control import Control
from pipelines.sandbox.http.fault_injection import FaultInjection
from pipelines.sandbox.http.journal import Journal
from pipelines.sandbox.http.operations import Caller, Operations
from pipelines.sandbox.tokens import APPLICATION_ROLE, Tokens

if TYPE_CHECKING:
    from pipelines.sandbox.sandbox import Sandbox

_SOME_API = re.compile(r"/(suppliers|customers)-api-[^/]+(/|$)")


class Gate:
    """Lets only those in who bring a token and a key (docs/floriday.md: Access).

    Args:
        app: what is behind it.
        tokens: the tokens.
        accounts: the keys.
    """

    def __init__(self, app: ASGIApp, tokens: Tokens, accounts: Accounts) -> None:
        self._app = app
        self._tokens = tokens
        self._accounts = accounts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or tell those behind the gate who calls."""
        answer = self._admit(Request(scope)) or self._app
        await answer(scope, receive, send)

    def _admit(self, request: Request) -> Response | None:
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
        request.state.caller = Caller(account, grant)
        return None


IDENTITIES = {"suppliers": "organization", "customers": "customerOrganization"}
"""What an API calls the organization whose key it is (specification)."""


def build(sandbox: Sandbox) -> ASGIApp:
    """The application of a sandbox."""
    feeds, snapshots = tuple(sandbox.feeds.values()), tuple(sandbox.snapshots.values())
    operations = Operations(sandbox.books, sandbox.limits, sandbox.switches).routes(feeds, snapshots)
    api = Router([_identities(sandbox), *operations], default=answers.unknown_route())
    app = Starlette(
        routes=[
            Mount(sandbox.api_path, app=Gate(api, sandbox.tokens, sandbox.accounts)),
            *sandbox.authorization.routes(),
            *Control(sandbox).routes(),
        ],
        exception_handlers={404: _not_found, 405: _wrong_method},
    )
    account_of = _account_of(sandbox.accounts)
    faulty = FaultInjection(app, sandbox.faults, account_of, sandbox.tokens)
    return _entrance(control=app, others=Journal(faulty, sandbox.calls, account_of))


def _entrance(control: ASGIApp, others: ASGIApp) -> ASGIApp:
    """Keeps the control routes out of the journal and out of harm's way."""

    async def enter(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})
        is_control = f"{scope['path']}/".startswith(f"{CONTROL_PATH}/")
        await (control if is_control else others)(scope, receive, send)

    return enter


def _identities(sandbox: Sandbox) -> Route:
    async def identities(request: Request) -> Response:
        caller: Caller = request.state.caller
        if "organization:read" not in caller.grant.scopes:
            return answers.missing_scope("organization:read")
        version = sandbox.api_path.rpartition("-")[2]
        organization = {IDENTITIES[sandbox.api]: caller.account.organization}
        return answers.answer({**organization, "clientId": sandbox.client_id, "apiVersion": version})

    return Route("/identities", identities)


def _account_of(accounts: Accounts) -> Callable[[Scope], str | None]:
    def account_of(scope: Scope) -> str | None:
        account = accounts.with_key(Headers(scope=scope).get("x-api-key", ""))
        return account.name if account else None

    return account_of


async def _not_found(request: Request, _: Exception) -> Response:
    return answers.other_version() if _SOME_API.match(request.url.path) else answers.unknown_route()


async def _wrong_method(_request: Request, _error: Exception) -> Response:
    return answers.wrong_method()
