"""A process with the walls of the query process, but without its rules for statements: it executes whatever it gets."""

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
    """Executes statements, and is started again when one has ended it.

    Args:
        warehouse: the file.
        folder: its working directory.
        environment: its environment.
    """

    warehouse: Path
    folder: Path
    environment: Mapping[str, str]

    def __post_init__(self) -> None:
        self.ended = 0
        self._start()

    def execute(self, sql: str) -> str:
        """What came of a statement: ``rows``, or DuckDB's error, or ``ended``."""
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
        self._channel, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.security.confined_process", str(theirs.fileno()), str(self.warehouse)],
                cwd=self.folder,
                env=dict(self.environment),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
            )
        assert self._channel.recv_bytes() == b"ready"


def _serve(channel: Connection, warehouse: Path) -> None:
    with Warehouse(warehouse).reading() as connection:
        confine(connection)
        deny_descriptors()
        channel.send_bytes(b"ready")
        while True:
            channel.send_bytes(_came_of(connection, channel.recv_bytes().decode()).encode())


def _came_of(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    try:
        connection.execute(sql).fetchmany(10)
    except (duckdb.Error, RuntimeError, UnicodeError) as error:
        return f"{type(error).__name__}: {error}"
    return "rows"


if __name__ == "__main__":
    _serve(Connection(int(sys.argv[1])), Path(sys.argv[2]))
