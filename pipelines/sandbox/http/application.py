"""The ASGI application of the sandbox: the API, the authorization server and the control routes, with their layers."""

from __future__ import annotations

import re
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from pipelines.sandbox.accounts import Accounts
from pipelines.sandbox.http import answers
from pipelines.sandbox.http.authorization import AuthorizationServer
from pipelines.sandbox.http.call_log import CallLog
from pipelines.sandbox.http.control import PATH as CONTROL_PATH
from pipelines.sandbox.http.control import Control
from pipelines.sandbox.http.fault_injection import FaultInjection
from pipelines.sandbox.http.gate import Gate
from pipelines.sandbox.http.operations import Operations
from pipelines.sandbox.http.request_state import caller_of
from pipelines.sandbox.state import SandboxState

_ANY_API = re.compile(r"/(suppliers|customers)-api-[^/]+(/|$)")

IDENTITIES = {"suppliers": "organization", "customers": "customerOrganization"}
"""The member of ``/identities`` that holds the key's organization, by API (specification)."""


def build(state: SandboxState) -> ASGIApp:
    """The application that serves a sandbox."""
    api = Router([_identities(state), *Operations(state).routes()], default=answers.unknown_route())
    app = Starlette(
        routes=[
            Mount(state.api_path, app=Gate(api, state.tokens, state.accounts)),
            *AuthorizationServer(state).routes(),
            *Control(state).routes(),
        ],
        exception_handlers={404: _not_found, 405: _wrong_method},
    )
    account_of = _account_of(state.accounts)
    faulty = FaultInjection(app, state.faults, account_of, state.tokens)
    return _entrance(control=app, others=CallLog(faulty, state.calls, account_of))


def _entrance(control: ASGIApp, others: ASGIApp) -> ASGIApp:
    """Requests to the control routes bypass the call log and the faults."""

    async def enter(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})
        is_control = f"{scope['path']}/".startswith(f"{CONTROL_PATH}/")
        await (control if is_control else others)(scope, receive, send)

    return enter


def _identities(state: SandboxState) -> Route:
    async def identities(request: Request) -> Response:
        caller = caller_of(request)
        if "organization:read" not in caller.grant.scopes:
            return answers.missing_scope("organization:read")
        organization = {IDENTITIES[state.api]: caller.account.organization}
        return answers.answer({**organization, "clientId": state.client_id, "apiVersion": state.api_version})

    return Route("/identities", identities)


def _account_of(accounts: Accounts) -> Callable[[Scope], str | None]:
    def account_of(scope: Scope) -> str | None:
        account = accounts.with_key(Headers(scope=scope).get("x-api-key", ""))
        return account.name if account else None

    return account_of


async def _not_found(request: Request, _: Exception) -> Response:
    return answers.other_version() if _ANY_API.match(request.url.path) else answers.unknown_route()


async def _wrong_method(_request: Request, _error: Exception) -> Response:
    return answers.wrong_method()
