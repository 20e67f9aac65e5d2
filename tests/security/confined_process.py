"""A process with the confinement of the query process, but without its rules for statements: it executes any SQL."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from pathlib import Path

import duckdb

from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.read.query_process import confine, deny_descriptors

_SECONDS = 10.0


@dataclass
class ConfinedProcess:
    """Executes statements in a process, which is started again after a statement ended it.

    Args:
        warehouse: path of the database file.
        folder: working directory of the process.
        environment: environment variables of the process.
    """

    warehouse: Path
    folder: Path
    environment: Mapping[str, str]

    def __post_init__(self) -> None:
        self.ended = 0
        self._start()

    def execute(self, sql: str) -> str:
        """The result of a statement: ``rows``, DuckDB's error, or ``ended``."""
        self._channel.send_bytes(sql.encode())
        try:
            if self._channel.poll(_SECONDS):
                return self._channel.recv_bytes().decode()
        except (EOFError, ConnectionError):
            pass
        self.close()
        self.ended += 1
        self._start()
        return "ended"

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._channel.close()

    def _start(self) -> None:
        self._channel, child_end = Pipe()
        with child_end:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.security.confined_process", str(child_end.fileno()), str(self.warehouse)],
                cwd=self.folder,
                env=dict(self.environment),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(child_end.fileno(),),
            )
        assert self._channel.recv_bytes() == b"ready"


def _serve(channel: Connection, warehouse: Path) -> None:
    with Warehouse(warehouse).reading() as connection:
        confine(connection)
        deny_descriptors()
        channel.send_bytes(b"ready")
        while True:
            channel.send_bytes(_result_of(connection, channel.recv_bytes().decode()).encode())


def _result_of(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    try:
        connection.execute(sql).fetchmany(10)
    except (duckdb.Error, RuntimeError, UnicodeError) as error:
        return f"{type(error).__name__}: {error}"
    return "rows"


if __name__ == "__main__":
    _serve(Connection(int(sys.argv[1])), Path(sys.argv[2]))
