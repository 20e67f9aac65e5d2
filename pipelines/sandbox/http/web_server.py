"""Runs an application on the loopback in a thread of its own, and stops it at once."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from pipelines.interruption import limited
from pipelines.sandbox.http.fault_injection import CONNECTION

LOOPBACK = "127.0.0.1"
_PATIENCE = 10.0


class _Server(uvicorn.Server):
    """Sleeps until it is stopped, instead of looking ten times a second whether it is."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.listens = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = asyncio.Event()

    async def main_loop(self) -> None:
        """Wait for :meth:`stop`."""
        self._loop = asyncio.get_running_loop()
        self.listens.set()
        await self._stopped.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - uvicorn's signature
        """Close what is open without waiting for it."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await asyncio.sleep(0)

    def stop(self) -> None:
        """End the server from another thread, open connections too."""
        if self._loop:
            self._loop.call_soon_threadsafe(self._stopped.set)


class Running:
    """A server that runs until it is stopped.

    Args:
        app: the application.
        port: where it listens, 0 for any free port.

    Raises:
        OSError: the port is taken.
    """

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._socket = socket.create_server((LOOPBACK, port))
        self.port: int = self._socket.getsockname()[1]
        self._server = _Server(_configuration(app))
        self._thread = threading.Thread(target=self._run, name=f"sandbox-{self.port}", daemon=True)
        self._thread.start()
        if not self._server.listens.wait(_PATIENCE):
            raise RuntimeError(f"The sandbox did not start on port {self.port}.")

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])

    def stop(self) -> None:
        """Stop listening, cut what is open, and wait until the thread has ended."""
        self._server.stop()
        self._thread.join(limited(_PATIENCE))
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
    """A connection's protocol that the requests on it find in their state, to be able to cut the connection."""
    state = dict(app_state)
    protocol = AutoHTTPProtocol(app_state=state, **arguments)  # type: ignore[call-arg]
    state[CONNECTION] = protocol
    return protocol
