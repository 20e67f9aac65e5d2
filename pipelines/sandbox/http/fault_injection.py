"""Carries out faults: the outermost layer of the server, the only one that closes connections."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipelines.sandbox.faults.fault import Fault, Kind
from pipelines.sandbox.faults.plan import Faults
from pipelines.sandbox.http import answers
from pipelines.sandbox.http.request_state import CONNECTION, FAULT, LOG_CALL
from pipelines.sandbox.tokens import Tokens

_TITLES = {
    401: "Unauthorized",
    403: "Forbidden",
    423: "Locked",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
_WEB_PAGE = "<!doctype html><title>Maintenance</title><h1>We are back soon</h1>"


@dataclass(frozen=True)
class _Exchange:
    """A request that a fault strikes."""

    fault: Fault
    scope: Scope
    receive: Receive
    send: Send

    @property
    def _transport(self) -> asyncio.Transport:
        transport: asyncio.Transport = self.scope["state"][CONNECTION].transport
        return transport

    def close(self) -> None:
        """Close the connection."""
        self.scope["state"][LOG_CALL]()
        self._transport.close()

    async def drop(self) -> None:
        """Close the connection, and wait until the server has noticed that the client is disconnected."""
        self.close()
        while (await self.receive())["type"] != "http.disconnect":
            pass


class FaultInjection:
    """Applies the planned faults to requests.

    Args:
        app: application that answers requests without a fault.
        faults: faults that are planned.
        account_of: returns the name of the account whose key a request carries.
        tokens: all tokens that were issued.
    """

    def __init__(
        self,
        app: ASGIApp,
        faults: Faults,
        account_of: Callable[[Scope], str | None],
        tokens: Tokens,
    ) -> None:
        self._app = app
        self._faults = faults
        self._account_of = account_of
        self._tokens = tokens
        self._actions: dict[Kind, Callable[[_Exchange], Awaitable[None]]] = {
            Kind.EXPIRED_TOKENS: self._expire_tokens,
            Kind.REVOKED_TOKENS: self._revoke_tokens,
            Kind.DROP_BEFORE: _Exchange.drop,
            Kind.DROP_IN_THE_MIDDLE: self._drop_in_the_middle,
            Kind.DROP_AFTER: self._drop_after,
            Kind.SLOW: self._delay,
            Kind.CUT_JSON: self._cut_json,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or apply the fault that strikes it."""
        fault = self._faults.strike(scope["path"], self._account_of(scope))
        if fault is None:
            await self._app(scope, receive, send)
        elif response := _replacement(fault):
            await response(scope, receive, send)
        else:
            scope["state"][FAULT] = fault
            await self._actions.get(fault.kind, self._pass_on)(_Exchange(fault, scope, receive, send))

    async def _pass_on(self, exchange: _Exchange) -> None:
        await self._app(exchange.scope, exchange.receive, exchange.send)

    async def _expire_tokens(self, exchange: _Exchange) -> None:
        self._tokens.expire()
        await self._pass_on(exchange)

    async def _revoke_tokens(self, exchange: _Exchange) -> None:
        self._tokens.revoke_all()
        await self._pass_on(exchange)

    async def _delay(self, exchange: _Exchange) -> None:
        await asyncio.sleep(exchange.fault.seconds)
        await self._pass_on(exchange)

    async def _drop_in_the_middle(self, exchange: _Exchange) -> None:
        start, body = await self._answer(exchange)
        await exchange.send(start)
        await exchange.send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        await exchange.drop()

    async def _drop_after(self, exchange: _Exchange) -> None:
        await self._pass_on(exchange)
        exchange.close()

    async def _cut_json(self, exchange: _Exchange) -> None:
        start, body = await self._answer(exchange)
        response = Response(body[: len(body) // 2], start["status"], media_type=answers.JSON)
        await response(exchange.scope, exchange.receive, exchange.send)

    async def _answer(self, exchange: _Exchange) -> tuple[Message, bytes]:
        """The application's answer, not yet sent."""
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self._app(exchange.scope, exchange.receive, keep)
        return messages[0], b"".join(message.get("body", b"") for message in messages[1:])


def _replacement(fault: Fault) -> Response | None:
    """The answer of a fault that replaces the application's answer; None for other faults."""
    match fault.kind:
        case Kind.STATUS:
            return _status(fault)
        case Kind.HTML:
            return HTMLResponse(_WEB_PAGE)
        case Kind.HUGE:
            return answers.answer(b'{"maximumSequenceNumber":1,"results":["%b"]}' % (b"x" * fault.size))
        case Kind.DEEP:
            return answers.answer(b'{"maximumSequenceNumber":1,"results":%b}' % (b"[" * fault.size + b"]" * fault.size))
        case Kind.REDIRECT:
            return Response(b"", 307, {"Location": fault.location})
        case _:
            return None


def _status(fault: Fault) -> Response:
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    if fault.status == 401:
        return answers.unauthorized()
    if fault.status == 429:
        return answers.too_many(fault.retry_after)
    title = _TITLES.get(fault.status, "Unexpected")
    return answers.problem(
        fault.status, title.lower().replace(" ", "-"), title, f"{title}, on demand.", headers=headers
    )
