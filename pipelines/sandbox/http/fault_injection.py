"""Carries faults out: the outermost layer of the server, the only one that touches connections."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipelines.sandbox.faults.fault import Fault, Faults, Kind
from pipelines.sandbox.http import answers
from pipelines.sandbox.http.journal import WRITE
from pipelines.sandbox.tokens import Tokens

CONNECTION = "connection"
"""Where ``running`` leaves the connection's protocol in a request's state."""
FAULT = "fault"
"""Where the pages find the fault that is theirs to carry out."""

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
        """Cut the connection."""
        self.scope["state"][WRITE]()
        self._transport.close()

    async def hang_up(self) -> None:
        """Cut the connection, and wait until the server knows that no answer is to come."""
        self.close()
        while (await self.receive())["type"] != "http.disconnect":
            pass


class FaultInjection:
    """Lets requests go wrong.

    Args:
        app: what answers when all is well.
        faults: the faults that wait.
        account_of: tells the account whose key a request carries.
        tokens: those that a fault ends.
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
        self._ways: dict[Kind, Callable[[_Exchange], Awaitable[None]]] = {
            Kind.EXPIRED_TOKENS: self._expired,
            Kind.REVOKED_TOKENS: self._revoked,
            Kind.DROP_BEFORE: _Exchange.hang_up,
            Kind.DROP_IN_THE_MIDDLE: self._drop_in_the_middle,
            Kind.DROP_AFTER: self._drop_after,
            Kind.SLOW: self._slow,
            Kind.CUT_JSON: self._cut,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the request go wrong if a fault strikes it."""
        fault = self._faults.strike(scope["path"], self._account_of(scope))
        if fault is None:
            await self._app(scope, receive, send)
        elif response := _instead(fault):
            await response(scope, receive, send)
        else:
            scope["state"][FAULT] = fault
            await self._ways.get(fault.kind, self._usual)(_Exchange(fault, scope, receive, send))

    async def _usual(self, exchange: _Exchange) -> None:
        await self._app(exchange.scope, exchange.receive, exchange.send)

    async def _expired(self, exchange: _Exchange) -> None:
        self._tokens.expire()
        await self._usual(exchange)

    async def _revoked(self, exchange: _Exchange) -> None:
        self._tokens.revoke_all()
        await self._usual(exchange)

    async def _slow(self, exchange: _Exchange) -> None:
        await asyncio.sleep(exchange.fault.seconds)
        await self._usual(exchange)

    async def _drop_in_the_middle(self, exchange: _Exchange) -> None:
        start, body = await self._answer(exchange)
        await exchange.send(start)
        await exchange.send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        await exchange.hang_up()

    async def _drop_after(self, exchange: _Exchange) -> None:
        await self._usual(exchange)
        exchange.close()

    async def _cut(self, exchange: _Exchange) -> None:
        start, body = await self._answer(exchange)
        response = Response(body[: len(body) // 2], start["status"], media_type=answers.JSON)
        await response(exchange.scope, exchange.receive, exchange.send)

    async def _answer(self, exchange: _Exchange) -> tuple[Message, bytes]:
        """The answer as it would be, held back."""
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self._app(exchange.scope, exchange.receive, keep)
        return messages[0], b"".join(message.get("body", b"") for message in messages[1:])


def _instead(fault: Fault) -> Response | None:
    """The answer that a fault gives in place of the right one, if it does that."""
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
