"""The transports: standard input and output, and HTTP on the loopback. Each runs in a thread until it is stopped."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import anyio
import uvicorn
from mcp.server.mcpserver import MCPServer
from starlette.types import ASGIApp

from pipelines.mcp_server.token import TokenGuard
from pipelines.web_guard import LOOPBACK_NAMES, WebGuard

PATH = "/mcp"
LOOPBACK = "127.0.0.1"
_TIMEOUT = 10.0  # seconds until the server listens


class Transport:
    """A running transport; ``ended`` is set when it has ended by itself."""

    def __init__(self, run: Callable[[], None], name: str) -> None:
        self.ended = threading.Event()
        self.error: BaseException | None = None
        self._run = run
        threading.Thread(target=self._guarded, name=name, daemon=True).start()

    def _guarded(self) -> None:
        try:
            self._run()
        except BaseException as error:  # noqa: BLE001 - raised again by the main thread
            self.error = error
        finally:
            self.ended.set()


def serve_stdio(server: MCPServer) -> Transport:
    """Serve one client on standard input and output, until the client closes them.

    Meanwhile, whatever else is printed to standard output goes to standard error.
    """
    return Transport(lambda: anyio.run(server.run_stdio_async), "mcp stdio")


def serve_http(server: MCPServer, listening: socket.socket, token: str) -> Transport:
    """Serve clients on a listening socket of the loopback, which know the token.

    No state is kept between requests, so that a client goes on after the server was started again.
    """
    config = uvicorn.Config(
        guarded_app(server, token),
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        interface="asgi3",
    )
    return Transport(lambda: uvicorn.Server(config).run(sockets=[listening]), "mcp http")


def guarded_app(server: MCPServer, token: str) -> ASGIApp:
    """The application: no foreign web page and nobody without the token reaches the server.

    Answers are streams of events, because only a stream that the client closes cancels a call.
    """
    app = server.streamable_http_app(streamable_http_path=PATH, stateless_http=True)
    return WebGuard(TokenGuard(app, token), LOOPBACK_NAMES)
