"""A warehouse whose process crashes at a commit, just before or just after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import duckdb

from pipelines.warehouse.file.connection import Warehouse, WriteSession


class Crashed(BaseException):
    """The process ended here."""


@dataclass
class CrashPoint:
    """The commit at which a process crashes.

    Args:
        commits: number of commits before the crash; None for a process that does not crash.
        after: whether the last commit is completed before the crash.
    """

    commits: int | None = None
    after: bool = False
    crashed: bool = False

    def check(self) -> None:
        """Raise if the process has crashed."""
        if self.crashed:
            raise Crashed

    def crash(self) -> None:
        """End the process."""
        self.crashed = True
        raise Crashed


@dataclass
class CrashingConnection:
    """A DuckDB connection that fails after the crash."""

    connection: duckdb.DuckDBPyConnection
    crash_point: CrashPoint

    def execute(self, sql: str, *positional: object, **named: object) -> duckdb.DuckDBPyConnection:
        """Execute a statement; a crash rolls back the open transaction, as the next process would."""
        if sql == "ROLLBACK" and not self.crash_point.crashed:
            return self.connection.execute(sql)
        self.crash_point.check()
        if sql != "COMMIT" or self.crash_point.commits is None:
            return self.connection.execute(sql, *positional, **named)
        self.crash_point.commits -= 1
        if self.crash_point.commits < 0 and not self.crash_point.after:
            self.connection.execute("ROLLBACK")
            self.crash_point.crash()
        result = self.connection.execute(sql)
        if self.crash_point.commits < 0:
            self.crash_point.crash()
        return result

    def close(self) -> None:
        """Keep it open for the next process, because opening takes most of the time."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)


@dataclass(frozen=True)
class CrashingWarehouse(Warehouse):
    """The warehouse file, opened once for all processes of an example."""

    opened: list[duckdb.DuckDBPyConnection] = field(default_factory=list)
    crash_point: CrashPoint = field(default_factory=CrashPoint)

    def _connection(self) -> duckdb.DuckDBPyConnection:
        self.crash_point.check()
        if not self.opened:
            self.opened.append(self._opened_for_writing())
        return cast("duckdb.DuckDBPyConnection", CrashingConnection(self.opened[0], self.crash_point))

    @contextmanager
    def writing(self, session: WriteSession | None = None) -> Iterator[duckdb.DuckDBPyConnection]:  # noqa: ARG002 - as the base class
        """Yield the shared connection."""
        with self._in_use:
            yield self._connection()

    @contextmanager
    def reading(self, *, locked: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:  # noqa: ARG002 - as the base class
        """Yield the shared connection."""
        with self._in_use:
            yield self._connection()

    def close(self) -> None:
        """Close the file after all processes."""
        for connection in self.opened:
            connection.close()
        self.opened.clear()
