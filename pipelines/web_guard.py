"""Which requests a local web server answers: those of its own pages and of programs, not those of foreign web pages.

A browser lets any web page send requests to any server that the machine reaches, the loopback included, and with DNS
rebinding under a name of the page's own. Such a page cannot choose the headers ``Host``, ``Origin`` and
``Sec-Fetch-Site``, so these decide, for every path, method and websocket, before the application sees the request.
Programs such as curl send neither ``Origin`` nor ``Sec-Fetch-Site`` and are answered. This is no log-in: whoever can
run a program on this machine can send any header.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipelines.errors import UsageError

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""The host names under which a browser reaches the loopback, as it writes them."""

WRONG_HOST = (
    "Refused: the Host header is not a name of this server. Open the address that was printed when it started;"
    " the name of a proxy has to be allowed at the start."
)
WRONG_ORIGIN = (
    "Refused: the request comes from a page of another origin (Origin header). Use this server's own pages;"
    " a proxy before it has to pass Host and X-Forwarded-Proto on."
)
WRONG_SITE = (
    "Refused: another web site caused this request (Sec-Fetch-Site header)."
    " Type the address into the browser, or open it from a bookmark, instead of following a link."
)

_NAME = r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]"
_AUTHORITY = re.compile(rf"({_NAME})(?::([0-9]{{1,5}}))?")
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_OWN_SITE = frozenset({"same-origin", "none"})
_FOR_OWN_PAGES = [(b"x-frame-options", b"SAMEORIGIN"), (b"cross-origin-resource-policy", b"same-origin")]

Rule = Callable[[Scope], str | None]
"""Why a request is refused, in one line that says what to do; None where it is not."""


class WebGuard:
    """An ASGI application that answers 403 to what :func:`refusal` refuses, and passes the rest on.

    Answers of the application lose all CORS headers, and tell the browser that no foreign page may frame or embed them.

    Args:
        app: the application that is guarded.
        names: the host names under which it is served, as :func:`host_name` returns them.
        further: a rule of this application, applied after the common ones.
    """

    def __init__(self, app: ASGIApp, names: Collection[str], further: Rule = lambda _scope: None) -> None:
        self._app = app
        self._names = frozenset(names)
        self._further = further

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse a websocket before it is accepted."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
        elif (reason := refusal(scope, self._names) or self._further(scope)) is None:
            await self._app(scope, receive, _for_own_pages(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": reason})
        else:
            await refused(reason)(scope, receive, send)


def refusal(scope: Scope, names: Collection[str]) -> str | None:
    """Why a request is refused, in one line that says what to do.

    Args:
        scope: an HTTP request or the handshake of a websocket.
        names: the host names under which the server is served, in lower case, without port.

    Returns:
        None for a request that names this server and was not caused by a foreign web page.
    """
    headers = Headers(scope=scope)
    served = _served_origin(scope, headers.getlist("host"), names)
    if served is None:
        return WRONG_HOST
    if any(origin.lower() != served for origin in headers.getlist("origin")):
        return WRONG_ORIGIN
    if not _OWN_SITE.issuperset(headers.getlist("sec-fetch-site")):
        return WRONG_SITE
    return None


def refused(reason: str) -> PlainTextResponse:
    """The answer to a request that is refused."""
    return PlainTextResponse(
        f"{reason}\n", 403, {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Connection": "close"}
    )


def host_name(text: str) -> str:
    """A host name or IP address as browsers write it into the ``Host`` header, without port.

    Raises:
        UsageError: it is neither; a scheme, a port, a path or a wildcard is no part of it.
    """
    name = text.lower()
    if ":" in name:
        try:
            name = f"[{ipaddress.IPv6Address(name.strip('[]')).compressed}]"
        except ValueError:
            name = ""
    if not re.fullmatch(_NAME, name):
        raise UsageError(
            f"{text!r} is no host name: write it as floriday.example.com or 192.168.1.5, without https:// and port"
        )
    return name


def _served_origin(scope: Scope, hosts: list[str], names: Collection[str]) -> str | None:
    """The origin of the pages that a request is addressed to; None where the server has no such name."""
    matched = _AUTHORITY.fullmatch(hosts[0].lower()) if len(hosts) == 1 else None
    if matched is None or matched[1] not in names:
        return None
    name, port = matched.groups()
    scheme = str(scope["scheme"]).replace("ws", "http")
    return f"{scheme}://{name}" + (f":{port}" if port and port != _DEFAULT_PORTS[scheme] else "")


def _for_own_pages(send: Send) -> Send:
    async def send_to_own_pages(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [(name, text) for name, text in message.get("headers", ()) if not _opens_to_others(name)]
            message = {**message, "headers": [*kept, *_FOR_OWN_PAGES]}
        await send(message)

    return send_to_own_pages


def _opens_to_others(header: bytes) -> bool:
    return header.lower().startswith((b"access-control-", b"x-frame-options", b"cross-origin-resource-policy"))
