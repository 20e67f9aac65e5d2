"""Runs an ASGI application in a thread, and stops it without waiting for open connections."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from pipelines.interruption import wait_limit
from pipelines.sandbox.http.request_state import CONNECTION

_TIMEOUT = 10.0


class _Server(uvicorn.Server):
    """Waits for an event until it is stopped; uvicorn's own server checks a flag ten times a second."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.started_listening = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = asyncio.Event()

    async def main_loop(self) -> None:
        """Wait for :meth:`stop`."""
        self._loop = asyncio.get_running_loop()
        self.started_listening.set()
        await self._stopped.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - uvicorn's signature
        """Close all connections at once."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await asyncio.sleep(0)

    def stop(self) -> None:
        """Stop the server, from any thread."""
        if self._loop:
            self._loop.call_soon_threadsafe(self._stopped.set)


class WebServer:
    """A running web server.

    Args:
        app: application that answers the requests.
        host: address on which the server listens.
        port: port on which the server listens; 0 for any free port.

    Raises:
        OSError: the port is in use.
    """

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        self._socket = socket.create_server((host, port))
        self.port: int = self._socket.getsockname()[1]
        self._server = _Server(_configuration(app))
        self._thread = threading.Thread(target=self._run, name=f"sandbox-{self.port}", daemon=True)
        self._thread.start()
        if not self._server.started_listening.wait(_TIMEOUT):
            raise RuntimeError(f"The sandbox did not start on port {self.port}.")

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])

    def stop(self) -> None:
        """Stop listening, close all connections, and wait until the thread has ended."""
        self._server.stop()
        self._thread.join(wait_limit(_TIMEOUT))
        self._socket.close()


def _configuration(app: ASGIApp) -> Config:
    return Config(
        app,
        http=_protocol,  # type: ignore[arg-type]
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        date_header=False,
        server_header=False,
        timeout_keep_alive=60,
        interface="asgi3",
    )


def _protocol(*, app_state: dict[str, Any], **arguments: Any) -> asyncio.Protocol:
    """A connection's protocol that is also in the state of its requests, so that a fault can close the connection."""
    state = dict(app_state)
    protocol = AutoHTTPProtocol(app_state=state, **arguments)  # type: ignore[call-arg]
    state[CONNECTION] = protocol
    return protocol
