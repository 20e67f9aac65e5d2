"""The layer of the server that gives each call an id and adds it to the log of calls."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipelines.floriday.http.error_answers import REQUEST_ID
from pipelines.sandbox.calls import Call, Calls
from pipelines.sandbox.http.request_state import LOG_CALL


class CallLog:
    """Logs the calls of an application.

    Args:
        app: the application that answers.
        calls: log to which the calls are added.
        account_of: returns the name of the account whose key a request carries.
    """

    def __init__(self, app: ASGIApp, calls: Calls, account_of: Callable[[Scope], str | None]) -> None:
        self._app = app
        self._calls = calls
        self._account_of = account_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request. The call is logged before the client receives the answer."""
        is_logged = False

        def log(status: int | None = None) -> None:
            nonlocal is_logged
            if not is_logged:
                query = scope["query_string"].decode("latin-1")
                self._calls.add(Call(scope["method"], scope["path"], query, self._account_of(scope), status))
            is_logged = True

        async def send_and_log(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[REQUEST_ID] = str(uuid.uuid4())
                log(message["status"])
            await send(message)

        scope["state"][LOG_CALL] = log
        await self._app(scope, receive, send_and_log)
        log()
