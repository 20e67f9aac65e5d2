"""The data types of queries: requests to the process that executes them, and results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.lake_address import WarehouseAddress

if TYPE_CHECKING:
    import pyarrow as pa

JSON, ARROW = b"J", b"A"
"""The last byte of a message from the process: the format of the rest. As the first byte, it would move the buffers of
Arrow away from the addresses at which Arrow expects them."""


@dataclass(frozen=True)
class Limits:
    """The limits of one query; None for no limit."""

    seconds: float | None = None  # from its start until its last row is read, by a slow reader too
    memory: str | None = None  # as DuckDB reads it, such as ``4GB``; None for its default, 80 % of the machine's memory
    further_bytes: int | None = None  # of memory of the process after it opened the file; DuckDB does not count all
    result_bytes: int | None = None  # of all rows together
    rows_at_once: int = 10_000  # that the process holds while it sends them


@dataclass(frozen=True)
class OpenRequest:
    """Open a warehouse."""

    address: WarehouseAddress  # the absolute path of the warehouse file, or a lake
    lock_timeout: float  # seconds to wait while another process writes it
    limits: Limits


@dataclass(frozen=True)
class QueryRequest:
    """Execute one statement with its named parameters."""

    sql: str
    params: Mapping[str, object]


@dataclass(frozen=True)
class Column:
    """A column of a result: its name, which is unique in the result, and its DuckDB type."""

    name: str
    type: str


@dataclass(frozen=True)
class Result:
    """A result that is computed while it is read."""

    columns: tuple[Column, ...]  # name and type of each column, in order
    schema: pa.Schema  # Arrow schema of the batches; UUIDs are text
    batches: Iterator[pa.RecordBatch]  # the rows, to be read once, while the warehouse is open
    has_cents: bool = False  # whether CSV writes decimals without zeros after their second place, as money is written
