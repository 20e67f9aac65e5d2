"""The control routes under ``/sandbox``, which Floriday does not have: they show and change the sandbox.

===========================  ===========================================================================
``GET /sandbox``             the simulated time, the records of each account and feed, the settings for a client
``GET /sandbox/faults``      the planned faults
``POST /sandbox/faults``     plan a fault (members of ``faults.fault.Fault``), or a list of them; returns their ids
``DELETE /sandbox/faults``   remove all faults
``POST /sandbox/advance``    ``{"hours": 24}``: advance the simulated time
``POST /sandbox/retention``  remove the records that Floriday would no longer serve
``DELETE /sandbox/tokens``   expire all tokens
``GET /sandbox/calls``       the calls so far; ``DELETE`` clears them
``GET /sandbox/switches``    the switches; ``PATCH`` changes some (members of ``switches.Switches``)
===========================  ===========================================================================

They answer on the loopback only, under its own names, and refuse requests that a foreign web page in a browser sends.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipelines.sandbox.faults.fault import Fault
from pipelines.sandbox.http import answers
from pipelines.sandbox.state import SandboxState
from pipelines.web_guard import LOOPBACK_NAMES, refusal, refused

PATH = "/sandbox"
_METHODS = ["GET", "POST", "DELETE", "PATCH"]


class Control:
    """Answers the control routes.

    Args:
        state: sandbox that is shown and changed.
    """

    def __init__(self, state: SandboxState) -> None:
        self._state = state
        self._operations: dict[tuple[str, str], Callable[[bytes], object]] = {
            ("GET", ""): lambda _: state.overview(),
            ("GET", "/faults"): lambda _: [asdict(planned) for planned in state.faults.planned()],
            ("POST", "/faults"): self._add_faults,
            ("DELETE", "/faults"): lambda _: state.faults.clear(),
            ("POST", "/advance"): self._advance,
            ("POST", "/retention"): lambda _: {"expired": state.expire()},
            ("DELETE", "/tokens"): lambda _: state.tokens.expire(),
            ("GET", "/calls"): lambda _: state.calls.documents(),
            ("DELETE", "/calls"): lambda _: state.calls.clear(),
            ("GET", "/switches"): lambda _: asdict(state.switches),
            ("PATCH", "/switches"): self._set_switches,
        }

    def routes(self) -> list[Route]:
        """All control routes."""
        return [Route(f"{PATH}{rest}", self._answer, methods=_METHODS) for rest in ("", "/{operation}")]

    async def _answer(self, request: Request) -> Response:
        if not self._state.switches.serves_control:
            return answers.unknown_route()
        if reason := refusal(request.scope, LOOPBACK_NAMES):
            return refused(reason)
        operation = self._operations.get((request.method, request.url.path.removeprefix(PATH)))
        if operation is None:
            return answers.unknown_route()
        try:
            result = await run_in_threadpool(operation, await request.body())
        except (msgspec.MsgspecError, ValueError) as error:
            return answers.invalid("body", str(error))
        return Response(status_code=204) if result is None else answers.answer(result)

    def _add_faults(self, body: bytes) -> dict[str, Any]:
        faults = msgspec.json.decode(body, type=Fault | list[Fault])
        return {"ids": self._state.faults.add(*(faults if isinstance(faults, list) else [faults]))}

    def _advance(self, body: bytes) -> dict[str, Any]:
        members = msgspec.json.decode(body or b"{}", type=dict[str, float])
        return {"now": self._state.advance(dt.timedelta(hours=members.get("hours", 1)))}

    def _set_switches(self, body: bytes) -> dict[str, Any]:
        self._state.set_switches(**msgspec.json.decode(body, type=dict[str, Any]))
        return asdict(self._state.switches)
