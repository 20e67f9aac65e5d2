"""The process that executes queries: it reads one warehouse file and cannot write, open files or reach the network.

Two restrictions apply after the rules for statements. DuckDB is denied all files except the warehouse, which is already
open. And the operating system denies the process every further file descriptor, so that it can open no file and no
socket, whatever DuckDB executes; not with a lake, whose Parquet files each query opens. It cannot spill to disk either:
a query works within its memory limit.

:mod:`pipelines.warehouse.read.query_session` starts it and communicates over one pipe. Requests are pickled by that
process; results are sent back as JSON and Arrow, so that no content of a query is ever unpickled.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import signal
import sys
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

if __name__ == "__main__":
    # Arrow and DuckDB import these if they are installed, and need neither here. That takes half of the start-up, and
    # DuckDB would import pandas at the first parameter, when no file can be opened any more.
    for unused in ("numpy", "pandas"):
        sys.modules[unused] = None  # type: ignore[assignment]

import duckdb
import pyarrow as pa

from pipelines.errors import PipelineError, QueryMemoryError
from pipelines.text_format import file_size
from pipelines.unexpected_errors import summary
from pipelines.warehouse.file.session_settings import CONFINED
from pipelines.warehouse.opening import open_warehouse
from pipelines.warehouse.read.query import run_query
from pipelines.warehouse.read.query_types import ARROW, JSON, Limits, OpenRequest, QueryRequest, Result

_MEMORY, _DATA = Path("/proc/self/statm"), 5  # pages of memory; the position of those for data and stacks
_NO_MORE = (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE)


class _Warnings(logging.Handler):
    """Keeps the warnings about the warehouse, which the process that started this one logs."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one."""
        self.messages.append(record.getMessage())


def serve(channel: Connection) -> None:
    """Open the warehouse, restrict this process permanently, and execute one query after another.

    The channel sends an ``OpenRequest``, then a ``QueryRequest`` for each query; it ends the service when it is closed.
    """
    with suppress(EOFError, BrokenPipeError):
        request: OpenRequest = channel.recv()
        logging.getLogger("pipelines.warehouse").addHandler(warnings := _Warnings())
        try:
            warehouse = open_warehouse(request.address, lock_timeout=request.lock_timeout)
            with warehouse.reading_for_users() as connection:
                confine(connection, warehouse.confinement, request.limits.memory)
                limit_memory(request.limits.further_bytes)
                if not warehouse.opens_files:
                    deny_descriptors()
                _send(channel, {"warnings": warnings.messages})
                while True:
                    _answer(channel, connection, channel.recv(), request.limits)
        except PipelineError as error:
            _send_error(channel, error)
        except duckdb.Error as error:
            _send_error(channel, PipelineError(" ".join(str(error).split())))


def confine(
    connection: duckdb.DuckDBPyConnection, settings: Iterable[str] = CONFINED, memory: str | None = None
) -> None:
    """Deny a connection all files except its own, the network, and changes of settings."""
    if memory is not None:
        connection.execute(f"SET memory_limit = '{memory}'")
    for setting in settings:
        connection.execute(setting)


def deny_descriptors() -> None:
    """Deny this process further files and sockets, and writing to those that are open."""
    for limit in _NO_MORE:
        resource.setrlimit(limit, (0, 0))


def limit_memory(further: int | None) -> None:
    """Deny this process more memory than it has now, and that number of bytes; only Linux knows what it has."""
    if further is not None and _MEMORY.exists():
        pages = int(_MEMORY.read_text().split()[_DATA])
        limit = pages * resource.getpagesize() + further
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _answer(channel: Connection, connection: duckdb.DuckDBPyConnection, request: QueryRequest, limits: Limits) -> None:
    """Send the columns, the schema, each batch and the end, or an error at any point."""
    try:
        result = run_query(connection, request.sql, request.params, limits.rows_at_once)
        _send(channel, {"columns": [[column.name, column.type] for column in result.columns]})
        channel.send_bytes(result.schema.serialize().to_pybytes() + ARROW)
        _send_batches(channel, result, limits.result_bytes)
        _send(channel, {"end": True})
    except PipelineError as error:
        _send_error(channel, error)
    except MemoryError:
        _send_error(channel, QueryMemoryError("the query needs more memory than it may use"))
    except Exception as error:
        if isinstance(error, (EOFError, BrokenPipeError)):
            raise
        _send_error(channel, PipelineError(f"the query cannot be answered: {summary(error)}"))


def _send_batches(channel: Connection, result: Result, most: int | None) -> None:
    """Send each batch as a separate Arrow stream, because the batches of an enum contain its values."""
    sent = 0
    for batch in result.batches:
        sent += batch.nbytes
        if most is not None and sent > most:
            raise PipelineError(f"the result has more than {file_size(most)}: select fewer columns or shorter values")
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as stream:
            stream.write_batch(batch)
        sink.write(ARROW)
        channel.send_bytes(sink.getvalue())


def _send(channel: Connection, message: Mapping[str, object]) -> None:
    channel.send_bytes(json.dumps(message).encode() + JSON)


def _send_error(channel: Connection, error: PipelineError) -> None:
    _send(channel, {"error": type(error).__name__, "message": error.message})


def _end_with_parent() -> None:
    """Wait until the parent closes its end of standard input, at the latest when it ends, then exit at once."""
    os.read(0, 1)
    os._exit(0)


def main() -> None:
    """Serve on the file descriptor in the first argument."""
    # Ctrl-C reaches every process of a terminal; the parent decides when this one ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="parent watch", daemon=True).start()
    serve(Connection(int(sys.argv[1])))
    os._exit(0)


if __name__ == "__main__":
    main()
