"""Asking the warehouse in SQL of others: one question, no file, no network, nothing changed.

How an answer is printed or written to a file does not belong here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from pipelines.errors import PipelineError, UsageError
from pipelines.warehouse.connection import Warehouse, interruptibly

ROWS_A_BATCH = 10_000

_TROUBLED = re.compile(r"\b(UHUGEINT|BIT|BIGNUM|UNION|VARIANT|TIME WITH TIME ZONE)\b")
"""Types of which Arrow does not tell the value."""


@dataclass(frozen=True)
class Column:
    """A column of a result: its name, which no other column of the result has, and its type in DuckDB's words."""

    name: str
    type: str


@dataclass(frozen=True)
class Result:
    """An answer, which is read as it is computed.

    Args:
        columns: in their order.
        schema: of the batches; UUIDs are text.
        batches: the rows; to be read once, while the warehouse is open.
    """

    columns: tuple[Column, ...]
    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]


@contextmanager
def answered(warehouse: Warehouse, sql: str, values: Mapping[str, object] | None = None) -> Iterator[Result]:
    """The answer to one SELECT.

    Args:
        warehouse: it is opened for reading, and closed at the end.
        sql: anything that only reads: SELECT, FROM, WITH, PIVOT, DESCRIBE, SHOW, SUMMARIZE, EXPLAIN.
        values: of the statement's named parameters.

    Raises:
        UsageError: the text is not one statement that only reads.
        PipelineError: DuckDB refuses it; the message is DuckDB's.
    """
    with warehouse.reading(locked=True) as connection:
        yield ask(connection, sql, values)


def ask(connection: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, object] | None = None) -> Result:
    """As ``answered``, on a connection that is open for reading and locked."""
    try:
        _check(connection, sql)
        interruptibly(connection, lambda: connection.execute(sql, dict(values or {})))
        columns = _columns(connection)
        reader = connection.to_arrow_reader(ROWS_A_BATCH)
    except duckdb.Error as error:
        raise PipelineError(_in_one_line(error)) from None
    names = [column.name for column in columns]
    return Result(
        columns,
        pa.schema([f.with_name(n) for f, n in zip(reader.schema, names, strict=True)]),
        _read(connection, reader),
    )


def _check(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Refuse what is not one reading statement; DuckDB takes a PIVOT apart into several without a text."""
    statements = connection.extract_statements(sql)
    reading = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
    asking = [each for each in statements if each.type in reading]
    others = [each for each in statements if each.type not in reading and each.query]
    if others:
        kind = str(others[0].type).rpartition(".")[2]
        raise UsageError(f"a query only reads: {kind} is refused, and nothing was changed")
    if len(asking) != 1:
        raise UsageError(f"a query is one SELECT, not {len(asking) or 'nothing'}")


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
        while (batch := interruptibly(connection, lambda: next(reader, None))) is not None:
            yield batch
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        raise PipelineError(_in_one_line(error)) from None


def _in_one_line(error: Exception) -> str:
    """DuckDB's words without the excerpt of the statement."""
    words = str(error).partition("\nLINE ")[0]
    return " ".join(words.split())
