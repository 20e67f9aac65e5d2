"""The result of a query as a pandas frame with Arrow types, which keep decimals, NULL and times exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import pyarrow as pa

from pipelines.warehouse.read.query_types import Result
from pipelines.warehouse.read.value_text import exact_text


def frame_of(result: Result) -> pd.DataFrame:
    """All rows of a result. UUIDs, enums and intervals are text; times are in UTC."""
    schema = pa.schema([pa.field(each.name, _plain(each.type)) for each in result.schema])
    batches = [
        pa.RecordBatch.from_arrays(
            [_cast(column, each.type) for column, each in zip(batch.columns, schema, strict=True)], schema=schema
        )
        for batch in result.batches
    ]
    return frame_of_table(pa.Table.from_batches(batches, schema))


def frame_of_rows(rows: Sequence[Mapping[str, object]], kinds: Mapping[str, pa.DataType]) -> pd.DataFrame:
    """Rows that the program made itself, with the given columns and types."""
    return frame_of_table(pa.Table.from_pylist(rows, pa.schema(list(kinds.items()))))


def frame_of_table(table: pa.Table) -> pd.DataFrame:
    """The rows of an Arrow table, with its types."""
    frame: pd.DataFrame = table.to_pandas(types_mapper=pd.ArrowDtype)
    return frame


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type of an enum's values, because each batch of an enum has its own; text for an interval; else the same."""
    if pa.types.is_interval(kind):  # pandas cannot show it
        return pa.string()
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _cast(column: pa.Array, kind: pa.DataType) -> pa.Array:
    return exact_text(column) if pa.types.is_interval(column.type) else column.cast(kind)
