"""Execute one statement that only reads, and return its result as Arrow batches.

Which statements are allowed: :mod:`pipelines.warehouse.read.statement_rules`. SQL that a user wrote is executed in a
separate process: :mod:`pipelines.warehouse.read.query_session`. Output formats do not belong here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import duckdb
import pyarrow as pa

from pipelines.errors import PipelineError, QueryMemoryError, UsageError
from pipelines.warehouse.arrow_results import arrow_result
from pipelines.warehouse.file.interruptible import run_interruptible
from pipelines.warehouse.read.hints.unknown_names import unknown_name
from pipelines.warehouse.read.query_types import Column, Limits, Result
from pipelines.warehouse.read.statement_rules import reading_statement

_UNSUPPORTED = re.compile(r"\b(UHUGEINT|BIT|BIGNUM|UNION|VARIANT|TIME WITH TIME ZONE)\b")
"""DuckDB types whose values Arrow does not represent."""

_ADVICE = re.compile(
    r"\s*(LINE \d+:|Possible solutions|Database is launched|Use \"SET|This limit was set).*", re.DOTALL
)
"""The end of DuckDB's messages: an excerpt of the statement, or settings that a query cannot change."""


_LINE = re.compile(r"^LINE (\d+): ", re.MULTILINE)


def run_query(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    params: Mapping[str, object] | None = None,
    rows_at_once: int = Limits.rows_at_once,
) -> Result:
    """The result of one statement that only reads, on a connection whose further rights were restricted before.

    Its batches have at most ``rows_at_once`` rows.

    Raises:
        UsageError: the text is not one statement that only reads.
        QueryMemoryError: the memory limit is too low for it.
        PipelineError: DuckDB reports an error; the message is DuckDB's, or suggests names of tables or columns.
    """
    try:
        statement = reading_statement(connection, sql)
        result = run_interruptible(connection, lambda: arrow_result(connection, statement, params))
        columns = _columns(result.description)
        reader = run_interruptible(connection, lambda: result.to_arrow_reader(rows_at_once))
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        unknown = unknown_name(connection, sql, error)
        raise (PipelineError(unknown) if unknown else _query_error(error)) from None
    except (duckdb.Error, pa.ArrowException) as error:
        raise _query_error(error) from None
    fields = (field.with_name(column.name) for field, column in zip(reader.schema, columns, strict=True))
    return Result(columns, pa.schema(fields), _batches(connection, reader))


def _columns(description: Iterable[Sequence[object]] | None) -> tuple[Column, ...]:
    columns: list[Column] = []
    taken: set[str] = set()
    for name, kind, *_ in description or ():
        if _UNSUPPORTED.search(str(kind)):
            raise UsageError(f"column {name} is of type {kind}, which only DuckDB can show: CAST it AS VARCHAR")
        columns.append(Column(_unique(str(name), taken), str(kind)))
    return tuple(columns)


def _unique(name: str, taken: set[str]) -> str:
    """The name, with a number if an earlier column has it."""
    number, unique = 1, name
    while unique.casefold() in taken:
        unique = f"{name}_{number}"
        number += 1
    taken.add(unique.casefold())
    return unique


def _batches(connection: duckdb.DuckDBPyConnection, reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    try:
        while (batch := run_interruptible(connection, lambda: next(reader, None))) is not None:
            yield batch
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        raise _query_error(error) from None
    finally:
        reader.close()  # DuckDB 2 executes nothing else on the connection before


def _query_error(error: Exception) -> PipelineError:
    """DuckDB's message in one line, without its advice, after the number of the statement's line."""
    message = " ".join(_ADVICE.sub("", str(error)).split())
    if isinstance(error, duckdb.OutOfMemoryException) or message.startswith("Out of Memory Error"):
        return QueryMemoryError(f"the query needs more memory than it may use: {message}")
    if isinstance(error, duckdb.PermissionException):
        return PipelineError("a query reads the warehouse alone: it has no access to files, the network and settings")
    return PipelineError(f"{_place(error)}{message}")


def _place(error: Exception) -> str:
    """The beginning of a message about a line of a statement; empty for the first one, which may be the only one."""
    found = _LINE.search(str(error))
    return f"line {found[1]}: " if found and found[1] != "1" else ""
