"""Values that the layers of the server attach to a request, in the ``state`` of its ASGI scope."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from pipelines.sandbox.accounts import Account
from pipelines.sandbox.faults.fault import Fault
from pipelines.sandbox.tokens import Grant

CALLER = "caller"
"""The :class:`Caller`, set by the gate."""
CONNECTION = "connection"
"""The connection's protocol object, set by the web server."""
FAULT = "fault"
"""The fault that a feed's operation carries out, set by the fault injection."""
LOG_CALL = "log_call"
"""The function that adds the request to the calls, set by the call log; for code that closes the connection."""


@dataclass(frozen=True)
class Caller:
    """The account and the token of a request.

    Args:
        account: account whose key was sent.
        grant: rights of the token that was sent.
    """

    account: Account
    grant: Grant


def caller_of(request: Request) -> Caller:
    """The caller of a request that has passed the gate."""
    caller: Caller = request.scope["state"][CALLER]
    return caller


def fault_of(request: Request) -> Fault | None:
    """The fault that the feed's operation has to carry out, if any."""
    fault: Fault | None = request.scope["state"].get(FAULT)
    return fault
