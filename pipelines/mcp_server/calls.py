"""Run the blocking work of a call in a thread, and end it at the deadline or when the client cancels the call."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from typing import TypeVar

import anyio
import anyio.to_thread
import duckdb

from pipelines.errors import PipelineError, QueryTimeoutError
from pipelines.lake_address import WarehouseAddress
from pipelines.mcp_server.limits import CONCURRENT_QUERIES, ServerLimits
from pipelines.warehouse.opening import open_warehouse
from pipelines.warehouse.read.query_session import QuerySession

_Value = TypeVar("_Value")


class Calls:
    """The reads of one warehouse. At most two query processes run at once; further calls wait for one of them."""

    def __init__(self, address: WarehouseAddress, limits: ServerLimits) -> None:
        self.warehouse = open_warehouse(address, lock_timeout=limits.seconds)
        self._limits = limits
        self._slots = anyio.Semaphore(CONCURRENT_QUERIES)

    async def in_session(self, work: Callable[[QuerySession], _Value], rows: int = 0) -> _Value:
        """The result of work with a query session of its own, whose results are read up to that number of rows.

        Raises:
            QueryTimeoutError: the deadline passed. The query process was killed.
            PipelineError: as the work raises it, or the file cannot be opened.
        """
        session = _Session(self.warehouse.address, self._limits, rows)
        try:
            with anyio.fail_after(self._limits.deadline):
                async with self._slots:
                    return await anyio.to_thread.run_sync(session.run, work, abandon_on_cancel=True)
        except TimeoutError:
            raise self._timeout() from None
        finally:
            session.cancel()

    async def reading(self, work: Callable[[duckdb.DuckDBPyConnection], _Value]) -> _Value:
        """The result of our own work with a locked connection of this process."""

        def run() -> _Value:
            with self.warehouse.reading(locked=True) as connection:
                return work(connection)

        return await self.in_thread(run)

    async def in_thread(self, work: Callable[[], _Value]) -> _Value:
        """The result of our own work, which may wait for a process that writes; a QueryTimeoutError at the deadline."""
        try:
            with anyio.fail_after(self._limits.deadline):
                return await anyio.to_thread.run_sync(work, abandon_on_cancel=True)
        except TimeoutError:
            raise self._timeout() from None

    def _timeout(self) -> QueryTimeoutError:
        return QueryTimeoutError(
            f"the call took longer than {self._limits.deadline:g} s and was ended: read fewer data, or try again when"
            " fewer queries run"
        )


class _Session:
    """A query session that another thread may cancel at any time."""

    def __init__(self, address: WarehouseAddress, limits: ServerLimits, rows: int) -> None:
        self._address = address
        self._limits = limits.query(rows)
        self._guard = threading.Lock()
        self._session: QuerySession | None = None
        self._is_cancelled = False

    def run(self, work: Callable[[QuerySession], _Value]) -> _Value:
        with closing(QuerySession()) as session:
            with self._guard:
                self._session = session
                if self._is_cancelled:
                    raise PipelineError("the call was cancelled")
            session.open(self._address, self._limits)
            return work(session)

    def cancel(self) -> None:
        with self._guard:
            self._is_cancelled = True
            if self._session is not None:
                self._session.cancel()
