"""A warehouse whose process dies at a commit, just before or just after it, and writes nothing on its way out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import duckdb

from pipelines.warehouse.file.connection import Warehouse, WriteSession


class Died(BaseException):
    """The process ended here."""


@dataclass
class Life:
    """How long a process lives.

    Args:
        commits: that come about before the last one; None for a process that does not die.
        after: whether the last commit still comes about.
    """

    commits: int | None = None
    after: bool = False
    dead: bool = False

    def check(self) -> None:
        """A dead process does nothing."""
        if self.dead:
            raise Died

    def end(self) -> None:
        """Die."""
        self.dead = True
        raise Died


@dataclass
class MortalConnection:
    """A connection of DuckDB's that ends with the process."""

    connection: duckdb.DuckDBPyConnection
    life: Life

    def execute(self, sql: str, *values: object, **named: object) -> duckdb.DuckDBPyConnection:
        """As of DuckDB; what a dead process has not committed is undone, as by the next one that opens the file."""
        if sql == "ROLLBACK" and not self.life.dead:
            return self.connection.execute(sql)
        self.life.check()
        if sql != "COMMIT" or self.life.commits is None:
            return self.connection.execute(sql, *values, **named)
        self.life.commits -= 1
        if self.life.commits < 0 and not self.life.after:
            self.connection.execute("ROLLBACK")
            self.life.end()
        done = self.connection.execute(sql)
        if self.life.commits < 0:
            self.life.end()
        return done

    def close(self) -> None:
        """It stays open for the next process: opening takes longer than everything else."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)


@dataclass(frozen=True)
class MortalWarehouse(Warehouse):
    """The file, opened once for all processes of an example."""

    opened: list[duckdb.DuckDBPyConnection] = field(default_factory=list)
    life: Life = field(default_factory=Life)

    def _mortal(self) -> duckdb.DuckDBPyConnection:
        self.life.check()
        if not self.opened:
            self.opened.append(self._opened_for_writing())
        return cast("duckdb.DuckDBPyConnection", MortalConnection(self.opened[0], self.life))

    @contextmanager
    def writing(self, session: WriteSession | None = None) -> Iterator[duckdb.DuckDBPyConnection]:  # noqa: ARG002 - as of the base class
        """As of the base class."""
        with self._in_use:
            yield self._mortal()

    @contextmanager
    def reading(self, *, locked: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:  # noqa: ARG002 - for the same look
        """As of the base class."""
        with self._in_use:
            yield self._mortal()

    def close(self) -> None:
        """End all processes."""
        for connection in self.opened:
            connection.close()
        self.opened.clear()
