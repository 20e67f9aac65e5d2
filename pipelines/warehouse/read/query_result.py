"""The result of a query: its columns, and its rows as Arrow batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


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
