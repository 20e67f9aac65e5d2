"""Rows that the program makes itself, in the formats of query results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.warehouse.read.query_types import Result

TEXT, NUMBER, DECIMAL, BOOLEAN = "VARCHAR", "BIGINT", "DOUBLE", "BOOLEAN"
TIME, LIST = "TIMESTAMP WITH TIME ZONE", "VARCHAR[]"
"""DuckDB's types of the columns."""


def result_of(columns: Mapping[str, str], rows: Iterable[Mapping[str, Any]]) -> Result:
    """Rows as the result of a query.

    Args:
        columns: the type of each column by its name, one of those above.
        rows: the values by column; a column without a value is null.
    """
    import pyarrow as pa

    from pipelines.warehouse.read.query_types import Column, Result

    kinds = {
        TEXT: pa.string(),
        NUMBER: pa.int64(),
        DECIMAL: pa.float64(),
        BOOLEAN: pa.bool_(),
        TIME: pa.timestamp("us", "UTC"),
        LIST: pa.list_(pa.string()),
    }
    schema = pa.schema([(name, kinds[kind]) for name, kind in columns.items()])
    batch = pa.RecordBatch.from_pylist([{name: row.get(name) for name in columns} for row in rows], schema)
    return Result(tuple(Column(name, kind) for name, kind in columns.items()), schema, iter([batch]))
