"""Write Parquet with the types of the warehouse. Arrow writes it, because a locked DuckDB cannot write files."""

from __future__ import annotations

import uuid
from typing import Any, BinaryIO

import pyarrow as pa
from pyarrow.parquet import ParquetWriter

from pipelines.warehouse.read.query_types import Column, Result
from pipelines.warehouse.read.value_text import exact_text


def write_parquet(result: Result, stream: BinaryIO) -> None:
    """Write a result batch by batch; UUIDs, which Arrow has as text, are written as UUIDs."""
    kinds = [_kind(column, field.type) for column, field in zip(result.columns, result.schema, strict=True)]
    names = [column.name for column in result.columns]
    schema = pa.schema(list(zip(names, kinds, strict=True)))
    with ParquetWriter(stream, schema, compression="zstd") as writer:
        for batch in result.batches:
            columns = [_typed(values, kind) for values, kind in zip(batch.columns, kinds, strict=True)]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))


def _kind(column: Column, kind: pa.DataType) -> pa.DataType:
    """The type in Parquet.

    Intervals, also nested ones, become text, because Parquet readers disagree about them, and so do structs without
    fields, which Parquet does not have.
    """
    if column.type == "UUID":
        return pa.uuid()
    if column.type == "UUID[]":
        return pa.list_(pa.uuid())
    if pa.types.is_dictionary(kind) or pa.types.is_null(kind) or _becomes_text(kind):
        return pa.string()
    return kind


def _becomes_text(kind: pa.DataType) -> bool:
    inner = (kind.field(index).type for index in range(kind.num_fields))
    is_empty = pa.types.is_struct(kind) and not kind.num_fields
    return is_empty or bool(pa.types.is_interval(kind)) or any(map(_becomes_text, inner))


def _typed(values: pa.Array, kind: pa.DataType) -> pa.Array:
    if kind == values.type:
        return values
    if kind == pa.uuid():
        return pa.ExtensionArray.from_storage(kind, pa.array(_uuid_list(values.to_pylist()), pa.binary(16)))
    if pa.types.is_list(kind):
        # Built from Python lists: values that a NULL list may have in Arrow would be assigned to its neighbours.
        return pa.array([_uuid_list(value) for value in values.to_pylist()], pa.list_(pa.binary(16))).cast(kind)
    return exact_text(values)


def _uuid_list(values: list[Any] | None) -> list[bytes | None] | None:
    return None if values is None else [value and uuid.UUID(value).bytes for value in values]
