"""The process that executes queries: it reads one warehouse file and cannot write, open files or reach the network.

Two walls stand behind the rules for statements. DuckDB itself is denied all files but the warehouse, which is open
already. And the operating system denies the process every further file descriptor, so that it can open no file and no
socket, whatever DuckDB is made to do. Spilling to disk is denied with it: a query works within its memory limit.

It is started by :mod:`pipelines.warehouse.read.query_session` and speaks to it over one pipe: requests come pickled
from the process that started it, answers go back as JSON and Arrow, so that nothing of a query is ever unpickled.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.connection import Connection

if __name__ == "__main__":
    # Arrow and DuckDB load these where they are installed, and need neither here. It takes half of the start, and
    # DuckDB would load pandas with the first parameter, when no file can be opened any more.
    for unused in ("numpy", "pandas"):
        sys.modules[unused] = None  # type: ignore[assignment]

import duckdb
import pyarrow as pa

from pipelines.errors import PipelineError
from pipelines.unexpected_errors import summary
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.file.session_settings import CONFINED
from pipelines.warehouse.read.query import run_query
from pipelines.warehouse.read.query_messages import ARROW, JSON, OpenRequest, QueryRequest
from pipelines.warehouse.read.query_result import Result

_NO_MORE = (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE)


def serve(channel: Connection) -> None:
    """Open the warehouse, confine this process for good, and answer one question after the other.

    Args:
        channel: gives an ``Opening``, then a ``Question`` for each query, and ends the service when it is closed.
    """
    with suppress(EOFError, BrokenPipeError):
        opening: OpenRequest = channel.recv()
        try:
            with Warehouse(opening.path, lock_timeout=opening.lock_timeout).reading() as connection:
                confine(connection, opening.memory)
                deny_descriptors()
                _send(channel, {"ready": True})
                while True:
                    _answer(channel, connection, channel.recv())
        except PipelineError as error:
            _send_error(channel, error)
        except duckdb.Error as error:
            _send_error(channel, PipelineError(" ".join(str(error).split())))


def confine(connection: duckdb.DuckDBPyConnection, memory: str | None = None) -> None:
    """Deny a connection all files but the one that it has open, the network, and every further setting."""
    if memory is not None:
        connection.execute(f"SET memory_limit = '{memory}'")
    for setting in CONFINED:
        connection.execute(setting)


def deny_descriptors() -> None:
    """Deny this process every further file and socket, and every byte in those that it has open."""
    for limit in _NO_MORE:
        resource.setrlimit(limit, (0, 0))


def _answer(channel: Connection, connection: duckdb.DuckDBPyConnection, question: QueryRequest) -> None:
    """Send the columns, the schema, each batch, and the end; or the error, whenever it occurs."""
    try:
        result = run_query(connection, question.sql, question.values)
        _send(channel, {"columns": [[column.name, column.type] for column in result.columns]})
        channel.send_bytes(ARROW + result.schema.serialize().to_pybytes())
        _send_batches(channel, result)
        _send(channel, {"end": True})
    except PipelineError as error:
        _send_error(channel, error)
    except Exception as error:
        if isinstance(error, (EOFError, BrokenPipeError)):
            raise
        _send_error(channel, PipelineError(f"the query cannot be answered: {summary(error)}"))


def _send_batches(channel: Connection, result: Result) -> None:
    """Each batch as an Arrow stream of its own: those of an enum carry its words."""
    for batch in result.batches:
        sink = pa.BufferOutputStream()
        sink.write(ARROW)
        with pa.ipc.new_stream(sink, batch.schema) as stream:
            stream.write_batch(batch)
        channel.send_bytes(sink.getvalue())


def _send(channel: Connection, message: Mapping[str, object]) -> None:
    channel.send_bytes(JSON + json.dumps(message).encode())


def _send_error(channel: Connection, error: PipelineError) -> None:
    _send(channel, {"error": type(error).__name__, "message": error.message})


def _end_with_parent() -> None:
    """Wait until the parent closes its end of standard input, by its own end if by nothing else, and end at once."""
    os.read(0, 1)
    os._exit(0)


def main() -> None:
    """Serve on the file descriptor that the first argument names."""
    # Ctrl-C reaches every process of a terminal; the parent decides what becomes of this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="parent watch", daemon=True).start()
    serve(Connection(int(sys.argv[1])))
    os._exit(0)


if __name__ == "__main__":
    main()
