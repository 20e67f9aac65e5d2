"""Write JSON: an array of objects, one object per line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa

from pipelines.errors import PipelineError
from pipelines.warehouse.read.query_types import Result
from pipelines.warehouse.read.value_text import encode_json, exact_text, json_values


def write_json(result: Result, stream: BinaryIO) -> None:
    """Write a result batch by batch."""
    lead = b"[\n"
    for row in _rows(result):
        stream.write(lead + encode_json(row))
        lead = b",\n"
    stream.write(b"[]\n" if lead == b"[\n" else b"\n]\n")


def _rows(result: Result) -> Iterator[dict[str, Any]]:
    names = [column.name for column in result.columns]
    for batch in result.batches:
        columns = [_values(name, column) for name, column in zip(names, batch.columns, strict=True)]
        for values in zip(*columns, strict=True):
            yield dict(zip(names, values, strict=True))


def _values(name: str, column: pa.Array) -> list[Any]:
    if pa.types.is_temporal(column.type):
        return list(exact_text(column).to_pylist())
    try:
        return json_values(column)
    except PipelineError:
        raise PipelineError(f"column {name} holds a time that JSON cannot show: CAST it AS VARCHAR") from None
