"""Execute one statement that only reads, and return its result as Arrow batches.

Which statements are allowed: :mod:`pipelines.warehouse.read.statement_rules`. SQL that a user wrote is executed in a
process of its own: :mod:`pipelines.warehouse.read.query_session`. How a result is printed or written does not
belong here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import duckdb
import pyarrow as pa

from pipelines.errors import PipelineError, QueryMemoryError, UsageError
from pipelines.warehouse.file.interruptible import run_interruptible
from pipelines.warehouse.read.query_result import Column, Result
from pipelines.warehouse.read.statement_rules import reading_statement

ROWS_A_BATCH = 10_000

_TROUBLED = re.compile(r"\b(UHUGEINT|BIT|BIGNUM|UNION|VARIANT|TIME WITH TIME ZONE)\b")
"""Types of which Arrow does not tell the value."""


def run_query(connection: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, object] | None = None) -> Result:
    """The result of one reading statement.

    Args:
        connection: open for reading; what it may do beyond that was limited before.
        sql: one statement.
        values: of its named parameters.

    Raises:
        UsageError: the text is not one statement that only reads.
        QueryMemoryError: the memory limit is too low for it.
        PipelineError: DuckDB refuses it; the message is DuckDB's.
    """
    try:
        statement = reading_statement(connection, sql)
        run_interruptible(connection, lambda: connection.execute(statement, dict(values or {})))
        columns = _columns(connection)
        reader = connection.to_arrow_reader(ROWS_A_BATCH)
    except (duckdb.Error, pa.ArrowException) as error:
        raise _refusal(error) from None
    names = [column.name for column in columns]
    return Result(
        columns,
        pa.schema([f.with_name(n) for f, n in zip(reader.schema, names, strict=True)]),
        _read(connection, reader),
    )


def _columns(connection: duckdb.DuckDBPyConnection) -> tuple[Column, ...]:
    columns: list[Column] = []
    taken: set[str] = set()
    for name, kind, *_ in connection.description or ():
        if _TROUBLED.search(str(kind)):
            raise UsageError(f"column {name} is of type {kind}, which only DuckDB can show: CAST it AS VARCHAR")
        columns.append(Column(_free(name, taken), str(kind)))
    return tuple(columns)


def _free(name: str, taken: set[str]) -> str:
    """The name, numbered where an earlier column has it."""
    number, free = 1, name
    while free.casefold() in taken:
        free = f"{name}_{number}"
        number += 1
    taken.add(free.casefold())
    return free


def _read(connection: duckdb.DuckDBPyConnection, reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    try:
        while (batch := run_interruptible(connection, lambda: next(reader, None))) is not None:
            yield batch
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        raise _refusal(error) from None


_ADVICE = re.compile(
    r"\s*(LINE \d+:|Possible solutions|Database is launched|Use \"SET|This limit was set).*", re.DOTALL
)
"""Where DuckDB's words go over to an excerpt of the statement, or to settings that a query cannot change."""


def _refusal(error: Exception) -> PipelineError:
    """DuckDB's words in one line, without its advice."""
    words = " ".join(_ADVICE.sub("", str(error)).split())
    if isinstance(error, duckdb.OutOfMemoryException) or words.startswith("Out of Memory Error"):
        return QueryMemoryError(f"the query needs more memory than it may use: {words}")
    if isinstance(error, duckdb.PermissionException):
        return PipelineError("a query reads the warehouse alone: it has no access to files, the network and settings")
    return PipelineError(words)
