"""A warehouse whose process crashes at a commit, just before or just after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import duckdb

from pipelines.lake_address import LakeAddress
from pipelines.warehouse.file.connection import Warehouse, WriteSession
from pipelines.warehouse.lake.connection import LakeWarehouse
from tests.warehouses import address_at


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


class _OpenedOnce(Warehouse):
    """A warehouse that is opened once for all processes of an example."""

    opened: list[duckdb.DuckDBPyConnection]
    crash_point: CrashPoint

    def _opened_anew(self) -> duckdb.DuckDBPyConnection:
        raise NotImplementedError

    def _connection(self) -> duckdb.DuckDBPyConnection:
        self.crash_point.check()
        if not self.opened:
            self.opened.append(self._opened_anew())
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
        """Close it after all processes."""
        for connection in self.opened:
            connection.close()
        self.opened.clear()


@dataclass(frozen=True)
class CrashingFile(_OpenedOnce):
    """A warehouse file."""

    opened: list[duckdb.DuckDBPyConnection] = field(default_factory=list)
    crash_point: CrashPoint = field(default_factory=CrashPoint)

    def _opened_anew(self) -> duckdb.DuckDBPyConnection:
        return self._opened_for_writing()


class CrashingLake(_OpenedOnce, LakeWarehouse):
    """A lake."""

    def __init__(self, address: LakeAddress, opened: list[duckdb.DuckDBPyConnection], crash_point: CrashPoint) -> None:
        LakeWarehouse.__init__(self, address)
        object.__setattr__(self, "opened", opened)
        object.__setattr__(self, "crash_point", crash_point)

    def exists(self) -> bool:
        """Whether it was opened; else as in the base class."""
        return bool(self.opened) or LakeWarehouse.exists(self)

    def _opened_anew(self) -> duckdb.DuckDBPyConnection:
        return self._attached(read_only=False)


def crashing_warehouse(
    path: Path, opened: list[duckdb.DuckDBPyConnection] | None = None, crash_point: CrashPoint | None = None
) -> CrashingFile | CrashingLake:
    """The warehouse at a path, for a process that crashes.

    Args:
        path: path of the warehouse.
        opened: the connection of earlier processes of the example; None for the first one.
        crash_point: the commit at which the process crashes; None if it does not crash.
    """
    address, opened = address_at(path), [] if opened is None else opened
    if isinstance(address, LakeAddress):
        return CrashingLake(address, opened, crash_point or CrashPoint())
    return CrashingFile(path, opened=opened, crash_point=crash_point or CrashPoint())
