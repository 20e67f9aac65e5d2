"""Protection of a local web server: it answers its own pages and programs, but no request of a foreign web page.

A browser lets any web page send requests to any server that the machine reaches, the loopback included, and with DNS
rebinding under a name of the page's own. Such a page cannot choose the headers ``Host``, ``Origin`` and
``Sec-Fetch-Site``, so these are checked for every path, method and websocket, before the application receives the
request. Programs such as curl send neither ``Origin`` nor ``Sec-Fetch-Site`` and are answered. This is no
authentication: every program on this machine can send any header.
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
"""The host names of the loopback, as browsers write them."""

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
_OWN_PAGES_ONLY = [(b"x-frame-options", b"SAMEORIGIN"), (b"cross-origin-resource-policy", b"same-origin")]

Rule = Callable[[Scope], str | None]
"""Returns the reason for refusing a request and the next step, in one line; None to accept it."""


class WebGuard:
    """An ASGI application that answers 403 to requests that :func:`refusal` refuses, and forwards the others.

    All CORS headers are removed from answers, and headers are added that forbid foreign pages to frame or embed them.

    ``names`` are the host names of the server, as :func:`host_name` returns them; ``further`` is a rule of this
    application, applied after the common ones.
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
            await self._app(scope, receive, _with_own_pages_only(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": reason})
        else:
            await refused(reason)(scope, receive, send)


def refusal(scope: Scope, names: Collection[str]) -> str | None:
    """The reason for refusing an HTTP request or the handshake of a websocket, with the next step, in one line.

    None for a request that names this server, by one of its ``names``, and was not caused by a foreign web page.
    """
    headers = Headers(scope=scope)
    own_origin = _own_origin(scope, headers.getlist("host"), names)
    if own_origin is None:
        return WRONG_HOST
    if any(origin.lower() != own_origin for origin in headers.getlist("origin")):
        return WRONG_ORIGIN
    if not _OWN_SITE.issuperset(headers.getlist("sec-fetch-site")):
        return WRONG_SITE
    return None


def refused(reason: str) -> PlainTextResponse:
    """The answer to a refused request."""
    return PlainTextResponse(
        f"{reason}\n", 403, {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Connection": "close"}
    )


def host_name(text: str) -> str:
    """A host name or IP address as browsers write it into the ``Host`` header, without port.

    Raises:
        UsageError: the text is neither; a scheme, port, path or wildcard is not allowed.
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


def _own_origin(scope: Scope, hosts: list[str], names: Collection[str]) -> str | None:
    """The origin of this server's pages under the requested host name; None if the server has no such name."""
    matched = _AUTHORITY.fullmatch(hosts[0].lower()) if len(hosts) == 1 else None
    if matched is None or matched[1] not in names:
        return None
    name, port = matched.groups()
    scheme = str(scope["scheme"]).replace("ws", "http")
    return f"{scheme}://{name}" + (f":{port}" if port and port != _DEFAULT_PORTS[scheme] else "")


def _with_own_pages_only(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [(name, text) for name, text in message.get("headers", ()) if not _concerns_other_origins(name)]
            message = {**message, "headers": [*kept, *_OWN_PAGES_ONLY]}
        await send(message)

    return send_with_headers


def _concerns_other_origins(header: bytes) -> bool:
    return header.lower().startswith((b"access-control-", b"x-frame-options", b"cross-origin-resource-policy"))
