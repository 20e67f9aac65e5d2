"""The sandbox: its state, the HTTP server, and the thread that keeps the world trading."""

from __future__ import annotations

import datetime as dt
import threading
from types import TracebackType
from typing import Self

from pipelines.sandbox.http import application
from pipelines.sandbox.http.web_server import WebServer
from pipelines.sandbox.state import LOOPBACK, SandboxState


class Sandbox(SandboxState):
    """A local Floriday. Use it as a context manager, or call :meth:`start` and :meth:`stop`."""

    _server: WebServer | None = None
    _trading_stopped: threading.Event | None = None

    def start(self) -> Self:
        """Start the server; a second start uses the same port.

        Raises:
            OSError: the port is in use.
        """
        self._server = WebServer(application.build(self), LOOPBACK, self._port)
        self._port = self._server.port
        self.is_serving = True
        return self

    def stop(self) -> None:
        """Stop the server; the records stay."""
        self.stop_trading()
        self.is_serving = False
        if self._server:
            self._server.stop()
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def keep_trading(self, every: float = 5.0, orders: int = 3) -> None:
        """Advance the world with the real clock in a background thread.

        Args:
            every: seconds between two steps.
            orders: number of additional orders in each step.
        """
        self.stop_trading()
        self._trading_stopped = stopped = threading.Event()
        threading.Thread(target=self._trade, args=(stopped, every, orders), name="sandbox-trade", daemon=True).start()

    def _trade(self, stopped: threading.Event, every: float, orders: int) -> None:
        while self.world and not stopped.wait(every):
            self.world.advance(dt.timedelta(seconds=every))
            self.world.trade(orders)

    def stop_trading(self) -> None:
        """Stop the thread of :meth:`keep_trading`."""
        if self._trading_stopped:
            self._trading_stopped.set()
            self._trading_stopped = None
