"""The control routes under ``/sandbox``: no part of Floriday, but of working with a stand-in for it.

===========================  ===========================================================================
``GET /sandbox``             what runs here: accounts, records of each feed, the world's time
``GET /sandbox/faults``      the faults that wait
``POST /sandbox/faults``     let a fault wait (members of ``faults.Fault``), or a list of them; tells their numbers
``DELETE /sandbox/faults``   take all faults back
``POST /sandbox/advance``    ``{"hours": 24}``: let the world move on
``POST /sandbox/retention``  stop serving what Floriday would not serve any more
``DELETE /sandbox/tokens``   end all tokens
``GET /sandbox/calls``       the calls so far; ``DELETE`` forgets them
``GET /sandbox/switches``    the switches; ``PATCH`` turns some (members of ``switches.Switches``)
===========================  ===========================================================================

They answer the loopback only, under its own names, and refuse what a web page in a browser beside the sandbox asks.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipelines.sandbox.faults.fault import Fault
from pipelines.sandbox.http import answers
from pipelines.web_guard import LOOPBACK_NAMES, refusal, refused

if TYPE_CHECKING:
    from pipelines.sandbox.sandbox import Sandbox

PATH = "/sandbox"
_METHODS = ["GET", "POST", "DELETE", "PATCH"]


class Control:
    """Answers the control routes.

    Args:
        sandbox: what is controlled.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._operations: dict[tuple[str, str], Callable[[bytes], object]] = {
            ("GET", ""): lambda _: sandbox.overview(),
            ("GET", "/faults"): lambda _: [asdict(waiting) for waiting in sandbox.faults.waiting()],
            ("POST", "/faults"): self._add_faults,
            ("DELETE", "/faults"): lambda _: sandbox.faults.clear(),
            ("POST", "/advance"): self._advance,
            ("POST", "/retention"): lambda _: {"expired": sandbox.expire()},
            ("DELETE", "/tokens"): lambda _: sandbox.tokens.expire(),
            ("GET", "/calls"): lambda _: sandbox.calls.documents(),
            ("DELETE", "/calls"): lambda _: sandbox.calls.clear(),
            ("GET", "/switches"): lambda _: asdict(sandbox.switches),
            ("PATCH", "/switches"): self._turn,
        }

    def routes(self) -> list[Route]:
        """All control routes."""
        return [Route(f"{PATH}{rest}", self._answer, methods=_METHODS) for rest in ("", "/{operation}")]

    async def _answer(self, request: Request) -> Response:
        if not self._sandbox.switches.serves_control:
            return answers.unknown_route()
        if reason := refusal(request.scope, LOOPBACK_NAMES):
            return refused(reason)
        operation = self._operations.get((request.method, request.url.path.removeprefix(PATH)))
        if operation is None:
            return answers.unknown_route()
        try:
            told = await run_in_threadpool(operation, await request.body())
        except (msgspec.MsgspecError, ValueError) as error:
            return answers.invalid("body", str(error))
        return Response(status_code=204) if told is None else answers.answer(told)

    def _add_faults(self, body: bytes) -> dict[str, Any]:
        faults = msgspec.json.decode(body, type=Fault | list[Fault])
        return {"ids": self._sandbox.faults.add(*(faults if isinstance(faults, list) else [faults]))}

    def _advance(self, body: bytes) -> dict[str, Any]:
        asked = msgspec.json.decode(body or b"{}", type=dict[str, float])
        now = self._sandbox.advance(dt.timedelta(hours=asked.get("hours", 1)))
        return {"now": now}

    def _turn(self, body: bytes) -> dict[str, Any]:
        self._sandbox.turn(**msgspec.json.decode(body, type=dict[str, Any]))
        return asdict(self._sandbox.switches)
